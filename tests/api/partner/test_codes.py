"""Every code of the contract is either told by a test of the family or cannot be told, and here is why."""

from pathlib import Path

import sqlalchemy as sa

from portal.api.partner.errors import CODES, TEXTS, WRONG_PARAMETERS, code_of
from portal.errors import Refusal
from portal.models.cards import CardStock
from portal.models.security import ApiKey
from portal.ports import NetworkCard
from portal.services import partner_cards, partner_keys
from tests.support.partners import partner

#: Codes that no call of the document can be answered with.
UNREACHABLE = {
    111019: "the stock of card numbers is filled from the network by the portal itself, not by a call",
    111029: "4.3 and 4.4 are not supported: they answer 119006 before a code could be wrong",
    111031: "a kind of card cannot be kept without its bank",
    111032: "the portal does not start without its configuration, and every rule has a default",
    119003: "sealing needs only the current key, and without one the portal does not start",
}


def test_every_other_code_is_told_by_a_test_of_the_family() -> None:
    told = " ".join(found.read_text(encoding="utf-8") for found in Path(__file__).parent.glob("test_*.py"))
    missing = [code for code in TEXTS if code not in UNREACHABLE and str(code) not in told]
    assert not missing


def test_no_refusal_is_told_as_a_code_that_cannot_be_reached() -> None:
    assert set(CODES.values()) & set(UNREACHABLE) == {111019}
    assert set(TEXTS) - set(CODES.values()) - {WRONG_PARAMETERS} == set(UNREACHABLE) - {111019}


def test_a_card_that_is_in_the_stock_is_not_added_again(app) -> None:
    p = partner(app)
    known = NetworkCard(
        p.portal.db.read(lambda session: session.scalars(sa.select(CardStock.network_id)).first()), "430021", "0000"
    )
    try:
        p.portal.db.transact(partner_cards.add_stock, "50000001", known)
    except Refusal as refusal:
        assert (refusal.name, code_of(refusal.name)) == ("card_stock_repeated", 111019)
    else:
        raise AssertionError("it was added")


def test_a_card_that_somebody_has_is_not_opened_again(app) -> None:
    p = partner(app)
    p.card("u1")
    with p.portal.db.engine.begin() as connection:  # the stock forgets that the first card was taken
        connection.execute(sa.update(CardStock).values(taken_at=None))
    p.passed("u2")
    before = p.float_units()
    p.refused(111017, "POST", "/debit-cards", {"acct_no": "u2", "card_type_id": "50000001"})
    assert p.float_units() == before
    assert p.ok("GET", "/debit-cards")["total"] == 1


def test_a_secret_under_a_key_that_is_gone_cannot_be_read(app) -> None:
    p = partner(app)
    with p.portal.db.engine.begin() as connection:
        connection.execute(sa.update(ApiKey).where(ApiKey.key == p.api_key).values(secret_sealed=b"gone" * 16))
    partner_keys.drop(p.portal.db.context.cache, p.api_key)
    p.refused(119004, "GET", "/card/type")
