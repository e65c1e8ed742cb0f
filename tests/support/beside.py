"""A second app on a running portal's own database and sandbox, to make people and stores in it without clicking."""

from flask import Flask

from tests.support.live import LivePortal

_apps: dict[str, Flask] = {}


def app_beside(live: LivePortal) -> Flask:
    """The app; made once per running portal. What it commits, the portal's own processes see at once."""
    from portal import create_app
    from portal.config import Settings

    if live.url not in _apps:
        _apps[live.url] = create_app(Settings.from_environment(live.environment))
    return _apps[live.url]
