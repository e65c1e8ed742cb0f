"""Taiwan's identity numbers: which are right, what kind they are, and that one wrong sign is noticed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.services.kyc import numbers
from tests.support.identities import LETTERS, number_with

digits = st.text("0123456789", min_size=7, max_size=7)
letters = st.sampled_from(LETTERS)


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("A123456789", numbers.NATIONAL),
        ("F131104093", numbers.NATIONAL),
        ("A800000014", numbers.RESIDENT),
        ("AC01234567", numbers.RESIDENT_OLD),
        ("FA12345689", numbers.RESIDENT_OLD),
    ],
)
def test_numbers_of_each_kind_are_known(number: str, kind: str) -> None:
    assert numbers.kind_of(number) == kind


@pytest.mark.parametrize(
    "number",
    ["", "A123456788", "A12345678", "A1234567890", "a123456789", "A323456789", "1123456789", "AE01234567", "AA1234567",
     "Ａ123456789", "A１23456789", "A12345678\n", "A123456 89", "AC01234566", "A800000013"],
)  # fmt: skip
def test_what_is_no_number_is_none(number: str) -> None:
    assert numbers.kind_of(number) is None


@given(letters, st.sampled_from("12"), digits)
def test_every_national_number_with_its_check_digit_is_right(letter: str, gender: str, rest: str) -> None:
    assert numbers.kind_of(number_with(letter, gender, rest)) == numbers.NATIONAL


@given(letters, st.sampled_from("89"), digits)
def test_every_new_resident_number_with_its_check_digit_is_right(letter: str, gender: str, rest: str) -> None:
    assert numbers.kind_of(number_with(letter, gender, rest)) == numbers.RESIDENT


@given(letters, st.sampled_from("ABCD"), digits)
def test_every_old_resident_number_with_its_check_digit_is_right(letter: str, second: str, rest: str) -> None:
    assert numbers.kind_of(number_with(letter, second, rest)) == numbers.RESIDENT_OLD


@given(letters, st.sampled_from("1289ABCD"), digits, st.integers(1, 9))
def test_another_check_digit_is_wrong(letter: str, second: str, rest: str, step: int) -> None:
    right = number_with(letter, second, rest)
    assert numbers.kind_of(right[:-1] + str((int(right[-1]) + step) % 10)) is None


@given(letters, st.sampled_from("12"), digits, st.integers(2, 8), st.sampled_from([1, 3, 7, 9]))
def test_a_changed_digit_is_noticed_where_its_weight_tells(
    letter: str, gender: str, rest: str, place: int, step: int
) -> None:
    right = number_with(letter, gender, rest)
    wrong = right[:place] + str((int(right[place]) + step) % 10) + right[place + 1 :]
    told = {2: 7, 3: 6, 4: 5, 5: 4, 6: 3, 7: 2, 8: 1}[place]
    difference = (int(wrong[place]) - int(right[place])) * told
    assert (numbers.kind_of(wrong) is None) == (difference % 10 != 0)


@given(st.text(max_size=12))
def test_any_text_is_judged_without_failing(text: str) -> None:
    assert numbers.kind_of(text) in {None, numbers.NATIONAL, numbers.RESIDENT, numbers.RESIDENT_OLD}
    numbers.canonical(text)


def test_a_number_is_shown_masked() -> None:
    assert numbers.masked("A123456789") == "A12****89"
