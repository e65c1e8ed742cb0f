"""Customers' pages: one module per subject; each adds its routes to the one blueprint when imported."""

import importlib

from flask import Blueprint, Flask

blueprint = Blueprint("web", __name__)

#: One module per subject.
SUBJECTS = (
    "health",
    "preferences",
    "signup",
    "login",
    "security",
    "factors",
    "docs",
    "help",
    "kyc",
    "withdrawals",
    "transfers",
    "conversions",
    "limits",
    "api_keys",
    "notifications",
    "statements",
    "alerts",
    "portfolio",
    "landing",
    "home_screen",
    "trade",
    "wallet",
    "deposits",
    "history",
    "vouchers",
    "voucher_orders",
    "voucher_moves",
    "stores",
    "pay",
    "cards",
)


def register(app: Flask) -> None:
    """Serves the pages."""
    for subject in SUBJECTS:
        importlib.import_module(f"{__name__}.{subject}")
    app.register_blueprint(blueprint)
