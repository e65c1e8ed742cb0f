"""Demo staff: two people who between them can do everything, and one who only looks after customers."""

from sqlalchemy.orm import Session

from portal.bootstrap import Portal
from portal.db import context, now
from portal.models.security import Authenticator
from portal.permissions import ADMIN, COMPLIANCE, FINANCE, SUPPORT, TREASURY
from portal.services import staff_accounts

PASSWORD = "taroko-staff-2026"

#: E-mail, name, roles, TOTP secret; shown on the sandbox's own page.
STAFF: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    (
        "reviewer@taroko.example",
        "Rita 審查",
        (COMPLIANCE, FINANCE, SUPPORT, TREASURY),
        "MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK",
    ),
    (
        "approver@taroko.example",
        "Alan 覆核",
        (ADMIN, COMPLIANCE, TREASURY, FINANCE),
        "NBSWY3DPEB3W64TMNBSWY3DPEB3W64TM",
    ),
    ("support@taroko.example", "Sue 客服", (SUPPORT,), "ONUW4Z3JNZTSA5DIONUW4Z3JNZTSA5DI"),
)


def load(portal: Portal) -> None:
    """Makes the demo staff with their authenticators bound."""
    portal.db.transact(_make)


def _make(session: Session) -> None:
    vault = context(session).vault
    for email, name, roles, secret in STAFF:
        made = staff_accounts.create(session, email, name, PASSWORD, roles, actor="system", own_password=True)
        session.add(
            Authenticator(
                owner_kind=staff_accounts.KIND,
                owner_id=made.id,
                secret_sealed=vault.seal_text(secret, "totp"),
                bound_at=now(session),
            )
        )
