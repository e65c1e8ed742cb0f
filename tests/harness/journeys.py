"""What is under way while the weather is bad: one journey per thing that the portal depends on.

`use` is one customer's or institution's act and answers whether they were served; `work` is the worker's turn; `ended`
says whether all has come to its end; `problems` compares the portal with the world outside.
"""

from abc import ABC, abstractmethod
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from portal.errors import Refusal
from portal.models.cards import PartnerCard
from portal.models.wallet import Deposit, Withdrawal
from portal.money import parse_units, to_decimal
from portal.ports import PortError
from portal.services import addresses, codes, files, loads, parameters, quotes, withdrawals
from portal.services.documents import clean_document
from portal.worker import deposits as deposit_duties
from portal.worker import files as file_duties
from portal.worker import jobs as job_duties
from portal.worker import partner as partner_duties
from portal.worker import prices as price_duties
from portal.worker import withdrawals as withdrawal_duties
from tests.harness.living import codes_known
from tests.harness.stations import Stations
from tests.support import documents, partners, people

STRANGER = "TVjsyZ7fYF3qLF6BQgPmTEZy1xrNNyVAAA"
TURN_SECONDS = 20


class Journey(ABC):
    """One thing the portal depends on, around the acts that need it. `proxy` names the proxy that it stands behind."""

    proxy = ""

    def __init__(self, app: Any, world: Stations, number: int) -> None:
        self.app, self.portal, self.world, self.number = app, app.extensions["portal"], world, number
        self.made: list[Any] = []
        self.found: list[str] = []

    @abstractmethod
    def use(self) -> bool:
        """One act; whether its customer was served."""

    @abstractmethod
    def work(self) -> None:
        """Lets the worker have its turn."""

    def ended(self) -> bool:
        return True

    def problems(self) -> list[str]:
        return []


class Messages(Journey):
    """Codes by mail or SMS: nobody waits for the gateway, and a code past its life never arrives."""

    channel = ""

    def use(self) -> bool:
        person = people.customer(self.portal, usdt="100")
        wanted = _out(person, self.portal, "USDT", parse_units("30", "USDT"))
        with codes_known(quiet=False) as seen:
            asked = self.portal.db.transact(withdrawals.request, wanted, self.channel)
        to = person.email if self.channel == "mail" else person.phone
        self.made.append((to, seen[f"withdrawal:{asked.id}"], self.portal.clock.now() + codes.LIFE))
        return True

    def work(self) -> None:
        while job_duties.run_jobs(self.portal):
            pass

    def ended(self) -> bool:
        return not self.portal.db.read(_count, "SELECT COUNT(*) FROM jobs WHERE status IN ('queued', 'running')")

    def problems(self) -> list[str]:
        found = []
        for to, code, dies_at in self.made:
            letters = self.world.post.letters.get(to, [])
            if any(at > dies_at for at, _, _ in letters):
                found.append(f"a code arrived after its life: {to}")
            if any(code not in text for _, _, text in letters):
                found.append(f"{to} got another text")
            if len({key for _, key, _ in letters}) > 1:
                found.append(f"{to} got one code under several keys")
            if not letters and self.portal.clock.now() < dies_at:
                found.append(f"{to} never got the code")
        dead = self.portal.db.read(_count, "SELECT COUNT(*) FROM jobs WHERE status = 'dead'")
        return found + ([f"{dead} messages were given up"] if dead else [])


class Mails(Messages):
    proxy, channel = "smtp", "mail"


class Texts(Messages):
    proxy, channel = "sms", "sms"


class Documents(Journey):
    """Documents handed in: stored whole or refused, and what nobody registered is swept."""

    proxy = "s3"

    def __init__(self, *rest: Any) -> None:
        super().__init__(*rest)
        self.person = people.customer(self.portal)

    def use(self) -> bool:
        self.made.append(None)
        photo = documents.jpeg(40, 30, colour=f"#{len(self.made) * 9973 % 0xFFFFFF:06x}")
        document = clean_document(photo, max_bytes=documents.FIVE_MB)
        try:
            stored = files.put(self.portal.db, document)
        except Refusal as refusal:
            assert refusal.name == "unavailable"
            return False
        self.made[-1] = (self._register(stored), document.content)
        return True

    def _register(self, stored: files.Stored) -> str:
        def work(session: Any) -> str:
            return str(files.register(session, "customer", self.person.id, "test", stored).public_id)

        return str(self.portal.db.transact(work))

    def work(self) -> None:
        try:
            file_duties.sweep_files(self.portal)
        except PortError:
            pass  # the loop logs it and comes again

    def ended(self) -> bool:
        return len(self._kept()) == self.portal.db.read(_count, _REGISTERED)

    def _kept(self) -> list[Any]:
        return self.world.bucket.list_objects_v2(Bucket="documents").get("Contents", [])

    def problems(self) -> list[str]:
        found = []
        for public_id, content in filter(None, self.made):
            file = self.portal.db.read(lambda session, wanted=public_id: files.find(session, wanted))
            if files.content(self.portal.db, file) != content:
                found.append(f"a document came back as another: {public_id}")
        return found


class Limits(Journey):
    """The store of limits: without it sign-in fails closed and reading goes on; with it nobody gets more than the limit."""

    proxy = "redis"

    def __init__(self, *rest: Any) -> None:
        super().__init__(*rest)
        self.person = people.customer(self.portal)
        self.client = self.app.test_client(use_cookies=False)
        self.tried = 0
        self.before = self._counted()

    def use(self) -> bool:
        read = self.client.get("/v1/user", headers={"token": self.person.token})
        if read.status_code not in (200, 429):
            self.found.append(f"reading was answered {read.status_code}")
        self.world.counters.counts.clear()
        answer = self.client.post("/v1/login", json={"loginName": f"ghost{self.number}", "password": "x"})
        counted = self._counted()
        if answer.status_code not in (400, 200, 503):
            self.found.append(f"sign-in was answered {answer.status_code}")
        if answer.status_code != 503 and not counted:
            self.found.append("a try to sign in was let through uncounted")
        self.served = answer.status_code != 503
        return self.served

    def work(self) -> None:
        """No worker has a part in it."""

    def _counted(self) -> int:
        return max((count for key, count in self.world.counters.counts.items() if "door:sign-in" in key), default=0)

    def ended(self) -> bool:
        return self.use()

    def problems(self) -> list[str]:
        return self.found


class Withdrawals(Journey):
    """Money out by chain or bank: paid once when confirmed, kept when failed, never both."""

    asset = ""

    def __init__(self, *rest: Any) -> None:
        super().__init__(*rest)
        self.person = people.customer(self.portal, usdt="20000", twd="200000")
        self.start = self.person.balance(self.asset)

    def use(self) -> bool:
        # Amounts are the names of payments at the chain: none like another in the whole grid.
        units = parse_units("30" if self.asset == "USDT" else "300", self.asset)
        units += self.number * 1000 + len(self.made) if self.asset == "USDT" else parse_units(len(self.made), "TWD")
        with codes_known() as seen:
            asked = self.portal.db.transact(
                withdrawals.request, _out(self.person, self.portal, self.asset, units), "mail"
            )
        self.made.append(asked)

        def confirm(session: Any) -> None:
            withdrawals.confirm(
                session, session.get(Withdrawal, asked.id), seen[f"withdrawal:{asked.id}"], "customer:1"
            )

        self.portal.db.transact(confirm)
        return True

    def ended(self) -> bool:
        return set(self._statuses()) <= {"confirmed", "failed"}

    def _statuses(self) -> list[str]:
        def look(session: Any) -> list[str]:
            return [session.get(Withdrawal, made.id).status for made in self.made]

        return list(self.portal.db.read(look))

    @abstractmethod
    def times_paid(self, made: Withdrawal) -> int:
        """How often the world outside was paid for it."""

    def problems(self) -> list[str]:
        found, left = [], self.start
        for made, status in zip(self.made, self._statuses(), strict=True):
            paid = self.times_paid(made)
            if paid != (status == "confirmed"):
                found.append(f"{made.reference} is {status} and was paid {paid} times")
            left -= made.amount_units * (status == "confirmed")
        has = self.person.balance(self.asset), self.person.balance(self.asset, "frozen")
        return found if has == (left, 0) else [*found, f"{has} {self.asset} where {left} is right"]


class Bank(Withdrawals):
    proxy, asset = "bank", "TWD"

    def work(self) -> None:
        withdrawal_duties.send_to_bank(self.portal)

    def times_paid(self, made: Withdrawal) -> int:
        return sum(
            row["copies"] for row in self.portal.world.rows("SELECT copies FROM payouts WHERE key = ?", made.reference)
        )


class Chain(Withdrawals):
    """Money out by a real node and signer, and deposits that land meanwhile."""

    proxy, asset = "chain", "USDT"

    def __init__(self, *rest: Any) -> None:
        super().__init__(*rest)
        self.to = str(self.portal.db.transact(addresses.for_owner, "customer", self.person.id, "TRON").address)

    def use(self) -> bool:
        self.world.node.pay(self.to, parse_units("7", "USDT"))
        self.world.node.mine()
        self.start += parse_units("7", "USDT")
        return super().use()

    def work(self) -> None:
        withdrawal_duties.send_to_chains(self.portal)
        self.world.node.mine(TURN_SECONDS * 1000 // 3000)
        deposit_duties.watch(self.portal)

    def ended(self) -> bool:
        def look(session: Any) -> int:
            query = sa.select(sa.func.count()).where(
                Deposit.owner_id == self.person.id, Deposit.owner_kind == "customer", Deposit.status == "confirmed"
            )
            return int(session.scalar(query) or 0)

        return super().ended() and self.portal.db.read(look) == len(self.made)

    def times_paid(self, made: Withdrawal) -> int:
        units = made.amount_units - made.fee_units
        blocks = self.world.node.blocks
        return sum(each["units"] == units and not each.get("foreign") for block in blocks for each in block)


class Cards(Journey):
    """Loads of partner cards: the float pays exactly for what the network has on the card."""

    proxy = "card network"

    def __init__(self, *rest: Any) -> None:
        super().__init__(*rest)
        self.partner = partners.partner(self.app, usdt="5000")
        self.partner.work()
        self.acct = f"storm{self.number}"
        self.card = self.partner.card(self.acct)
        self.start = self.partner.float_units()

    def use(self) -> bool:
        self.partner.client.last_ms = 0  # an institution's clock leaps with the portal's
        self.made.append(self.partner.load(self.card, "100", acct_no=self.acct)["tx_id"])
        return True

    def work(self) -> None:
        while job_duties.run_jobs(self.portal):
            pass
        partner_duties.follow_network(self.portal)

    def ended(self) -> bool:
        return set(self._statuses()) <= {"loaded", "failed"}

    def _statuses(self) -> list[str]:
        return [self.portal.db.read(lambda s, t=tx: loads.by_tx_id(s, self.partner.id, t).status) for tx in self.made]

    def problems(self) -> list[str]:
        found, statuses = [], Counter(self._statuses())
        left = self.start - statuses["loaded"] * parse_units("100", "USDT")
        if self.partner.float_units() != left:
            found.append(f"the float holds {self.partner.float_units()} where {left} is right")
        due = 0
        for tx_id, status in zip(self.made, self._statuses(), strict=True):
            rows = self.portal.world.rows("SELECT units FROM net_loads WHERE key = ? AND state = 'paid'", tx_id)
            due += sum(row["units"] for row in rows)
            if len(rows) != (status == "loaded"):
                found.append(f"load {tx_id} is {status} and arrived {len(rows)} times")
        network_id = self.portal.db.read(
            lambda session: session.scalar(sa.select(PartnerCard.network_id).where(PartnerCard.card_no == self.card))
        )
        (kept,) = self.portal.world.rows("SELECT balance FROM net_cards WHERE network_id = ?", network_id)
        if kept["balance"] != due:
            found.append(f"the card has {kept['balance']} where {due} is right")
        return found


class Rates(Journey):
    """Prices: nobody trades at one that has not been the market's within its age."""

    proxy = "rates"

    def __init__(self, *rest: Any) -> None:
        super().__init__(*rest)
        self.person = people.customer(self.portal, twd="100000")
        self.world.exchange.move(self.world.exchange.price)
        self.work()

    def use(self) -> bool:
        moment = self.portal.clock.now()
        try:
            quote = self.portal.db.transact(
                quotes.offer, self.person.id, "buy", "USDT", "base", parse_units("10", "USDT")
            )
        except Refusal as refusal:
            if refusal.name not in ("price_stale", "price_unknown"):
                self.found.append(f"a quote was refused as {refusal.name}")
            return False
        age = timedelta(seconds=int(self.portal.db.read(parameters.get, "prices")["max_age_seconds"]) + 60)
        rate = to_decimal(quote.order_units, "TWD") / to_decimal(quote.base_units, "USDT")
        told = self.world.exchange.told
        until = [at for at, _ in told[1:]] + [moment]
        good = [price for (_, price), end in zip(told, until, strict=True) if end >= moment - age]
        if not any(abs(rate - price) <= price * 2 / 100 for price in good):
            self.found.append(f"a quote at {rate} where the market was at {good}")
        # The market moves on, by little enough to be believed.
        self.world.exchange.move(Decimal(30 + abs(len(told) % 20 - 10)))
        return True

    def work(self) -> None:
        try:
            price_duties.watch(self.portal)
        except PortError:
            pass  # the loop logs it and comes again

    def ended(self) -> bool:
        return self.use()

    def problems(self) -> list[str]:
        return self.found


JOURNEYS: tuple[type[Journey], ...] = (Mails, Texts, Documents, Limits, Bank, Cards, Chain, Rates)

_REGISTERED = "SELECT COUNT(*) FROM stored_files WHERE state = 'registered'"


def _count(session: Any, query: str) -> int:
    return int(session.scalar(sa.text(query)) or 0)


def _out(person: people.Person, portal: Any, asset: str, units: int) -> withdrawals.Request:
    where: dict[str, Any] = {"kind": "crypto", "network": "TRON", "address": STRANGER}
    if asset == "TWD":
        where = {"kind": "fiat", "network": "BANK", "bank_account_id": person.bank_account_id}
    return withdrawals.Request(
        owner_kind="customer", owner_id=person.id, family="brokerage", asset=asset, amount_units=units, **where
    )
