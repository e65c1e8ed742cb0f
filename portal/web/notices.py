"""How notifications read: title and text of an event in the reader's language, with its facts filled in."""

from collections.abc import Mapping
from typing import Any

from flask import Flask
from flask_babel import gettext

from portal.services.notifications import EVENTS
from portal.web import presentation


def register(app: Flask) -> None:
    """Adds the helpers to every template, mails included."""
    app.jinja_env.globals.update(notice_title=title, notice_text=text, notice_icon=icon_of)


def title(event: str, facts: Mapping[str, Any]) -> str:
    """The event's title with its facts filled in; an event that is no longer declared shows its name."""
    return _filled(EVENTS[event].title, facts) if event in EVENTS else event


def text(event: str, facts: Mapping[str, Any]) -> str:
    """The event's sentence with amounts and times in the reader's way; a missing fact is left blank."""
    return _filled(EVENTS[event].text, facts) if event in EVENTS else ""


def icon_of(event: str) -> str:
    """The icon beside the event."""
    return EVENTS[event].icon if event in EVENTS else "bell"


def _filled(message: str, facts: Mapping[str, Any]) -> str:
    return gettext(message) % _Shown({name: _shown(value) for name, value in facts.items()})


class _Shown(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return ""


def _shown(value: Any) -> str:
    if isinstance(value, dict) and "units" in value:
        return presentation.money_text(value["units"], value["asset"], code=True)
    if isinstance(value, dict) and "ms" in value:
        return presentation.time_text(value["ms"])
    return str(value)
