"""The demo world: companies, stores, an institution, card types and rates, staff, two finished customers, prices."""

import importlib

import sqlalchemy as sa

from portal.bootstrap import Portal
from portal.models.customers import Company

#: One module per subject with `load(portal)`, run in this order.
SUBJECTS: tuple[str, ...] = (
    "companies",
    "prices",
    "customers",
    "portfolio",
    "stores",
    "merchants",
    "vouchers",
    "institutions",
    "staff",
    "holdings",
)


def load(portal: Portal) -> bool:
    """Loads the demo world once; False when it is there already."""
    with portal.db.engine.connect() as connection:
        if connection.execute(sa.select(Company.id).where(Company.code == "tungkai")).first():
            return False
    for subject in SUBJECTS:
        importlib.import_module(f"portal.sandbox.demo_{subject}").load(portal)
    return True
