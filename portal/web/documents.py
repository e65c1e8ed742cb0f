"""Handing out a stored document so that it can do nothing: pictures to look at, PDFs only to keep."""

from collections.abc import Callable
from typing import ParamSpec

from flask import Response
from flask.typing import ResponseReturnValue

from portal.models.files import StoredFile

P = ParamSpec("P")

_NAMES = {"image/jpeg": "document.jpg", "image/png": "document.png", "application/pdf": "document.pdf"}


def inert(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """Gives a view's answers a policy under which nothing in them runs, loads or is framed."""
    options = {
        "content_security_policy": {"default-src": "'none'", "sandbox": "", "frame-ancestors": "'none'"},
        "content_security_policy_nonce_in": [],
    }
    vars(view)["talisman_view_options"] = options
    return view


def answer(file: StoredFile, content: bytes) -> Response:
    """The document as it was cleaned; a PDF as an attachment, never kept by anybody on the way."""
    found = Response(content, mimetype=file.media_type)
    how = "inline" if file.media_type in ("image/jpeg", "image/png") else "attachment"
    found.headers["Content-Disposition"] = f'{how}; filename="{_NAMES.get(file.media_type, "document.bin")}"'
    found.headers["X-Content-Type-Options"] = "nosniff"
    found.headers["Cache-Control"] = "private, no-store"
    found.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return found
