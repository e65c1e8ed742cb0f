"""Blocks that are asked for every second: what they show is known by a short mark, so that nothing is rendered in vain."""

from collections.abc import Callable

from flask import Response, g, request


def block(mark: object, render: Callable[[], str]) -> Response:
    """304 while the mark is the one the browser has (RFC 9110 §13), else the block, rendered now.

    The mark names all that the block shows, but the reader's language, which is added here.
    """
    answer = Response(mimetype="text/html")
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.set_etag(f"{mark}-{g.get('locale', '')}".replace('"', ""))
    answer.make_conditional(request)
    if answer.status_code != 304:
        answer.set_data(render())
    return answer
