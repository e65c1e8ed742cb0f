"""The reference of the API families, server-rendered from their OpenAPI documents; it asks nothing of anybody outside."""

import importlib
from functools import lru_cache
from typing import Any

import orjson
from flask import Response
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from markupsafe import Markup, escape

from portal.api import openapi
from portal.api.rendering import dumps
from portal.errors import N_, Refusal
from portal.http import portal
from portal.web import blueprint, rendering

#: The families in the order of the page, with what they are for.
FAMILIES = {
    "brokerage": N_("Customers' apps: sign-up, identity check, trading, wallet, transfers."),
    "voucher": N_("Customers' apps and stores: vouchers, checkout, withdrawals, cards."),
    "partner": N_("Institutions that issue debit cards to their own customers."),
}


@lru_cache(maxsize=8)
def _text(name: str, server: str) -> bytes:
    """A family's document as JSON. Raises Refusal `not_found`."""
    if name not in FAMILIES:
        raise Refusal("not_found")
    importlib.import_module(f"portal.api.{name}.document")
    return dumps(openapi.document(name, server))


def _document(name: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(_text(name, portal().settings.public_url))
    return found


@blueprint.get("/docs")
def docs() -> ResponseReturnValue:
    """The three families."""
    rows = [
        {
            "name": name,
            "title": _document(name)["info"]["title"],
            "text": gettext(text),
            "paths": len(_document(name)["paths"]),
        }
        for name, text in FAMILIES.items()
    ]
    return rendering.page("docs/docs.html", families=rows)


@blueprint.get("/docs/<name>.json")
def docs_json(name: str) -> ResponseReturnValue:
    """A family's OpenAPI 3.1 document."""
    answer = Response(_text(name, portal().settings.public_url), mimetype="application/json")
    answer.headers["Cache-Control"] = "public, max-age=300"
    return answer


@blueprint.get("/docs/<name>")
def docs_family(name: str) -> ResponseReturnValue:
    """A family's reference."""
    found = _document(name)
    groups: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in found["tags"]}
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            groups[operation["tags"][0]].append(_shown(found, method, path, operation))
    return rendering.page(
        "docs/family.html", name=name, info=found["info"], server=found["servers"][0]["url"], groups=groups,
        intro=[marked(part) for part in found["info"]["description"].split("\n\n")],
    )  # fmt: skip


def _shown(found: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> dict[str, Any]:
    """One operation as the template wants it."""
    base = found["servers"][0]["url"].removeprefix(portal().settings.public_url)
    schemas = found["components"]["schemas"]
    fields = [
        {"name": one["name"], "place": one["in"], "type": type_of(one["schema"], schemas), "required": one["required"],
         "text": marked(one.get("description", ""))}
        for one in operation.get("parameters", [])
        if one["name"] != "Idempotency-Key"
    ]  # fmt: skip
    for kind, body in operation.get("requestBody", {}).get("content", {}).items():
        schema = body["schema"]
        place = "form" if kind.startswith("multipart") else "body"
        for name, one in schema.get("properties", {}).items():
            fields.append(
                {"name": name, "place": place, "type": type_of(one, schemas), "required": name in schema.get("required", []),
                 "text": marked(one.get("description", ""))}
            )  # fmt: skip
    success = operation["responses"]["200"]["content"]["application/json"]
    example = success["example"] if "example" in success else success["examples"]["success"]["value"]
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": f"{base}{path}",
        "summary": marked(operation["summary"]),
        "description": marked(operation.get("description", "")),
        "open": not operation["security"] or {} in operation["security"],
        "fields": fields,
        "example": orjson.dumps(example, option=orjson.OPT_INDENT_2).decode(),
        "errors": list(_errors(operation)),
    }


def marked(text: str) -> Markup:
    """A text in which `names` between backticks are set as code."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if at % 2 else escape(part) for at, part in enumerate(parts)
    )


def _errors(operation: dict[str, Any]) -> Any:
    for status, response in operation["responses"].items():
        content = response.get("content", {}).get("application/json", {})
        for code, example in content.get("examples", {}).items():
            if code != "success":
                said = example["value"]
                text = said.get("msg") or said.get("error", {}).get("message", "")
                yield {"status": status, "code": code, "text": text}


def type_of(schema: dict[str, Any], schemas: dict[str, Any]) -> str:
    """A schema in a few words: `string`, `integer or null`, `list of string`, or its allowed values."""
    if "$ref" in schema:
        return type_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(type_of(one, schemas) for one in schema["anyOf"]))
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {type_of(schema.get('items', {}), schemas)}"
    return " or ".join(kind) if isinstance(kind, list) else str(kind)
