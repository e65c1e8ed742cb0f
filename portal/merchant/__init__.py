"""The merchant console: one module per subject; each adds its routes to the one blueprint when imported."""

import importlib

from flask import Blueprint, Flask

blueprint = Blueprint("merchant", __name__, url_prefix="/merchant")

#: One module per subject.
SUBJECTS = ("access", "home", "counter", "payments", "settlements", "people", "developers")


def register(app: Flask) -> None:
    """Serves the console."""
    for subject in SUBJECTS:
        importlib.import_module(f"{__name__}.{subject}")
    app.register_blueprint(blueprint)
