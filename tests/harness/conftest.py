"""The figures of all harnesses together, after the last test."""

from _pytest.terminal import TerminalReporter

from tests.harness.report import FULL, tables


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Prints a table for every harness of a full run; the short forms keep theirs to themselves."""
    made = tables() if FULL else []
    if made:
        terminalreporter.write_sep("=", "figures")
        terminalreporter.write_line("\n\n".join(made))
