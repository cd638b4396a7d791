"""With `--second-try` a test on servers that fails is tried once more, and what it said is kept.

Servers, processes and a busy machine have their own pace. A test that passes at the second try holds
nobody up, but it is named at the end with its whole failure: the race may be the program's own. Tests
without servers always do the same, and get no second try.
"""

from typing import cast

import pytest

from tests.sharing import has_labs

_SERVERS = ("postgres", "ssh")


def add_options(parser: pytest.Parser) -> None:
    """`--second-try`."""
    parser.addoption(
        "--second-try", action="store_true", help="try tests on servers again; tell what differed"
    )


def mark(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give the tests on servers their second try, where it is wanted."""
    if not config.getoption("--second-try"):
        return
    for item in items:
        if has_labs(item.nodeid) or any(item.get_closest_marker(name) for name in _SERVERS):
            item.add_marker(pytest.mark.flaky(reruns=1))


def tell(terminal: pytest.TerminalReporter) -> None:
    """What the first try of each test said that passed at the second."""
    passed = {report.nodeid for report in terminal.getreports("passed")}
    first_tries = cast("list[pytest.TestReport]", terminal.getreports("rerun"))
    for report in first_tries:
        if report.nodeid in passed:
            terminal.section(f"UNSTEADY {report.nodeid}", sep="_", yellow=True)
            terminal.write_line(report.longreprtext)
            terminal.write_line("passed at the second try: a race, of the test or of the program")
