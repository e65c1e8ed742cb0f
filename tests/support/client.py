"""A visitor of the pages without a browser: every page it fetches is checked."""

from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from tests.support.pages import Form, Page

#: A visitor on the portal's own pages sends what a browser would.
_SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"}


class PageClient:
    """Cookies of one person. `page` and `submit` answer checked pages; `raw` is the plain test client."""

    def __init__(self, app: Flask, language: str = "en") -> None:
        self.raw = app.test_client()
        self.raw.set_cookie("language", "en" if language.startswith("en") else "zh_Hant_TW")
        self.headers = {"Accept-Language": language, **_SAME_ORIGIN}
        self.last: TestResponse | None = None

    def page(self, path: str, status: int = 200, *, htmx: bool = False, **query: Any) -> Page:
        """Fetches a page, or with `htmx` the block that htmx would get. Fails on another status or a flawed page."""
        answer = self.raw.get(path, query_string=query or None, headers=self._headers(htmx))
        return self._checked(answer, path, status, htmx)

    def submit(
        self, page: Page | str, action: str | None = None, /, *, having: str | None = None, status: int | None = None,
        htmx: bool = False, files: dict[str, Any] | None = None, **fields: Any,
    ) -> Page:  # fmt: skip
        """Fills in a form of the page as it stands and sends it.

        Without `status` the answer must lead on (303) and the page it leads to is answered. With `status` that
        very answer is. A field given as None is left out.
        """
        page = self.page(page) if isinstance(page, str) else page
        form = page.form(action, having=having)
        answer = self._send(form, {**form.values, **fields}, files or {}, htmx)
        if status is None and not htmx:
            said = Page(answer.text, form.action, answer.headers, partial=True)
            assert answer.status_code == 303, f"{form.action}: {answer.status_code} {said.errors or said.text[:600]}"
            return self.page(answer.headers["Location"])
        return self._checked(answer, form.action, status or 200, htmx)

    def _send(self, form: Form, fields: dict[str, Any], files: dict[str, Any], htmx: bool) -> TestResponse:
        data = {name: value for name, value in fields.items() if value is not None} | files
        if form.method == "get":
            self.last = self.raw.get(form.action, query_string=data, headers=self._headers(htmx))
        else:
            self.last = self.raw.post(form.action, data=data, headers=self._headers(htmx))
        return self.last

    def _headers(self, htmx: bool) -> dict[str, str]:
        return {**self.headers, **({"HX-Request": "true"} if htmx else {})}

    def _checked(self, answer: TestResponse, path: str, status: int, htmx: bool) -> Page:
        self.last = answer
        location = answer.headers.get("Location", "")
        assert answer.status_code == status, f"{path}: {answer.status_code} {location} {answer.text[:800]}"
        page = Page(answer.text, path, answer.headers, partial=htmx)
        if answer.mimetype == "text/html" and answer.text.strip() and not 300 <= answer.status_code < 400:
            problems = page.problems()
            assert not problems, f"{path}: " + "; ".join(problems)
        return page
