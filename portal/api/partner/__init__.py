"""The partner family (Noumena dialect): `/api/v1`. Contract: partner.json."""

import importlib

from flask import Flask

from portal import failures
from portal.api.partner.family import BASE, belongs, blueprint, failure

#: One module per subject; each declares its routes when imported.
SUBJECTS = ("people", "cards", "loads", "mail", "terms", "bank")


def register(app: Flask) -> None:
    """Serves the family; what a signed caller asks for in vain is refused in its shape."""
    for subject in SUBJECTS:
        importlib.import_module(f"{__name__}.{subject}")
    app.register_blueprint(blueprint, url_prefix=BASE)
    failures.speaks(belongs, failure)
