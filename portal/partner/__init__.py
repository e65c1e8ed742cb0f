"""The partner console."""

from flask import Blueprint, Flask

blueprint = Blueprint("partner", __name__, url_prefix="/partner")


def register(app: Flask) -> None:
    """Serves the console."""
    app.register_blueprint(blueprint)
