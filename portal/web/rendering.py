"""Rendering pages and their blocks: a partial is a block of its page's own template, never a second copy."""

import hashlib
import re
from typing import Any

from flask import Response, current_app, render_template, request
from uuid_utils.compat import uuid7

_TOKEN = re.compile(r'name="csrf_token" value="[^"]*"')


def wants_partial() -> bool:
    """Whether htmx asks for a part of the page rather than for a whole one."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"


def page(template: str, block: str | None = None, status: int = 200, **facts: Any) -> Response:
    """The page, or only `block` of it when htmx asks for a part."""
    if block is not None and wants_partial():
        content = render_block(template, block, **facts)
    else:
        content = render_template(template, **facts)
    answer = Response(content, status, mimetype="text/html")
    answer.vary.add("HX-Request")
    return answer


def render_block(template: str, block: str, **facts: Any) -> str:
    """One block of a template, with what every template knows. Macros must be imported inside the block."""
    found = current_app.jinja_env.get_template(template)
    context: dict[str, Any] = dict(facts)
    current_app.update_template_context(context)
    return "".join(found.blocks[block](found.new_context(context)))


def polled(content: str) -> Response:
    """A block that is asked for again and again: 304 without a body while nothing has changed (RFC 9110 §13)."""
    answer = Response(content, mimetype="text/html")
    same = _TOKEN.sub("", content)  # a form's token is another one every second and serves as long as its session
    answer.set_etag(hashlib.sha256(same.encode()).hexdigest()[:32])
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.make_conditional(request)
    return answer


def form_key() -> str:
    """A fresh idempotency key for the hidden field of a form that moves money."""
    return str(uuid7())
