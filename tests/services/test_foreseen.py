"""What one call of the database does is what the services do; whatever is not as foreseen is left to them, untouched."""

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from portal.db import Base
from portal.errors import Refusal
from portal.money import parse_units
from portal.services import (
    codes,
    foreseen,
    idempotency,
    parameters,
    payment_requests,
    payments,
    quotes,
    sessions,
    staff_registry,
    store_payments,
    webhooks,
)
from portal.services.foreseen import Paid
from tests.support import people, vouchers
from tests.support.market import open_market
from tests.support.statements import seen

NO_KEY = idempotency.Key("test", None, "")

#: Columns that differ between two things that are alike in everything else.
OWN = {
    "id", "public_id", "reference", "journal_id", "subject_id", "thing_id", "account_id", "slot", "first_id", "link",
    "payload", "foreseen", "key", "scope", "order_id", "code_digest", "subject", "balance_units", "balance_after_units",
    "at", "target_digest", "code",
}  # fmt: skip


@pytest.fixture
def postgres(postgres_app):
    return postgres_app.extensions["portal"]


@pytest.fixture
def known_codes(monkeypatch):
    """Every code that is issued, by its payment."""
    found = {}
    issue = codes.issue

    def remember(session, purpose, subject, *rest, **more):
        found[subject] = made = issue(session, purpose, subject, *rest, **more)
        return made

    monkeypatch.setattr(codes, "issue", remember)
    return found


def written(portal, customer_ids):
    """All rows but the accounts', which are made as needed, counted without what is each row's own; customers are alike."""
    found = {}
    with portal.db.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            shown = [each for each in table.columns if each.name not in OWN and not each.name.endswith(("_at", "_id"))]
            rows = connection.execute(sa.select(*shown)).all() if shown else []
            texts = [json.dumps(list(row), sort_keys=True, default=str) for row in rows]
            for customer_id in customer_ids:
                texts = [text.replace(f'"customer:{customer_id}"', '"customer:N"') for text in texts]
            found[table.name] = Counter(texts)
    del found["accounts"]
    return found


def change(before, after):
    """What came and what went, table by table."""
    return {
        name: (after[name] - before[name], before[name] - after[name]) for name in after if after[name] != before[name]
    }


def rows(portal):
    """Everything, to see that nothing was touched."""
    with portal.db.engine.connect() as connection:
        return {table.name: connection.execute(sa.select(table)).all() for table in Base.metadata.sorted_tables}


def trader(portal):
    open_market(portal)
    person = people.customer(portal, twd="100000", usdt="1000")
    for side in ("buy", "sell"):  # the accounts of the house in this process's slot are made as they are needed
        portal.db.transact(quotes.accept, person.id, offer(portal, person, side).public_id)
    return person


def offer(portal, person, side="buy", base="10"):
    return portal.db.transact(quotes.offer, person.id, side, "USDT", "base", parse_units(base, "USDT"))


def accept(portal, person, quote, key=NO_KEY):
    return foreseen.accept(portal.db, person.token, key, person.id, quote.public_id)


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_both_ways_of_accepting_write_the_same(postgres, side):
    one, other = trader(postgres), trader(postgres)
    quoted = [offer(postgres, person, side) for person in (one, other)]
    states = [written(postgres, (one.id, other.id))]
    usual = postgres.db.transact(quotes.accept, one.id, quoted[0].public_id)
    states.append(written(postgres, (one.id, other.id)))
    quick = accept(postgres, other, quoted[1])
    states.append(written(postgres, (one.id, other.id)))
    assert change(states[0], states[1]) == change(states[1], states[2]) != {}
    assert (one.balance("USDT"), one.balance("TWD")) == (other.balance("USDT"), other.balance("TWD"))
    assert quick == quotes.of_customer(postgres.db.session(), other.id, quoted[1].public_id)
    assert (quick.status, quick.terms) == (usual.status, usual.terms)


def test_an_acceptance_is_one_statement_in_one_exchange(postgres):
    amy = trader(postgres)
    quote = offer(postgres, amy)
    with seen(postgres) as found:
        assert accept(postgres, amy, quote).status == "executed"
    assert (len(found.statements), found.exchanges) == (1, 1), found


def test_on_sqlite_nothing_is_foreseen(sqlite_app):
    portal = sqlite_app.extensions["portal"]
    amy = trader(portal)
    assert accept(portal, amy, offer(portal, amy)) is None


def set_of(portal, person, **values):
    with portal.db.engine.begin() as connection:
        connection.execute(
            sa.text(f"UPDATE customers SET {', '.join(f'{name} = :{name}' for name in values)} WHERE id = {person.id}"),
            values,
        )


UNFORESEEN = {
    "a price that ran out": lambda portal, amy: portal.clock.advance(60),
    "an account that was locked": lambda portal, amy: set_of(portal, amy, standing="locked"),
    "a level that was taken back": lambda portal, amy: set_of(portal, amy, kyc_level=1),
    "a session that was ended": lambda portal, amy: portal.db.transact(sessions.end_all, amy.id, "test"),
    "a session that ran out": lambda portal, amy: portal.clock.advance(15 * 24 * 3600),
    "a purse that is empty": lambda portal, amy: portal.db.transact(
        quotes.accept, amy.id, offer(portal, amy, base="3100").public_id
    ),
    "a house without stock": lambda portal, amy: portal.db.transact(_sell_out),
}


def _sell_out(session):
    from portal import ledger
    from portal.ledger import Line

    units = parse_units("6000000", "USDT")
    lines = [Line(ledger.house("inventory", "USDT"), -units), Line(ledger.house("chain", "USDT"), units)]
    ledger.post(session, "test", "test:sold out", lines, actor="system")


@pytest.mark.parametrize("what", UNFORESEEN)
def test_what_is_not_as_foreseen_is_left_to_the_services_untouched(postgres, what):
    amy = trader(postgres)
    quote = offer(postgres, amy, base="100")
    UNFORESEEN[what](postgres, amy)
    before = rows(postgres)
    assert accept(postgres, amy, quote) is None
    assert rows(postgres) == before


def test_nobody_elses_quote_session_or_closed_quote_is_accepted(postgres):
    amy, ben = trader(postgres), trader(postgres)
    quote = offer(postgres, amy)
    assert foreseen.accept(postgres.db, ben.token, NO_KEY, ben.id, quote.public_id) is None
    assert foreseen.accept(postgres.db, ben.token, NO_KEY, amy.id, quote.public_id) is None
    assert accept(postgres, amy, quote).status == "executed"
    assert accept(postgres, amy, quote) is None


def test_a_quote_of_yesterday_is_left_to_the_services(postgres):
    """References and counts bear the day: what was foreseen for one day is not written on another."""
    postgres.db.transact(parameters.change, "trading", {"quote_valid_ms": 86_400_000}, "test")
    amy = trader(postgres)
    quote = offer(postgres, amy)
    postgres.clock.advance(23 * 3600)
    quoted_on = (quote.created_at + timedelta(hours=8)).date()
    accepted = accept(postgres, amy, quote)
    assert (accepted is None) == ((postgres.clock.now() + timedelta(hours=8)).date() != quoted_on)


def test_a_key_keeps_which_quote_it_was_and_is_used_once(postgres):
    amy = trader(postgres)
    first, second = offer(postgres, amy), offer(postgres, amy)
    key = idempotency.Key(f"brokerage:customer:{amy.id}", "one", "f" * 64)
    assert accept(postgres, amy, first, key).status == "executed"
    assert postgres.db.read(idempotency.kept, *key) == {"quote": first.public_id}
    before = rows(postgres)
    assert accept(postgres, amy, second, key) is None
    assert rows(postgres) == before
    for bad in ("", "x" * 201, "a\nb"):
        with pytest.raises(Refusal, match="input_invalid"):
            accept(postgres, amy, second, key._replace(key=bad))


def at_once(*acts):
    """Runs all acts at the same moment; their answers."""
    ready = threading.Barrier(len(acts))

    def run(act):
        ready.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_of_many_hands_in_both_ways_one_accepts(postgres):
    amy = trader(postgres)
    quote, before = offer(postgres, amy), amy.balance("USDT")
    answers = at_once(
        *[lambda: accept(postgres, amy, quote)] * 12,
        *[lambda: postgres.db.transact(quotes.accept, amy.id, quote.public_id)] * 12,
    )
    assert {answer.status for answer in answers if answer is not None} == {"executed"}
    assert amy.balance("USDT") - before == quote.base_units


def test_a_purse_is_never_overspent_by_both_ways_together(postgres):
    amy = trader(postgres)
    quoted = [offer(postgres, amy, base="400") for _ in range(16)]  # the purse bears seven

    def quick(quote):
        return lambda: accept(postgres, amy, quote) or postgres.db.transact(quotes.accept, amy.id, quote.public_id)

    done = [answer.status for answer in at_once(*(quick(quote) for quote in quoted))]
    assert done.count("executed") == 7 and done.count("unfunded") == 9, done
    assert amy.balance("TWD") >= 0


def payer(portal, twip="1000"):
    if not portal.db.read(lambda session: session.scalar(sa.text("SELECT COUNT(*) FROM company_bank_accounts"))):
        vouchers.open_companies(portal)
    return people.customer(portal, twip=twip)


def begin(portal, person, store, amount=10):
    return portal.db.transact(payments.checkout, person.id, store.public_id, amount).order


def begin_request(portal, person, store, amount="10"):
    asked = portal.db.transact(payment_requests.create, store, amount, made_by="customer:1")
    return portal.db.transact(payments.checkout_request, person.id, asked.code).order


def pay(portal, person, store, order, otp, key=NO_KEY):
    return foreseen.pay(portal.db, person.token, key, person.id, store.public_id, order.public_id, otp)


def open_store(portal, person, known_codes, **more):
    """A store whose day has begun: its first payment is the services' to make."""
    store = vouchers.open_store(portal, **more)
    order = begin(portal, person, store)
    assert pay(portal, person, store, order, known_codes[payments.subject_of(order.public_id)]) is None
    otp = known_codes[payments.subject_of(order.public_id)]
    portal.db.transact(payments.verify, person.id, store.public_id, order.public_id, otp)
    return store


@pytest.mark.parametrize("how", [begin, begin_request])
def test_both_ways_of_paying_write_the_same(postgres, known_codes, how):
    one, other = payer(postgres), payer(postgres)
    store = open_store(postgres, one, known_codes, discount="7", kind="percent")
    earlier = begin(postgres, other, store)
    assert pay(postgres, other, store, earlier, known_codes[payments.subject_of(earlier.public_id)])
    orders = [how(postgres, person, store) for person in (one, other)]
    first, second = (known_codes[payments.subject_of(order.public_id)] for order in orders)
    states = [written(postgres, (one.id, other.id))]
    usual = postgres.db.transact(payments.verify, one.id, store.public_id, orders[0].public_id, first)
    states.append(written(postgres, (one.id, other.id)))
    quick = pay(postgres, other, store, orders[1], second)
    states.append(written(postgres, (one.id, other.id)))
    days = [state.pop("store_days") for state in states]
    came = [change(before, after) for before, after in zip(states, states[1:], strict=False)]
    assert came[0] == came[1] != {}
    assert days[0] != days[1] != days[2]
    assert quick == Paid(
        orders[1].public_id, store.public_id, store.name, store.address, usual.order.amount_units, orders[1].created_at
    )
    with postgres.db.engine.connect() as connection:
        day = connection.execute(
            sa.text("SELECT payments, bill_units, discount_units, paid_units FROM store_days")
        ).one()
    bill, taken = parse_units("10", "TWIP"), usual.order.amount_units
    assert tuple(day) == (4, 4 * bill, 4 * (bill - taken), 4 * taken)


def test_a_payment_is_one_statement_in_one_exchange(postgres, known_codes):
    amy = payer(postgres)
    store = open_store(postgres, amy, known_codes)
    order = begin(postgres, amy, store)
    sessions.phone_of(postgres.db, amy.id)
    with seen(postgres) as found:
        assert pay(postgres, amy, store, order, known_codes[payments.subject_of(order.public_id)])
    assert (len(found.statements), found.exchanges) == (1, 1), found


def test_nothing_else_happens_with_a_payment_than_the_database_knows():
    """Whoever adds something that is to happen with a payment has to teach it to `pay_foreseen`, in a migration."""
    assert payments._when_paid == [store_payments.note_paid]


def _webhook(portal, amy, store, order):
    portal.db.transact(
        webhooks.add_endpoint, "store", store.id, "https://example.com/hook", ["*"], ("payment.paid",), actor="system"
    )


def _closed(portal, amy, store, order):
    portal.db.transact(staff_registry.set_store_standing, store.id, "closed", "staff:1")


def _paid_by_another(portal, amy, store, order):
    with portal.db.engine.begin() as connection:
        connection.execute(sa.text("UPDATE payment_requests SET status = 'paid'"))


UNPAID = {
    "a store that closed": _closed,
    "a store that is told by webhook": _webhook,
    "a code that is too old": lambda portal, amy, store, order: portal.clock.advance(301),
    "an account that was locked": lambda portal, amy, store, order: set_of(portal, amy, standing="locked"),
    "a number that was given up": lambda portal, amy, store, order: set_of(portal, amy, phone_verified_at=None),
    "another number": lambda portal, amy, store, order: set_of(portal, amy, phone="+886911999888"),
    "a session that was ended": lambda portal, amy, store, order: portal.db.transact(sessions.end_all, amy.id, "test"),
    "a request that somebody else has paid": _paid_by_another,
    "the first payment of a day": lambda portal, amy, store, order: portal.clock.advance(86_400),
}


@pytest.mark.parametrize("what", UNPAID)
def test_a_payment_that_is_not_as_foreseen_is_left_to_the_services_untouched(postgres, known_codes, what):
    amy = payer(postgres)
    store = open_store(postgres, amy, known_codes)
    order = begin_request(postgres, amy, store)
    otp = known_codes[payments.subject_of(order.public_id)]
    UNPAID[what](postgres, amy, store, order)
    if what == "another number":
        sessions.phone_of(postgres.db, amy.id)
    before = rows(postgres)
    assert pay(postgres, amy, store, order, otp) is None
    assert rows(postgres) == before


def test_a_wrong_code_an_empty_purse_and_a_strange_store_change_nothing(postgres, known_codes):
    amy, other = payer(postgres, twip="15"), payer(postgres)
    store = open_store(postgres, other, known_codes)
    strange = vouchers.open_store(postgres, "別家")
    first, second = begin(postgres, amy, store), begin(postgres, amy, store)
    right = [known_codes[payments.subject_of(order.public_id)] for order in (first, second)]
    wrong = f"{(int(right[0]) + 1) % 10**6:06d}"
    before = rows(postgres)
    assert pay(postgres, amy, store, first, wrong) is None
    assert pay(postgres, amy, strange, first, right[0]) is None
    assert pay(postgres, other, store, first, right[0]) is None
    assert rows(postgres) == before
    assert pay(postgres, amy, store, first, right[0])
    before = rows(postgres)
    assert pay(postgres, amy, store, first, right[0]) is None
    assert pay(postgres, amy, store, second, right[1]) is None, "the purse holds five"
    assert rows(postgres) == before


def test_of_many_hands_in_both_ways_one_pays(postgres, known_codes):
    amy = payer(postgres)
    store = open_store(postgres, amy, known_codes)
    order = begin(postgres, amy, store)
    otp = known_codes[payments.subject_of(order.public_id)]

    def usual():
        try:
            return postgres.db.transact(payments.verify, amy.id, store.public_id, order.public_id, otp)
        except Refusal:
            return None

    done = at_once(*[lambda: pay(postgres, amy, store, order, otp)] * 8, *[usual] * 8)
    assert len([answer for answer in done if answer is not None]) == 1
    assert amy.balance("TWIP") == parse_units("980", "TWIP")


def test_a_request_is_settled_by_one_of_many(postgres, known_codes):
    there = [payer(postgres, twip="100") for _ in range(6)]
    store = open_store(postgres, there[0], known_codes)
    asked = postgres.db.transact(payment_requests.create, store, "10", made_by="customer:1")
    orders = [postgres.db.transact(payments.checkout_request, person.id, asked.code).order for person in there]

    def quick(person, order):
        return lambda: pay(postgres, person, store, order, known_codes[payments.subject_of(order.public_id)])

    done = at_once(*(quick(person, order) for person, order in zip(there, orders, strict=True)))
    assert len([answer for answer in done if answer is not None]) == 1
    assert sum(person.balance("TWIP") for person in there) == parse_units("580", "TWIP")
