"""What customers and the world may do to a portal in any order, beside a model that says what must come of it."""

from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from portal.models.wallet import Transfer, Withdrawal
from portal.money import parse_units
from portal.services import addresses, payments, quotes, transfers, withdrawals
from portal.worker import deposits as deposit_duties
from portal.worker import transfers as transfer_duties
from portal.worker import withdrawals as withdrawal_duties
from tests.support import people
from tests.support.market import open_market
from tests.support.outside import answer_of

OUTSIDE = "TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj"
#: A block this deep can no longer change (TRON).
SOLID = 19
MAX_TRIES = 5
ASSETS = ("USDT", "TWD", "TWIP", "TWIG")
HELD = ("otp_verified", "awaiting_approval", "in_review", "approved", "processing", "broadcast")
WHO = st.integers(0, 1)


class Life(RuleBasedStateMachine):
    """Two customers with little money, one store, one chain, one bank. `portal`, `store` and `codes` are set outside."""

    portal: Any
    store: Any
    codes: dict[str, str]
    steps = 0
    #: Tries to give the code of something else, none of which may count.
    crossed = 0

    offered = Bundle("offered")
    asked = Bundle("asked")
    sent = Bundle("sent")
    bills = Bundle("bills")

    @initialize()
    def begin(self) -> None:
        self.who = [people.customer(self.portal, usdt="120", twd="5000", twip="100") for _ in range(2)]
        self.base = {(person.id, asset): person.balance(asset) for person in self.who for asset in ASSETS}
        self.withdrawals: dict[int, Any] = {}
        self.tries: dict[str, int] = {}
        self.deposits: list[tuple[int, int, int]] = []
        self.links: dict[int, str] = {}
        self.to = [
            str(self.portal.db.transact(addresses.for_owner, "customer", person.id, "TRON").address)
            for person in self.who
        ]

    def do(self, service: Any, *arguments: Any) -> Any:
        """What a service answers, or the name of its refusal."""
        type(self).steps += 1
        return answer_of(self.portal, service, *arguments)

    def shift(self, owner: int, asset: str, units: int) -> None:
        self.base[owner, asset] += units

    def available(self, owner: int, asset: str) -> int:
        """What the model says somebody may spend."""
        return self._reckoned(self.statuses(), owner, asset)[0]

    def _reckoned(self, statuses: dict[int, str], owner: int, asset: str) -> tuple[int, int]:
        """(available, frozen) by the model."""
        mine = [made for made in self.withdrawals.values() if (made.owner_id, made.asset) == (owner, asset)]
        frozen = sum(made.amount_units for made in mine if statuses[made.id] in HELD)
        gone = sum(made.amount_units for made in mine if statuses[made.id] == "confirmed")
        return self.base[owner, asset] - frozen - gone, frozen

    def statuses(self) -> dict[int, str]:
        """How every withdrawal stands."""
        return dict(
            self.portal.db.read(lambda session: session.execute(sa.text("SELECT id, status FROM withdrawals")).all())
        )

    def status(self, withdrawal_id: int) -> str:
        return self.statuses()[withdrawal_id]

    # Trading

    @rule(target=offered, who=WHO, side=st.sampled_from(("buy", "sell")), units=st.sampled_from(("5", "50", "130")))
    def offer(self, who: int, side: str, units: str) -> Any:
        open_market(self.portal, usdt="30")
        quote = self.do(quotes.offer, self.who[who].id, side, "USDT", "base", parse_units(units, "USDT"))
        return multiple() if isinstance(quote, str) else (who, quote)

    @rule(offer=offered, who=WHO)
    def accept(self, offer: Any, who: int) -> None:
        owner, quote = offer
        before = self.portal.clock.now()
        fresh = self.portal.db.read(quotes.of_customer, self.who[owner].id, quote.public_id).status == "quoted"
        can = {asset: self.available(self.who[owner].id, asset) for asset in ("USDT", "TWD")}
        answer = self.do(quotes.accept, self.who[who].id, quote.public_id)
        if who != owner:
            assert answer == "not_found"
            return
        if answer.status == "executed" and fresh:
            assert before < quote.expires_at, "a price was honoured past its time"
            sign = 1 if quote.side == "buy" else -1
            self.shift(self.who[who].id, "USDT", sign * quote.base_units)
            self.shift(self.who[who].id, "TWD", -sign * quote.order_units)
        elif answer.status == "unfunded" and fresh:
            asset, needs = ("TWD", quote.order_units) if quote.side == "buy" else ("USDT", quote.base_units)
            assert can[asset] < needs
        elif answer.status == "expired" and fresh:
            assert self.portal.clock.now() >= quote.expires_at

    # Money out

    @rule(target=asked, who=WHO, asset=st.sampled_from(("USDT", "TWD")), amount=st.sampled_from((1, 2)))
    def ask(self, who: int, asset: str, amount: int) -> Any:
        person = self.who[who]
        where: dict[str, Any] = {"kind": "crypto", "network": "TRON", "address": OUTSIDE}
        units = parse_units(45, "USDT") * amount
        if asset == "TWD":
            where = {"kind": "fiat", "network": "BANK", "bank_account_id": person.bank_account_id}
            units = parse_units(2015, "TWD") * amount - parse_units(15, "TWD") * (amount - 1)
        wanted = withdrawals.Request(
            owner_kind="customer", owner_id=person.id, family="brokerage", asset=asset, amount_units=units, **where
        )
        can = self.available(person.id, asset)
        made = self.do(withdrawals.request, wanted)
        if isinstance(made, str):
            assert made in ("insufficient_balance", "code_too_soon"), made
            assert made != "insufficient_balance" or can < units
            return multiple()
        self.withdrawals[made.id] = made
        return made

    @rule(made=asked)
    def confirm(self, made: Any) -> None:
        before, can = self.status(made.id), self.available(made.owner_id, made.asset)
        answer = self._confirm(made, self.codes[f"withdrawal:{made.id}"])
        if answer == "awaiting_approval":
            assert before == "otp_pending" and can >= made.amount_units
            assert self.tries.get(f"withdrawal:{made.id}", 0) < MAX_TRIES, "a sixth try was heard"
        elif before == "otp_pending" and answer == "insufficient_balance":
            assert can < made.amount_units

    @rule(made=asked, other=st.one_of(asked, sent, bills))
    def confirm_with_the_code_of_something_else(self, made: Any, other: Any) -> None:
        subject = f"withdrawal:{made.id}"
        name = (
            f"withdrawal:{other.id}" if isinstance(other, Withdrawal) else f"payment:{getattr(other, 'public_id', 0)}"
        )
        code = self.codes.get(name, "000000")
        if code == self.codes[subject]:
            return
        before = self.status(made.id)
        type(self).crossed += 1
        answer = self._confirm(made, code)
        assert answer in ("code_wrong", "code_expired", "withdrawal_not_waiting"), answer
        assert self.status(made.id) == before
        if answer == "code_wrong":
            self.tries[subject] = self.tries.get(subject, 0) + 1

    def _confirm(self, made: Any, code: str) -> Any:
        def work(session: Any) -> str:
            found = session.get(Withdrawal, made.id)
            return str(withdrawals.confirm(session, found, code, f"customer:{made.owner_id}").status)

        return self.do(work)

    @rule(who=WHO, asset=st.sampled_from(("USDT", "TWD")), then=st.sampled_from(("leave", "leave", "call off")))
    def take_out(self, who: int, asset: str, then: str) -> None:
        """The usual way at one go: asked, proven, and on its way before anything else happens."""
        made = self.ask(who, asset, 1)
        if not isinstance(made, Withdrawal):
            return
        self.confirm(made)
        if then == "call off":
            self.call_off(made)
        else:
            self.work()

    @rule(made=asked)
    def call_off(self, made: Any) -> None:
        before = self.status(made.id)
        answer = self.do(
            lambda session: withdrawals.cancel(session, session.get(Withdrawal, made.id), "customer:1").status
        )
        assert answer == ("cancelled" if before in withdrawals.CANCELLABLE else "withdrawal_too_late")

    # Between customers

    @rule(target=sent, who=WHO, units=st.sampled_from(("10", "70")))
    def send(self, who: int, units: str) -> Any:
        payer, payee = self.who[who], self.who[1 - who]
        made = self.do(
            transfers.request, payer.id, payee.username, payee.email, "USDT", parse_units(units, "USDT")
        )  # fmt: skip
        if isinstance(made, str):
            assert made == "insufficient_balance", made
            return multiple()
        self.links[made.id] = self.codes[payer.email]
        return made

    @rule(who=WHO, act=st.sampled_from(("confirm", "confirm", "cancel")))
    def hand_over(self, who: int, act: str) -> None:
        """The usual way at one go."""
        made = self.send(who, "10")
        if isinstance(made, Transfer):
            self.open_link(made, who)
            self.finish(made, act)

    @rule(made=sent, who=WHO)
    def open_link(self, made: Any, who: int) -> None:
        answer = self.do(transfers.open_link, self.links[made.id], self.who[who].id)
        if self.who[who].id != made.sender_id:
            assert answer == "transfer_link_invalid"

    @rule(made=sent, act=st.sampled_from(("confirm", "confirm", "cancel")))
    def finish(self, made: Any, act: str) -> None:
        def work(session: Any) -> tuple[str, str]:
            found = session.get(Transfer, made.id)
            before = found.status
            return before, getattr(transfers, act)(session, found, f"customer:{made.sender_id}").status

        can = self.available(made.sender_id, "USDT")
        answer = self.do(work)
        if answer == ("email_confirmed", "completed"):
            assert can >= made.amount_units
            self.shift(made.sender_id, "USDT", -made.amount_units)
            self.shift(made.receiver_id, "USDT", made.amount_units)
        elif not isinstance(answer, str):
            assert answer[1] == "cancelled" or answer[0] == "completed", answer

    # At the counter

    @rule(target=bills, who=WHO, amount=st.sampled_from(("10", "60")))
    def check_out(self, who: int, amount: str) -> Any:
        made = self.do(payments.checkout, self.who[who].id, self.store.public_id, amount)
        return multiple() if isinstance(made, str) else made.order

    @rule(bill=bills, who=WHO, right=st.sampled_from((True, True, False)))
    def pay(self, bill: Any, who: int, right: bool) -> None:
        subject, person = f"payment:{bill.public_id}", self.who[who]
        code = self.codes[subject] if right else f"{(int(self.codes[subject]) + 1) % 10**6:06d}"
        can = self.available(person.id, "TWIP")
        answer = self.do(payments.verify, person.id, self.store.public_id, bill.public_id, code)
        if not isinstance(answer, str):
            assert right and person.id == bill.customer_id and can >= bill.amount_units
            assert self.tries.get(subject, 0) < MAX_TRIES, "a sixth try was heard"
            self.shift(person.id, "TWIP", -bill.amount_units)
        elif person.id != bill.customer_id:
            assert answer == "not_found"
        elif answer == "code_wrong":
            self.tries[subject] = self.tries.get(subject, 0) + 1

    # The world outside

    @rule(who=WHO, how=st.sampled_from(("right", "right", "reverted", "fake")))
    def deposit(self, who: int, how: str) -> None:
        chain = self.portal.ports.chains["TRON"]
        units, number = parse_units("7", "USDT"), len(self.deposits)
        chain.add_transfer(
            "USDT", self.to[who], units, self.hash_of(number), 0, sender="x", succeeded=how != "reverted",
            contract=OUTSIDE if how == "fake" else None,
        )  # fmt: skip
        self.deposits.append((who, units if how == "right" else 0, chain.head().number))

    def hash_of(self, number: int) -> str:
        """The transaction of a deposit of this life."""
        return f"{self.who[0].id:032x}{number:032x}"

    @rule(blocks=st.sampled_from((1, 10, 18, 19, 25)))
    def mine(self, blocks: int) -> None:
        self.portal.ports.chains["TRON"].mine(blocks)
        self.watch()

    @rule(depth=st.sampled_from((1, 5, SOLID - 1)), again=st.booleans())
    def the_chain_changes_its_mind(self, depth: int, again: bool) -> None:
        """Young blocks give way to others: what was in them is mined anew, or gone for good."""
        chain = self.portal.ports.chains["TRON"]
        first = chain.head().number - depth + 1
        chain.reorganise(depth, again=again)
        head = chain.head().number
        self.deposits = [
            (who, units if again else 0, head) if block >= first else (who, units, block)
            for who, units, block in self.deposits
        ]
        self.watch()

    @rule()
    def watch(self) -> None:
        while deposit_duties.watch(self.portal):
            pass
        head = self.portal.ports.chains["TRON"].head().number
        for number, (who, units, block) in enumerate(self.deposits):
            if units and head - block >= SOLID:
                self.shift(self.who[who].id, "USDT", units)
                self.deposits[number] = (who, 0, block)

    @rule()
    def work(self) -> None:
        withdrawal_duties.send_to_chains(self.portal)
        withdrawal_duties.send_to_bank(self.portal)

    @rule(seconds=st.sampled_from((1, 30, 301, 1_801, 90_000)))
    def time_goes_by(self, seconds: int) -> None:
        self.portal.clock.advance(seconds)
        withdrawal_duties.expire(self.portal)
        transfer_duties.expire(self.portal)

    @rule(port=st.sampled_from(("chain", "bank")), fault=st.sampled_from(("error", "timeout", "lost_answer")))
    def something_fails(self, port: str, fault: str) -> None:
        self.portal.world.set_fault(port, fault, 1)
        self.work()
        self.portal.world.set_fault(port, fault, 0)

    @invariant()
    def everybody_has_what_they_must_have(self) -> None:
        statuses = self.statuses()
        rows = self.portal.db.read(lambda session: session.execute(sa.text(_BALANCES)).all())
        kept = {(owner, asset, bucket): units for owner, asset, bucket, units in rows}
        for owner, asset in self.base:
            holds = (kept.get((owner, asset, "available"), 0), kept.get((owner, asset, "frozen"), 0))
            assert holds == self._reckoned(statuses, owner, asset), asset

    @invariant()
    def nothing_is_paid_that_was_not_held(self) -> None:
        rows = self.portal.world.rows(
            "SELECT SUM(units) AS units FROM chain_transfers WHERE recipient = ? AND succeeded = 1", OUTSIDE
        )
        paid = self.portal.db.read(lambda session: session.scalar(sa.text(_MAY_BE_PAID)))
        assert Decimal(rows[0]["units"] or 0) <= Decimal(paid or 0), "more left by the chain than was held for it"


_MAY_BE_PAID = (
    "SELECT SUM(amount_units - fee_units) FROM withdrawals"
    " WHERE network = 'TRON' AND status IN ('processing', 'broadcast', 'confirmed')"
)

_BALANCES = "SELECT owner_id, asset, bucket, balance_units FROM accounts WHERE owner_kind = 'customer'"
