"""The authenticator and the recovery codes: a code serves once, guesses are few, secrets come from the portal alone."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyotp
import pytest
from sqlalchemy.orm import Session

from portal.errors import Refusal
from portal.services import second_factor as sf
from tests.support import people
from tests.support.outside import answer_of
from tests.support.people import Person


@pytest.fixture
def amy(portal: Any) -> Person:
    return people.customer(portal, "amy", totp=True)


def code_at(portal: Any, secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(int(portal.clock.now().timestamp()) + 30 * steps)


def wrong(portal: Any, secret: str) -> str:
    taken = {code_at(portal, secret, steps) for steps in range(-2, 3)}
    return next(code for code in ("000000", "111111", "222222", "333333", "444444", "555555") if code not in taken)


def refused(name: str, portal: Any, *arguments: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        portal.db.transact(*arguments)
    assert caught.value.name == name
    return caught.value


def test_a_code_serves_once_and_time_never_runs_back(portal: Any, amy: Person) -> None:
    secret = amy.totp_secret or ""
    later, earlier = code_at(portal, secret, 1), code_at(portal, secret)
    portal.db.transact(sf.check_totp, "customer", amy.id, later)
    refused("totp_wrong", portal, sf.check_totp, "customer", amy.id, later)
    refused("totp_wrong", portal, sf.check_totp, "customer", amy.id, earlier)


def test_one_of_fifty_uses_of_one_code_at_once_is_accepted(portal: Any, amy: Person) -> None:
    code = code_at(portal, amy.totp_secret or "")

    def use(_: int) -> str | None:
        return answer_of(portal, sf.check_totp, "customer", amy.id, code)

    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(use, range(50)))
    assert outcomes.count(None) == 1
    assert outcomes.count("totp_wrong") == 49


def test_replays_of_a_spent_code_lock_nobody_out(portal: Any, amy: Person) -> None:
    code = amy.code()
    portal.db.transact(sf.check_totp, "customer", amy.id, code)
    for _ in range(8):
        refused("totp_wrong", portal, sf.check_totp, "customer", amy.id, code)
    portal.clock.advance(60)
    portal.db.transact(sf.check_totp, "customer", amy.id, amy.code())


def test_five_wrong_codes_lock_for_two_hours_even_against_the_right_one(portal: Any, amy: Person) -> None:
    bad = wrong(portal, amy.totp_secret or "")
    for _ in range(5):
        refused("totp_wrong", portal, sf.check_totp, "customer", amy.id, bad)
    locked = refused("totp_locked", portal, sf.check_totp, "customer", amy.id, amy.code())
    assert 7190 <= locked.facts["retry_after_seconds"] <= 7201
    refused("totp_locked", portal, sf.unbind_totp, "customer", amy.id, amy.code())
    portal.clock.advance(2 * 3600 + 1)
    portal.db.transact(sf.check_totp, "customer", amy.id, amy.code())


def test_a_right_code_forgets_the_wrong_ones(portal: Any, amy: Person) -> None:
    for _ in range(3):
        for _ in range(4):
            refused("totp_wrong", portal, sf.check_totp, "customer", amy.id, "abcdef")
        portal.clock.advance(30)
        portal.db.transact(sf.check_totp, "customer", amy.id, amy.code())


def test_guessing_for_long_is_locked_for_long(portal: Any, amy: Person) -> None:
    for _ in range(5):
        for _ in range(5):
            refused("totp_wrong", portal, sf.check_totp, "customer", amy.id, "x")
        portal.clock.advance(2 * 3600 + 60)
    refused("totp_locked", portal, sf.check_totp, "customer", amy.id, amy.code())
    portal.clock.advance(22 * 3600)
    portal.db.transact(sf.check_totp, "customer", amy.id, amy.code())


def test_wrong_codes_of_one_person_lock_no_other(portal: Any, amy: Person) -> None:
    ben = people.customer(portal, "ben", totp=True)
    for _ in range(5):
        refused("totp_wrong", portal, sf.check_totp, "customer", amy.id, "x")
    portal.db.transact(sf.check_totp, "customer", ben.id, ben.code())


@pytest.mark.parametrize("code", ["", "12345", "1234567", "１２３４５６", "12 456", "-12345", "12345\n", "0x1234"])
def test_what_is_not_six_plain_digits_is_wrong(portal: Any, amy: Person, code: str) -> None:
    refused("totp_wrong", portal, sf.check_totp, "customer", amy.id, code)


def test_only_the_pending_secret_can_be_bound(portal: Any) -> None:
    eve = people.customer(portal, "eve")
    refused("totp_unbound", portal, sf.check_totp, "customer", eve.id, "123456")
    refused("totp_unbound", portal, sf.bind_totp, "customer", eve.id, "123456", pyotp.random_base32())
    pending = portal.db.transact(sf.begin_totp, "customer", eve.id, "eve@portal")
    assert portal.db.transact(sf.begin_totp, "customer", eve.id, "eve@portal") == pending
    own = pyotp.random_base32()
    refused("totp_secret_foreign", portal, sf.bind_totp, "customer", eve.id, code_at(portal, own), own)
    refused("totp_wrong", portal, sf.bind_totp, "customer", eve.id, "abcdef", pending.secret)
    portal.db.transact(sf.bind_totp, "customer", eve.id, code_at(portal, pending.secret), pending.secret)
    assert portal.db.read(sf.is_bound, "customer", eve.id)
    refused("totp_bound", portal, sf.begin_totp, "customer", eve.id, "eve@portal")
    refused("totp_bound", portal, sf.bind_totp, "customer", eve.id, "123456", pending.secret)


def test_a_pending_secret_dies_after_a_quarter_of_an_hour(portal: Any) -> None:
    eve = people.customer(portal, "eve")
    old = portal.db.transact(sf.begin_totp, "customer", eve.id, "eve")
    portal.clock.advance(15 * 60 + 1)
    refused("totp_secret_foreign", portal, sf.bind_totp, "customer", eve.id, code_at(portal, old.secret), old.secret)
    assert portal.db.transact(sf.begin_totp, "customer", eve.id, "eve").secret != old.secret


def test_the_code_that_bound_is_spent(portal: Any) -> None:
    eve = people.customer(portal, "eve")
    pending = portal.db.transact(sf.begin_totp, "customer", eve.id, "eve")
    code = code_at(portal, pending.secret)
    portal.db.transact(sf.bind_totp, "customer", eve.id, code)
    refused("totp_wrong", portal, sf.check_totp, "customer", eve.id, code)


def test_a_step_used_before_unbinding_is_not_accepted_after_binding_anew(portal: Any, amy: Person) -> None:
    portal.db.transact(sf.unbind_totp, "customer", amy.id, code_at(portal, amy.totp_secret or "", 1))
    assert not portal.db.read(sf.is_bound, "customer", amy.id)
    pending = portal.db.transact(sf.begin_totp, "customer", amy.id, "amy")
    refused("totp_wrong", portal, sf.bind_totp, "customer", amy.id, code_at(portal, pending.secret), None)


def test_recovery_codes_serve_once_each_and_end_when_new_ones_are_made(portal: Any, amy: Person) -> None:
    first = portal.db.transact(sf.renew_recovery_codes, "customer", amy.id)
    assert len(set(first)) == 10
    portal.db.transact(sf.use_recovery_code, "customer", amy.id, first[0].upper().replace("-", " "))
    refused("recovery_code_wrong", portal, sf.use_recovery_code, "customer", amy.id, first[0])
    assert portal.db.read(sf.recovery_codes_left, "customer", amy.id) == 9
    second = portal.db.transact(sf.renew_recovery_codes, "customer", amy.id)
    refused("recovery_code_wrong", portal, sf.use_recovery_code, "customer", amy.id, first[1])
    ben = people.customer(portal, "ben", totp=True)
    refused("recovery_code_wrong", portal, sf.use_recovery_code, "customer", ben.id, second[0])
    portal.db.transact(sf.use_recovery_code, "customer", amy.id, second[0])


def test_a_recovery_code_opens_a_locked_authenticator(portal: Any, amy: Person) -> None:
    codes = portal.db.transact(sf.renew_recovery_codes, "customer", amy.id)
    for _ in range(5):
        refused("totp_wrong", portal, sf.check_totp, "customer", amy.id, "x")
    portal.db.transact(sf.use_recovery_code, "customer", amy.id, codes[3])
    portal.db.transact(sf.check_totp, "customer", amy.id, amy.code())


def test_recovery_codes_cannot_be_guessed_for_long(portal: Any, amy: Person) -> None:
    for _ in range(10):
        refused("recovery_code_wrong", portal, sf.use_recovery_code, "customer", amy.id, "aaaaa-aaaaa")
    refused("too_many_requests", portal, sf.use_recovery_code, "customer", amy.id, "aaaaa-aaaaa")


def test_secrets_are_kept_sealed(portal: Any) -> None:
    eve = people.customer(portal, "eve")
    pending = portal.db.transact(sf.begin_totp, "customer", eve.id, "eve")

    def kept(session: Session) -> bytes:
        row = session.connection().exec_driver_sql("SELECT pending_sealed FROM authenticators").scalar()
        return bytes(row)

    assert pending.secret.encode() not in portal.db.read(kept)
