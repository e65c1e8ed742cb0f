"""Customers of a running portal, made over its own JSON calls."""

import hashlib
import uuid
from dataclasses import dataclass

from tests.support.browser import Visitor
from tests.support.live import LivePortal

PASSWORD = "plum-river-2026-lantern"


@dataclass(frozen=True)
class LivePerson:
    """Somebody who signed up, verified the address and is signed in with `token`."""

    username: str
    email: str
    token: str

    def enter(self, visitor: Visitor, live: LivePortal, language: str = "zh_Hant_TW") -> None:
        """Signs the visitor's browser in as this person."""
        visitor.context.add_cookies(
            [
                {"name": "token", "value": self.token, "url": live.url},
                {"name": "language", "value": language, "url": live.url},
            ]
        )


def sign_up(live: LivePortal) -> LivePerson:
    """Makes a customer with nothing but a name, an address and a password."""
    name = f"l{uuid.uuid4().hex[:10]}"
    email = f"{name}@example.com"
    password = hashlib.sha256(PASSWORD.encode()).hexdigest()
    captcha = live.get("/v1/captcha/image")["data"]["captchaId"]
    text = live.get(f"/sandbox/captchas/{captcha}")["text"]
    said = live.post(
        "/v1/register", username=name, email=email, password=password, captchaId=captcha, captchaNumber=text
    )
    assert said["code"] == 1, said
    live.post("/v1/verify", loginName=name, code=live.code(email))
    answer = live.http.post("/v1/login", json={"loginName": name, "password": password})
    assert answer.json()["code"] == 1, answer.text
    return LivePerson(name, email, answer.headers["token"])
