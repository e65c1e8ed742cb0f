"""The reference: one valid OpenAPI 3.1 document per family, of exactly the routes that are served, and pages made of it."""

import json
import re
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import validate

from tests.support import contract
from tests.support.client import PageClient

BASES = {"brokerage": "/v1", "voucher": "/api/v1", "partner": "/api/v1"}


def document(app: Flask, family: str) -> Any:
    answer = app.test_client().get(f"/docs/{family}.json")
    assert answer.status_code == 200 and answer.mimetype == "application/json"
    return json.loads(answer.text)


@pytest.mark.parametrize("family", BASES)
def test_the_document_is_valid_and_names_the_portals_own_address(sqlite_app: Flask, family: str) -> None:
    found = document(sqlite_app, family)
    validate(found)
    assert found["openapi"] == "3.1.0"
    assert found["servers"] == [{"url": f"http://localhost{BASES[family]}"}]


@pytest.mark.parametrize("family", BASES)
def test_every_documented_path_is_served_and_every_served_one_documented(sqlite_app: Flask, family: str) -> None:
    blueprint = {"brokerage": "brokerage.", "voucher": "voucher.", "partner": "partner_api."}[family]
    served = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule.removeprefix(BASES[family])))
        for rule in sqlite_app.url_map.iter_rules()
        if rule.endpoint.startswith(blueprint)
        for method in rule.methods or ()
        if method not in ("HEAD", "OPTIONS")
    }
    found = document(sqlite_app, family)
    documented = {(method.upper(), path) for path, methods in found["paths"].items() for method in methods}
    assert documented == served


def test_documented_errors_are_those_of_the_contract(sqlite_app: Flask) -> None:
    found = document(sqlite_app, "brokerage")
    by_id = {one["operationId"]: one for methods in found["paths"].values() for one in methods.values()}
    for name in ("login", "register", "verify_registration", "forget_password", "change_password", "check_2fa",
                 "bind_google_device", "unbind_google_device", "reauthenticate_with_credential", "logout"):  # fmt: skip
        codes = {
            int(code)
            for response in by_id[name]["responses"].values()
            for code in response["content"]["application/json"].get("examples", {})
        }
        assert contract.codes("brokerage", name) <= codes, name


def test_the_reference_pages_stand_on_their_own(sqlite_app: Flask) -> None:
    client = PageClient(sqlite_app)
    assert "Brokerage API" in client.page("/docs").text
    for family in BASES:
        page = client.page(f"/docs/{family}")
        operations = sum(len(methods) for methods in document(sqlite_app, family)["paths"].values())
        assert len(page.all("details.call")) == operations
    client.page("/docs/nothing", status=404)
    assert sqlite_app.test_client().get("/docs/nothing.json").status_code == 404
