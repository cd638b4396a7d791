"""Which reporter a run gets."""

import io
import json
from itertools import count

import pytest

from gpmirror.adapters.terminal import LineReporter, TerminalReporter
from gpmirror.cli.console import Console
from gpmirror.cli.live_run import json_reporter, people_reporter, voice
from tests.runs import STARTED


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "term", "kind"),
    [
        (Tty(), "xterm", TerminalReporter),
        (Tty(), "dumb", LineReporter),
        (io.StringIO(), "xterm", LineReporter),
        (None, "xterm", LineReporter),
    ],
)
def test_bars_only_on_a_terminal(
    stream: io.StringIO | None, term: str, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    console = Console(out=stream, err=io.StringIO(), color=True)
    with people_reporter(console) as reporter:
        assert isinstance(reporter, kind)


def test_quiet_says_nothing() -> None:
    out = io.StringIO()
    with people_reporter(Console(out=out, err=None, quiet=True)) as reporter:
        reporter.tell(STARTED)
    assert out.getvalue() == ""


def test_json_goes_to_standard_output() -> None:
    out = io.StringIO()
    with json_reporter(Console(out=out, err=None), count(1)) as reporter:
        reporter.tell(STARTED)
    assert json.loads(out.getvalue())["event"] == "run_started"


def test_a_person_is_told_above_the_live_area(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    console = Console(out=Tty(), err=io.StringIO())
    with people_reporter(console) as reporter:
        voice(console, reporter)("interrupted")
    assert console.out is not None
    assert "interrupted" in console.out.getvalue()  # type: ignore[attr-defined]


def test_without_a_live_area_a_person_is_told_on_standard_error() -> None:
    console = Console(out=io.StringIO(), err=io.StringIO())
    with people_reporter(console) as reporter:
        voice(console, reporter)("interrupted")
    assert isinstance(console.err, io.StringIO)
    assert console.err.getvalue() == "interrupted\n"
