"""The brokerage family (BITGIN dialect): `/v1`, alias `/bitgin/v1`. Contract: brokerage.json."""

import importlib

from flask import Flask

from portal import failures
from portal.api.brokerage.family import belongs, blueprint, failure

#: One module per subject; each declares its routes when imported.
SUBJECTS = ("accounts", "security", "kyc", "banks", "market", "trading", "wallet", "withdrawals", "transfers")


def register(app: Flask) -> None:
    """Serves the family under both of its base paths."""
    for subject in SUBJECTS:
        importlib.import_module(f"{__name__}.{subject}")
    app.register_blueprint(blueprint, url_prefix="/v1")
    app.register_blueprint(blueprint, url_prefix="/bitgin/v1", name="bitgin")
    failures.speaks(belongs, failure)
