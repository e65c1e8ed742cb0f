"""What the bank and the vouchers add: orders bought and swapped, credits that nobody takes, platforms that refuse."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from portal import ledger
from portal.ledger import AccountKey
from portal.models.vouchers import BuyOrder
from portal.models.wallet import BankCredit
from portal.money import parse_units
from portal.services import (
    bank_credits,
    bank_refunds,
    deposits,
    parameters,
    swaps,
    travel_rule,
    voucher_orders,
    withdrawal_approvals,
    withdrawals,
)
from portal.services.travel_rule import Party
from portal.worker import bank as bank_duties
from portal.worker import travel_rule as travel_duties
from portal.worker import vouchers as voucher_duties
from tests.harness.life import OUTSIDE, WHO
from tests.harness.life_outside import WholeLife
from tests.support import vouchers

SUSPENSE, CLEARING = ledger.house("suspense", "TWD"), ledger.house("clearing", "TWD")
PAYER = {"bank_code": "004", "branch_code": "0037", "account": "12345678901", "holder": "王大明"}
UNPAID_SECONDS = 3 * 86_400 + 1


class OrdersLife(WholeLife):
    """Adds the house's own books: money that waits stands in `suspense`, money under way in `clearing`."""

    @initialize()
    def begin_books(self) -> None:
        self.books = {key: self.portal.db.read(ledger.balance, key) for key in (SUSPENSE, CLEARING)}
        self.portal.db.transact(parameters.change, "withdrawal.travel_rule", {"from_twd": "1000"}, "machine")

    def book(self, units: int, to: AccountKey, source: AccountKey | None = None) -> None:
        """The model's own posting."""
        self.books[to] += units
        if source is not None:
            self.books[source] -= units

    @invariant()
    def the_books_are_as_they_must_be(self) -> None:
        def read(session: Any) -> dict[AccountKey, int]:
            return {key: ledger.balance(session, key) for key in self.books}

        assert self.portal.db.read(read) == self.books

    # Vouchers

    @rule(
        who=WHO,
        then=st.sampled_from(("pay", "pay twice", "pay short", "never pay", "sold out", "no code", "foreign code")),
    )
    def buy(self, who: int, then: str) -> None:
        """Vouchers are ordered, and the bank brings the money for them, or something else."""
        person = self.who[who]
        wanted = voucher_orders.Wanted(quantity="100", payment_type="atm", payout_account=vouchers.PAYOUT["tungkai"])
        made = self.do(voucher_orders.create, person.id, wanted)
        if isinstance(made, str):
            assert made == "code_too_soon", made
            return
        order, code = made.order, self.codes[f"buy_order:{made.order.id}"]
        assert self.do(voucher_orders.verify, self.who[1 - who].id, order.public_id, code) == "not_found"
        if then == "foreign code":
            self._give_a_code_of_another(
                who, lambda given: self.do(voucher_orders.verify, person.id, order.public_id, given)
            )
        if then == "no code":
            self.portal.clock.advance(301)
            self.run_out()
            assert self.do(voucher_orders.verify, person.id, order.public_id, code) == "code_expired"
            return
        payable = self.do(voucher_orders.verify, person.id, order.public_id, code)
        assert payable.order.status == "unpaid"
        self._pay_order(person, payable, then)

    def _pay_order(self, person: Any, payable: Any, then: str) -> None:
        order, account, due = payable.order, payable.virtual.account, payable.order.total_units
        if then == "never pay":
            self.portal.clock.advance(UNPAID_SECONDS)
            self.run_out()
        if then in ("never pay", "pay short"):
            brought = due if then == "never pay" else due - parse_units("1", "TWD")
            assert self._credit(account, brought).outcome == "suspense"
            self.book(brought, SUSPENSE)
            assert self._order_status(order) == ("expired" if then == "never pay" else "unpaid")
            return
        if then == "sold out":
            vouchers.open_companies(self.portal, "0")
        assert self._credit(account, due).outcome == "order"
        if then == "sold out":
            self.book(due, CLEARING)
            assert not voucher_duties.hand_out_vouchers(self.portal) and self._order_status(order) == "untoken"
            self.the_books_are_as_they_must_be()
            vouchers.open_companies(self.portal)
            assert voucher_duties.hand_out_vouchers(self.portal) == 1
            self.book(-due, CLEARING)
        if then == "pay twice":
            assert self._credit(account, due).outcome == "suspense"
            self.book(due, SUSPENSE)
        assert self._order_status(order) == "token"
        self.shift(person.id, "TWIP", order.quantity_units)

    def _credit(self, account: str, units: int) -> BankCredit:
        found: BankCredit = self.do(
            lambda session: bank_credits.receive(session, account=account, amount_units=units)
        )  # fmt: skip
        return found

    def _order_status(self, order: Any) -> str:
        return str(self.portal.db.read(lambda session: session.get_one(BuyOrder, order.id).status))

    @rule(who=WHO, there=st.booleans(), then=st.sampled_from(("give the code", "no code", "too late", "foreign code")))
    def swap(self, who: int, there: bool, then: str) -> None:
        """One voucher for another, once its own code is given."""
        person, (given, got) = self.who[who], ("TWIP", "TWIG") if there else ("TWIG", "TWIP")
        units, can = parse_units("20", given), self.available(self.who[who].id, given)
        made = self.do(swaps.create, person.id, given, got, "20")
        if isinstance(made, str):
            assert made in ("insufficient_balance", "code_too_soon") and (made == "code_too_soon" or can < units), made
            return
        code = self.codes[f"swap_order:{made.id}"]
        if then == "foreign code":
            self._give_a_code_of_another(who, lambda foreign: self.do(swaps.verify, person.id, made.public_id, foreign))
        if then in ("no code", "too late"):
            self.portal.clock.advance(301)
        if then == "no code":
            self.run_out()
        answer = self.do(swaps.verify, person.id, made.public_id, code)
        if then in ("no code", "too late"):
            assert answer == "code_expired"
            return
        assert answer.status == "complete" and can >= units
        assert self.do(swaps.verify, person.id, made.public_id, code) == "swap_closed"
        self.shift(person.id, given, -units)
        self.shift(person.id, got, units)

    def _give_a_code_of_another(self, who: int, give: Any) -> None:
        """The code of a payment of the same person does not open what it was not sent for."""
        bill = self.check_out(who, "10")
        code = self.codes.get(f"payment:{getattr(bill, 'public_id', 0)}", "")
        if code and code not in [sent for subject, sent in self.codes.items() if "_order:" in subject]:
            type(self).crossed += 1
            assert give(code) == "code_wrong"

    # Credits that nobody takes

    @rule(who=WHO, then=st.sampled_from(("wait", "owner", "paid", "answer lost", "refused", "refused later")))
    def money_of_strangers(self, who: int, then: str) -> None:
        """A credit to no known account waits; staff find its owner, or send it back, which the bank may refuse."""
        person, units = self.who[who], parse_units("777", "TWD")
        credit = self._credit("0000000000", units)
        self.book(units, SUSPENSE)
        if then == "wait":
            return
        if then == "owner":
            self.do(deposits.assign, credit.id, person.id, "staff:1", "found by the name")
            self.book(-units, SUSPENSE)
            self.shift(person.id, "TWD", units)
            return
        refund = self.do(bank_refunds.order, {"credit": credit.id, **PAYER}, "staff:1", "not ours")
        assert self.do(bank_refunds.order, {"credit": credit.id, **PAYER}, "staff:1", "again") == "credit_not_waiting"
        self.book(units, CLEARING, SUSPENSE)
        self.the_books_are_as_they_must_be()
        self._send_back(refund, then)
        if then.startswith("refused"):
            self.book(units, SUSPENSE)
        self.book(-units, CLEARING)

    def _send_back(self, refund: Any, then: str) -> None:
        faults = {"answer lost": "lost_answer", "refused": "reject"}
        self.portal.world.set_fault("bank", faults.get(then, "error"), int(then in faults))
        bank_duties.send_refunds(self.portal)
        self.portal.world.set_fault("bank", "error", 0)
        if then == "refused later":
            with self.portal.world.change() as connection:
                connection.execute("UPDATE payouts SET state = 'rejected' WHERE key = ?", (refund.reference,))
        for _ in range(2):
            bank_duties.send_refunds(self.portal)
        paid = self.portal.world.rows("SELECT state FROM payouts WHERE key = ? AND state = 'paid'", refund.reference)
        assert len(paid) == int(then in ("paid", "answer lost"))

    # Platforms on the other side

    @rule(who=WHO, when=st.sampled_from(("waiting", "aside", "approved")))
    def the_other_platform_refuses(self, who: int, when: str) -> None:
        """What the keeper of the receiving wallet does not take never leaves, wherever it stands."""
        person = self.who[who]
        wanted = withdrawals.Request(
            owner_kind="customer", owner_id=person.id, family="brokerage", kind="crypto", asset="USDT", network="TRON",
            amount_units=parse_units(45, "USDT"), address=OUTSIDE, party=Party("own", "", "Formosa Exchange"),
        )  # fmt: skip
        made = self.do(withdrawals.request, wanted)
        if isinstance(made, str):
            assert made in ("insufficient_balance", "code_too_soon"), made
            return
        self.withdrawals[made.id] = made
        self.confirm(made)
        if self.status(made.id) != "awaiting_approval":
            return
        if when == "aside":
            self.do(withdrawal_approvals.put_aside, made.id, "staff:1", "to be looked at")
        if when == "approved":
            self._approve(made, "staff:1", "staff:2")
            self.work()
            assert self.status(made.id) == "approved", "it left before the other side was told"
        record = self.portal.db.read(travel_rule.of_withdrawal, made.id)
        self.portal.world.set_fault("travel_rule", "reject", 1)
        travel_duties.tell(self.portal, {"record": record.id}, 0)
        assert self.status(made.id) == ("failed" if when == "approved" else "rejected")
