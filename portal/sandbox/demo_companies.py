"""Demo companies (voucher contract, manual_setup): tungkai and huanyu."""

from sqlalchemy.orm import Session

from portal.bootstrap import Portal
from portal.db import now
from portal.models.customers import Company
from portal.money import parse_units


def load(portal: Portal) -> None:
    """Makes the two companies; tungkai may sell ten times what huanyu may."""
    portal.db.transact(_make)


def _make(session: Session) -> None:
    for code, name, colour, sellable in (
        ("tungkai", "東楷科技股份有限公司", "#0b6b57", 500_000_000),
        ("huanyu", "寰宇數位股份有限公司", "#1f4e8c", 50_000_000),
    ):
        session.add(
            Company(
                code=code,
                name=name,
                colour=colour,
                contact_email=f"service@{code}.example",
                sellable_units=parse_units(sellable, "TWIP"),
                created_at=now(session),
            )
        )
