"""Longer texts that are files of their own: help, terms of service, privacy. An operator's own file stands before ours.

A sheet is plain text: `# ` its title and the lead below it, `## ` a part, `### ` a question, `- ` a line of a list, and
paragraphs, one to a line. `{brand}`, `{operator}`, `{email}` and `{phone}` are filled in from the settings; a list line
whose value is not set is left out.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from portal.config import Settings

OURS = Path(__file__).resolve().parents[1] / "data" / "sheets"
#: Folder of the instance with the operator's own files, named as ours: `terms.zh_Hant_TW.txt`.
OWN = "sheets"
_PLACE = re.compile(r"\{(brand|operator|email|phone)\}")


@dataclass(slots=True)
class Part:
    """A part, or a question in one: its heading, paragraphs, list lines and questions."""

    heading: str
    paragraphs: list[str] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    questions: list["Part"] = field(default_factory=list)


@dataclass(slots=True)
class Sheet:
    """A whole text: title, lead and parts."""

    title: str
    lead: str
    parts: list[Part]


def read(settings: Settings, name: str, locale: str) -> Sheet:
    """The sheet in the reader's language, the operator's own when there is one."""
    file = f"{name}.{locale}.txt"
    own = settings.instance / OWN / file
    return parse((own if own.is_file() else OURS / file).read_text(encoding="utf-8"), settings)


def parse(text: str, settings: Settings) -> Sheet:
    """The sheet that a text describes, with the settings filled in."""
    values = {
        "brand": settings.brand_name,
        "operator": settings.operator_name or settings.brand_name,
        "email": settings.support_email,
        "phone": settings.support_phone,
    }
    top = Part("")
    parts: list[Part] = []
    at = top
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("- ") and any(not values[name] for name in _PLACE.findall(line)):
            continue
        line = _PLACE.sub(lambda match: values[match[1]] or "—", line)
        if line.startswith("### ") and parts:
            at = Part(line[4:])
            parts[-1].questions.append(at)
        elif line.startswith("## "):
            at = Part(line[3:])
            parts.append(at)
        elif line.startswith("# "):
            top.heading = line[2:]
        elif line.startswith("- "):
            at.items.append(line[2:])
        elif line:
            at.paragraphs.append(line)
    return Sheet(top.heading, " ".join(top.paragraphs), parts)
