"""How a company shows itself on the pages of its stores and vouchers: its name, its colour, its logo."""

import hashlib
import re
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.errors import N_, Refusal, declare
from portal.models.customers import Company, Customer
from portal.services import audit, documents

MAX_LOGO_BYTES = 256 * 1024

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}", re.ASCII)

declare({"colour_invalid": N_("Write the colour as #rrggbb.")})


@dataclass(frozen=True, slots=True)
class Brand:
    """What a page's frame shows; `logo_mark` changes with the logo and is None without one."""

    code: str
    name: str
    colour: str
    logo_mark: str | None

    @property
    def logo_url(self) -> str | None:
        """Where the logo is, kept by browsers until it changes."""
        return f"/companies/{self.code}/logo?v={self.logo_mark}" if self.logo_mark else None


def of_company(session: Session, company_id: int) -> Brand:
    """A company's brand. Raises NoResultFound for no company."""
    found = session.execute(
        sa.select(Company.code, Company.name, Company.colour, Company.logo).where(Company.id == company_id)
    )
    code, name, colour, logo = found.one()
    return Brand(code, name, colour, _mark(logo) if logo else None)


def of_customer(session: Session, customer_id: int) -> Brand:
    """The brand of the company through which a customer came."""
    return of_company(session, session.scalars(sa.select(Customer.company_id).where(Customer.id == customer_id)).one())


def logo(session: Session, code: str) -> bytes | None:
    """A company's logo, a JPEG or PNG made anew from what was handed in."""
    return session.scalar(sa.select(Company.logo).where(Company.code == code))


def check_colour(colour: str) -> None:
    """Raises Refusal `colour_invalid` for what is no colour."""
    if not _COLOUR.fullmatch(colour):
        raise Refusal("colour_invalid", field="colour")


def clean_logo(content: bytes) -> bytes:
    """A harmless copy of a picture; pure. Raises Refusal `input_missing`, `file_too_large`, `file_invalid`."""
    if not content:
        raise Refusal("input_missing", field="file")
    made = documents.clean_document(content, max_bytes=MAX_LOGO_BYTES, allow_pdf=False).content
    if len(made) > 2 * MAX_LOGO_BYTES:
        raise Refusal("file_too_large", field="file", max_bytes=MAX_LOGO_BYTES)
    return made


def change_logo(session: Session, company_id: int, made: bytes | None, actor: str) -> None:
    """Gives a company a logo that `clean_logo` made, or takes it away."""
    session.execute(sa.update(Company).where(Company.id == company_id).values(logo=made))
    audit.write(
        session, actor, "company.logo", f"company:{company_id}", details={"mark": _mark(made) if made else None}
    )


def _mark(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
