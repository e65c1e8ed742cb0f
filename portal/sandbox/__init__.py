"""The sandbox's pages and levers: they play bank, chain, card network, mailbox and clock. Never in production."""

import importlib

from flask import Blueprint, Flask

#: Pages with forms (CSRF tokens as everywhere).
blueprint = Blueprint("sandbox", __name__, url_prefix="/sandbox")

#: JSON levers for scripts: no cookie counts for anything here, so there is nothing to forge.
levers = Blueprint("levers", __name__, url_prefix="/sandbox")

#: One module per subject.
SUBJECTS = (
    "levers_world",
    "levers_cards",
    "levers_stores",
    "levers_merchants",
    "levers_kyc",
    "levers_money",
    "home",
    "style",
)


def register(app: Flask) -> None:
    """Serves the sandbox."""
    for subject in SUBJECTS:
        importlib.import_module(f"{__name__}.{subject}")
    app.register_blueprint(blueprint)
    app.register_blueprint(levers)
