"""Signing up and in over the brokerage family, for tests of those very calls."""

from typing import Any

from tests.support.families import BrokerageClient, sha256_password
from tests.support.outside import send_messages

PASSWORD = "plum-river-2026-lantern"


def captcha(client: BrokerageClient, portal: Any) -> dict[str, str]:
    """A captcha given out, with the text that it shows."""
    from portal.models.security import Captcha

    given = client.ok("GET", "/captcha/image")["captchaId"]
    with portal.db.session() as session:
        found = session.get(Captcha, given)
        assert found is not None
        return {"captchaId": given, "captchaNumber": found.text}


def register(client: BrokerageClient, portal: Any, name: str, **changes: Any) -> dict[str, Any]:
    """What `/register` answers, captcha included."""
    body = {"username": name, "email": f"{name}@example.com", "password": sha256_password(PASSWORD)}
    said: dict[str, Any] = client.post("/register", {**body, **captcha(client, portal), **changes})
    return said


def sent(portal: Any, app: Any, to: str) -> list[dict[str, Any]]:
    """Messages sent to an address or phone, newest first, once all that is due has been sent."""
    with app.app_context():
        send_messages(portal)
    answer = app.test_client().get("/sandbox/messages", query_string={"to": to})
    found: list[dict[str, Any]] = answer.get_json()["messages"]
    return found


def code(portal: Any, app: Any, to: str) -> str:
    """The newest code sent to an address or phone."""
    return next(str(message["code"]) for message in sent(portal, app, to) if message["code"])


def login(client: BrokerageClient, name: str, password: str = PASSWORD, **more: Any) -> dict[str, Any]:
    """What `/login` answers; the client goes on with the token it was given."""
    said: dict[str, Any] = client.post("/login", {"loginName": name, "password": sha256_password(password), **more})
    assert client.last is not None
    client.token = client.last.headers.get("token", client.token)
    return said
