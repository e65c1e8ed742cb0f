"""Companies and stores are made of facts that pages, sign-ups and the database can bear, whoever makes them."""

import pytest

from portal.errors import Refusal
from portal.services import companies, stores
from tests.support import people


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"code": "Bad Code"}, "input_invalid"), ({"code": ""}, "input_invalid"), ({"code": "é"}, "input_invalid"),
        ({"code": "x" * 33}, "input_invalid"), ({"code": "SHOP"}, "input_invalid"), ({"name": "  "}, "input_missing"),
        ({"name": "x" * 201}, "input_invalid"), ({"name": "a\u202eb"}, "input_invalid"), ({"colour": "red"}, "colour_invalid"),
        ({"colour": "#12345"}, "colour_invalid"), ({"colour": "#０00000"}, "colour_invalid"),
    ],
)  # fmt: skip
def test_a_company_that_could_not_be_shown_is_not_made(portal, changed, refusal):
    facts = {"code": "newco", "name": "新公司", "colour": "#123abc", **changed}

    def make(session):
        return companies.create(session, facts["code"], facts["name"], colour=facts["colour"], actor="system")

    with pytest.raises(Refusal) as refused:
        portal.db.transact(make)
    assert (refused.value.name, refused.value.field) == (refusal, next(iter(changed)))


def test_a_company_is_made_once(portal):
    made = portal.db.transact(companies.create, "newco", " 新公司 ", colour="#123ABC", actor="system")
    assert (made.code, made.name, made.colour) == ("newco", "新公司", "#123ABC")
    with pytest.raises(Refusal, match="company_exists"):
        portal.db.transact(companies.create, "newco", "新公司", actor="system")


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"name": " "}, "input_missing"), ({"name": "x" * 101}, "input_invalid"), ({"address": ""}, "input_missing"),
        ({"address": "x" * 201}, "input_invalid"), ({"area": "x" * 65}, "input_invalid"), ({"name": "a\nb"}, "input_invalid"),
        ({"category": "x" * 65}, "input_invalid"),
    ],
)  # fmt: skip
def test_a_store_that_could_not_be_shown_is_not_made(portal, changed, refusal):
    facts = {"name": "山嵐咖啡", "address": "台北市", "area": "", "category": "", **changed}

    def make(session):
        company = people.company_id(session, "tungkai")
        return stores.create(
            session, company, facts["name"], facts["address"], area=facts["area"], category=facts["category"],
            actor="system",
        )  # fmt: skip

    with pytest.raises(Refusal) as refused:
        portal.db.transact(make)
    assert (refused.value.name, refused.value.field) == (refusal, next(iter(changed)))
