"""The portal as a whole: it starts, answers, and its first page is sound in every dress."""

from collections.abc import Callable

import pytest

from tests.support.browser import Browse
from tests.support.live import LivePortal


def test_the_portal_starts_by_itself_and_says_that_it_is_ready(live: LivePortal) -> None:
    assert live.get("/healthz")["status"] == "alive"
    assert live.get("/readyz")["status"] == "ready"


def test_the_ledger_of_the_demo_world_is_right(live: LivePortal) -> None:
    checked = live.command("ledger", "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_killed_portal_starts_again_on_the_same_instance(live_on: Callable[..., LivePortal]) -> None:
    portal = live_on("postgres")
    portal.kill()
    assert not portal.answers()
    assert portal.start().get("/readyz")["status"] == "ready"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", ["phone", "desktop"])
def test_the_first_page_and_what_it_leads_to_is_accessible_and_fits(browse: Browse, device: str, scheme: str) -> None:
    visitor = browse(device, scheme=scheme)
    for path in ("/", "/help", "/help/fees", "/terms", "/privacy"):
        visitor.go(path)
        visitor.axe()
        visitor.fits()


def test_the_first_page_is_complete_without_scripts(browse: Browse) -> None:
    page = browse("phone", javascript=False).go("/")
    assert page.locator("html").get_attribute("lang") == "zh-Hant-TW"
    assert page.locator("h1").count() == 1


def test_a_page_that_does_not_exist_says_so_in_the_house_style(browse: Browse) -> None:
    visitor = browse("phone")
    answer = visitor.page.goto("/there-is-no-such-page")
    assert answer is not None
    assert answer.status == 404
    visitor.axe()
    visitor.fits()
