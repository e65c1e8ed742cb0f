"""The history: keyset pages both ways, totals from counts, days, deep pages, and nobody else's rows."""

import pytest
import sqlalchemy as sa

from portal.errors import Refusal
from portal.models.system import Activity
from portal.money import parse_units
from portal.services import activity, history, quotes
from portal.services.history import Filters
from tests.support import people
from tests.support.market import address, mine, open_market, send


@pytest.fixture
def amy(portal):
    return people.customer(portal, twd="100000", usdt="1000")


def happen(portal, person, count, kind="deposit", asset="USDT"):
    """Lines of history without the money behind them."""

    def write(session):
        for number in range(count):
            activity.record(
                session, person.id, kind, direction="in", asset=asset, amount_units=number + 1, status="confirmed",
                reference=f"r{number}", subject_kind=f"test-{kind}-{asset}", subject_id=count * 1000 + session_number(session),
            )  # fmt: skip

    portal.db.transact(write)


def session_number(session):
    return int(session.scalar(sa.select(sa.func.coalesce(sa.func.max(Activity.id), 0))) or 0)


def ids(page):
    return [row.id for row in page.rows]


def test_pages_go_back_and_forth_over_the_same_rows(portal, read, amy):
    happen(portal, amy, 7)
    first = read(history.page, amy.id, limit=3)
    second = read(history.page, amy.id, before=first.older, limit=3)
    third = read(history.page, amy.id, before=second.older, limit=3)
    assert [len(page.rows) for page in (first, second, third)] == [3, 3, 1]
    assert first.newer is None and third.older is None
    assert len(set(ids(first) + ids(second) + ids(third))) == 7
    back = read(history.page, amy.id, after=third.newer, limit=3)
    assert ids(back) == ids(second)
    top = read(history.page, amy.id, after=back.newer, limit=3)
    assert ids(top) == ids(first) and top.newer is None


def test_a_foreign_cursor_is_as_if_absent(portal, read, amy):
    other = people.customer(portal)
    happen(portal, amy, 2)
    happen(portal, other, 2)
    foreign = read(history.page, other.id).rows[0].public_id
    assert ids(read(history.page, amy.id, before=foreign)) == ids(read(history.page, amy.id))
    assert {row.customer_id for row in read(history.page, amy.id).rows} == {amy.id}


def test_numbered_pages_skip_whole_days_by_their_counts(portal, read, amy, travel):
    for _ in range(4):
        happen(portal, amy, 5)
        happen(portal, amy, 2, kind="withdrawal", asset="TWD")
        travel(86400)
    everything = Filters()
    pages = [read(history.numbered_page, amy.id, everything, number, 6) for number in range(1, 7)]
    assert [len(page.rows) for page in pages] == [6, 6, 6, 6, 4, 0]
    assert {(page.total, page.pages) for page in pages} == {(28, 5)}
    seen = [row.id for page in pages for row in page.rows]
    assert seen == sorted(set(seen), reverse=True) and len(seen) == 28
    deposits = Filters(pairs=(("USDT", "deposit"),))
    pages = [read(history.numbered_page, amy.id, deposits, number, 6) for number in range(1, 5)]
    assert [len(page.rows) for page in pages] == [6, 6, 6, 2]
    assert {row.kind for page in pages for row in page.rows} == {"deposit"}


def test_a_deep_page_reads_no_more_statements_than_the_first(portal, read, amy, travel):
    for _ in range(5):
        happen(portal, amy, 10)
        travel(86400)
    counted = []

    def note(*_):
        counted[-1] += 1

    sa.event.listen(portal.db.engine, "before_cursor_execute", note)
    for number in (1, 9):
        counted.append(0)
        read(history.numbered_page, amy.id, Filters(), number, 5)
    sa.event.remove(portal.db.engine, "before_cursor_execute", note)
    assert counted[0] == counted[1] <= 3


def test_days_are_taipeis_and_both_ends_count(portal, read, amy, travel):
    days = []
    for _ in range(3):
        happen(portal, amy, 2)
        days.append(activity.taipei_day(portal.clock.now()))
        travel(86400)
    middle = Filters(first_day=days[1], last_day=days[1])
    assert len(read(history.page, amy.id, middle).rows) == 2 == read(history.total, amy.id, middle)
    assert read(history.total, amy.id, Filters(first_day=days[1])) == 4
    assert read(history.page, amy.id, Filters(first_day="2999-01-01")).rows == []
    assert read(history.page, amy.id, Filters(last_day="1999-01-01")).rows == []
    assert read(history.numbered_page, amy.id, Filters(last_day="1999-01-01"), 1, 10).total == 0


def test_an_export_reads_every_row_once(portal, read, amy):
    happen(portal, amy, 620)
    rows = list(history.export_rows(portal.db.read, amy.id, Filters()))
    assert len(rows) == len({row.id for row in rows}) == 620


def test_an_entry_explains_its_number_without_telling_of_others(portal, read, amy):
    open_market(portal)
    held = portal.db.transact(quotes.offer, amy.id, "buy", "USDT", "base", parse_units("100", "USDT"))
    portal.db.transact(quotes.accept, amy.id, held.public_id)
    row = read(history.entry, amy.id, held.public_id)
    told = read(history.explain, amy.id, row)
    assert told.quote.public_id == held.public_id
    ((journal, lines),) = told.journals
    assert sum(line.amount_units for line in lines if line.asset == "TWD") == 0
    assert {line.whose for line in lines} == {"you", "house"}
    assert all((line.balance_after_units is None) == (line.whose == "house") for line in lines)
    assert [move.to_state for move in told.moves] == ["executed"]


def test_a_foreign_entry_does_not_exist(portal, read, amy):
    send(portal, "TRON", "USDT", address(portal, amy), "5")
    mine(portal)
    public_id = read(history.page, amy.id).rows[0].public_id
    for person, name in ((people.customer(portal), public_id), (amy, "nothing")):
        with pytest.raises(Refusal, match="not_found"):
            read(history.entry, person.id, name)


def test_the_first_page_is_two_statements_at_most_whatever_the_filters(portal, read, amy):
    happen(portal, amy, 30)
    seen = []
    sa.event.listen(portal.db.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    read(history.page, amy.id, limit=10)
    assert len([line for line in seen if not line.startswith("BEGIN")]) == 1
