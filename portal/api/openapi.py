"""OpenAPI 3.1 documents of the API families, made of the very declarations by which the routes are served."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema

from portal.api.family import Family, Operation

Schema = dict[str, Any]

_PATH_VALUE = re.compile(r"<(?:(?P<kind>[a-z]+):)?(?P<name>\w+)>")

IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "maxLength": 200},
    "description": "A repeat with the same key and the same input gets the first answer again; kept for at least 24 hours.",
}


@dataclass(frozen=True)
class Problem:
    """One documented error: HTTP status, the family's code, and its text."""

    status: int
    code: str
    text: str


@dataclass(frozen=True)
class Dialect:
    """What a family adds to its operations: names, security, envelopes.

    `security` maps a route's auth mark to the schemes it takes; `success` wraps a payload's schema and example;
    `problem` explains an error name of a route, `failure` is the schema of every error.
    """

    title: str
    intro: tuple[str, ...]
    base: str
    schemes: dict[str, Schema]
    security: Callable[[str], list[dict[str, list[str]]]]
    success: Callable[[Schema, Any], tuple[Schema, Any]]
    problem: Callable[[str], Problem]
    failure: Schema
    say_problem: Callable[[Problem], Any]


FAMILIES: dict[str, tuple[tuple[Family[Any], ...], Dialect]] = {}


def publish(dialect: Dialect, *families: Family[Any]) -> None:
    """Puts families that share a dialect on `/docs`, under the first one's name."""
    FAMILIES[families[0].name] = (families, dialect)


def document(name: str, server: str) -> dict[str, Any]:
    """The OpenAPI document of a family; `server` is the portal's own address. Raises KeyError for an unknown family."""
    families, dialect = FAMILIES[name]
    operations = [operation for family in families for operation in family.operations]
    schemas: dict[str, Schema] = {"Error": dialect.failure}
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        path = _PATH_VALUE.sub(r"{\g<name>}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation, dialect, schemas)
    tags = dict.fromkeys(operation.tag for operation in operations)
    return {
        "openapi": "3.1.0",
        "info": {"title": dialect.title, "version": "1.0.0", "description": "\n\n".join(dialect.intro)},
        "servers": [{"url": f"{server}{dialect.base}"}],
        "tags": [{"name": tag} for tag in tags],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": dialect.schemes},
    }


def _operation(operation: Operation, dialect: Dialect, schemas: dict[str, Schema]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": operation.operation_id,
        "summary": operation.summary,
        "tags": [operation.tag],
        "security": dialect.security(operation.auth),
        "responses": _responses(operation, dialect),
    }
    if operation.description:
        made["description"] = operation.description
    parameters = _parameters(operation, schemas)
    if operation.method not in ("GET", "HEAD"):
        parameters.append(IDEMPOTENCY)
    if parameters:
        made["parameters"] = parameters
    if operation.body is not None:
        kind = "multipart/form-data" if operation.multipart else "application/json"
        schema = model_schema(operation.body, operation.operation_id, schemas)
        made["requestBody"] = {"required": True, "content": {kind: {"schema": schema}}}
    return made


def _parameters(operation: Operation, schemas: dict[str, Schema]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for match in _PATH_VALUE.finditer(operation.path):
        kind = "integer" if match["kind"] == "int" else "string"
        found.append({"name": match["name"], "in": "path", "required": True, "schema": {"type": kind}})
    if operation.query is not None:
        schema = model_schema(operation.query, operation.operation_id, schemas)
        required = schema.get("required", [])
        for name, one in schema.get("properties", {}).items():
            described = {"description": one["description"]} if "description" in one else {}
            found.append({"name": name, "in": "query", "required": name in required, "schema": one, **described})
    for name, told, required_too in operation.headers:
        schema = {"type": "string"}
        found.append({"name": name, "in": "header", "required": required_too, "schema": schema, "description": told})
    return found


def _responses(operation: Operation, dialect: Dialect) -> dict[str, Any]:
    schema, example = dialect.success(shape_of(operation.example), operation.example)
    content = {"application/json": {"schema": schema, "example": example}}
    made: dict[str, Any] = {"200": {"description": "Success", "content": content}}
    by_status: dict[int, list[Problem]] = {}
    for name in operation.errors:
        problem = dialect.problem(name)
        if problem not in by_status.setdefault(problem.status, []):
            by_status[problem.status].append(problem)
    for status, problems in sorted(by_status.items()):
        error = {
            "description": "; ".join(f"{problem.code} {problem.text}" for problem in problems),
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/Error"},
                    "examples": {problem.code: {"value": dialect.say_problem(problem)} for problem in problems},
                }
            },
        }
        made["200 error" if status == 200 else str(status)] = error
    if "200 error" in made:  # a family whose errors come with HTTP 200 too
        error = made.pop("200 error")
        made["200"]["description"] = f"Success, or an error: {error['description']}"
        both = [content["application/json"]["schema"], {"$ref": "#/components/schemas/Error"}]
        examples = {"success": {"value": example}, **error["content"]["application/json"]["examples"]}
        made["200"]["content"] = {"application/json": {"schema": {"anyOf": both}, "examples": examples}}
    return made


def model_schema(model: type[BaseModel], prefix: str, schemas: dict[str, Schema]) -> Schema:
    """The JSON schema of a request model; what it refers to goes into `schemas` under the operation's name."""
    try:
        schema = model.model_json_schema(ref_template=f"#/components/schemas/{prefix}.{{model}}")
    except PydanticInvalidForJsonSchema:
        return {"type": "object", "title": model.__name__}
    for name, one in schema.pop("$defs", {}).items():
        schemas[f"{prefix}.{name}"] = one
    return schema


def shape_of(example: Any) -> Schema:
    """The schema that an example has: types and keys; null admits anything."""
    if example is None:
        return {}
    if isinstance(example, dict):
        return {"type": "object", "properties": {str(key): shape_of(value) for key, value in example.items()}}
    if isinstance(example, (list, tuple)):
        return {"type": "array", "items": shape_of(example[0]) if example else {}}
    if isinstance(example, bool):
        return {"type": "boolean"}
    if isinstance(example, str):
        return {"type": "string"}
    return {"type": "integer"} if isinstance(example, int) else {"type": "number"}
