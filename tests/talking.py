"""Tests that talk: what is run and how long that usually takes, a line a file, failures at once.

Switched on by `--talk`, as `make test` does. With several processes only the one in front speaks.
"""

import time
from collections import Counter
from threading import Event, Thread

import pytest

from gpmirror.cluster.counting import counted

_USUAL = "gpmirror/whole-runs"
_KEPT = 5
_AT_FIRST = 25 * 60
"""Seconds of a whole run on four cores, where this machine has not done one yet."""
_QUIET = 60.0
_LONG = 5.0
_PLAIN = {"passed", "skipped"}


def add_options(parser: pytest.Parser) -> None:
    """`--talk`."""
    parser.addoption("--talk", action="store_true", help="say what runs; failures at once")


def begin(config: pytest.Config) -> None:
    """Let the process in front talk, where that is wanted."""
    if config.getoption("--talk") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Talking(config), "talking")


def minutes(seconds: float) -> str:
    """`40 s`, `12 min`."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


class Talking:
    """What has been said and done of a run. `files` counts the tests that are left of each file."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._files: Counter[str] = Counter()
        self._sizes: Counter[str] = Counter()
        self._seconds: Counter[str] = Counter()
        self._running: dict[str, float] = {}
        self._began = self._spoke = time.monotonic()
        self._over = Event()
        self._total = self._done = 0

    # --- before ---------------------------------------------------------------------------------

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Without other processes the tests are known here."""
        self.announce([item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Every process finds the same tests; the first one tells."""
        self.announce(ids)

    def announce(self, ids: list[str]) -> None:
        """What is to be run, and how long it usually takes."""
        if self._total or not ids:
            return
        self._total = len(ids)
        self._files.update(_file(one) for one in ids)
        self._sizes.update(self._files)
        processes = getattr(self._config.option, "numprocesses", None) or 1
        tests, files = counted(self._total, "test"), counted(len(self._files), "file")
        told = f"{tests} in {files}, {processes} at a time"
        if self.is_whole():
            usual = self.usual()
            known = f"usually {minutes(usual)}" if usual else f"about {minutes(_AT_FIRST)}"
            told += f"; this takes {known}, and a line follows for each file that took long"
        self._say(told)
        Thread(target=self._beat, name="talking", daemon=True).start()

    def is_whole(self) -> bool:
        """Whether nothing was left out: only such runs tell how long one takes."""
        chosen = self._config.option
        return not (
            self._config.args_source is pytest.Config.ArgsSource.ARGS
            or chosen.keyword
            or chosen.markexpr
            or chosen.collectonly
        )

    def usual(self) -> float | None:
        """The median of the last whole runs on this machine, in seconds."""
        cache: pytest.Cache | None = getattr(self._config, "cache", None)
        known = sorted(cache.get(_USUAL, [])) if cache is not None else []
        return known[len(known) // 2] if known else None

    # --- meanwhile ------------------------------------------------------------------------------

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """No dots: a line a file says more."""
        if report.outcome not in _PLAIN:
            return None
        told = report.when == "call" or report.outcome == "skipped"
        return (report.outcome if told else ""), "", ""

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins."""
        self._running[nodeid] = time.monotonic()

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A failure is shown at once, a file once its last test is done."""
        file = _file(report.nodeid)
        self._seconds[file] += int(report.duration * 1000)
        if report.failed:
            self._show(report)
        if report.when != "teardown":
            return
        self._running.pop(report.nodeid, None)
        self._done += 1
        self._files[file] -= 1
        took = self._seconds[file] / 1000
        if not self._files[file] and took >= _LONG:
            self._say(
                f"{self._percent()}  {file}: {counted(self._sizes[file], 'test')}, {minutes(took)}"
            )

    def _show(self, report: pytest.TestReport) -> None:
        terminal = self._terminal()
        where = "" if report.when == "call" else f" ({report.when})"
        terminal.ensure_newline()
        terminal.section(f"FAILED {report.nodeid}{where}", sep="_", red=True, bold=True)
        terminal.write_line(report.longreprtext)
        terminal.write_line(f"again, alone: .venv/bin/pytest '{report.nodeid}'")

    def _beat(self) -> None:
        """After a minute without a word: what is at work."""
        while not self._over.wait(1.0):
            now = time.monotonic()
            if now - self._spoke < _QUIET:
                continue
            known = sorted((began, nodeid) for nodeid, began in list(self._running.items()))
            told = ", ".join(f"{nodeid} ({minutes(now - began)})" for began, nodeid in known[:4])
            self._say(f"{self._percent()}  at work: {told or 'nothing'}")

    # --- after ----------------------------------------------------------------------------------

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Keep how long a whole run took."""
        self._over.set()
        cache: pytest.Cache | None = getattr(self._config, "cache", None)
        if exitstatus == 0 and self._done and self.is_whole() and cache is not None:
            took = time.monotonic() - self._began
            cache.set(_USUAL, [*cache.get(_USUAL, []), took][-_KEPT:])

    def _percent(self) -> str:
        return f"{100 * self._done // max(self._total, 1):3} %"

    def _say(self, text: str) -> None:
        self._spoke = time.monotonic()
        terminal = self._terminal()
        terminal.ensure_newline()
        terminal.write_line(text)

    def _terminal(self) -> pytest.TerminalReporter:
        found = self._config.pluginmanager.get_plugin("terminalreporter")
        assert isinstance(found, pytest.TerminalReporter)
        return found


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]
