"""A service's refusal as the messages of a form: beside its field, or on top when it belongs to none."""

from flask import request
from flask_babel import gettext

from portal.errors import Refusal


def of(refusal: Refusal, **fields: str) -> dict[str, str]:
    """`{field: message}` in the reader's language; `fields` maps the service's field names to the form's."""
    field = refusal.field or ""
    return {fields.get(field, field): gettext(refusal.message)}


def typed(*names: str) -> dict[str, str]:
    """What was typed into text fields, cut to a sane length and without NUL, for the service and for showing again."""
    return {name: request.form.get(name, "")[:4000].replace("\x00", "\ufffd") for name in names}
