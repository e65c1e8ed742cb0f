"""Merges the parts of each language into one compiled catalogue, `<language>/LC_MESSAGES/messages.mo`.

A part is a plain PO file `<language>/parts/<subject>.po`, kept by whoever keeps the subject. The same text may
stand in several parts if it is translated alike; two different translations of one text are an error.
Run as a program it compiles everything; `compile_stale` is for the start of the portal.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

FOLDER = Path(__file__).resolve().parent


class Conflict(ValueError):
    """Two parts translate one text differently, or a part holds the same text twice."""


def languages(folder: Path = FOLDER) -> list[str]:
    """The languages that have parts."""
    return sorted(parts.parent.name for parts in folder.glob("*/parts") if any(parts.glob("*.po")))


def merged(language: str, folder: Path = FOLDER) -> Catalog:
    """One catalogue of all parts of a language. Raises Conflict."""
    catalogue = Catalog(locale=language, domain="messages", fuzzy=False)
    origin: dict[tuple[object, object], Path] = {}
    for path in sorted((folder / language / "parts").glob("*.po")):
        with path.open("rb") as handle:
            part = read_po(handle, locale=language, abort_invalid=True)
        for message in part:
            if message.id:
                _add(catalogue, message, path, origin)
    return catalogue


def _add(catalogue: Catalog, message: Message, path: Path, origin: dict[tuple[object, object], Path]) -> None:
    text = message.id if isinstance(message.id, str) else message.id[0]
    key = (text, message.context)
    known = catalogue.get(text, message.context)
    if known is not None and known.string != message.string:
        raise Conflict(f"{path.name} and {origin[key].name} differ on {text!r}: {message.string!r}, {known.string!r}")
    origin.setdefault(key, path)
    catalogue.add(message.id, message.string, flags=message.flags - {"fuzzy"}, context=message.context)


def compiled_path(language: str, folder: Path = FOLDER) -> Path:
    """Where a language's compiled catalogue lies."""
    return folder / language / "LC_MESSAGES" / "messages.mo"


def compile_language(language: str, folder: Path = FOLDER) -> Path:
    """Writes a language's compiled catalogue, in one step, so that a reader sees the old or the new one."""
    target, catalogue = compiled_path(language, folder), merged(language, folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    with draft.open("wb") as handle:
        write_mo(handle, catalogue)
    os.replace(draft, target)
    return target


def stale(folder: Path = FOLDER) -> Iterator[str]:
    """The languages whose compiled catalogue is missing or older than one of its parts."""
    for language in languages(folder):
        target = compiled_path(language, folder)
        parts = folder / language / "parts"
        newest = max(path.stat().st_mtime_ns for path in (parts, *parts.glob("*.po")))
        if not target.exists() or target.stat().st_mtime_ns < newest:
            yield language


def compile_stale(folder: Path = FOLDER) -> None:
    """Compiles what is missing or out of date; does nothing when all is current."""
    for language in stale(folder):
        compile_language(language, folder)


if __name__ == "__main__":
    try:
        for name in languages():
            compile_language(name)
    except Conflict as conflict:
        sys.exit(str(conflict))
