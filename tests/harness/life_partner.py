"""What institutions do: people are checked, cards opened and reviewed, and loaded from a float."""

from typing import Any

from flask import current_app
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from portal import ledger
from portal.errors import Refusal
from portal.machines.partner_cards import PARTNER_CARD
from portal.money import parse_units
from portal.ports import PortError
from portal.sandbox import play_cards
from portal.services import files, loads, partner_cards, partner_kyc
from portal.services.loads import Order
from portal.worker import partner as duties
from tests.harness.life_people import PeopleLife, paper
from tests.support import partners

KIND = "50000001"
WHOM = st.integers(0, 1)
CLEARING = ledger.house("clearing", "USDT")
LOAD, OPENING = parse_units("100", "USDT"), parse_units("1", "USDT")
#: What arrives of a load: 95 USDT (5 % stay) at 1.00145966373, cut to cents.
ARRIVES = parse_units("95.13", "USD")


class EveryLife(PeopleLife):
    """Adds an institution with a small float, two people of it, and the card network."""

    @initialize()
    def begin_partner(self) -> None:
        app = current_app._get_current_object()
        self.institution = partners.partner(app, usdt="350", types=(KIND,), stock=3).id
        self.float = ledger.institution_float(self.institution, "USDT")
        self.house: dict[Any, int] = {
            self.float: parse_units("350", "USDT"), CLEARING: self.portal.db.read(ledger.balance, CLEARING)
        }  # fmt: skip
        self.checks: dict[int, str] = {}
        self.cards: dict[int, Any] = {}
        self.standing: dict[int, str] = {}
        self.loaded = 0

    @invariant()
    def floats_and_cards_hold_what_they_must(self) -> None:
        def read(session: Any) -> tuple[dict[Any, int], dict[int, str]]:
            cards = {whom: partner_cards.by_card_no(session, card.card_no) for whom, card in self.cards.items()}
            return {key: ledger.balance(session, key) for key in self.house}, {
                whom: card.status for whom, card in cards.items()
            }

        assert self.portal.db.read(read) == (self.house, self.standing)

    @rule(whom=WHOM, decision=st.sampled_from(("approve", "approve", "reject", "leave")))
    def check_a_person(self, whom: int, decision: str) -> None:
        """A person is handed in, anew only after a no, and the bank decides once it looks."""
        before = self.checks.get(whom)
        mobile = f"09{self.institution % 10**6:06d}{whom:02d}"
        person = (f"u{whom}", ("Mei", "Wang"), f"u{whom}-{self.institution}@example.net", mobile)
        try:
            play_cards.add_person(self.portal, self.institution, KIND, *person)
        except Refusal as refusal:
            assert refusal.name == "partner_kyc_repeated" and before not in (None, "not_passed")
        else:
            assert before in (None, "not_passed")
            self.checks[whom] = "submitted"
        found = self.portal.db.read(partner_kyc.newest, f"u{whom}", KIND, self.institution)
        if decision == "leave":
            return
        for looked_at in (False, True):
            if looked_at:
                duties.check_person(self.portal, {"kyc_id": found.id}, 0)
                self.checks[whom] = "checking" if self.checks[whom] == "submitted" else self.checks[whom]
            waits = self.checks[whom] == "checking"
            answer = self.do(partner_kyc.decide, found.id, decision, "not readable", "staff:1")
            assert isinstance(answer, str) != waits, answer
            if waits:
                self.checks[whom] = "passed" if decision == "approve" else "not_passed"

    @rule(whom=WHOM)
    def open_a_card(self, whom: int) -> None:
        """Who passed gets one card, for a fee from the float."""
        may = self.checks.get(whom) == "passed" and whom not in self.cards and self.house[self.float] >= OPENING
        card = self.do(partner_cards.open_card, self.institution, f"u{whom}", KIND)
        assert isinstance(card, str) != may, card
        if may:
            self.cards[whom], self.standing[whom] = card, "not_activated"
            self.house[self.float] -= OPENING

    @rule(whom=WHOM, act=st.sampled_from(("activate", "papers", "pass", "fail", "freeze", "unfreeze")))
    def do_with_a_card(self, whom: int, act: str) -> None:
        """The institution and the bank act on a card; it goes only where the table lets it go."""
        if whom not in self.cards:
            return
        card, before, network = self.cards[whom], self.standing[whom], play_cards.network(self.portal)
        if act == "activate":
            answer = self._activate(card)
            assert (answer is True) == (before == "not_activated"), answer
        elif act == "papers":
            pictures = {"front_doc": files.put(self.portal.db, paper())}
            answer = self.do(partner_cards.attach, self.institution, card.card_no, pictures)
            assert (answer is True) == PARTNER_CARD.allows(before, "waiting_for_review"), answer
            if answer is True:
                duties.send_documents(self.portal, {"card_id": card.id, "key": f"documents:{card.id}"}, 0)
        elif act in ("pass", "fail"):
            answer = network.review(card.network_id, act == "pass", "not readable")
            assert answer == (before == "waiting_for_review")
        else:
            answer = network.set_frozen(card.network_id, act == "freeze")
            assert answer == (before == ("active" if act == "freeze" else "frozen"))
        duties.follow_network(self.portal)
        if answer is True:
            self.standing[whom] = _LEADS_TO[act]

    def _activate(self, card: Any) -> Any:
        """What the institution's call does: looked at, told to the network, noted."""
        answer = self.do(partner_cards.check_may_activate, self.institution, card.card_no, card.acct_no)
        if isinstance(answer, str):
            return answer
        self.portal.ports.card_network.activate(f"activate:{card.id}", card.network_id)
        return self.do(partner_cards.activated, self.institution, card.card_no, card.acct_no)

    @rule(whom=WHOM, then=st.sampled_from(("settled", "answer lost", "refused", "refused later")))
    def load_a_card(self, whom: int, then: str) -> None:
        """A load is taken from the float once, and comes back only when nothing arrived for certain."""
        if whom not in self.cards:
            return
        card = self.cards[whom]
        self.loaded += 1
        order = Order(card.card_no, card.acct_no, LOAD, "USDT", f"m{self.institution}-{self.loaded}", None, "first")
        may = self.standing[whom] == "active" and self.house[self.float] >= LOAD
        made = self.do(loads.load, self.institution, order)
        assert isinstance(made, str) != may, made
        if not may:
            return
        assert self.do(loads.load, self.institution, order).id == made.id
        self.house[self.float] -= LOAD
        self.house[CLEARING] += LOAD
        self.floats_and_cards_hold_what_they_must()
        _HOW[then](self, card, made)
        for _ in range(2):
            self._send(made)
            duties.follow_network(self.portal)
        self.house[CLEARING] -= LOAD
        if then.startswith("refused"):
            self.house[self.float] += LOAD
        else:
            balance = ledger.card_balance(card.id, "USD")
            self.house[balance] = self.house.get(balance, 0) + ARRIVES

    def _send(self, made: Any) -> bool:
        """The worker's turn; False when the network did not answer."""
        try:
            duties.send_load(self.portal, {"load_id": made.id}, 0)
        except PortError:
            return False
        return True

    def _lose_the_answer(self, card: Any, made: Any) -> None:
        self.portal.world.set_fault("card_network", "lost_answer", 1)
        assert not self._send(made)
        duties.follow_network(self.portal)

    def _refuse(self, card: Any, made: Any) -> None:
        """The bank froze the card, which the portal has not heard of yet."""
        network = play_cards.network(self.portal)
        network.set_frozen(card.network_id, True)
        assert self._send(made)
        network.set_frozen(card.network_id, False)

    def _refuse_later(self, card: Any, made: Any) -> None:
        """The network takes the order, thinks about it, and will not have it."""
        with self.portal.world.change() as books:
            books.execute(
                "INSERT INTO net_loads (key, network_id, units, state) VALUES (?, ?, ?, 'accepted')",
                (made.tx_id, card.network_id, made.currency_units),
            )
        assert not self._send(made)
        with self.portal.world.change() as books:
            books.execute("UPDATE net_loads SET state = 'rejected', reason = 'closed' WHERE key = ?", (made.tx_id,))


_LEADS_TO = {
    "activate": "active", "papers": "waiting_for_review", "pass": "active", "fail": "review_failed", "freeze": "frozen",
    "unfreeze": "active",
}  # fmt: skip
_HOW = {
    "settled": lambda life, card, made: life._send(made),
    "answer lost": EveryLife._lose_the_answer,
    "refused": EveryLife._refuse,
    "refused later": EveryLife._refuse_later,
}
