"""The API's reference for institutions: how to sign, every call, and complete programs that can be copied and run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Response, current_app
from flask.typing import ResponseReturnValue

from portal.api.partner.errors import TEXTS
from portal.api.partner.family import family
from portal.errors import N_, Refusal
from portal.http import portal
from portal.partner import blueprint
from portal.partner.access import Seat, member_required
from portal.web import rendering

#: Programs by language: file in templates/partner/examples, name shown, how it is run.
PROGRAMS = {
    "curl": ("signed.sh.txt", "curl", "bash signed.sh", "signed.sh"),
    "python": ("signed.py.txt", "Python", "python3 signed.py", "signed.py"),
    "java": ("Signed.java.txt", "Java", "java Signed.java", "Signed.java"),
    "javascript": ("signed.mjs.txt", "JavaScript", "node signed.mjs", "signed.mjs"),
}
AREA_TITLES = {
    "customers": N_("People"),
    "cards": N_("Cards"),
    "loads": N_("Loads"),
    "common": N_("Common"),
    "bank": N_("Bank"),
}


@dataclass(frozen=True, slots=True)
class Program:
    """A complete program."""

    language: str
    name: str
    how: str
    text: str


@blueprint.get("/<institution>/reference")
@member_required()
def reference(seat: Seat) -> ResponseReturnValue:
    """How to sign, every call, every code."""
    areas: dict[str, list[Any]] = {area: [] for area in AREA_TITLES}
    for operation in family.operations:
        areas[operation.auth].append(operation)
    return rendering.page(
        "partner/reference.html", areas=areas, titles=AREA_TITLES, codes=TEXTS, base_url=portal().settings.public_url,
        programs=[_program(language) for language in PROGRAMS], fields=_fields,
    )  # fmt: skip


@blueprint.get("/<institution>/reference/<language>")
@member_required()
def program(seat: Seat, language: str) -> ResponseReturnValue:
    """One program as a file."""
    if language not in PROGRAMS:
        raise Refusal("not_found")
    answer = Response(_program(language).text, mimetype="text/plain")
    answer.headers["Content-Disposition"] = f'attachment; filename="{PROGRAMS[language][3]}"'
    return answer


def _program(language: str) -> Program:
    file, name, how, _ = PROGRAMS[language]
    folder = Path(current_app.root_path) / str(current_app.template_folder) / "partner" / "examples"
    text = (folder / file).read_text(encoding="utf-8").replace("https://portal.example", portal().settings.public_url)
    return Program(language, name, how, text)


def _fields(model: Any) -> list[tuple[str, bool]]:
    """Names of a call's parameters, and whether each is required."""
    return [(name, field.is_required()) for name, field in model.model_fields.items()] if model else []
