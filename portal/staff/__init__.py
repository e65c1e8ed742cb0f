"""The staff console: one module per subject; each adds its routes to the one blueprint when imported."""

import importlib

from flask import Blueprint, Flask

blueprint = Blueprint("staff", __name__, url_prefix="/staff")

#: One module per subject.
SUBJECTS = (
    "shell",
    "login",
    "home",
    "desk",
    "kyc",
    "approvals",
    "people",
    "settings",
    "registry",
    "customers",
    "withdrawals",
    "queues",
    "bank",
    "cockpit",
    "books",
    "risk",
    "checks",
    "offering",
    "setup",
    "disputes",
)


def register(app: Flask) -> None:
    """Serves the console."""
    for subject in SUBJECTS:
        importlib.import_module(f"{__name__}.{subject}")
    app.register_blueprint(blueprint)
