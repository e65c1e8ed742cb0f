"""A real Chromium through Playwright: phones and desks, with and without JavaScript, light and dark."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Response

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
IMAGES = ROOT / "docs" / "images"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
#: The last four keep Chromium from asking anybody but the portal for anything.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 900}}
PATIENCE_MS = 15_000


def launch(playwright: Playwright) -> Browser:
    """A headless Chromium of Debian's, or the one that CHROMIUM names."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, headless=True)


class Visitor:
    """One browser window with its own cookies. Complaints of the browser are kept and fail the test at its end."""

    def __init__(self, context: BrowserContext, device: str) -> None:
        self.context = context
        self.device = device
        self.complaints: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"script error: {error}"))
        self.page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        # A refused form answers 4xx on purpose; the status is the test's business, not the console's.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(f"console: {message.text}")

    def _response(self, response: Response) -> None:
        if response.status >= 500:
            self.complaints.append(f"{response.status} from {response.url}")

    def go(self, path: str) -> Page:
        """Opens a path of the portal and answers the page, when it says 200."""
        answer = self.page.goto(path)
        assert answer is not None and answer.status == 200, f"{path}: {answer.status if answer else 'no answer'}"
        return self.page

    def axe(self, *, without: tuple[str, ...] = ()) -> None:
        """Fails when axe finds anything wrong with the page as it is now; `without` names selectors of others' work."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        report = self.page.evaluate(
            "without => axe.run({exclude: without.map(s => [s])}, {resultTypes: ['violations']})", list(without)
        )
        assert not report["violations"], f"{self.page.url}\n{_told(report['violations'])}"

    def fits(self) -> None:
        """Fails when the page is wider than its window."""
        wide, window = self.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert wide <= window, f"{self.page.url} is {wide} px wide in a window of {window} px"

    def picture(self, name: str) -> Path:
        """Keeps a picture of the window for the README, only when PORTAL_PICTURES asks for it."""
        path = IMAGES / f"{name}.png"
        if os.environ.get("PORTAL_PICTURES"):
            IMAGES.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=path)
        return path


Browse = Callable[..., Visitor]


@contextmanager
def browsing(browser: Browser, base_url: str) -> Iterator[Browse]:
    """A maker of visitors to one portal; at the end all windows close and what the browser minded fails the test."""
    visitors: list[Visitor] = []

    def browse(
        device: str = "phone", *, javascript: bool = True, scheme: str = "light", locale: str = "zh-TW", **more: Any
    ) -> Visitor:
        context = browser.new_context(
            base_url=base_url,
            viewport=SIZES[device],
            has_touch=device == "phone",
            is_mobile=device == "phone",
            java_script_enabled=javascript,
            color_scheme=scheme,
            reduced_motion="reduce",
            locale=locale,
            timezone_id="Asia/Taipei",
            **more,
        )
        context.set_default_timeout(PATIENCE_MS)
        visitor = Visitor(context, device)
        visitors.append(visitor)
        return visitor

    try:
        yield browse
    finally:
        for visitor in visitors:
            visitor.context.close()
    complaints = [complaint for visitor in visitors for complaint in visitor.complaints]
    assert not complaints, "the browser minded:\n" + "\n".join(complaints)


def _told(violations: list[dict[str, Any]]) -> str:
    lines = []
    for violation in violations:
        lines.append(f"{violation['id']} ({violation['impact']}): {violation['help']}")
        lines += [f"    {' '.join(map(str, node['target']))}: {node['html'][:200]}" for node in violation["nodes"][:5]]
    return "\n".join(lines)
