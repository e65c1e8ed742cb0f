"""A running portal for a harness: a database of its own, people and codes made beside it, and ways to break it.

A broken build is the same portal started with `tests/harness/breaking` on its path: Python runs that folder's
`sitecustomize` before anything else, and only there is anything patched. The product knows of no switch.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from portal import create_app
from portal.config import Settings
from portal.services import codes, messages
from tests.support import postgres
from tests.support.live import ROOT, LivePortal
from tests.support.portals import Templates, close_app

BREAKING = Path(__file__).parent / "breaking"


@contextmanager
def portal_on(engine: str, templates: Templates, folder: Path, **environment: str) -> Iterator[tuple[LivePortal, Any]]:
    """A portal that is not started yet, and the same portal inside this process to fill its world with.

    A company made before the start keeps the demo world out, so that the start is quick.
    """
    folder.mkdir(parents=True, exist_ok=True)
    server, name = "", f"harness_{uuid.uuid4().hex[:12]}"
    if engine == "postgres":
        server, template = templates.postgres()
        url = postgres.create_database(server, name, template)
    else:
        file = folder / "harness.db"
        file.write_bytes(templates.sqlite().read_bytes())
        url = f"sqlite:///{file}"
    live = LivePortal(folder, url, **environment)
    app = create_app(Settings.from_environment(live.environment))
    try:
        with app.app_context():
            yield live, app.extensions["portal"]
    finally:
        live.close()
        close_app(app)
        if server:
            postgres.drop_database(server, name)


def broken(how: str) -> dict[str, str]:
    """The environment of a portal that is broken in the given way."""
    return {"PYTHONPATH": f"{BREAKING}:{ROOT}", "PORTAL_HARNESS_BREAK": how}


def mortal(points: Path) -> dict[str, str]:
    """The environment of a portal whose processes die at the points that files of a folder name."""
    points.mkdir(parents=True, exist_ok=True)
    return {"PYTHONPATH": f"{BREAKING}:{ROOT}", "PORTAL_HARNESS_KILL": str(points)}


@contextmanager
def codes_known(*, quiet: bool = True) -> Iterator[dict[str, str]]:
    """Every code that this process issues meanwhile, by its subject such as `payment:7`, and the newest by address.

    `quiet`: the messages themselves are not sent; a crowd's thousands would only keep the worker from its work.
    """
    seen: dict[str, str] = {}
    issue, mail, sms = codes.issue, messages.mail, messages.sms

    def remember(session: Any, purpose: str, subject: str, *rest: Any, **more: Any) -> str:
        seen[subject] = issue(session, purpose, subject, *rest, **more)
        return seen[subject]

    def kept(send: Callable[..., None]) -> Callable[..., None]:
        def keep(session: Any, to: str, *rest: Any, code: str | None = None, **more: Any) -> None:
            seen[to] = code or ""
            if not quiet:
                send(session, to, *rest, code=code, **more)

        return keep

    with (
        mock.patch.object(codes, "issue", remember),
        mock.patch.object(messages, "mail", kept(mail)),
        mock.patch.object(messages, "sms", kept(sms)),
    ):
        yield seen
