"""Figures of a harness as one table, printed where they were made and once more together at the end of the run."""

import os

#: The full counts of PROMISES are run by `make proof`; `make test` runs the short form.
FULL = os.environ.get("PORTAL_PROOF") == "full"

#: Every table of this run, in order.
TABLES: list[str] = []


def table(title: str, **figures: object) -> None:
    """Prints a harness's figures, one per line, under its name."""
    width = max(len(name) for name in figures)
    lines = [f"  {name.replace('_', ' '):<{width}}  {value}" for name, value in figures.items()]
    TABLES.append("\n".join([f"## {title}", *lines]))
    print(f"\n{TABLES[-1]}")
