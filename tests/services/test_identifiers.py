"""Names, addresses and numbers have one form each, whatever people type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.errors import Refusal
from portal.services import identifiers

WEIRD = [
    "\x00",
    "a\x00b",
    "\u202eamy",
    "amy\u200b",
    "аmy",
    "x" * 10_000,
    "",
    " ",
    "a\u0131b",
    "🙂🙂🙂",
    "../../etc",
]


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [("Amy", "amy"), ("ＡＭＹ", "amy"), (" amy ", "amy"), ("A.m-y_9", "a.m-y_9"), ("Kelvin\u212a", "kelvink"), ("ﬁona", "fiona")],
)  # fmt: skip
def test_user_names_fold_into_one_form(typed: str, canonical: str) -> None:
    assert identifiers.canonical_username(typed) == canonical


@pytest.mark.parametrize("typed", [*WEIRD, "ab", ".amy", "amy-", "a b c", "amy@example.com", "ADMIN", "王小明"])
def test_user_names_that_could_be_taken_for_another_are_refused(typed: str) -> None:
    with pytest.raises(Refusal, match="username_invalid"):
        identifiers.canonical_username(typed)


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("Amy@Example.COM", "amy@example.com"), ("ａｍｙ＠example.com", "amy@example.com"),
        ("amy+tag@example.com", "amy+tag@example.com"), ("amy@例え.jp", "amy@xn--r8jz45g.jp"), ("a@foo.test", "a@foo.test"),
    ],
)  # fmt: skip
def test_mail_addresses_fold_into_one_form(typed: str, canonical: str) -> None:
    assert identifiers.canonical_email(typed) == canonical


@pytest.mark.parametrize(
    "typed",
    [
        *WEIRD,
        "amy",
        "amy@",
        "@example.com",
        "amy@localhost",
        "a b@example.com",
        "ı@example.com",
        "amy@example.com\r\nBcc: x@y.zz",
    ],
)
def test_what_is_no_mail_address_is_refused(typed: str) -> None:
    with pytest.raises(Refusal, match="email_invalid"):
        identifiers.canonical_email(typed)


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("0912345678", "+886912345678"), ("+886912345678", "+886912345678"), ("0912-345-678", "+886912345678"),
        ("+886 0912 345 678", "+886912345678"), ("０９１２３４５６７８", "+886912345678"), ("0990873518", "+886990873518"), ("+1 202 555 0123", "+12025550123"),
    ],
)  # fmt: skip
def test_mobile_numbers_fold_into_e164(typed: str, canonical: str) -> None:
    assert identifiers.canonical_phone(typed) == canonical


@pytest.mark.parametrize(
    "typed", [*WEIRD, "02-27208889", "+866960123456", "12345", "0912345678 ext. 5", "0912345678;ext=5"]
)
def test_what_is_no_mobile_number_is_refused(typed: str) -> None:
    with pytest.raises(Refusal, match="phone_invalid"):
        identifiers.canonical_phone(typed)


@given(st.text(max_size=300))
def test_every_text_is_some_login_key_of_bounded_length_and_folding_twice_changes_nothing(typed: str) -> None:
    key = identifiers.login_key(typed)
    assert key.isascii() and 0 < len(key) <= 190
    if not key.startswith("?"):
        assert identifiers.login_key(key) == key


@given(st.text(max_size=80))
def test_a_canonical_form_is_its_own_canonical_form(typed: str) -> None:
    for fold in (identifiers.canonical_username, identifiers.canonical_email, identifiers.canonical_phone):
        try:
            folded = fold(typed)
        except Refusal:
            continue
        assert fold(folded) == folded
