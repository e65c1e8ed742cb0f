"""The voucher family (TWIP dialect): `/api/v1`. Contract: voucher.json."""

import importlib

from flask import Flask

from portal import failures
from portal.api.voucher.family import BASE, blueprint, failure

#: One module per subject; each declares its routes when imported.
SUBJECTS = (
    "registration", "accounts", "profile", "orders", "stores", "withdrawals", "deposits", "cards", "merchant",
    "merchant_money",
)  # fmt: skip


def register(app: Flask) -> None:
    """Serves the family; whatever under its base path belongs to nobody else fails in its shape."""
    for subject in SUBJECTS:
        importlib.import_module(f"{__name__}.{subject}")
    app.register_blueprint(blueprint, url_prefix=BASE)
    failures.speaks(lambda path: path == BASE or path.startswith(f"{BASE}/"), failure)
