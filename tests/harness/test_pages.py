"""surface: every page route carries the headers that protect it, and no form is taken without its token."""

import re

import pytest
from flask import Flask
from werkzeug.routing import AnyConverter, BaseConverter, IntegerConverter, Rule

from tests.harness.report import table
from tests.support import people

pytestmark = pytest.mark.harness

PAGES = {"web", "merchant", "partner", "staff", "sandbox"}

#: The market is everybody's, and so is how the portal looks: a chart or an icon may be kept for a while.
PUBLIC = ("/market/", "/manifest.webmanifest", "/favicon.ico")


def rules(app: Flask, method: str) -> list[Rule]:
    """The page routes that take the method."""
    return [
        rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint.partition(".")[0] in PAGES and method in (rule.methods or set())
    ]


def path_of(app: Flask, rule: Rule) -> str:
    """A path of the rule, its variables filled with things that do not exist."""
    values = {name: _filled(converter) for name, converter in rule._converters.items()}
    method = "GET" if "GET" in (rule.methods or set()) else "POST"
    return str(app.url_map.bind("localhost").build(rule.endpoint, values, method=method))


def _filled(converter: BaseConverter) -> object:
    if isinstance(converter, AnyConverter):
        return sorted(converter.items)[0]
    return 1 if isinstance(converter, IntegerConverter) else "x"


def test_no_form_is_taken_without_its_token(sqlite_app: Flask) -> None:
    person = people.customer(sqlite_app.extensions["portal"])
    client = sqlite_app.test_client()
    client.set_cookie("token", person.token)
    taken = []
    tried = rules(sqlite_app, "POST")
    for rule in tried:
        path = path_of(sqlite_app, rule)
        for headers in ({}, {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}):
            answer = client.post(path, data={"amount": "1"}, headers=headers)
            if answer.status_code not in (400, 403, 404, 405):
                taken.append(f"POST {path}: {answer.status_code}")
    table("surface: forms", routes=len(tried), taken_without_token=len(taken))
    assert not taken, "\n".join(taken)


ELSEWHERE = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://["},
)


@pytest.mark.parametrize("headers", ELSEWHERE)
def test_a_form_with_a_good_token_is_refused_from_another_sites_page(
    sqlite_app: Flask, headers: dict[str, str]
) -> None:
    person = people.customer(sqlite_app.extensions["portal"])
    client = sqlite_app.test_client()
    client.set_cookie("token", person.token)
    shown = client.get("/security").get_data(as_text=True)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', shown)
    assert token
    form = {"csrf_token": token[1], "theme": "dark"}
    assert client.post("/security/display", data=form, headers=headers).status_code == 403
    at_home = {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}
    assert client.post("/security/display", data=form, headers=at_home).status_code == 303
    assert client.post("/security/display", data=form).status_code == 303


def test_every_page_protects_itself(sqlite_app: Flask) -> None:
    person = people.customer(sqlite_app.extensions["portal"], totp=True, twd="1000")
    client = sqlite_app.test_client()
    client.set_cookie("token", person.token)
    weak, seen, broken = [], 0, []
    for rule in rules(sqlite_app, "GET"):
        path = path_of(sqlite_app, rule)
        answer = client.get(path)
        seen += 1
        if answer.status_code >= 500:
            broken.append(f"{path}: {answer.status_code}")
        policy = answer.headers.get("Content-Security-Policy", "")
        if "unsafe" in policy or "default-src 'none'" not in policy:
            weak.append(f"{path}: policy {policy!r}")
        kept = answer.headers.get("Cache-Control", "")
        if "no-store" not in kept and "no-cache" not in kept and not path.startswith(PUBLIC):
            weak.append(f"{path}: may be kept")
        if answer.headers.get("X-Content-Type-Options") != "nosniff" or answer.headers.get("X-Frame-Options") != "DENY":
            weak.append(f"{path}: sniffed or framed")
    table("surface: pages", routes=seen, broken=len(broken), weak=len(weak))
    assert not broken, "\n".join(broken)
    assert not weak, "\n".join(weak)


def test_a_page_of_the_signed_in_is_nobody_elses(sqlite_app: Flask) -> None:
    stranger = sqlite_app.test_client()
    shown = []
    for rule in rules(sqlite_app, "GET"):
        path = path_of(sqlite_app, rule)
        endpoint = rule.endpoint.partition(".")[0]
        answer = stranger.get(path)
        private = endpoint in ("merchant", "partner", "staff") or path.startswith(
            ("/wallet", "/security", "/kyc", "/trade", "/send")
        )
        if private and answer.status_code == 200 and "login" not in path and "lock" not in path:
            shown.append(f"{path}: {answer.status_code}")
    assert not shown, "\n".join(shown)


@pytest.mark.parametrize("host", ["a..b", ".example", "x" * 64, "x" * 3000])
def test_a_host_that_is_none_is_refused_and_never_a_fault(sqlite_app: Flask, host: str) -> None:
    client = sqlite_app.test_client()
    for path in ("/", "/login", "/wallet", "/healthz", "/static/portal.css", "/v1/user", "/api/v1/profile"):
        answer = client.get(path, headers={"Host": host})
        assert answer.status_code == 400, (path, answer.status_code)
        assert host not in answer.get_data(as_text=True)
