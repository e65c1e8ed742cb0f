"""Rules of the house that no other tool checks: sizes, money, silenced tests, inline scripts and styles."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MOST_LINES = 400
LONGEST_FUNCTION = 70

# Written in two pieces, so that this file does not break its own rules.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b|NotImplemented" r"Error")
SILENCED = re.compile(
    r"pytest\.mark\.(skip|x"
    r"fail)|pytest\.(skip|x"
    r"fail|importorskip)\(|# no"
    r"qa|type:\s*ig"
    r"nore|unittest\.skip"
)
REGISTRIES = re.compile(
    r"py"
    r"pi\.org|pythonhosted|npm"
    r"js\.(?:org|com)|registry\.yarn|index-url|find-links\s|files\.pythonhosted|deb\.debian",
    re.IGNORECASE,
)
#: Where the option that keeps registries out of the lock files is named.
NAMES_THE_OPTION = {"Makefile", "tests/test_house_rules.py"}
FLOAT = re.compile(r"\bflo" r"at\(")
INLINE = re.compile(r"<[a-zA-Z][^>{]*?\s(style|on[a-z]+)\s*=", re.DOTALL)
OUTSIDE = re.compile(
    r"<(?:script|link|img|iframe|source)\b[^>]*?\b(?:src|href)\s*=\s*[\"'](?:https?:)?//", re.IGNORECASE
)


def tracked() -> Iterator[Path]:
    """The project's own text files: what git keeps or would keep, without what is vendored."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if "/vendor/" in name or name.startswith("tests/contract/") or path.suffix == ".lock" or not path.is_file():
            continue
        if path.suffix in {".png", ".ico", ".woff2", ".jpg", ".webp", ".pdf", ".gif"}:
            continue
        yield path


def texts(*suffixes: str, under: str = "") -> Iterator[tuple[str, str]]:
    """Name and text of the project's files with one of the endings."""
    for path in tracked():
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(under) and (not suffixes or path.suffix in suffixes):
            yield name, path.read_text(encoding="utf-8", errors="replace")


def lines_matching(pattern: re.Pattern[str], *suffixes: str, under: str = "") -> list[str]:
    """`file:line text` of every line that matches."""
    return [
        f"{name}:{number} {line.strip()[:100]}"
        for name, text in texts(*suffixes, under=under)
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_of_the_portal_is_too_long_to_read() -> None:
    long = [
        f"{name}: {text.count(chr(10))} lines"
        for name, text in texts(".py", under="portal/")
        if text.count("\n") > MOST_LINES and "/migrations/" not in name
    ]
    assert not long


def test_no_function_of_the_portal_is_too_long_to_read() -> None:
    long = []
    for name, text in texts(".py", under="portal/"):
        if "/migrations/" in name:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                length = (node.end_lineno or node.lineno) - node.lineno
                if length > LONGEST_FUNCTION:
                    long.append(f"{name}:{node.lineno} {node.name}: {length} lines")
    assert not long


def test_money_never_passes_through_a_binary_fraction() -> None:
    assert not lines_matching(FLOAT, ".py", under="portal/")


def test_nothing_is_left_unfinished() -> None:
    assert not lines_matching(UNFINISHED, ".py", ".html", ".js", ".css", ".sh")


def test_no_test_or_check_is_silenced() -> None:
    assert not lines_matching(SILENCED, ".py", ".toml")


def test_no_file_names_a_package_registry() -> None:
    found = [hit for hit in lines_matching(REGISTRIES) if hit.split(":")[0] not in NAMES_THE_OPTION]
    locked = [
        f"{path.name}:{number}"
        for path in (*ROOT.glob("*.lock"), ROOT / "package-lock.json")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"https?:|file:|\"resolved\"|--(?:extra-)?index|--find-links", line)
    ]
    assert not found
    assert not locked


def test_every_locked_package_has_a_hash() -> None:
    for lock in ROOT.glob("*.lock"):
        entries = re.split(r"\n(?=[a-zA-Z0-9])", lock.read_text(encoding="utf-8").strip())
        bare = [entry.split()[0] for entry in entries if "==" in entry and "--hash=sha256:" not in entry]
        assert not bare, f"{lock.name}: {bare}"


def test_templates_have_no_inline_styles_or_handlers() -> None:
    found = [
        f"{name}: {match.group(0)[:120]}"
        for name, text in texts(".html", under="templates/")
        if not name.startswith("templates/email/")
        for match in INLINE.finditer(text)
    ]
    assert not found


def test_templates_load_nothing_from_outside() -> None:
    found = [
        f"{name}: {match.group(0)[:120]}"
        for name, text in texts(".html", under="templates/")
        for match in OUTSIDE.finditer(text)
    ]
    assert not found


def test_templates_switch_off_no_escaping() -> None:
    assert not lines_matching(re.compile(r"\|\s*safe\b|autoescape\s+false"), ".html", under="templates/")


@pytest.mark.parametrize("name", ["README.md", "Makefile", "app.py", "pyproject.toml", ".ci/run"])
def test_what_a_visitor_of_the_repository_looks_for_is_there(name: str) -> None:
    assert (ROOT / name).is_file()
