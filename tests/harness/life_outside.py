"""More of what may happen: staff decide, the bank and the chain take back, money is announced, things run out.

Each rule leads the usual way at one go to a place where random steps seldom come.
"""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from portal.models.wallet import Deposit, Withdrawal
from portal.money import parse_units
from portal.services import (
    bank_credits,
    bank_deposits,
    deposits,
    parameters,
    payment_requests,
    payments,
    withdrawal_approvals,
    withdrawals,
)
from portal.worker import vouchers as voucher_duties
from tests.harness.life import WHO, Life
from tests.support.market import open_market

STAFF = st.sampled_from(("staff:1", "staff:2"))
OPEN = ("processing", "broadcast")


class WholeLife(Life):
    """The life of customers with the staff and the whole world around them."""

    #: Tries to give the same yes twice, and how many counted.
    own_approvals = own_approvals_counted = 0

    @initialize()
    def begin_outside(self) -> None:
        """Above these amounts one or two people of the staff must look."""
        thresholds = {"one_above_twd": "2000", "two_above_twd": "2500"}
        self.portal.db.transact(parameters.change, "withdrawal_approval", thresholds, "machine")
        self.references = 0
        open_market(self.portal, usdt="30")

    # Staff

    @rule(who=WHO, asset=st.sampled_from(("USDT", "TWD")), first=STAFF, second=STAFF, then=st.sampled_from(
        ("approve", "reject", "aside and approve", "aside and reject", "aside and call off", "approve and call off")))  # fmt: skip
    def staff_look_at(self, who: int, asset: str, first: str, second: str, then: str) -> None:
        """Somebody takes out so much that staff must look; what they say decides."""
        made = self.ask(who, asset, 1 if asset == "TWD" else 2)
        if not isinstance(made, Withdrawal) or made.id not in self.withdrawals:
            return
        self.confirm(made)
        if self.status(made.id) != "awaiting_approval":
            return
        if then.startswith("aside"):
            self.do(withdrawal_approvals.put_aside, made.id, first, "to be looked at")
        if "reject" in then:
            self.do(withdrawal_approvals.reject, made.id, first, "not believed")
        elif "approve" in then:
            self._approve(made, first, second)
        if "call off" in then:
            self.call_off(made)

    def _approve(self, made: Any, first: str, second: str) -> None:
        needed = self.portal.db.read(lambda session: session.get(Withdrawal, made.id).needs_approvals)
        people: set[str] = set()
        for actor in (first, second, first):
            if self.status(made.id) not in ("awaiting_approval", "in_review"):
                break
            answer = self.do(withdrawal_approvals.approve, made.id, actor)
            if actor in people:
                type(self).own_approvals += 1
                type(self).own_approvals_counted += answer != "approval_twice"
                assert answer == "approval_twice", answer
            people.add(actor)
        if self.status(made.id) == "approved":
            assert len(people) >= needed, "one person's yes counted twice"

    # The bank and the chain

    @rule(who=WHO, asset=st.sampled_from(("USDT", "TWD")), lost=st.booleans(), taken_back=st.booleans())
    def send_out(self, who: int, asset: str, lost: bool, taken_back: bool) -> None:
        """It is sent, perhaps without an answer, and perhaps the other side takes it back before it is final."""
        made = self.ask(who, asset, 1)
        if not isinstance(made, Withdrawal):
            return
        self.confirm(made)
        self._approve(made, "staff:1", "staff:2")
        if self.status(made.id) not in ("awaiting_approval", "approved"):
            return
        port = "chain" if asset == "USDT" else "bank"
        if lost:
            self.portal.world.set_fault(port, "lost_answer", 1)
        self.work()
        self.portal.world.set_fault(port, "error", 0)
        if taken_back and self.status(made.id) in OPEN:
            self._take_back(made)
            self.work()
        else:
            self.mine(25)
            self.work()

    def _take_back(self, made: Any) -> None:
        tx_hash = self.portal.db.read(lambda session: session.get(Withdrawal, made.id).tx_hash)
        with self.portal.world.change() as connection:
            connection.execute("UPDATE chain_transfers SET succeeded = 0 WHERE tx_hash = ?", (tx_hash,))
            connection.execute(
                "UPDATE payouts SET state = 'rejected', reason = 'no such account' WHERE key = ?", (made.reference,)
            )

    @rule(who=WHO)
    def take_out_to_one_of_us(self, who: int) -> None:
        """A withdrawal to an address of the portal's own is settled inside at once."""
        payer, payee, units = self.who[who], self.who[1 - who], parse_units("45", "USDT")
        wanted = withdrawals.Request(
            owner_kind="customer", owner_id=payer.id, family="brokerage", kind="crypto", asset="USDT", network="TRON",
            amount_units=units, address=self.to[1 - who],
        )  # fmt: skip
        made = self.do(withdrawals.request, wanted)
        if isinstance(made, str):
            return
        self.withdrawals[made.id] = made
        if self._confirm(made, self.codes[f"withdrawal:{made.id}"]) == "confirmed":
            self.shift(payee.id, "USDT", made.amount_units - made.fee_units)

    @rule(who=WHO, then=st.sampled_from(("comes", "cancelled", "late")))
    def announce(self, who: int, then: str) -> None:
        """Money is announced; it comes, is called off, or comes when nobody waits for it any more."""
        person, units = self.who[who], parse_units("321", "TWD")
        account = self.do(bank_deposits.way_in, person.id).account.account
        made = self.do(deposits.announce, person.id, units, {})
        if then == "cancelled":
            self.do(lambda session: deposits.cancel(session, session.get(Deposit, made.id), "customer:1"))
            return
        if then == "late":
            self.portal.clock.advance(int((made.expires_at - self.portal.clock.now()).total_seconds()) + 1)
            self.watch()
            return
        self.references += 1
        name = f"machine-{self.who[0].id}-{self.references}"
        for _ in range(2):  # the bank says everything twice
            self.do(lambda session: bank_credits.receive(session, account=account, amount_units=units, reference=name))
        self.shift(person.id, "TWD", units)

    @rule(who=WHO, again=st.booleans())
    def a_block_gives_way(self, who: int, again: bool) -> None:
        """A deposit is seen, its block gives way to another, and perhaps it is mined again later."""
        number, units, chain = len(self.deposits), parse_units("7", "USDT"), self.portal.ports.chains["TRON"]
        self.deposit(who, "right")
        self.watch()
        self.the_chain_changes_its_mind(1, False)
        self.watch()
        if again:
            chain.add_transfer("USDT", self.to[who], units, self.hash_of(number), 0, sender="x")
            self.deposits[number] = (who, units, chain.head().number)
            self.watch()

    # At one go

    @rule(who=WHO, side=st.sampled_from(("buy", "sell")), then=st.sampled_from(("accept", "accept", "wait")))
    def trade(self, who: int, side: str, then: str) -> None:
        offered = self.offer(who, side, "5")
        if isinstance(offered, tuple):
            if then == "wait":
                self.time_goes_by(30)
            self.accept(offered, who)

    @rule(who=WHO)
    def want_more_than_there_is(self, who: int) -> None:
        offered = self.offer(who, "sell", "130")
        if isinstance(offered, tuple):
            self.accept(offered, who)

    @rule(who=WHO)
    def send_and_think_again(self, who: int) -> None:
        made = self.send(who, "10")
        if getattr(made, "sender_id", None) is not None:
            self.finish(made, "cancel")

    @rule(who=WHO)
    def send_and_open(self, who: int) -> None:
        """The mailed link is opened, and then nothing more is done."""
        made = self.send(who, "10")
        if getattr(made, "sender_id", None) is not None:
            self.open_link(made, who)

    @rule(who=WHO)
    def ask_and_call_off(self, who: int) -> None:
        made = self.ask(who, "USDT", 1)
        if isinstance(made, Withdrawal):
            self.call_off(made)

    @rule(who=WHO)
    def codes_of_others(self, who: int) -> None:
        """The code of a payment, of another's withdrawal, and of another one of one's own are not this one's."""
        mine, theirs = self.ask(who, "USDT", 1), self.ask(1 - who, "USDT", 1)
        second, bill = self.ask(who, "TWD", 1), self.check_out(who, "10")
        for other in (theirs, second, bill):
            if isinstance(mine, Withdrawal) and getattr(other, "id", None) is not None:
                self.confirm_with_the_code_of_something_else(mine, other)

    @rule(who=WHO, then=st.sampled_from(("pay", "pay", "run out", "too late")))
    def go_shopping(self, who: int, then: str) -> None:
        bill = self.check_out(who, "10")
        if getattr(bill, "bill_units", None) is None:
            return
        if then in ("run out", "too late"):
            self.portal.clock.advance(301)
        if then == "run out":
            self.run_out()
        else:
            self.pay(bill, who, True)

    @rule(who=WHO, then=st.sampled_from(("pay", "pay twice", "cancel", "run out")))
    def the_counter_asks(self, who: int, then: str) -> None:
        """A counter asks for an amount; one payment settles it."""
        asked = self.do(
            lambda session: payment_requests.create(session, self.store, "10", made_by=f"store:{self.store.id}")
        )
        if then == "cancel":
            self.do(payment_requests.cancel, self.store.id, asked.public_id, f"store:{self.store.id}")
        if then == "run out":
            self.portal.clock.advance(86_401)
            self.run_out()
        settled = 0
        for _ in range(2 if then == "pay twice" else 1):
            made = self.do(payments.checkout_request, self.who[who].id, asked.code)
            if isinstance(made, str):
                return
            before = self.available(self.who[who].id, "TWIP")
            self.pay(made.order, who, True)
            settled += self.available(self.who[who].id, "TWIP") != before
        assert settled <= 1 and (then in ("pay", "pay twice") or not settled)

    @rule()
    def run_out(self) -> None:
        voucher_duties.end_orders(self.portal)
