"""The figures of all harnesses together, after the last test."""

from _pytest.terminal import TerminalReporter

from tests.harness.report import FULL, TABLES


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Prints every table of a full run; the short forms keep theirs to themselves."""
    if FULL and TABLES:
        terminalreporter.write_sep("=", "figures")
        terminalreporter.write_line("\n\n".join(TABLES))
