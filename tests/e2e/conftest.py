"""Browser tests: a portal of one's own per database, and Chromium."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

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
