"""Signing up by phone, mail and password: the steps belong to whoever proved the phone."""

import pytest

from tests.support import people, vouchers
from tests.support.families import VoucherClient
from tests.support.outside import messages

PASSWORD = "plum-river-2026-lantern"


class Newcomer(VoucherClient):
    """Somebody who signs up: sends phone and company with every step, and the token once there is one."""

    def __init__(self, app, phone="0912345678", email="mei@example.com", source="tungkai"):
        super().__init__(app)
        self.app, self.phone, self.email, self.source = app, phone, email, source
        self.registration_token = None
        self.address = "203.0.113.7"

    def headers(self, method, target, body):
        return {"Registration-Token": self.registration_token} if self.registration_token else {}

    def step(self, name, code=None, **more):
        body = {"country_code": "TW", "phone": self.phone, "user_source": self.source, **more}
        path = f"/register/{name}"
        sent = {"environ_overrides": {"REMOTE_ADDR": self.address}}
        return self.refused(code, "POST", path, body, **sent) if code else self.ok("POST", path, body, **sent)

    def sms(self):
        return vouchers.code(self.app, "+886912345678")

    def mail(self):
        return vouchers.code(self.app, self.email)

    def prove_phone(self):
        self.step("register_phone")
        self.step("verify_phone", otp=self.sms())
        self.registration_token = self.last.headers["Registration-Token"]

    def prove_mail(self):
        self.prove_phone()
        self.step("set_email", email=self.email)
        self.step("verify_email", email=self.email, otp=self.mail())

    def finish(self):
        self.prove_mail()
        self.step("set_password", email=self.email, password=PASSWORD, password_confirmation=PASSWORD)


@pytest.fixture
def mei(app, companies):
    return Newcomer(app)


def test_five_steps_make_a_customer_who_can_sign_in_at_every_door(app, brokerage, mei):
    mei.finish()
    said = mei.ok("POST", "/login", {"email": mei.email, "password": PASSWORD, "user_source": "tungkai"})["data"]
    assert (said["name"], said["email"], said["phone"]) == (None, mei.email, "+886912345678")
    signed_in = VoucherClient(app, said["token"])
    profile = signed_in.ok("GET", "/profile")["data"]
    assert (profile["status"], profile["bank_info"], profile["is_activated"]) == ("wallet_generated", None, False)
    [wallet] = signed_in.ok("GET", "/deposits/wallet/twip")["data"]
    assert wallet["network"] == "TRON" and len(wallet["address"]) == 34 and wallet["address"].startswith("T")


def test_every_step_answers_success(mei):
    assert mei.step("register_phone") == {"success": True}
    assert mei.step("verify_phone", otp=mei.sms()) == {"success": True}


def test_a_phone_may_be_written_as_people_do(mei):
    mei.phone = "+886 912-345-678"
    mei.step("register_phone")
    mei.phone = "0912 345 678"
    mei.step("verify_phone", otp=mei.sms())


@pytest.mark.parametrize(
    "change",
    [
        {"phone": "123"}, {"phone": ""}, {"phone": "+866960123456"}, {"phone": "09123456\u0000"}, {"phone": 912345678},
        {"user_source": "elsewhere"}, {"user_source": None}, {"country_code": "TWN"}, {"country_code": "??"},
    ],
)  # fmt: skip
def test_a_phone_that_is_none_is_refused(mei, change):
    mei.step("register_phone", "parameter_invalid", **change)
    assert mei.last.status_code == 422


def test_a_second_code_must_wait(mei, travel):
    mei.step("register_phone")
    mei.step("register_phone", "user_request_otp_too_often")
    assert mei.last.status_code == 429
    travel(61)
    mei.step("register_phone")


def test_wrong_and_late_phone_codes_are_refused(mei, travel):
    mei.step("verify_phone", "user_invalid_status_or_verified", otp="123456")
    mei.step("register_phone")
    otp = mei.sms()
    mei.step("verify_phone", "user_invalid_otp", otp=vouchers.wrong(otp))
    travel(301)
    mei.step("verify_phone", "user_otp_expired", otp=otp)


def test_a_code_serves_once(mei):
    mei.step("register_phone")
    otp = mei.sms()
    mei.step("verify_phone", otp=otp)
    mei.step("verify_phone", "user_invalid_status_or_verified", otp=otp)


def test_a_taken_phone_behaves_alike_and_its_owner_is_told(app, portal, companies):
    owner = people.customer(portal)
    thief = Newcomer(app, owner.phone)
    portal.db.transact(lambda session: session.get_one(people.Customer, owner.id).__setattr__("phone", "+886912345678"))
    thief.phone = "0912345678"
    assert thief.step("register_phone") == {"success": True}
    thief.step("register_phone", "user_request_otp_too_often")
    vouchers.work(app)
    [warning] = messages(portal, "+886912345678")
    assert warning["code"] is None and "tungkai" in warning["body"].lower()
    thief.step("verify_phone", "user_invalid_otp", otp="123456")


def test_the_later_steps_belong_to_whoever_proved_the_phone(app, mei, travel):
    mei.prove_phone()
    thief = Newcomer(app, email="thief@example.com")
    thief.address = "198.51.100.9"
    thief.step("set_email", "user_invalid_status_or_verified", email=thief.email)
    thief.registration_token = "guessed"
    thief.step("set_email", "user_invalid_status_or_verified", email=thief.email)
    neighbour = Newcomer(app)
    assert neighbour.step("set_email", email=neighbour.email) == {"success": True}
    travel(601)
    neighbour.step("set_email", "user_invalid_status_or_verified", email=neighbour.email)
    mei.step("set_email", email=mei.email)


def test_a_mail_code_proves_that_mail_only(mei, travel):
    mei.prove_phone()
    mei.step("verify_email", "user_invalid_status_or_verified", email=mei.email, otp="123456")
    mei.step("set_email", email=mei.email)
    otp = mei.mail()
    mei.step("set_email", "user_request_otp_too_often", email=mei.email)
    mei.step("verify_email", "user_invalid_otp", email="other@example.com", otp=otp)
    mei.step("verify_email", "user_invalid_otp", email=mei.email, otp=vouchers.wrong(otp))
    travel(301)
    mei.step("verify_email", "user_otp_expired", email=mei.email, otp=otp)


def test_a_taken_mail_is_said_so(portal, mei):
    taken = people.customer(portal)
    mei.prove_phone()
    mei.step("set_email", "user_email_was_taken", email=taken.email.upper())
    for bad in ("", "nobody", "a@b", "ｉ@example.com\u0000", "x" * 300 + "@example.com"):
        mei.step("set_email", "parameter_invalid", email=bad)


def test_steps_out_of_order_are_refused(mei):
    password = {"password": PASSWORD, "password_confirmation": PASSWORD}
    mei.step("set_email", "user_invalid_status_or_verified", email=mei.email)
    mei.prove_phone()
    mei.step("set_password", "user_invalid_status_or_verified", email=mei.email, **password)
    mei.step("set_email", email=mei.email)
    mei.step("verify_email", email=mei.email, otp=mei.mail())
    mei.step("set_email", "user_invalid_status_or_verified", email=mei.email)
    mei.step("set_password", "user_invalid_status_or_verified", email="other@example.com", **password)
    mei.step("set_password", email=mei.email, **password)
    mei.step("set_password", "user_invalid_status_or_verified", email=mei.email, **password)


@pytest.mark.parametrize("password", ["short", "password123", "", "aaaaaaaaaaaa"])
def test_a_weak_password_is_refused(mei, password):
    mei.prove_mail()
    mei.step("set_password", "parameter_invalid", email=mei.email, password=password, password_confirmation=password)


def test_the_password_is_given_twice_alike(mei):
    mei.prove_mail()
    mei.step("set_password", "parameter_invalid", email=mei.email, password=PASSWORD, password_confirmation="another")


def test_two_who_finish_with_one_phone_become_one_customer(app, mei):
    """The second had proved the same phone before the first finished."""
    mei.prove_mail()
    second = Newcomer(app, email="mei2@example.com")
    second.address = "198.51.100.9"
    app.extensions["portal"].clock.advance(61)
    second.prove_mail()
    mei.step("set_password", email=mei.email, password=PASSWORD, password_confirmation=PASSWORD)
    second.step(
        "set_password", "user_invalid_status_or_verified", email=second.email, password=PASSWORD,
        password_confirmation=PASSWORD,
    )  # fmt: skip
