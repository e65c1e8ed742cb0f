"""How an API family serves its routes: authenticate, parse, call one service in one transaction, render, translate refusals.

A family supplies how it authenticates and how it says answers and errors; routes are declared with their contract id, so
that the OpenAPI document is made of the same declarations.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Generic, NamedTuple, TypeVar

import orjson
from flask import Blueprint, Response, request
from pydantic import BaseModel
from sqlalchemy.orm import Session

from portal.api import parsing
from portal.api.rendering import dumps
from portal.errors import Refusal
from portal.http import portal
from portal.services import idempotency, sessions

Caller = TypeVar("Caller")


@dataclass(frozen=True)
class Operation:
    """One declared route, for the OpenAPI document."""

    operation_id: str
    method: str
    path: str
    auth: str
    summary: str
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    errors: tuple[str, ...]
    multipart: bool
    example: Any
    tag: str = ""
    description: str = ""
    #: Headers that the route reads beside its key: (name, what it is, whether it must be there).
    headers: tuple[tuple[str, str, bool], ...] = ()


class Sent(NamedTuple):
    """What a call without a query sent, where no Flask request holds it (portal/api/lane.py)."""

    method: str
    path: str
    body: bytes
    key: str | None


@dataclass(frozen=True, slots=True)
class Quick:
    """A route that may be answered before the application wakes (portal/api/lane.py)."""

    operation_id: str
    body: type[BaseModel]
    view: Callable[..., Any]


@dataclass
class Call(Generic[Caller]):
    """One request on its way: who calls and with what; `change` and `look` run the service.

    `caller` is what the family's authentication found (None on open routes).
    """

    caller: Caller
    body: Any
    query: Any
    scope: str
    replayed: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    #: What a multipart request carries beside its address; the parser has eaten the body by then.
    parts: bytes = b""
    sent: Sent | None = None
    #: The caller's token where the session was not proven before: `change` proves it in the transaction that acts.
    token: str | None = None

    def at_once(self, service: Callable[..., Any], *args: Any) -> Any:
        """What a service that proves, acts and keeps its answer by one statement has done; None where it has not."""
        if self.token is None:
            return None
        return service(portal().db, self.token, idempotency.Key(self.scope, *self._key()), *args)

    def change(
        self,
        present: Callable[[Any], Any],
        service: Callable[..., Any],
        *args: Any,
        again: Callable[[dict[str, Any]], Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Runs a service in one transaction and presents its result.

        With an `Idempotency-Key` a repeat gets the first presented answer again. `present` makes the JSON-able data. What
        was done `at_once` is presented by `again` from what was kept.
        """
        key, digest = self._key()

        def work(session: Session) -> tuple[dict[str, Any], bool]:
            if self.token is not None:
                caller: Any = self.caller
                sessions.prove(session, self.token, caller.customer_id)

            def answer() -> dict[str, Any]:
                return {"body": dumps(present(service(session, *args, **kwargs))).decode()}

            return idempotency.once(session, self.scope, key, digest, answer)

        kept, self.replayed = portal().db.transact(work)
        if "body" not in kept and again is not None:
            return again(kept)
        return orjson.Fragment(kept["body"])

    def repeated(self) -> Any:
        """The first answer to this `Idempotency-Key`, before a route prepares anything outside a transaction; or None."""
        key, digest = self._key()
        if key is None:
            return None
        kept = portal().db.read(idempotency.kept, self.scope, key, digest)
        if kept is None:
            return None
        self.replayed = True
        return orjson.Fragment(kept["body"])

    def _key(self) -> tuple[str | None, str]:
        if self.sent is not None:
            sent = self.sent
            return sent.key, idempotency.fingerprint(sent.method, sent.path, b"", sent.body, b"") if sent.key else ""
        digest = idempotency.fingerprint(
            request.method, request.path, request.query_string, request.get_data(), self.parts
        )
        return request.headers.get("Idempotency-Key"), digest

    def look(self, service: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Runs a reading service; nothing is written."""
        return portal().db.read(service, *args, **kwargs)


class Family(Generic[Caller]):
    """A set of routes with one dialect.

    `authenticate(auth)` answers the caller or raises a Refusal; `say(data)` makes the success response;
    `refuse(refusal)` the error response; `scope_of(caller)` names the owner of idempotency keys. A family with quick routes
    names the whole text of a success (`compose`), the token of a caller (`token_of`) in a WSGI environment, and what it says
    when the portal fails (`failure`).
    """

    def __init__(
        self,
        name: str,
        blueprint: Blueprint,
        *,
        authenticate: Callable[[str], Caller],
        say: Callable[[Any], Response],
        refuse: Callable[[Refusal], Response],
        scope_of: Callable[[Caller], str],
        form_too: bool = False,
        compose: Callable[[Any], bytes] | None = None,
        token_of: Callable[[Mapping[str, Any]], str | None] | None = None,
        failure: Callable[[int, str], Response] | None = None,
    ) -> None:
        self.name = name
        self.blueprint = blueprint
        self.operations: list[Operation] = []
        self.quick: dict[Callable[..., Any], Quick] = {}
        self.compose, self.token_of, self.failure = compose, token_of, failure
        self._authenticate, self.say, self.refuse, self.scope_of = authenticate, say, refuse, scope_of
        self._form_too = form_too

    def route(
        self,
        method: str,
        path: str,
        operation_id: str,
        *,
        auth: str,
        summary: str,
        body: type[BaseModel] | None = None,
        query: type[BaseModel] | None = None,
        errors: tuple[str, ...] = (),
        max_bytes: int = parsing.MAX_JSON_BYTES,
        multipart: bool = False,
        example: Any = None,
        tag: str | None = None,
        description: str | None = None,
        headers: tuple[tuple[str, str, bool], ...] = (),
        quick: bool = False,
    ) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
        """Declares a route. The view gets a Call and the path's values, and returns data for `say` or a Response.

        In the reference it stands under `tag` (its module) with `description` (its docstring). The view of a `quick` one
        looks at nothing but its Call, changes something by it, and needs of its caller the `customer_id` only.
        """

        def declare(view: Callable[..., Any]) -> Callable[..., Response]:
            self.operations.append(
                Operation(
                    operation_id,
                    method,
                    path,
                    auth,
                    summary,
                    body,
                    query,
                    errors,
                    multipart,
                    example,
                    view.__module__.rpartition(".")[2],
                    inspect.getdoc(view) or "",
                    headers,
                )  # fmt: skip
            )

            @wraps(view)
            def serve(**path_values: str) -> Response:
                try:
                    caller = self._authenticate(auth)
                    call = Call(
                        caller=caller,
                        body=self._read(body, max_bytes, multipart),
                        query=self._read_query(query),
                        scope=f"{self.name}:{self.scope_of(caller)}",
                    )
                    answer = view(call, **path_values)
                except Refusal as refusal:
                    return self.refuse(refusal)
                response = answer if isinstance(answer, Response) else self.say(answer)
                response.headers.setdefault("Cache-Control", "no-store")
                response.headers.update(call.headers)
                if call.replayed:
                    response.headers["Idempotency-Replayed"] = "true"
                return response

            if quick:
                assert body is not None
                self.quick[serve] = Quick(operation_id, body, view)
            self.blueprint.add_url_rule(path, operation_id, serve, methods=[method])
            return serve

        return declare

    def _read_query(self, query: type[BaseModel] | None) -> BaseModel | None:
        return parsing.into(query, request.args.to_dict()) if query else None

    def _read(self, body: type[BaseModel] | None, max_bytes: int, multipart: bool) -> BaseModel | None:
        if body is None:
            return None
        if multipart:
            return parsing.into(body, request.form.to_dict())
        return parsing.into(body, parsing.json_object(request, max_bytes=max_bytes, form_too=self._form_too))
