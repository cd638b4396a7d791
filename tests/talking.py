"""Tests that talk: what is run and how long that usually takes, a line a file, failures at once.

Switched on by `--talk`, as `make test` does. With several processes only the one in front speaks.
"""

import time
from collections import Counter
from threading import Event, Thread
from typing import Any

import pytest

from gpmirror.model.text import counted

_USUAL = {"": "gpmirror/whole-runs", "not long": "gpmirror/short-runs"}
_AT_FIRST = {"": 25 * 60, "not long": 8 * 60}
"""Runs of everything, and of everything but the long tests; seconds of one on two cores, where this
machine has not done one yet.
"""
_FILES = "gpmirror/file-seconds"
_KEPT = 5
_GUESSES = {"long": 60.0, "e2e": 15.0, "slow": 10.0, "postgres": 1.0, "ssh": 1.0}
"""Seconds of one test by its marks, until a run has told how long its file takes."""
_QUIET = 60.0
_LONG = 5.0
_PLAIN = {"passed", "skipped"}


def add_options(parser: pytest.Parser) -> None:
    """`--talk`."""
    parser.addoption("--talk", action="store_true", help="say what runs; failures at once")


def begin(config: pytest.Config) -> None:
    """Let the process in front talk, where that is wanted; put the longest files first."""
    config.pluginmanager.register(Turns(config), "turns")
    if config.getoption("--talk") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Talking(config), "talking")


class Turns:
    """Which file's tests come first: the longest, so that all processes end at the same time. Every
    process has the same order, because the one in front tells the others what it remembers.
    """

    def __init__(self, config: pytest.Config) -> None:
        told = getattr(config, "workerinput", {}).get(_FILES)
        cache: pytest.Cache | None = getattr(config, "cache", None)
        kept = cache.get(_FILES, {}) if told is None and cache is not None else told
        self.known: dict[str, float] = dict(kept or {})

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell another process before it collects."""
        node.workerinput[_FILES] = self.known

    def sort(self, items: list[pytest.Item]) -> None:
        """Files by their seconds; short files stay as they are. Tests that share a cluster come in
        the order in which they stand, because one begins with what another left.
        """
        guessed: dict[str, float] = {}
        for item in items:
            marks = (guess for name, guess in _GUESSES.items() if item.get_closest_marker(name))
            file = _file(item.nodeid)
            guessed[file] = guessed.get(file, 0.0) + next(marks, 0.0)
        seconds = guessed | {file: took for file, took in self.known.items() if file in guessed}
        items.sort(key=lambda item: self._turn(item, seconds[_file(item.nodeid)]))

    def _turn(self, item: pytest.Item, seconds: float) -> tuple[float, str, int, tuple[int, ...]]:
        if seconds < _LONG:
            return 0.0, "", 0, ()
        if item.get_closest_marker("e2e") is None:
            return -seconds, _file(item.nodeid), 0, ()
        rows = getattr(item, "callspec", None)
        indices = tuple(rows.indices.values()) if rows is not None else ()
        return -seconds, _file(item.nodeid), item.reportinfo()[1] or 0, indices


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
            known = f"usually {minutes(usual)}" if usual else f"about {minutes(self._at_first())}"
            told += f"; this takes {known}, and a line follows for each file that took long"
        self._say(told)
        Thread(target=self._beat, name="talking", daemon=True).start()

    def is_whole(self) -> bool:
        """Whether nothing was left out, or the long tests alone: only such runs tell how long one
        takes.
        """
        chosen = self._config.option
        return not (
            self._config.args_source is pytest.Config.ArgsSource.ARGS
            or chosen.keyword
            or chosen.markexpr not in _USUAL
            or chosen.collectonly
        )

    def _at_first(self) -> float:
        return _AT_FIRST[self._config.option.markexpr]

    def _usual(self) -> str:
        return _USUAL[self._config.option.markexpr]

    def usual(self) -> float | None:
        """The median of the last whole runs on this machine, in seconds."""
        cache: pytest.Cache | None = getattr(self._config, "cache", None)
        known = sorted(cache.get(self._usual(), [])) if cache is not None else []
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
        """Keep how long each file took, and a whole run."""
        self._over.set()
        cache: pytest.Cache | None = getattr(self._config, "cache", None)
        if cache is None or not self._done:
            return
        if self.is_whole():
            took = {file: ms / 1000 for file, ms in self._seconds.items() if not self._files[file]}
            cache.set(_FILES, cache.get(_FILES, {}) | took)
        if exitstatus == 0 and self.is_whole():
            whole = time.monotonic() - self._began
            cache.set(self._usual(), [*cache.get(self._usual(), []), whole][-_KEPT:])

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
