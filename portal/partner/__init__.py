"""The partner console: one module per subject; each adds its routes to the one blueprint when imported."""

import importlib

from flask import Blueprint, Flask

from portal.bootstrap import Portal

blueprint = Blueprint("partner", __name__, url_prefix="/partner")

#: One module per subject; `playground` moves the sandbox's world and is served there alone.
SUBJECTS = ("access", "home", "people", "cards", "loads", "fees", "keys", "doctor", "webhooks", "reference", "members")


def register(app: Flask) -> None:
    """Serves the console."""
    found: Portal = app.extensions["portal"]
    for subject in SUBJECTS + (("playground",) if found.settings.sandbox else ()):
        importlib.import_module(f"{__name__}.{subject}")
    app.register_blueprint(blueprint)
