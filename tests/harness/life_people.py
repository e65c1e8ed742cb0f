"""What people are beside their money: signing up, their identity, their bank account, their cards, and who looks at them."""

from functools import lru_cache
from itertools import count
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from portal.machines.risk import RISK_CASE
from portal.models.risk import RiskSignal
from portal.services import cards, code_requests, files, kyc, registrations, risk, voucher_bank_accounts
from portal.services.kyc import records
from portal.services.registrations import Proof
from portal.services.staff_sessions import SignedInStaff
from portal.worker import vouchers as voucher_duties
from tests.harness.life import WHO
from tests.harness.life_orders import OrdersLife
from tests.support import documents, identities, people

ADDRESS = "198.51.100.7"
LEVELS = st.sampled_from((2, 3))
_numbers = count(1)


@lru_cache
def paper() -> Any:
    """A picture that is clean already."""
    return files.clean_document(documents.jpeg(), max_bytes=kyc.MAX_FILE_BYTES)


class PeopleLife(OrdersLife):
    """Adds a newcomer whose identity is checked, people who sign up, and a member of the staff, `me`."""

    me: SignedInStaff

    @initialize()
    def begin_people(self) -> None:
        self.newcomer = people.customer(self.portal, kyc_level=0)
        self.levels = dict.fromkeys((1, 2, 3), "unverified")
        self.papers: dict[int, str] = {}
        self.signals: dict[int, str] = {}
        self.cases: dict[str, str] = {}

    # Signing up

    @rule(steps=st.integers(1, 5), bank=st.sampled_from(("none", "prove", "think again", "change")))
    def sign_up(self, steps: int, bank: str) -> None:
        """The steps of a sign-up in order, so many of them; nobody else can take one of them over."""
        phone, mail = identities.fresh_phone(), f"signs{next(_numbers)}@example.org"
        where = ("tungkai", phone, "TW")
        assert self.do(registrations.start, *where, ADDRESS) is None
        code = self.codes[f"registration:tungkai:{phone}"]
        token = self.do(registrations.verify_phone, *where, code, ADDRESS)
        mine, others = Proof(token, ADDRESS), Proof("somebody else's", "203.0.113.9")
        for number, (step, rest) in enumerate(
            [
                (registrations.set_email, lambda: [mail]),
                (registrations.verify_email, lambda: [mail, self.codes[mail]]),
                (registrations.set_password, lambda: [mail, "a hash"]),
            ]
        ):
            if steps <= number + 1:
                return
            assert self.do(step, *where, *rest(), others) == "registration_out_of_step"
            made = self.do(step, *where, *rest(), mine)
            assert not isinstance(made, str), made
        if steps == 5:
            self._bank_account(made, bank)

    def _bank_account(self, customer: Any, then: str) -> None:
        """A bank account is named and proven by its code; a later one takes its place."""
        if then == "none":
            return
        name: Any = (customer.id, "林小明", "809", "0094")
        first = self.do(voucher_bank_accounts.set_account, *name, self._account())
        if then == "think again":
            self.portal.clock.advance(61)
            first = self.do(voucher_bank_accounts.set_account, *name, self._account())
        assert self._proven(customer).id == first.id
        assert self.do(voucher_bank_accounts.set_account, *name, self._account()) == "bank_account_verified"
        if then == "change":
            self.portal.clock.advance(61)
            number = self._account()
            second = self.do(lambda session: voucher_bank_accounts.set_account(session, *name, number, change=True))
            assert self._proven(customer).id == second.id

    def _account(self) -> str:
        return f"7{next(_numbers):013d}"

    def _proven(self, customer: Any) -> Any:
        return self.do(voucher_bank_accounts.verify, customer.id, self.codes[f"customer:{customer.id}"])

    # Who somebody is

    @rule()
    def say_who_one_is(self) -> None:
        """Level 1: the data and the phone's own code."""
        who, open_ = self.newcomer, self.levels[1] == "unverified"
        given = (identities.NAME, 1, "1990/05/31", identities.fresh_number())
        answer = self.do(kyc.submit_basic_data, who.id, *given)
        assert isinstance(answer, str) != open_, answer
        phone = identities.fresh_phone()
        if not open_ or self.do(code_requests.ask_for_phone, who.id, phone) != phone:
            return
        assert self.do(kyc.verify_phone, who.id, phone, self.codes[f"customer:{who.id}"]) is None
        self.levels[1] = "verified"

    @rule(level=LEVELS, twice=st.booleans())
    def hand_in(self, level: int, twice: bool) -> None:
        """What is missing of a level's papers is sent, and the level applied for; it is taken only in its turn."""
        open_ = self.levels[level] in ("unverified", "supplement")
        for kind, of in records.LEVEL_OF_KIND.items():
            if of == level:
                self._upload(kind, open_)
                if twice:
                    self._upload(kind, open_)
        if level == 2:
            answer = self.do(kyc.apply_level_2, self.newcomer.id, identities.ANSWERS)
        else:
            answer = self.do(kyc.apply_level_3, self.newcomer.id, *identities.BANK, self._account())
        taken = open_ and self.levels[level - 1] == "verified"
        assert isinstance(answer, str) != taken, answer
        if taken:
            self.levels[level] = "verifying"
            self._papers(level, "uploaded", "verifying")

    def _upload(self, kind: int, open_: bool) -> None:
        answer = self.do(kyc.add_document, self.newcomer.id, kind, files.put(self.portal.db, paper()))
        if answer == "too_many_requests":
            return
        assert isinstance(answer, str) != (open_ and self.papers.get(kind) != "verified"), answer
        if not isinstance(answer, str):
            self.papers[kind] = "uploaded"

    def _papers(self, level: int, before: str, after: str) -> None:
        for kind, status in self.papers.items():
            if records.LEVEL_OF_KIND[kind] == level and status == before:
                self.papers[kind] = after

    @rule(level=LEVELS, decision=st.sampled_from(("approve", "approve", "reject", "reject one")))
    def look_at_papers(self, level: int, decision: str) -> None:
        """Staff decide about what waits, and about nothing else."""
        first = min(kind for kind, of in records.LEVEL_OF_KIND.items() if of == level)

        def decide(session: Any) -> Any:
            named = {first: "not readable"} if decision == "reject one" else None
            said = decision.removesuffix(" one")
            return kyc.decide(
                session, self.newcomer.id, level, said, actor="staff:1", reason="not readable", documents=named
            )

        waits = self.levels[level] == "verifying"
        before = dict(self.papers)
        assert isinstance(self.do(decide), str) != waits
        if not waits:
            return
        self.levels[level] = "verified" if decision == "approve" else "supplement"
        if decision == "reject one" and before[first] == "verifying":
            self.papers[first] = "rejected"
        self._papers(level, "verifying", "rejected" if decision == "reject" else "verified")

    @rule(again=st.booleans())
    def doubt_the_whole(self, again: bool) -> None:
        """Staff declare a record void, once; perhaps they let its owner begin anew."""
        who, void = self.newcomer.id, "void" in self.levels.values()
        answer = self.do(lambda session: kyc.withdraw(session, who, actor="staff:1", reason="not the same person"))
        assert answer == ("kyc_void" if void else None)
        self.levels = dict.fromkeys(self.levels, "void")
        if again:
            assert self.do(lambda session: kyc.reopen(session, who, actor="staff:1")) is None
            assert self.do(lambda session: kyc.reopen(session, who, actor="staff:1")) == "state_conflict"
            self.levels = dict.fromkeys(self.levels, "unverified")
            self.papers.clear()

    @invariant()
    def an_identity_is_where_its_steps_led(self) -> None:
        def read(session: Any) -> tuple[dict[int, str], dict[int, str]]:
            customer = session.get_one(records.Customer, self.newcomer.id)
            papers = records.documents(session, customer.id)
            return records.statuses(session, customer), {kind: row.status for kind, row in papers.items()}

        assert self.portal.db.read(read) == (self.levels, self.papers)

    # Cards of the counter

    @rule(who=WHO, then=st.sampled_from(("prove", "give up", "too late", "lapse", "taken over")))
    def claim_a_card(self, who: int, then: str) -> None:
        """A card belongs to whoever proved it, and to nobody when the proof does not come."""
        mine, other, number = self.who[who].id, self.who[1 - who].id, f"{next(_numbers):020d}"
        card = self.do(cards.register, mine, number)
        if isinstance(card, str):
            assert card in ("card_limit", "code_too_soon"), card
            return
        assert self.do(cards.register, other, number) == "card_of_another"
        code = self.codes[f"card:{card.id}"]
        if then in ("prove", "give up"):
            assert self.do(cards.verify, other, number, code) == "card_not_waiting"
            assert self.do(cards.verify, mine, number, code).status == "verified"
        if then == "give up":
            assert self.do(cards.delete, other, card.public_id) == "not_found"
            assert self.do(cards.delete, mine, card.public_id) is None
        if then in ("lapse", "taken over", "too late"):
            self.portal.clock.advance(901)
        if then == "lapse":
            voucher_duties.free_cards(self.portal)
        if then in ("lapse", "taken over", "too late"):
            assert self.do(cards.verify, mine, number, code) == "card_not_waiting"
        if then == "taken over":
            self.do(cards.register, other, number)

    # Who is looked at

    @rule(who=WHO, then=st.sampled_from(("leave", "clear", "case", "case and clear")))
    def somebody_is_conspicuous(self, who: int, then: str) -> None:
        """A rule finds something, once; somebody clears it or makes a case of it."""
        mark = f"machine:{next(_numbers)}"
        for new in (True, False):
            assert self.do(risk.raise_signal, "velocity", self.who[who].id, mark, {}) is new

        def find(session: Any) -> Any:
            return session.query(RiskSignal).filter_by(fingerprint=f"velocity:{mark}").one()

        signal = self.portal.db.read(find)
        status = "open"
        if then.startswith("case"):
            case = self.do(risk.open_case, self.me, signal.id, "looked at closely")
            self.cases.setdefault(case.public_id, "open")
            assert self.do(risk.open_case, self.me, signal.id, "again") == "state_conflict"
            status = "in_case"
        if then.endswith("clear"):
            assert self.do(risk.clear, self.me, signal.id, "nothing behind it") is None
            assert self.do(risk.clear, self.me, signal.id, "nothing behind it") == "state_conflict"
            status = "cleared"
        assert self.portal.db.read(find).status == status

    @rule(to=st.sampled_from(tuple(RISK_CASE.transitions)))
    def a_case_goes_on(self, to: str) -> None:
        """Every case goes where the table lets it go, and nowhere else."""
        for case, status in self.cases.items():
            allowed = RISK_CASE.allows(status, to)
            assert self.do(risk.move, self.me, case, to, "as it was found") == (None if allowed else "state_conflict")
            if allowed:
                self.cases[case] = to
            assert self.portal.db.read(risk.case_of, case).status == self.cases[case]
