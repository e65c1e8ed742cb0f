"""Reads a page the way a careful visitor does: what it says, what its forms hold, and what is wrong with it."""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bs4 import BeautifulSoup, Tag

LANGUAGES = {"zh-Hant-TW", "zh-Hant", "en"}
_OUTSIDE = re.compile(r"^(?:[a-z]+:)?//", re.IGNORECASE)
#: Inputs that need no label of their own.
_UNLABELLED = {"hidden", "submit", "button", "reset", "image"}


@dataclass(frozen=True)
class Form:
    """A form with the values it would send as it stands."""

    action: str
    method: str
    values: dict[str, Any]
    tag: Tag


class Page:
    """A fetched HTML page or partial."""

    def __init__(self, html: str, url: str, headers: Any, *, partial: bool = False) -> None:
        self.html = html
        self.url = url
        self.headers = headers
        self.partial = partial
        self.soup = BeautifulSoup(html, "html.parser")

    @cached_property
    def title(self) -> str:
        """The document's title."""
        return self.soup.title.get_text(strip=True) if self.soup.title else ""

    @cached_property
    def text(self) -> str:
        """All visible words, blanks made single."""
        body = self.soup.body or self.soup
        return " ".join(
            part.strip()
            for part in body.find_all(string=True)
            if part.strip() and part.parent.name not in ("script", "style", "template", "noscript")
        )

    def one(self, selector: str) -> Tag:
        """The only element that the CSS selector finds."""
        found = self.soup.select(selector)
        assert len(found) == 1, f"{len(found)} elements match {selector!r} on {self.url}"
        return found[0]

    def all(self, selector: str) -> list[Tag]:
        """All elements that the CSS selector finds."""
        return list(self.soup.select(selector))

    def words(self, selector: str) -> str:
        """The words of the only element that the CSS selector finds."""
        return " ".join(self.one(selector).get_text(" ", strip=True).split())

    @property
    def errors(self) -> list[str]:
        """The messages beside fields and in the page's error summary."""
        return [tag.get_text(" ", strip=True) for tag in self.soup.select("[role=alert], .field-error, .error-summary")]

    def forms(self) -> list[Form]:
        """Every form of the page."""
        return [_form(tag, self.url) for tag in self.soup.find_all("form")]

    def form(self, action: str | None = None, *, having: str | None = None) -> Form:
        """The first form that posts to an address ending in `action`, or that has a field named `having`."""
        for form in self.forms():
            here = action is None or form.action.split("?")[0].rstrip("/").endswith(action.rstrip("/"))
            if here and (having is None or form.tag.find(attrs={"name": having})):
                return form
        raise AssertionError(f"no form for action={action!r} having={having!r} on {self.url}; title: {self.title!r}")

    def problems(self) -> list[str]:
        """What is wrong with the page; empty when nothing is."""
        found = [] if self.partial else list(_document_problems(self))
        tags = self.soup.find_all(True)
        found += _markup_problems(tags)
        found += _form_problems(tags)
        return found


def _form(tag: Tag, url: str) -> Form:
    values: dict[str, Any] = {}
    for field in tag.find_all(["input", "select", "textarea"]):
        name = field.get("name")
        if not name or field.has_attr("disabled"):
            continue
        value = _field_value(field)
        if value is None:
            continue
        if name in values:
            already = values[name] if isinstance(values[name], list) else [values[name]]
            values[name] = [*already, value]
        else:
            values[name] = value
    method = str(tag.get("method") or "get").lower()
    return Form(str(tag.get("action") or url), method, values, tag)


def _field_value(field: Tag) -> str | None:
    if field.name == "textarea":
        return field.get_text()
    if field.name == "select":
        options = field.find_all("option")
        chosen = [option for option in options if option.has_attr("selected")] or options[:1]
        return str(chosen[0].get("value", chosen[0].get_text(strip=True))) if chosen else None
    kind = str(field.get("type") or "text").lower()
    if kind in ("checkbox", "radio"):
        return str(field.get("value", "on")) if field.has_attr("checked") else None
    if kind in ("submit", "button", "reset", "image", "file"):
        return None
    return str(field.get("value", ""))


def _document_problems(page: Page) -> list[str]:
    found = []
    if not page.html.lstrip().lower().startswith("<!doctype html>"):
        found.append("no doctype")
    root = page.soup.html
    if root is None or root.get("lang") not in LANGUAGES:
        found.append(f"the language of the page is {root.get('lang') if root else None!r}")
    if not page.title:
        found.append("no title")
    if len(page.soup.find_all("h1")) != 1:
        found.append(f"{len(page.soup.find_all('h1'))} first headings")
    if len(page.soup.find_all("main")) != 1:
        found.append("no single <main>")
    policy = page.headers.get("Content-Security-Policy", "")
    if "'nonce-" not in policy and "'self'" not in policy:
        found.append("no content security policy")
    if "unsafe-" in policy:
        found.append("the content security policy admits something unsafe")
    return found


def _markup_problems(tags: list[Tag]) -> list[str]:
    found = []
    ids = Counter(str(tag["id"]) for tag in tags if "id" in tag.attrs)
    twice = [name for name, count in ids.items() if count > 1]
    if twice:
        found.append(f"ids used twice: {', '.join(sorted(twice))}")
    for tag in tags:
        for name in tag.attrs:
            if name == "style" or name.startswith("on"):
                found.append(f"inline {name} on <{tag.name}>")
        for name in ("src", "srcset") if tag.name != "link" else ("href",):
            if _OUTSIDE.match(str(tag.get(name, ""))):
                found.append(f"<{tag.name}> loads {tag.get(name)} from outside")
        if tag.name == "img" and not tag.has_attr("alt"):
            found.append("an image without alternative text")
        if tag.name == "script" and not tag.get("nonce") and not tag.get("src"):
            found.append("an inline script without a nonce")
    return found


def _form_problems(tags: list[Tag]) -> list[str]:
    found = []
    ids = {str(tag["id"]) for tag in tags if "id" in tag.attrs}
    labelled = {str(tag["for"]) for tag in tags if tag.name == "label" and tag.get("for")}
    for form in (tag for tag in tags if tag.name == "form"):
        if str(form.get("method") or "get").lower() == "post" and not form.find("input", attrs={"name": "csrf_token"}):
            found.append(f"the form to {form.get('action')!r} has no CSRF token")
    for field in (tag for tag in tags if tag.name in ("input", "select", "textarea")):
        if str(field.get("type") or "").lower() in _UNLABELLED:
            continue
        named = field.get("id") in labelled or field.find_parent("label")
        if not (named or field.get("aria-label") or field.get("aria-labelledby")):
            found.append(f"the field {field.get('name') or field.get('id')!r} has no label")
    found += [f"the label for {name!r} points nowhere" for name in sorted(labelled - ids)]
    return found
