"""Cards: opened once per person and kind for a fee, papers reviewed, activated, frozen by the bank."""

import pytest
import sqlalchemy as sa

from portal.models.cards import CardStock
from portal.models.partner import CardType, InstitutionAsset
from portal.sandbox import play_cards
from portal.services import institution_members, partner_cards
from portal.services.partner_cards import passes_luhn
from tests.api.partner.test_people import decide
from tests.support import people
from tests.support.outside import at_once, messages
from tests.support.partners import give, kyc_body, partner, picture

CARDS = "/debit-cards"


def open_body(acct_no: str = "u1", card_type_id: str = "50000001") -> dict[str, str]:
    return {"acct_no": acct_no, "card_type_id": card_type_id}


def status(p, card_no: str) -> int:
    records = p.ok("GET", CARDS)["records"]
    return next(record["status"] for record in records if record["card_no"] == card_no)


def act(p, card_no: str, action: str, reason: str = "") -> None:
    with p.app.app_context():
        play_cards.act_on_card(p.portal, card_no, action, reason)


def test_opening_a_card_takes_the_fee_once(app) -> None:
    p = partner(app, usdt="100")
    p.passed("u1")
    opened = p.ok("POST", CARDS, open_body())
    assert opened["status"] == 2
    assert opened["card_number"][:12] == "430021******"
    assert p.float_units() == 99_000000
    p.refused(111020, "POST", CARDS, open_body())
    assert p.float_units() == 99_000000
    assert status(p, opened["card_no"]) == 2


def test_a_card_id_is_never_a_card_number(app) -> None:
    p = partner(app, stock=8)
    for number in range(8):
        p.passed(f"u{number}")
        opened = p.ok("POST", CARDS, open_body(f"u{number}"))
        card_no = opened["card_no"]
        assert not passes_luhn(card_no)
        assert card_no.endswith("50000001" + opened["card_number"][-4:])


def test_whole_card_numbers_stay_with_the_network(app) -> None:
    p = partner(app)
    p.card()
    numbers = [row["number"] for row in p.portal.world.rows("SELECT number FROM net_cards")]
    assert all(passes_luhn(number) for number in numbers)

    def everything(session) -> str:
        tables = ("card_stock", "partner_cards", "jobs", "state_changes", "journals", "card_transactions")
        return " ".join(str(session.execute(sa.text(f"SELECT * FROM {table}")).all()) for table in tables)

    kept = p.portal.db.read(everything)
    assert not any(number in kept for number in numbers)


def test_opening_needs_a_check_that_passed(app) -> None:
    p = partner(app)
    p.refused(111016, "POST", CARDS, open_body(card_type_id="99999999"))
    p.refused(111005, "POST", CARDS, open_body())
    p.ok("POST", "/customers/accounts", kyc_body(acct_no="u1"))
    p.refused(111002, "POST", CARDS, open_body())
    decide(p, "u1", "reject", "Blurred.")
    p.refused(111003, "POST", CARDS, open_body())
    p.ok("POST", "/customers/accounts", kyc_body(acct_no="u1"))
    p.refused(111002, "POST", CARDS, open_body())
    decide(p, "u1", "approve")
    p.refused(111005, "POST", CARDS, open_body(card_type_id="50000002"))
    assert p.ok("POST", CARDS, open_body())


def test_kinds_without_permission_stock_or_money(app) -> None:
    p = partner(app, types=("50000001",))
    p.refused(111021, "POST", CARDS, open_body(card_type_id="50000002"))
    empty = partner(app, stock=0)
    poor = partner(app, usdt="0.999999", stock=0)
    empty.passed("u1")
    poor.passed("u1")
    with p.portal.db.engine.begin() as connection:
        connection.execute(sa.text("UPDATE card_stock SET taken_at = added_at"))
    empty.refused(111014, "POST", CARDS, open_body())
    with p.portal.db.engine.begin() as connection:
        connection.execute(sa.text("UPDATE card_stock SET taken_at = NULL"))
    poor.refused(111011, "POST", CARDS, open_body())
    assert poor.float_units() == 999_999
    assert empty.ok("POST", CARDS, open_body())


def test_one_of_many_at_once_opens_the_card(postgres_app) -> None:
    p = partner(postgres_app, usdt="10", stock=20)
    p.passed("u1")
    answers = at_once(
        *[lambda: p.portal.db.transact(partner_cards.open_card, p.id, "u1", "50000001").card_no for _ in range(16)]
    )
    assert sorted(map(str, answers)).count("partner_card_held") == 15
    assert p.float_units() == 9_000000


def test_activation(app) -> None:
    p, q = partner(app), partner(app)
    card_no = p.card(active=False)
    body = {"card_no": card_no, "acct_no": "u1"}
    p.refused(111012, "PUT", f"{CARDS}/status", {**body, "acct_no": "u2"})
    q.refused(111012, "PUT", f"{CARDS}/status", body)
    assert p.ok("PUT", f"{CARDS}/status", body) is True
    assert status(p, card_no) == 1
    p.refused(111013, "PUT", f"{CARDS}/status", body)
    act(p, card_no, "freeze")
    assert status(p, card_no) == 0
    p.refused(111015, "PUT", f"{CARDS}/status", body)
    act(p, card_no, "unfreeze")
    assert status(p, card_no) == 1


@pytest.mark.parametrize(
    ("fault", "code"), [("timeout", 119002), ("error", 119002), ("reject", 111018), ("lost_answer", 119002)]
)
def test_activation_when_the_network_fails(app, fault, code) -> None:
    p = partner(app)
    card_no = p.card(active=False)
    body = {"card_no": card_no, "acct_no": "u1"}
    p.portal.world.set_fault("card_network", fault, 1)
    p.refused(code, "PUT", f"{CARDS}/status", body)
    # Asked again it is made good, or the network's own word has already come.
    said = p.client.call("PUT", f"{CARDS}/status", body).json
    assert said["code"] in (0, 111013)
    p.work()
    assert status(p, card_no) == 1


def test_papers_are_reviewed(app) -> None:
    p = partner(app)
    card_no = p.card(active=False)
    attachment = f"{CARDS}/attachment"
    p.refused(111001, "POST", attachment, {"card_no": card_no})
    p.refused(111012, "POST", attachment, {"card_no": "1", "poa_doc": picture()})
    p.refused(111034, "POST", attachment, {"card_no": card_no, "poa_doc": "nothing"})
    assert p.ok("POST", attachment, {"card_no": card_no, "poa_doc": picture()}) is True
    assert status(p, card_no) == 3
    p.refused(111013, "POST", attachment, {"card_no": card_no, "poa_doc": picture()})
    p.refused(111013, "PUT", f"{CARDS}/status", {"card_no": card_no, "acct_no": "u1"})
    act(p, card_no, "review_fail", "The photo is dark.")
    assert status(p, card_no) == 4
    assert p.ok("POST", attachment, {"card_no": card_no, "active_doc": picture("JPEG")}) is True
    act(p, card_no, "review_pass")
    assert status(p, card_no) == 1
    p.refused(111013, "POST", attachment, {"card_no": card_no, "poa_doc": picture()})


def test_papers_that_the_network_will_not_have_may_be_handed_in_again(app) -> None:
    p = partner(app)
    card_no = p.card(active=False)
    attachment = {"card_no": card_no, "poa_doc": picture()}
    assert p.ok("POST", f"{CARDS}/attachment", attachment) is True
    p.portal.world.set_fault("card_network", "reject", 1)
    p.work()
    assert status(p, card_no) == 4
    assert p.ok("POST", f"{CARDS}/attachment", attachment) is True
    act(p, card_no, "review_pass")
    assert status(p, card_no) == 1


def test_the_pin_form_is_not_supported_yet(app) -> None:
    partner(app).refused(119006, "POST", f"{CARDS}/deposit-pwd-emails", {"card_no": "1", "acct_no": "u1"})


def test_lists_of_cards(app) -> None:
    p, q = partner(app), partner(app)
    first, second = p.card("u1", active=False), p.card("u2", active=False)
    said = p.ok("GET", CARDS)
    assert (said["total"], [record["card_no"] for record in said["records"]]) == (2, [second, first])
    assert p.ok("GET", CARDS, query={"acct_no": "u1"})["records"][0]["card_no"] == first
    assert p.ok("GET", CARDS, query={"acct_no": "nobody"}) == {"total": 0, "records": []}
    assert q.ok("GET", CARDS) == {"total": 0, "records": []}


def test_an_idempotency_key_repeats_the_first_answer(app) -> None:
    p = partner(app)
    p.passed("u1")
    key = {"Idempotency-Key": "open-1"}
    first = p.ok("POST", CARDS, open_body(), headers=key)
    assert p.ok("POST", CARDS, open_body(), headers=key) == first
    assert p.client.last is not None and p.client.last.headers["Idempotency-Replayed"] == "true"
    p.refused(111001, "POST", CARDS, open_body(card_type_id="50000002"), headers=key)


def test_the_stock_is_filled_by_the_worker_even_when_answers_are_lost(app) -> None:
    p = partner(app, stock=0)

    def wish(session) -> None:
        session.get(CardType, "50000001").restock_to = 3

    def count(session) -> int:
        return session.query(CardStock).count()

    p.portal.db.transact(wish)
    p.portal.world.set_fault("card_network", "lost_answer", 1)
    p.work()
    p.work()
    assert p.portal.db.read(count) == 3
    assert len(p.portal.world.rows("SELECT 1 FROM net_cards WHERE card_type_id = '50000001'")) == 3


def test_a_low_float_warns_its_owners_once(app) -> None:
    p = partner(app, usdt="10")
    owner = people.customer(p.portal)
    p.portal.db.transact(institution_members.add_member, p.id, owner.id, "owner", "system")

    def limit(session) -> None:
        session.get(InstitutionAsset, (p.id, "USDT")).low_units = 9_500000

    p.portal.db.transact(limit)
    p.passed("u1")
    p.ok("POST", CARDS, open_body())
    p.passed("u2")
    p.ok("POST", CARDS, open_body("u2"))
    p.work()
    assert [message["subject"].count("9") > 0 for message in messages(p.portal, owner.email)] == [True]
    p.portal.db.transact(give, p.id, "100")
    p.passed("u3")
    p.ok("POST", CARDS, open_body("u3"))

    def warned(session) -> object:
        return session.get(InstitutionAsset, (p.id, "USDT")).warned_at

    assert p.portal.db.read(warned) is None
