"""Accounts under many hands at once: one winner each, exact counts, codes for their own purpose."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.errors import Refusal
from portal.models.customers import ClientSession, Customer, SignInEvent
from portal.models.system import Job
from portal.services import (
    accounts,
    captchas,
    code_requests,
    codes,
    jobs,
    passwords,
    sign_in,
)  # fmt: skip
from portal.services.accounts import SignUp
from portal.services.devices import Visit
from portal.services.sign_in import Credentials
from tests.support import people

HERE = Visit("web", "203.0.113.5", "test", "0" * 64)
DIGEST = passwords.digest_of("plum-river-2026-lantern")


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    def guarded(number: int) -> Any:
        try:
            return work(number)
        except Refusal as refusal:
            return refusal.name

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(guarded, range(count)))


def sign_up(portal: Any, username: str, email: str) -> int:
    picture = portal.db.transact(captchas.keep, "ABCD", b"jpeg")
    made: int = accounts.sign_up(portal.db, SignUp(username, email, DIGEST), picture.captcha_id, "abcd", HERE)
    return made


def mailed(session: Session) -> list[dict[str, Any]]:
    return [
        jobs.payload_of(session, job) for job in session.scalars(sa.select(Job).where(Job.kind.in_(("mail", "sms"))))
    ]


def test_one_of_ten_sign_ups_under_one_name_wins(portal: Any) -> None:
    outcomes = at_once(10, lambda number: sign_up(portal, "Nina", f"nina{number}@example.com"))
    assert sum(isinstance(one, int) for one in outcomes) == 1
    assert outcomes.count("username_taken") == 9
    outcomes = at_once(10, lambda number: sign_up(portal, f"otto{number}", "OTTO@example.com"))
    assert outcomes.count("email_taken") == 9


def test_one_captcha_lets_one_of_ten_in(portal: Any) -> None:
    picture = portal.db.transact(captchas.keep, "ABCD", b"jpeg")

    def one(number: int) -> Any:
        person = SignUp(f"name{number}", f"name{number}@example.com", DIGEST)
        return accounts.sign_up(portal.db, person, picture.captcha_id, "ABCD", HERE)

    outcomes = at_once(10, one)
    assert outcomes.count("captcha_wrong") == 9


def test_one_code_verifies_once(portal: Any) -> None:
    customer_id = sign_up(portal, "nina", "nina@example.com")
    code = portal.db.read(mailed)[0]["code"]
    outcomes = at_once(10, lambda _: portal.db.transact(accounts.verify_registration, "nina", code))
    assert outcomes.count(customer_id) == 1
    assert outcomes.count("verification_failed") == 9


def test_five_guesses_are_five_guesses_however_many_come_at_once(portal: Any) -> None:
    sign_up(portal, "nina", "nina@example.com")
    code = portal.db.read(mailed)[0]["code"]
    at_once(12, lambda number: portal.db.transact(accounts.verify_registration, "nina", f"x{number}"))
    with pytest.raises(Refusal, match="verification_failed"):
        portal.db.transact(accounts.verify_registration, "nina", code)


@pytest.mark.parametrize("name", ["amy", "ghost"])
def test_many_wrong_passwords_at_once_are_all_counted_and_stop_at_the_captcha(portal: Any, name: str) -> None:
    people.customer(portal, "amy")
    outcomes = at_once(8, lambda _: sign_in.sign_in(portal.db, Credentials(name, DIGEST), HERE))
    assert outcomes.count("sign_in_wrong") == 3
    assert outcomes.count("captcha_needed") == 5
    assert portal.db.read(sign_in.wrong_time, name, HERE.ip) == 3


def test_a_failed_try_writes_as_much_for_nobody_as_for_somebody(portal: Any) -> None:
    amy = people.customer(portal, "amy")
    written = []
    for name in ("amy", "ghost"):
        statements: list[str] = []

        def note(_: Any, __: Any, statement: str, *___: Any, into: list[str] = statements) -> None:
            into.append(statement.split("WHERE")[0])

        sa.event.listen(portal.db.engine, "before_cursor_execute", note)
        with pytest.raises(Refusal, match="sign_in_wrong"):
            sign_in.sign_in(portal.db, Credentials(name, DIGEST), Visit("web", f"198.51.100.{len(name)}", "test"))
        sa.event.remove(portal.db.engine, "before_cursor_execute", note)
        written.append(statements)
    assert written[0] == written[1]
    with portal.db.session() as session:
        owners = list(session.scalars(sa.select(SignInEvent.customer_id).order_by(SignInEvent.id)))
    assert owners == [amy.id, None]


def test_asking_for_a_code_does_the_same_work_for_everyone(portal: Any) -> None:
    people.customer(portal, "amy")
    for name in ("amy", "ghost", "\x00", "x" * 9999, "?"):
        portal.db.transact(code_requests.ask, name)
    with portal.db.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Job).where(Job.kind == "code_request")) == 5
        assert mailed(session) == []


@pytest.mark.parametrize(
    ("facts", "mobile", "purpose", "channel"),
    [
        ({"email_verified_at": None, "phone_verified_at": None}, None, "registration", "mail"),
        ({}, None, "password_reset", "mail"),
        ({}, "own", "password_reset", "sms"),
        ({}, "+886911111111", None, None),
        ({"phone_verified_at": None}, "own", None, None),
        ({"standing": "suspended"}, None, None, None),
        ({"standing": "deleted"}, None, None, None),
        ({"standing": "locked"}, None, "password_reset", "mail"),
    ],
)
def test_which_code_is_sent_follows_the_accounts_state(
    portal: Any, facts: dict[str, Any], mobile: str | None, purpose: str | None, channel: str | None
) -> None:
    amy = people.customer(portal, "amy")

    def change(session: Session) -> None:
        session.execute(sa.update(Customer).where(Customer.id == amy.id).values(**facts)) if facts else None

    portal.db.transact(change)
    asked = {"login_name": "amy", "mobile": amy.phone if mobile == "own" else mobile}
    portal.db.transact(code_requests.grant, asked)
    portal.db.transact(code_requests.grant, asked)
    with portal.db.session() as session:
        sent = mailed(session)
        found = [(mail["facts"]["purpose"], "sms" if mail["to"] == amy.phone else "mail") for mail in sent]
    assert found == ([(purpose, channel)] if purpose else [])


def test_a_person_gets_twenty_codes_a_day_at_most(portal: Any) -> None:
    amy = people.customer(portal, "amy")
    for _ in range(25):
        portal.db.transact(code_requests.grant, {"login_name": "amy", "mobile": None})
        portal.clock.advance(61)
    with portal.db.session() as session:
        assert len(mailed(session)) == 20
    with pytest.raises(Refusal, match="codes_spent"):
        portal.db.transact(code_requests.ask_for_phone, amy.id, "+886912000333")


def test_codes_of_one_purpose_open_nothing_else(portal: Any) -> None:
    amy = people.customer(portal, "amy")
    subject = f"customer:{amy.id}"
    issued = {
        purpose: portal.db.transact(codes.issue, purpose, subject, channel, target)
        for purpose, channel, target in (
            ("password_reset", "mail", amy.email), ("registration", "mail", amy.email), ("kyc_phone", "sms", amy.phone),
        )
    }  # fmt: skip
    if len(set(issued.values())) < 3:
        return  # two codes happen to be the same number
    for other in ("registration", "kyc_phone"):
        with pytest.raises(Refusal, match="verification_failed"):
            accounts.reset_password(portal.db, "amy", issued[other], DIGEST, HERE)
    with pytest.raises(Refusal, match="code_wrong"):
        portal.db.transact(codes.verify, "kyc_phone", subject, amy.phone, issued["password_reset"])
    with pytest.raises(Refusal, match="code_wrong"):
        portal.db.transact(codes.verify, "kyc_phone", subject, "+886911111111", issued["kyc_phone"])
    assert accounts.reset_password(portal.db, "amy", issued["password_reset"], DIGEST, HERE) == amy.id


def test_the_fund_password_is_locked_after_ten_wrong_ones(portal: Any) -> None:
    amy = people.customer(portal, "amy")
    assert portal.db.transact(accounts.check_password, amy.id, amy.password)
    assert portal.db.transact(accounts.check_password, amy.id, amy.password_digest.upper())
    for _ in range(10):
        assert not portal.db.transact(accounts.check_password, amy.id, "wrong")
    assert not portal.db.transact(accounts.check_password, amy.id, amy.password)
    portal.clock.advance(7201)
    assert portal.db.transact(accounts.check_password, amy.id, amy.password)


def test_a_password_set_during_a_sign_in_makes_that_sign_in_wrong(portal: Any) -> None:
    amy = people.customer(portal, "amy")
    tried = portal.db.transact(sign_in._begin, Credentials("amy", amy.password_digest), HERE, True)
    portal.db.transact(accounts._replace_password, amy.id, "another hash", HERE)
    with pytest.raises(Refusal, match="sign_in_wrong"):
        portal.db.transact(sign_in._finish, Credentials("amy", amy.password_digest), HERE, tried, True, True)
    with portal.db.session() as session:
        live = session.scalars(
            sa.select(ClientSession.id).where(ClientSession.customer_id == amy.id, ClientSession.ended_at.is_(None))
        ).all()
    assert live == []
