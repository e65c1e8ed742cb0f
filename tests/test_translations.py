"""Every text that the portal can show has its Traditional Chinese, said one way."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo

from portal.translations import compile as catalogues

ROOT = Path(__file__).resolve().parents[1]
LANGUAGE = "zh_Hant_TW"
KEYWORDS = {
    "_": None, "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3),
    "lazy_gettext": None, "lazy_ngettext": (1, 2), "lazy_pgettext": ((1, "c"), 2), "_l": None, "N_": None,
}  # fmt: skip
METHODS = [("portal/**.py", "python"), ("templates/**.html", "jinja2"), ("templates/**.txt", "jinja2")]
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")


def used() -> Iterator[tuple[str, str | tuple[str, ...], str | None]]:
    """Where, text and context of every translatable text in the sources."""
    for folder in ("portal", "templates"):
        methods = [(pattern.removeprefix(f"{folder}/"), how) for pattern, how in METHODS if pattern.startswith(folder)]
        options = {pattern: {"trimmed": "true", "silent": "false"} for pattern, how in methods if how == "jinja2"}
        found = extract_from_dir(str(ROOT / folder), methods, options, KEYWORDS)
        for filename, line, message, _, context in found:
            yield f"{folder}/{filename}:{line}", message, context


def test_every_text_is_said_in_chinese() -> None:
    catalogue = catalogues.merged(LANGUAGE)
    missing = set()
    for where, message, context in used():
        text = message if isinstance(message, str) else message[0]
        known = catalogue.get(text, context)
        if known is None or not all([known.string] if isinstance(known.string, str) else known.string):
            missing.add(f"{where}: {text!r}")
    assert not missing, f"{len(missing)} texts have no Chinese:\n" + "\n".join(sorted(missing))


def test_a_translation_keeps_the_places_of_its_values() -> None:
    changed = []
    for message in catalogues.merged(LANGUAGE):
        sources = [message.id] if isinstance(message.id, str) else list(message.id)
        targets = [message.string] if isinstance(message.string, str) else list(message.string)
        wanted = {name for source in sources for name in PLACEHOLDER.findall(source)}
        changed += [
            f"{sources[0]!r}: {target!r}" for target in targets if not set(PLACEHOLDER.findall(target)) <= wanted
        ]
    assert not changed


def test_the_compiled_catalogue_says_what_the_parts_say(tmp_path: Path) -> None:
    folder = tmp_path / "zh_Hant_TW" / "parts"
    folder.mkdir(parents=True)
    (folder / "wallet.po").write_text('msgid "Wallet"\nmsgstr "錢包"\n', encoding="utf-8")
    (folder / "trade.po").write_text(
        'msgid "Trade"\nmsgstr "交易"\n\nmsgid "Wallet"\nmsgstr "錢包"\n', encoding="utf-8"
    )
    assert list(catalogues.stale(tmp_path)) == [LANGUAGE]
    catalogues.compile_stale(tmp_path)
    with catalogues.compiled_path(LANGUAGE, tmp_path).open("rb") as handle:
        compiled = read_mo(handle)
    assert {message.id: message.string for message in compiled if message.id} == {"Wallet": "錢包", "Trade": "交易"}
    assert list(catalogues.stale(tmp_path)) == []


def test_two_parts_may_not_say_one_text_differently(tmp_path: Path) -> None:
    folder = tmp_path / "zh_Hant_TW" / "parts"
    folder.mkdir(parents=True)
    (folder / "wallet.po").write_text('msgid "Send"\nmsgstr "轉帳"\n', encoding="utf-8")
    (folder / "mail.po").write_text('msgid "Send"\nmsgstr "寄出"\n', encoding="utf-8")
    with pytest.raises(catalogues.Conflict, match="wallet.po"):
        catalogues.merged(LANGUAGE, tmp_path)
