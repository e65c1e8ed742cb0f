"""Figures of a harness as one table."""

import os

#: The full counts of PROMISES are run by `make proof`; `make test` runs the short form.
FULL = os.environ.get("PORTAL_PROOF") == "full"


def table(title: str, **figures: object) -> None:
    """Prints a harness's figures, one per line, under its name."""
    width = max(len(name) for name in figures)
    print(f"\n## {title}")
    for name, value in figures.items():
        print(f"  {name.replace('_', ' '):<{width}}  {value}")
