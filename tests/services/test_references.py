"""The numbers of movements: told to banks and shown on statements."""

from datetime import UTC, datetime

from portal.services import references

NOON = datetime(2026, 11, 21, 4, tzinfo=UTC)


def test_the_first_movements_of_a_day_bear_different_numbers() -> None:
    kinds = ("deposit", "quote", "withdrawal", "transfer", "conversion", "buy_order", "payment", "refund", "swap")
    numbers = {references.of_row(kind, NOON, row_id) for kind in kinds for row_id in range(1, 100)}
    assert len(numbers) == len(kinds) * 99


def test_a_number_begins_with_the_day_in_taipei_and_goes_on_with_six_digits() -> None:
    number = references.of_row("deposit", datetime(2026, 11, 21, 20, tzinfo=UTC), 1)
    assert number.startswith("20261122") and len(number) == 14 and number.isdigit()


def test_a_million_rows_of_a_kind_share_no_number() -> None:
    assert len({references.of_row("deposit", NOON, row_id) for row_id in range(1_000_000)}) == 1_000_000
