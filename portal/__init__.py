"""A self-hosted web portal for a regulated digital-asset business in Taiwan."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from portal.config import Settings


def create_app(settings: "Settings | None" = None) -> "Flask":
    """The portal as a WSGI application; settings come from the environment unless given.

    Raises SettingsError when the environment does not describe a portal that may start.
    """
    from portal.application import create_app as make  # importing a floor of the house must not build all of it

    return make(settings)
