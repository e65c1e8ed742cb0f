"""Reading requests strictly: JSON with exact decimals and no duplicate keys, and models that say which field is wrong."""

import json
from decimal import Decimal
from typing import Any, NoReturn, TypeVar

import orjson
from flask import Request
from pydantic import BaseModel, ConfigDict, ValidationError

from portal.errors import Refusal
from portal.money import AmountError, parse_decimal

#: A JSON body larger than this is refused unless the route says otherwise.
MAX_JSON_BYTES = 64 * 1024


class Model(BaseModel):
    """A request's parameters: strict types, unknown members ignored, text without NUL."""

    model_config = ConfigDict(strict=True, extra="ignore", str_max_length=4000, arbitrary_types_allowed=True)


M = TypeVar("M", bound=BaseModel)


class NotJson(ValueError):
    """The body is not JSON, or says one thing twice."""


def read_json(text: bytes) -> Any:
    """Parses JSON: numbers become int or Decimal, never float; NaN, Infinity and duplicate keys raise NotJson."""
    try:
        orjson.loads(text)  # bounds the depth by itself; json's bound moves with what the process has imported
        return _READER.decode(text.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise NotJson(str(error)) from error


def json_object(request: Request, *, max_bytes: int = MAX_JSON_BYTES, form_too: bool = False) -> dict[str, Any]:
    """The request's JSON object; {} when there is no body.

    With `form_too` a form body is read as well (text values). Raises Refusal `illegal_request` for another content type,
    `input_invalid` for anything but one JSON object of a sane size.
    """
    if request.content_length is not None and request.content_length > max_bytes:
        raise Refusal("input_invalid", field="body")
    if form_too and request.mimetype in ("application/x-www-form-urlencoded", "multipart/form-data"):
        request.get_data(cache=True)  # kept, so that the idempotency fingerprint covers a form as it does a JSON body
        return request.form.to_dict()
    body = request.get_data(cache=True)
    if not body:
        return {}
    if len(body) > max_bytes:
        raise Refusal("input_invalid", field="body")
    if request.mimetype != "application/json":
        raise Refusal("illegal_request", field="Content-Type")
    return object_of(body)


def object_of(body: bytes) -> dict[str, Any]:
    """A body's JSON object. Raises Refusal `input_invalid` for anything else."""
    try:
        parsed = read_json(body)
    except NotJson as error:
        raise Refusal("input_invalid", field="body") from error
    if not isinstance(parsed, dict):
        raise Refusal("input_invalid", field="body")
    return parsed


def into(model: type[M], values: dict[str, Any]) -> M:
    """Checks values against a model. Raises Refusal `input_missing` or `input_invalid` with the first bad field."""
    if any("\x00" in value for value in values.values() if isinstance(value, str)):
        bad = next(key for key, value in values.items() if isinstance(value, str) and "\x00" in value)
        raise Refusal("input_invalid", field=bad)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = _field_at(model, first["loc"])
        if first["type"] == "missing":
            raise Refusal("input_missing", field=field) from error
        raise Refusal("input_invalid", field=field) from error


def _field_at(model: type[BaseModel], place: tuple[int | str, ...]) -> str:
    """The dotted name a caller would know; which alternative of a type was tried is none of it."""
    names: list[str] = []
    known: Any = model
    for part in place:
        if known is None or part not in known.model_fields:
            break
        names.append(str(part))
        kind = known.model_fields[part].annotation
        known = kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None
    return ".".join(names) or "body"


def decimal_of(value: object, field: str) -> Decimal:
    """A plain number from a body or query. Raises Refusal `amount_invalid`."""
    try:
        return parse_decimal(value)
    except AmountError as error:
        raise Refusal("amount_invalid", field=field) from error


def _decimal(text: str) -> Decimal:
    if len(text) > 64:
        raise ValueError("number too long")
    return Decimal(text)


def _integer(text: str) -> int | Decimal:
    if len(text) > 32:
        raise ValueError("number too long")
    return Decimal(text) if text == "-0" else int(text)  # int would lose the sign that makes it no amount


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key is given twice")
    return members


_READER = json.JSONDecoder(parse_float=_decimal, parse_int=_integer, parse_constant=_refuse, object_pairs_hook=_unique)
