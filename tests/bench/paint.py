"""What a visitor's browser gets: bytes over the wire and time to first paint, in Chromium with nothing cached."""

import statistics

from playwright.sync_api import Browser, Request, sync_playwright

from tests.bench.world import World
from tests.support.browser import launch

PAGES = {"home": "/", "wallet": "/wallet", "history": "/wallet/history", "trade": "/trade"}
PHONE = {"width": 390, "height": 844}

Row = tuple[str, float, str, str]

_PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"


def measure(world: World, *, quick: bool) -> list[Row]:
    """Rows: per page its KiB with all that it loads, and milliseconds to first contentful paint."""
    rounds = 2 if quick else 7
    with sync_playwright() as playwright:
        browser = launch(playwright)
        try:
            return [_page(browser, world, name, path, rounds) for name, path in PAGES.items()]
        finally:
            browser.close()


def _page(browser: Browser, world: World, name: str, path: str, rounds: int) -> Row:
    visits = [_visit(browser, world, path) for _ in range(rounds)]
    paint = statistics.median(paint for paint, _, _ in visits)
    document, everything = visits[-1][1] / 1024, visits[-1][2] / 1024
    told = f"document {document:.1f} KiB, with all it loads {everything:.1f} KiB (sent), 390 px"
    return f"{name} page: milliseconds to first paint", paint, "", told


def _visit(browser: Browser, world: World, path: str) -> tuple[float, int, int]:
    """One visit with an empty cache: milliseconds to first paint, the document's bytes, the bytes of everything."""
    context = browser.new_context(viewport=PHONE)
    try:
        context.add_cookies([{"name": "token", "value": world.people[0].token, "url": world.live.url}])
        page = context.new_page()
        finished: list[Request] = []
        page.on("requestfinished", lambda request: finished.append(request))
        answer = page.goto(world.live.url + path, wait_until="load")
        assert answer is not None and answer.ok, f"{path}: {answer.status if answer else 'no answer'}"
        page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length > 0")
        everything = sum(_bytes(request) for request in list(finished))
        return float(page.evaluate(_PAINT)), _bytes(answer.request), everything
    finally:
        context.close()


def _bytes(request: Request) -> int:
    return int(request.sizes()["responseBodySize"])
