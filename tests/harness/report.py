"""Figures of the harnesses: printed where they were made, and once more as one table per harness at the end of the run."""

import os

#: The full counts of PROMISES are run by `make proof`; `make test` runs the short form.
FULL = os.environ.get("PORTAL_PROOF") == "full"

#: The harnesses in the order in which they are told of.
HARNESSES = ("race", "crash", "machine", "surface", "weather")

#: (harness, part of it, figures) of this run, in the order in which they were made.
_MADE: list[tuple[str, str, dict[str, str]]] = []


def table(title: str, **figures: object) -> None:
    """Notes and prints a harness's figures, one per line. The title is `<harness>: <part>`."""
    harness, _, part = title.partition(": ")
    assert harness in HARNESSES, title
    _MADE.append((harness, part, {name.replace("_", " "): str(value) for name, value in figures.items()}))
    print(f"\n{_drawn(harness, _MADE[-1:])}")


def tables() -> list[str]:
    """One table for each harness that made figures."""
    parts = {name: [made for made in _MADE if made[0] == name] for name in HARNESSES}
    return [_drawn(name, made) for name, made in parts.items() if made]


def _drawn(harness: str, parts: list[tuple[str, str, dict[str, str]]]) -> str:
    """Three columns: the part, what was counted, how many."""
    wide = max(len(part) for _, part, _ in parts)
    names = max(len(name) for _, _, figures in parts for name in figures)
    lines = [f"## {harness}"]
    for _, part, figures in parts:
        first = [part] + [""] * (len(figures) - 1)
        for place, (name, value) in zip(first, figures.items(), strict=True):
            lines.append(f"  {place:<{wide}}  {name:<{names}}  {value}")
    return "\n".join(lines)
