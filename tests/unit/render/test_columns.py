"""Everything that people read fits into 80 columns of a terminal; pipes get lines as they are."""

import io
import re
from dataclasses import replace

import pytest

from gpmirror.cli.console import Console
from gpmirror.diagnostics import Diagnostic, Place, Related
from gpmirror.events import NativeSaid, PhaseDone, WaveStarted
from gpmirror.model.text import hosts_named
from gpmirror.preflight.copies import copies_by_host
from gpmirror.render.progress import RunView
from tests.clusters import mirrored
from tests.runs import EVERY_EVENT, WAVE

ANSI = re.compile(r"\x1b\[[0-9;]*m")
LONG = "a sentence of many words that goes on and on, " * 6
PATH = "/data1/mirror/with/a/very/long/name/" * 4


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def widest(text: str) -> int:
    return max(len(ANSI.sub("", line)) for line in text.splitlines())


FINDING = Diagnostic(
    code="GPM-V001",
    message=LONG,
    place=Place(file="gpmirror.yaml", line=1234, column=150, width=20, text="x: " + "y" * 300),
    hint=LONG,
    related=(Related(place=Place(file=PATH, line=7, column=3, text="z" * 200), label="here"),),
)


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("width", [60, 80, 132])
def test_findings_errors_and_remarks_fit_a_terminal(width: int, color: bool) -> None:
    err = Tty()
    console = Console(out=None, err=err, talk_color=color, talk_width=width)
    console.problems([FINDING])
    console.alarm(f"error: {LONG}\nhint: look at {PATH}")
    console.talk(f"note: {LONG}")
    assert widest(err.getvalue()) <= width
    plain = ANSI.sub("", err.getvalue())
    marked, carets = next(
        (above, below)
        for above, below in zip(plain.splitlines(), plain.splitlines()[1:], strict=False)
        if "^^^" in below
    )
    assert set(marked[carets.index("^") : carets.rindex("^") + 1]) == {"y"}


def test_a_pipe_gets_errors_as_they_are() -> None:
    err = io.StringIO()
    console = Console(out=None, err=err, talk_width=80)
    console.alarm(f"error: {LONG}")
    console.problems([FINDING])
    assert f"error: {LONG}\n" in err.getvalue()
    assert f"hint: {LONG}".rstrip() in err.getvalue()


@pytest.mark.parametrize(
    "event",
    [
        *EVERY_EVENT,
        NativeSaid(wave=1, level="error", text=LONG),
        PhaseDone(phase="preflight", detail=LONG, seconds=1.0),
        replace(WAVE, contents=tuple(range(0, 400, 2)), log=f"mdw:{PATH}"),
    ],
    ids=lambda event: type(event).__name__,
)
@pytest.mark.parametrize("color", [False, True])
def test_what_a_run_tells_fits(event: WaveStarted, color: bool) -> None:
    """Also after other events: the width is not forgotten."""
    view = RunView(color=color, width=79)
    for one in (*EVERY_EVENT, event):
        view = view.after(one)
        text = view.stays(one)
        assert not text or widest(text) <= 79, text
    assert view.width == 79


def test_a_log_gets_lines_as_they_are() -> None:
    event = PhaseDone(phase="preflight", detail=LONG, seconds=1.0)
    assert len(RunView(width=79).logs(event).splitlines()) == 1


def test_hosts_are_asked_and_told_as_people_count() -> None:
    names = [f"sdw{n}" for n in range(1, 13)]
    assert list(copies_by_host(mirrored(names, 1), {})) == names
    assert (
        hosts_named(reversed(names[:3] + names[9:]))
        == "hosts sdw1, sdw2, sdw3, sdw10, sdw11, sdw12"
    )
    assert hosts_named(names) == "hosts sdw1, sdw2, sdw3, sdw4, sdw5, sdw6, sdw7, sdw8, and 4 more"
    assert hosts_named(["sdw2"]) == "host sdw2"
