"""The staff console."""

from flask import Blueprint, Flask

blueprint = Blueprint("staff", __name__, url_prefix="/staff")


def register(app: Flask) -> None:
    """Serves the console."""
    app.register_blueprint(blueprint)
