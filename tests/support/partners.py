"""Institutions for tests: with keys, terms, a float and a stock of cards, made directly so that a test says only its own."""

import base64
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from io import BytesIO
from itertools import count
from typing import Any

from flask import Flask
from PIL import Image
from sqlalchemy.orm import Session

from portal import ledger
from portal.ledger import Line
from portal.models.partner import CardType
from portal.money import parse_units
from portal.services import institutions, partner_cards, partner_keys
from portal.services.partner_keys import AREAS
from portal.worker.loop import run_until_idle
from tests.support.families import PartnerClient
from tests.support.outside import send_messages

TIERS = [{"min": "0", "max": "1000", "rate": "0.05"}, {"min": "1000", "max": "2000", "rate": "0.03"}]
TYPES = ("50000001", "50000002")

_numbers = count(1)


@dataclass
class Partner:
    """An institution as a test knows it, and its signed calls."""

    app: Flask
    id: int
    api_key: str
    secret: str
    passphrase: str
    client: PartnerClient

    @property
    def portal(self) -> Any:
        """The running portal."""
        return self.app.extensions["portal"]

    def ok(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The result of a call that succeeds."""
        return self.client.ok(method, path, body, **more)

    def refused(self, code: int, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The answer of a call that is refused with this code, always HTTP 200 and without a result."""
        said = self.client.refused(code, method, path, body, **more)
        assert self.client.last is not None and self.client.last.status_code == 200
        assert said["result"] is None and set(said) == {"code", "msg", "result"}
        return said

    def work(self) -> None:
        """Lets the worker do all that is due."""
        with self.app.app_context():
            run_until_idle(self.portal)

    def float_units(self) -> int:
        """What the float holds."""
        return int(self.portal.db.read(ledger.balance, ledger.institution_float(self.id, "USDT")))

    def passed(self, acct_no: str = "u1", card_type_id: str = "50000001", **changes: Any) -> str:
        """A person whose check has passed; answers the acct_no."""
        from portal.sandbox import play_cards
        from portal.services import partner_kyc

        self.ok("POST", "/customers/accounts", kyc_body(acct_no=acct_no, card_type_id=card_type_id, **changes))
        found = self.portal.db.read(partner_kyc.newest, acct_no, card_type_id, self.id)
        with self.app.app_context():
            send_messages(self.portal)
            self.portal.db.transact(partner_kyc.decide, found.id, "approve", "", play_cards.REVIEWER)
            send_messages(self.portal)
        return acct_no

    def card(self, acct_no: str = "u1", card_type_id: str = "50000001", *, active: bool = True) -> str:
        """A card of a person who passed; answers the card_no."""
        self.passed(acct_no, card_type_id)
        card_no = str(self.ok("POST", "/debit-cards", {"acct_no": acct_no, "card_type_id": card_type_id})["card_no"])
        if active:
            self.ok("PUT", "/debit-cards/status", {"card_no": card_no, "acct_no": acct_no})
        return card_no

    def load(self, card_no: str, amount: str = "100", cust_tx_id: str = "", acct_no: str = "u1", **more: Any) -> Any:
        """The result of a load."""
        return self.ok("POST", "/deposit-transactions", load_body(card_no, amount, cust_tx_id, acct_no), **more)


def load_body(card_no: str, amount: str = "100", cust_tx_id: str = "", acct_no: str = "u1") -> dict[str, str]:
    """A load as an institution sends it."""
    return {
        "card_no": card_no,
        "acct_no": acct_no,
        "amount": amount,
        "coin_type": "USDT",
        "cust_tx_id": cust_tx_id or f"t{next(_numbers)}",
    }


def partner(
    app: Flask, *, usdt: str = "5000", passphrase: str = "", ip_allowlist: tuple[str, ...] = (), areas: tuple[str, ...] = AREAS,
    scopes: tuple[str, ...] = AREAS, stock: int = 5, types: tuple[str, ...] = TYPES,
) -> Partner:  # fmt: skip
    """Makes an institution with one key, both kinds of cards on the sandbox's terms, and a float."""
    portal = app.extensions["portal"]
    number = next(_numbers)
    institution_id, api_key, secret = portal.db.transact(
        _make, f"Institution {number}", usdt, passphrase, ip_allowlist, areas, scopes, types
    )
    for card_type_id in types:
        for _ in range(stock):
            card = portal.ports.card_network.issue(f"test:{card_type_id}:{next(_numbers)}", card_type_id)
            portal.db.transact(partner_cards.add_stock, card_type_id, card)
    client = PartnerClient(app, portal.clock, api_key, secret, passphrase)
    return Partner(app, institution_id, api_key, secret, passphrase, client)


def _make(
    session: Session, name: str, usdt: str, passphrase: str, ip_allowlist: tuple[str, ...], areas: tuple[str, ...],
    scopes: tuple[str, ...], types: tuple[str, ...],
) -> tuple[int, str, str]:  # fmt: skip
    for number, card_type_id in enumerate(TYPES, 1):
        if session.get(CardType, card_type_id) is None:
            session.add(
                CardType(id=card_type_id, currency="USD", bank_id="5000", description=f"card {number}", restock_to=0)
            )
    session.flush()
    made = institutions.create(session, name, list(areas))
    for card_type_id in types:
        institutions.set_terms(
            session, made.id, card_type_id, **terms(exchange_fee_rate="0" if card_type_id == "50000001" else "0.01")
        )
    key = partner_keys.create(session, made.id, "test", list(scopes), list(ip_allowlist), passphrase or None, "system")
    give(session, made.id, usdt)
    return made.id, key.key.key, key.secret


def give(session: Session, institution_id: int, usdt: str) -> None:
    """Fills a float from the house."""
    units = parse_units(usdt, "USDT")
    if units:
        lines = [
            Line(ledger.institution_float(institution_id, "USDT"), units),
            Line(ledger.house("chain", "USDT"), -units),
        ]
        ledger.post(session, "test_gift", f"test_float:{institution_id}:{next(_numbers)}", lines, actor="system")


def terms(**changes: str) -> dict[str, Any]:
    """The sandbox's terms (loading tiers aside, texts of decimals may be changed)."""
    rates = {
        "exchange_rate": "1.00145966373", "exchange_fee_rate": "0", "bank_transaction_rate": "0.2",
        "bank_atm_rate": "0.1", "bank_atm_fee": "0", **changes,
    }  # fmt: skip
    return {
        "may_open": True,
        "open_fee_units": parse_units("1", "USDT"),
        "loading_tiers": TIERS,
        **{name: Decimal(text) for name, text in rates.items()},
    }


@lru_cache
def picture(kind: str = "PNG") -> str:
    """A small picture in base64."""
    made = BytesIO()
    Image.new("RGB", (40, 30), "#0b6b57").save(made, kind)
    return base64.b64encode(made.getvalue()).decode()


def kyc_body(**changes: Any) -> dict[str, Any]:
    """All that 1.1 needs; a change to None leaves the field out."""
    number = next(_numbers)
    body: dict[str, Any] = {
        "acct_no": f"u{number}", "acct_name": "Wang", "first_name": "Mei", "last_name": "Wang", "gender": "female",
        "birthday": "1990-01-01", "city": "Taipei", "state": "Taipei", "country": "TW", "nationality": "TW",
        "doc_no": f"A{number:08d}", "doc_type": "passport", "front_doc": picture(), "back_doc": picture(),
        "mix_doc": picture(), "country_code": "+886", "mobile": f"9{number:08d}", "mail": f"person{number}@example.net",
        "address": "No. 1, Zhongxiao Road", "zipcode": "100", "maiden_name": "Lin", "card_type_id": "50000001", **changes,
    }  # fmt: skip
    return {name: value for name, value in body.items() if value is not None}
