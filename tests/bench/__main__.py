"""`make bench`: prints every ratio with its goal, and keeps the report in docs/performance.md when told to.

python -m tests.bench [--quick] [--only trading] [--write]
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import counter, history, money_out, pages, trading
from tests.bench.world import world

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


SUBJECTS = {
    "trading": trading.measure,
    "money-out": money_out.measure,
    "pages": pages.measure,
    "counter": counter.measure,
    "history": history.measure,
}


def main() -> int:
    """Runs the benchmarks; exit status 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and rows: a look, not a figure to quote")
    parser.add_argument("--only", choices=sorted(SUBJECTS), action="append", help="one subject (repeatable)")
    parser.add_argument("--write", action="store_true", help="keep the report in docs/performance.md")
    chosen = parser.parse_args()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder, world(Path(folder)) as made:
        for name, measure in SUBJECTS.items():
            if chosen.only and name not in chosen.only:
                continue
            print(f"… {name}", file=sys.stderr, flush=True)
            figures += [Figure(*row) for row in measure(made, quick=chosen.quick)]
    report = render(figures)
    print(report)
    if chosen.write:
        (ROOT / "docs" / "performance.md").write_text(report, encoding="utf-8")
    return 0 if all(figure.met for figure in figures) else 1


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
