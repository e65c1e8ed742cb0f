"""`make bench`: prints every ratio with its goal, and keeps the report in docs/performance.md when told to.

python -m tests.bench [--quick] [--only trading] [--write] [--strict]
"""

import argparse
import logging
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import counter, history, money_out, pages, paint, partners, scale, trading
from tests.bench.world import world

#: Below this line docs/performance.md is written by people: where the time goes, and what limits what.
MARK = "## Where the time goes\n"

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Figure:
    """One measured ratio: what, its value, the goal it is held against, and the absolute numbers behind it."""

    name: str
    ratio: float
    goal: str
    absolute: str

    @property
    def met(self) -> bool:
        """Whether the goal holds (`≥ x` or `≤ x`)."""
        sign, _, bound = self.goal.partition(" ")
        if not bound:
            return True
        return self.ratio >= float(bound) if sign == "≥" else self.ratio <= float(bound)

    @property
    def verdict(self) -> str:
        """The goal's cell: whether it holds, or that there is none."""
        return "–" if not self.goal else "yes" if self.met else "**no**"


#: Institutions come first: their cards wait for the worker, who has receipts to mail after the trading.
SUBJECTS = {
    "partners": partners.measure,
    "trading": trading.measure,
    "money-out": money_out.measure,
    "pages": pages.measure,
    "counter": counter.measure,
    "scale": scale.measure,
    "paint": paint.measure,
    "history": history.measure,
}


def main() -> int:
    """Runs the benchmarks and says which goals are missed; with --strict the exit status says it, too."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and rows: a look, not a figure to quote")
    parser.add_argument("--only", choices=sorted(SUBJECTS), action="append", help="one subject (repeatable)")
    parser.add_argument("--write", action="store_true", help="keep the report in docs/performance.md")
    parser.add_argument("--strict", action="store_true", help="exit status 1 when a goal is missed")
    chosen = parser.parse_args()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder, world(Path(folder)) as made:
        for name, measure in SUBJECTS.items():
            if chosen.only and name not in chosen.only:
                continue
            began = time.monotonic()
            found = [Figure(*row) for row in measure(made, quick=chosen.quick)]
            figures += found
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
            for figure in found:
                print(f"  {figure.name}: {figure.ratio:.2f} ({figure.absolute})", file=sys.stderr, flush=True)
    report = render(figures)
    print(report)
    if chosen.write:
        keep(ROOT / "docs" / "performance.md", report)
    missed = [figure for figure in figures if not figure.met]
    for figure in missed:
        print(f"MISSED: {figure.name}: {figure.ratio:.2f}, wanted {figure.goal}")
    if not missed:
        print("All goals hold.")
    return 1 if missed and chosen.strict else 0


def keep(page: Path, report: str) -> None:
    """Replaces the figures of the page; what people wrote below the mark stays."""
    written = page.read_text(encoding="utf-8") if page.exists() else ""
    _, mark, below = written.partition(MARK)
    page.write_text(report + ("\n" + mark + below if mark else ""), encoding="utf-8")


def render(figures: list[Figure]) -> str:
    """The report as a Markdown table with the machine it was measured on."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    lines = [
        "# Performance",
        "",
        "Printed by `make bench`. Ratios against baselines measured in the same run, medians of alternating rounds.",
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit.stdout.strip() or 'unknown'}, {os.cpu_count()} cores, "
        f"{platform.machine()}, Python {platform.python_version()}, PostgreSQL with fsync on the same machine.",
        "",
        "| what | ratio | goal | holds | measured |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {figure.name} | {figure.ratio:.2f} | {figure.goal or '–'} | {figure.verdict} | {figure.absolute} |"
        for figure in figures
    ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())
