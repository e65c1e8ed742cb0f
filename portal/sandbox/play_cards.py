"""Playing the card network and its bank: what people do with a card and what the bank decides. For levers and the console."""

import secrets
from decimal import Decimal
from io import BytesIO
from typing import TYPE_CHECKING, Any, cast

from PIL import Image, ImageDraw
from sqlalchemy.orm import Session

from portal.bootstrap import Portal
from portal.config import Settings, derived_key
from portal.errors import Refusal
from portal.models.cards import PartnerCard
from portal.models.partner import CardType, PartnerKyc
from portal.money import AmountError, parse_units, plain_text
from portal.services import files, idempotency, partner_cards, partner_kyc
from portal.services.calculators import COIN
from portal.services.files import CleanDocument
from portal.services.partner_kyc import Person, Proofs
from portal.worker.loop import run_until_idle

if TYPE_CHECKING:
    from portal.adapters.sandbox.card_network import SandboxCardNetwork
    from portal.adapters.sandbox.chain import SandboxChain

KINDS = ("purchase", "atm", "refund", "transfer")
ACTIONS = ("freeze", "unfreeze", "review_pass", "review_fail")
REVIEWER = "system"
#: Blocks after which a transfer on Ethereum can no longer change, and some.
SOLID = 20

#: The demo institutions' keys: name, number of the institution's key, whether it has a passphrase.
DEMO_PASSPHRASE = "taroko-demo-2026"


def demo_key(settings: Settings, number: int) -> tuple[str, str]:
    """Key and secret of a demo institution: always the same in one instance, another in every instance."""
    made = derived_key(settings, f"demo institution {number}").hex()
    return f"nk{made[:30]}", derived_key(settings, f"demo institution secret {number}").hex()


def network(portal: Portal) -> "SandboxCardNetwork":
    """The sandbox's card network itself."""
    return cast("SandboxCardNetwork", portal.ports.card_network)


def add_person(
    portal: Portal,
    institution_id: int,
    card_type_id: str,
    acct_no: str,
    name: tuple[str, str],
    mail: str,
    mobile: str,
) -> None:
    """Hands in a made-up person with sample pictures, as the institution's program would. `mobile` is Taiwan's, 09…"""
    first, last = name
    person = Person(
        acct_no=acct_no, acct_name=f"{first} {last}", first_name=first, last_name=last, gender="unknown",
        birthday="1990-01-01", city="Taipei", state="Taipei", country="TW", nationality="TW", doc_no=f"3{mobile[1:]}",
        doc_type="passport", country_code="+886", mobile=mobile, mobile_canonical=f"+886{mobile[1:]}", mail=mail,
        address="No. 7, Section 5, Xinyi Road", zipcode="110", maiden_name="Lin", kyc_info=None,
    )  # fmt: skip
    names = ("front_doc", "back_doc", "mix_doc")
    pictures = {part: files.put(portal.db, _picture(f"{acct_no} {part}")) for part in names}
    proofs = Proofs(None, None, None, idempotency.fingerprint(acct_no))
    portal.db.transact(partner_kyc.submit, institution_id, card_type_id, person, pictures, proofs)


def _picture(text: str) -> CleanDocument:
    paper = Image.new("RGB", (640, 400), "#e8efe9")
    ImageDraw.Draw(paper).text((40, 180), f"SAMPLE {text}", fill="#0b6b57")
    made = BytesIO()
    paper.save(made, "PNG")
    return files.clean_document(made.getvalue(), max_bytes=10**6, allow_pdf=False)


def decide(portal: Portal, kyc_id: int, decision: str, reason: str) -> str:
    """Decides a person's check as the bank would, once it is being looked at; the status it has then."""
    run_until_idle(portal)
    status = portal.db.transact(_decide, kyc_id, decision, reason)
    run_until_idle(portal)
    return status


def _decide(session: Session, kyc_id: int, decision: str, reason: str) -> str:
    found: PartnerKyc = partner_kyc.decide(session, kyc_id, decision, reason, REVIEWER)
    return found.status


def use_card(portal: Portal, card_no: str, kind: str, amount: object, description: str) -> dict[str, Any]:
    """Uses a card: a purchase, cash, a transfer, or a refund to it. Raises Refusal for bad input or an unknown card."""
    if kind not in KINDS:
        raise Refusal("input_invalid", field="type")
    network_id, currency = portal.db.read(_card, card_no)
    try:
        units = parse_units(amount, currency)
    except AmountError as error:
        raise Refusal("amount_invalid", field="amount") from error
    if not units or Decimal(units) % 10_000:
        raise Refusal("amount_invalid", field="amount")
    played = network(portal).use(network_id, kind, units, description[:100])
    run_until_idle(portal)
    return {
        "card_no": card_no,
        "type": kind,
        "approved": played.approved,
        "reason": played.reason,
        "fee": plain_text(played.fee_units, currency),
        "current_balance": plain_text(played.balance_units, currency),
        "available_balance": plain_text(played.available_units, currency),
    }


def act_on_card(portal: Portal, card_no: str, action: str, reason: str) -> dict[str, Any]:
    """Freezes, unfreezes or reviews a card as the bank would. Raises Refusal `input_invalid` or `state_conflict`."""
    if action not in ACTIONS:
        raise Refusal("input_invalid", field="action")
    run_until_idle(portal)
    network_id, _ = portal.db.read(_card, card_no)
    bank = network(portal)
    if action in ("freeze", "unfreeze"):
        done = bank.set_frozen(network_id, action == "freeze")
    else:
        done = bank.review(network_id, action == "review_pass", reason)
    if not done:
        raise Refusal("state_conflict")
    run_until_idle(portal)
    return {"card_no": card_no, "status": portal.db.read(_status, card_no)}


def send_usdt(portal: Portal, address: str, units: int) -> None:
    """Mines a transfer of USDT to an address on Ethereum and the blocks after it, and lets the portal see them."""
    chain = cast("SandboxChain", portal.ports.chains["ETHEREUM"])
    chain.add_transfer(COIN, address, units, f"0x{secrets.token_hex(32)}", 0)
    run_until_idle(portal)
    chain.mine(SOLID)
    run_until_idle(portal)


def _card(session: Session, card_no: str) -> tuple[str, str]:
    found = partner_cards.by_card_no(session, card_no)
    return found.network_id, session.get_one(CardType, found.card_type_id).currency


def _status(session: Session, card_no: str) -> str:
    found: PartnerCard = partner_cards.by_card_no(session, card_no)
    return found.status
