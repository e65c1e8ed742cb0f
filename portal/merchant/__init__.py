"""The merchant console."""

from flask import Blueprint, Flask

blueprint = Blueprint("merchant", __name__, url_prefix="/merchant")


def register(app: Flask) -> None:
    """Serves the console."""
    app.register_blueprint(blueprint)
