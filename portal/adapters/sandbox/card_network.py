"""The sandbox card network: a small one that works like a real one, with its own books in the world's file.

It issues card numbers and keeps them, takes documents, activates, reviews, freezes, books loads, authorises and captures
purchases, pays cash with its fees, declines by balance and freeze, and closes a statement every month. What happens is
told as a feed of events in order. Times are the portal's clock's, days are Taipei's.
"""

import calendar
import json
import secrets
import sqlite3
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_CEILING, Decimal

from portal.adapters.sandbox.world import World
from portal.clock import Clock
from portal.ports import (
    NetworkAccount,
    NetworkCard,
    NetworkEvent,
    NetworkLine,
    NetworkStatement,
    PayoutState,
    PortRejected,
)

_TABLES = """
CREATE TABLE IF NOT EXISTS net_cards (network_id TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, card_type_id TEXT NOT NULL,
  number TEXT NOT NULL UNIQUE, active INTEGER NOT NULL DEFAULT 0, frozen INTEGER NOT NULL DEFAULT 0,
  reviewing INTEGER NOT NULL DEFAULT 0, balance INTEGER NOT NULL DEFAULT 0, held INTEGER NOT NULL DEFAULT 0,
  issued_on TEXT NOT NULL, CHECK (balance >= 0 AND held >= 0));
CREATE TABLE IF NOT EXISTS net_loads (key TEXT PRIMARY KEY, network_id TEXT NOT NULL, units INTEGER NOT NULL,
  state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS net_bookings (id INTEGER PRIMARY KEY, network_id TEXT NOT NULL, booked_on TEXT NOT NULL,
  posted_on TEXT NOT NULL, description TEXT NOT NULL, debit INTEGER NOT NULL, credit INTEGER NOT NULL, kind INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS net_bookings_card ON net_bookings (network_id, posted_on, id);
CREATE TABLE IF NOT EXISTS net_statements (network_id TEXT NOT NULL, month TEXT NOT NULL, closes_on TEXT NOT NULL,
  opening INTEGER NOT NULL, closing INTEGER NOT NULL, PRIMARY KEY (network_id, month));
CREATE TABLE IF NOT EXISTS net_events (number INTEGER PRIMARY KEY AUTOINCREMENT, network_id TEXT NOT NULL,
  kind TEXT NOT NULL, at TEXT NOT NULL, facts TEXT NOT NULL);
"""

TAIPEI = timezone(timedelta(hours=8))
_CENT = 10_000  # ledger units of USD (six places) in a cent

PURCHASE, LOAD, CASH, TRANSFER = 1, 2, 3, 4


@dataclass(frozen=True, slots=True)
class Product:
    """A kind of card at the network: its name, its numbers' head, and what its use costs (ratios, units)."""

    name: str
    head: str
    transaction_rate: Decimal = Decimal("0.2")
    atm_rate: Decimal = Decimal("0.1")
    atm_fee_units: int = 0


PRODUCTS = {
    "50000001": Product("TAROKO BLUE", "430021"),
    "50000002": Product("TAROKO GOLD", "438521"),
}
OTHER = Product("TAROKO CARD", "430099")


@dataclass(frozen=True, slots=True)
class Played:
    """What became of a use of a card."""

    approved: bool
    reason: str
    fee_units: int
    balance_units: int
    available_units: int


def check_digit(head: str) -> str:
    """The last digit that makes a number pass Luhn's check."""
    total = 0
    for place, digit in enumerate(reversed(head)):
        value = int(digit) * (2 - place % 2)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


class SandboxCardNetwork:
    """Cards of the sandbox world."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world, self._clock = world, clock
        world.script(_TABLES)

    def issue(self, key: str, card_type_id: str) -> NetworkCard:
        with self._world.call("card_network"), self._world.change() as books:
            books.execute("BEGIN IMMEDIATE")
            known = books.execute("SELECT network_id, number FROM net_cards WHERE key = ?", (key,)).fetchone()
            if known is None:
                known = self._make_card(books, key, card_type_id)
            return NetworkCard(known["network_id"], known["number"][:6], known["number"][-4:])

    def _make_card(self, books: sqlite3.Connection, key: str, card_type_id: str) -> sqlite3.Row:
        head = PRODUCTS.get(card_type_id, OTHER).head
        while True:
            body = f"{head}{secrets.randbelow(10**9):09d}"
            number = body + check_digit(body)
            if books.execute("SELECT 1 FROM net_cards WHERE number = ?", (number,)).fetchone() is None:
                break
        network_id = f"net_{secrets.token_hex(12)}"
        books.execute(
            "INSERT INTO net_cards (network_id, key, card_type_id, number, issued_on) VALUES (?, ?, ?, ?, ?)",
            (network_id, key, card_type_id, number, self._today().isoformat()),
        )
        return self._card(books, network_id)

    def submit_documents(self, key: str, network_id: str) -> None:
        with self._world.call("card_network"), self._world.change() as books:
            self._card(books, network_id)
            books.execute("UPDATE net_cards SET reviewing = 1 WHERE network_id = ? AND active = 0", (network_id,))

    def activate(self, key: str, network_id: str) -> None:
        with self._world.call("card_network"), self._world.change() as books:
            books.execute("BEGIN IMMEDIATE")
            card = self._card(books, network_id)
            if card["reviewing"]:
                raise PortRejected("the card's documents are being reviewed")
            if not card["active"]:
                books.execute("UPDATE net_cards SET active = 1 WHERE network_id = ?", (network_id,))
                self._tell(books, network_id, "activated")

    def load(self, key: str, network_id: str, amount_units: int) -> None:
        with self._world.call("card_network"), self._world.change() as books:
            books.execute("BEGIN IMMEDIATE")
            if books.execute("SELECT 1 FROM net_loads WHERE key = ?", (key,)).fetchone():
                return
            card = self._card(books, network_id)
            refused = "the card is not active" if not card["active"] else "the card is frozen" if card["frozen"] else ""
            books.execute(
                "INSERT INTO net_loads VALUES (?, ?, ?, ?, ?)",
                (key, network_id, amount_units, "rejected" if refused else "paid", refused),
            )
            if refused:
                books.commit()
                raise PortRejected(refused)
            self._book(books, network_id, "CARD LOAD", LOAD, credit=amount_units)
            self._tell(books, network_id, "load", key=key, description="CARD LOAD", credit=amount_units)

    def load_state(self, key: str) -> PayoutState:
        with self._world.call("card_network", looks=True):
            rows = self._world.rows("SELECT state, reason FROM net_loads WHERE key = ?", key)
        return PayoutState(rows[0]["state"], rows[0]["reason"]) if rows else PayoutState("unknown")

    def account(self, network_id: str) -> NetworkAccount:
        with self._world.call("card_network"), self._world.change() as books:
            card = self._card(books, network_id)
        return NetworkAccount(
            product=PRODUCTS.get(card["card_type_id"], OTHER).name,
            active=bool(card["active"]),
            frozen=bool(card["frozen"]),
            balance_units=card["balance"],
            available_units=card["balance"] - card["held"],
        )

    def statements(self, network_id: str, first: tuple[int, int], last: tuple[int, int]) -> list[NetworkStatement]:
        with self._world.call("card_network"), self._world.change() as books:
            books.execute("BEGIN IMMEDIATE")
            card = self._card(books, network_id)
            self._run_statements(books, card)
            today = self._today()
            found = []
            for year, month in _months(first, min(last, (today.year, today.month))):
                statement = self._statement(books, card, year, month)
                if statement is not None:
                    found.append(statement)
            return found

    def events(self, after: int, limit: int) -> list[NetworkEvent]:
        with self._world.call("card_network", looks=True) as times:
            rows = self._world.rows("SELECT * FROM net_events WHERE number > ? ORDER BY number LIMIT ?", after, limit)
        found = [
            NetworkEvent(
                row["number"],
                row["network_id"],
                row["kind"],
                datetime.fromisoformat(row["at"]),
                **json.loads(row["facts"]),
            )
            for row in rows
        ]
        return found * times

    # What people do with a card, and what the bank does: pulled by the sandbox's levers, not by the portal.

    def use(self, network_id: str, kind: str, amount_units: int, description: str) -> Played:
        """A purchase, a cash withdrawal, a transfer or a refund: authorised, and captured at once."""
        with self._world.change() as books:
            books.execute("BEGIN IMMEDIATE")
            card = self._card(books, network_id)
            product = PRODUCTS.get(card["card_type_id"], OTHER)
            fee = _fee(product, kind, amount_units)
            reason = self._authorise(books, card, kind, amount_units + fee)
            if reason:
                self._tell(
                    books, network_id, kind, description=description, debit=amount_units, approved=False, reason=reason
                )
            else:
                self._capture(books, card, kind, amount_units, fee, description)
            after = self._card(books, network_id)
            return Played(not reason, reason, 0 if reason else fee, after["balance"], after["balance"] - after["held"])

    def _authorise(self, books: sqlite3.Connection, card: sqlite3.Row, kind: str, units: int) -> str:
        if not card["active"]:
            return "not_active"
        if card["frozen"]:
            return "frozen"
        if kind == "refund":
            return ""
        if card["balance"] - card["held"] < units:
            return "insufficient_funds"
        books.execute("UPDATE net_cards SET held = held + ? WHERE network_id = ?", (units, card["network_id"]))
        return ""

    def _capture(
        self, books: sqlite3.Connection, card: sqlite3.Row, kind: str, units: int, fee: int, description: str
    ) -> None:
        network_id = card["network_id"]
        line = {"purchase": PURCHASE, "atm": CASH, "transfer": TRANSFER, "refund": PURCHASE}[kind]
        if kind == "refund":
            self._book(books, network_id, description, line, credit=units)
            self._tell(books, network_id, kind, description=description, credit=units)
            return
        books.execute("UPDATE net_cards SET held = held - ? WHERE network_id = ?", (units + fee, network_id))
        self._book(books, network_id, description, line, debit=units)
        self._tell(books, network_id, kind, description=description, debit=units)
        if fee:
            name = "ATM FEE" if kind == "atm" else "TRANSACTION FEE"
            self._book(books, network_id, name, line, debit=fee)
            self._tell(books, network_id, "fee", description=name, debit=fee)

    def set_frozen(self, network_id: str, frozen: bool) -> bool:
        """The bank freezes or unfreezes an active card; False when it is so already or was never active."""
        with self._world.change() as books:
            books.execute("BEGIN IMMEDIATE")
            changed = books.execute(
                "UPDATE net_cards SET frozen = ? WHERE network_id = ? AND active = 1 AND frozen = ?",
                (int(frozen), network_id, int(not frozen)),
            ).rowcount
            if changed:
                self._tell(books, network_id, "frozen" if frozen else "unfrozen")
            return bool(changed)

    def review(self, network_id: str, passed: bool, reason: str = "") -> bool:
        """The bank reviews a card's documents; False when none are waiting."""
        with self._world.change() as books:
            books.execute("BEGIN IMMEDIATE")
            changed = books.execute(
                "UPDATE net_cards SET reviewing = 0, active = ? WHERE network_id = ? AND reviewing = 1",
                (int(passed), network_id),
            ).rowcount
            if changed:
                kind = "review_passed" if passed else "review_failed"
                self._tell(books, network_id, kind, reason=reason)
            return bool(changed)

    def _card(self, books: sqlite3.Connection, network_id: str) -> sqlite3.Row:
        found: sqlite3.Row | None = books.execute(
            "SELECT * FROM net_cards WHERE network_id = ?", (network_id,)
        ).fetchone()
        if found is None:
            raise PortRejected("no such card")
        return found

    def _book(
        self,
        books: sqlite3.Connection,
        network_id: str,
        description: str,
        kind: int,
        *,
        debit: int = 0,
        credit: int = 0,
    ) -> None:
        today = self._today().isoformat()
        books.execute(
            "INSERT INTO net_bookings (network_id, booked_on, posted_on, description, debit, credit, kind)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (network_id, today, today, description, debit, credit, kind),
        )
        books.execute("UPDATE net_cards SET balance = balance + ? WHERE network_id = ?", (credit - debit, network_id))

    def _tell(
        self, books: sqlite3.Connection, network_id: str, kind: str, *, key: str = "", description: str = "",
        debit: int = 0, credit: int = 0, approved: bool = True, reason: str = "",
    ) -> None:  # fmt: skip
        facts = {
            "key": key, "description": description, "debit_units": debit, "credit_units": credit,
            "approved": approved, "reason": reason,
        }  # fmt: skip
        books.execute(
            "INSERT INTO net_events (network_id, kind, at, facts) VALUES (?, ?, ?, ?)",
            (network_id, kind, self._clock.now().astimezone(UTC).isoformat(), json.dumps(facts)),
        )

    def _run_statements(self, books: sqlite3.Connection, card: sqlite3.Row) -> None:
        """Closes every month that is over and has no statement yet, in order."""
        today = self._today()
        start = date.fromisoformat(card["issued_on"])
        closed = books.execute(
            "SELECT month, closing FROM net_statements WHERE network_id = ? ORDER BY month DESC LIMIT 1",
            (card["network_id"],),
        ).fetchone()
        opening = closed["closing"] if closed else 0
        first = _after(closed["month"]) if closed else (start.year, start.month)
        for year, month in _months(first, (today.year, today.month)):
            if (year, month) == (today.year, today.month):
                break
            closing = opening + self._turnover(books, card["network_id"], year, month)
            books.execute(
                "INSERT INTO net_statements VALUES (?, ?, ?, ?, ?)",
                (card["network_id"], f"{year:04d}-{month:02d}", _month_end(year, month).isoformat(), opening, closing),
            )
            opening = closing

    def _turnover(self, books: sqlite3.Connection, network_id: str, year: int, month: int) -> int:
        row = books.execute(
            "SELECT COALESCE(SUM(credit - debit), 0) FROM net_bookings WHERE network_id = ? AND posted_on LIKE ?",
            (network_id, f"{year:04d}-{month:02d}-%"),
        ).fetchone()
        return int(row[0])

    def _statement(
        self, books: sqlite3.Connection, card: sqlite3.Row, year: int, month: int
    ) -> NetworkStatement | None:
        start = date.fromisoformat(card["issued_on"])
        if (year, month) < (start.year, start.month):
            return None
        closed = books.execute(
            "SELECT opening, closing FROM net_statements WHERE network_id = ? AND month = ?",
            (card["network_id"], f"{year:04d}-{month:02d}"),
        ).fetchone()
        rows = books.execute(
            "SELECT * FROM net_bookings WHERE network_id = ? AND posted_on LIKE ? ORDER BY id",
            (card["network_id"], f"{year:04d}-{month:02d}-%"),
        ).fetchall()
        lines = tuple(
            NetworkLine(
                date.fromisoformat(row["booked_on"]), date.fromisoformat(row["posted_on"]), row["description"],
                row["debit"], row["credit"], row["kind"],
            )
            for row in rows
        )  # fmt: skip
        turnover = sum(line.credit_units - line.debit_units for line in lines)
        closing = closed["closing"] if closed else card["balance"]
        opening = closed["opening"] if closed else closing - turnover
        return NetworkStatement(year, month, _month_end(year, month), opening, closing, lines)

    def _today(self) -> date:
        return self._clock.now().astimezone(TAIPEI).date()


def _fee(product: Product, kind: str, units: int) -> int:
    """What a use costs, in whole cents, rounded up."""
    rate = {"purchase": product.transaction_rate, "atm": product.atm_rate}.get(kind, Decimal(0))
    cents = (Decimal(units) * rate / _CENT).to_integral_value(ROUND_CEILING)
    return int(cents) * _CENT + (product.atm_fee_units if kind == "atm" else 0)


def _months(first: tuple[int, int], last: tuple[int, int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    while first <= last and len(found) < 1200:
        found.append(first)
        first = (first[0] + first[1] // 12, first[1] % 12 + 1)
    return found


def _after(month: str) -> tuple[int, int]:
    year, number = int(month[:4]), int(month[5:])
    return year + number // 12, number % 12 + 1


def _month_end(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])
