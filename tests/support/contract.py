"""The three contracts as tests read them: an endpoint's examples and errors, and whether an answer has an example's shape."""

import json
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "contract"


@cache
def contract(family: str) -> dict[str, Any]:
    """A family's contract: brokerage, voucher or partner."""
    read: dict[str, Any] = json.loads((FOLDER / f"{family}.json").read_text(encoding="utf-8"))
    return read


def endpoint(family: str, endpoint_id: str) -> dict[str, Any]:
    """One endpoint by its id."""
    return next(found for found in contract(family)["endpoints"] if found["id"] == endpoint_id)


def example(family: str, endpoint_id: str) -> Any:
    """The documented payload of a success."""
    return endpoint(family, endpoint_id)["response"]["example"]


def codes(family: str, endpoint_id: str) -> set[Any]:
    """The error codes that the endpoint documents or the contract recommends."""
    return {error["code"] for error in endpoint(family, endpoint_id)["errors"]}


def differences(actual: Any, wanted: Any, path: str = "data") -> list[str]:
    """Where an answer's keys or JSON types are not the example's; an example's null admits anything."""
    if wanted is None:
        return []
    if isinstance(wanted, dict):
        if not isinstance(actual, dict):
            return [f"{path} is {actual!r}"]
        found = [f"{path} lacks {key}" for key in wanted if key not in actual]
        found += [f"{path} has {key} too" for key in actual if key not in wanted]
        for key in wanted.keys() & actual.keys():
            found += differences(actual[key], wanted[key], f"{path}.{key}")
        return found
    if isinstance(wanted, list):
        if not isinstance(actual, list):
            return [f"{path} is {actual!r}"]
        return [
            problem
            for number, one in enumerate(actual)
            for problem in (differences(one, wanted[0], f"{path}[{number}]") if wanted else [])
        ]
    kinds = {bool: bool, str: str}.get(type(wanted))
    if kinds is None:
        right = not isinstance(actual, (bool, str)) and actual is not None
    else:
        right = isinstance(actual, kinds)
    return [] if right else [f"{path} is {actual!r}, not like {wanted!r}"]
