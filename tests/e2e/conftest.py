"""Browser tests: a portal of one's own per database, and Chromium."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.support import live_checks, live_desk
from tests.support.browser import Browse, browsing, launch
from tests.support.live import LivePortal


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/e2e/" in item.path.as_posix():
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of this process; every visitor has a window and cookies of their own."""
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        yield chromium
        chromium.close()


@pytest.fixture
def browse(browser: Browser, live: LivePortal) -> Iterator[Browse]:
    """`browse("phone", javascript=False)` opens a window on the running portal; see tests/support/browser.py."""
    with browsing(browser, live.url) as maker:
        yield maker


@pytest.fixture(scope="session")
def back_office(live_on: Callable[..., LivePortal]) -> LivePortal:
    """A running portal of the staff's tests: they stop pay-outs and change rules, which others must not feel."""
    return live_on()


@pytest.fixture(scope="session")
def day(back_office: LivePortal) -> dict[str, str]:
    """Something waits in every queue of the back office; the addresses of single things."""
    return live_desk.furnish(back_office) | live_checks.furnish(back_office)


@pytest.fixture
def seat(browser: Browser, back_office: LivePortal) -> Iterator[Browse]:
    """`seat("desktop")` opens a window on the back office."""
    with browsing(browser, back_office.url) as maker:
        yield maker
