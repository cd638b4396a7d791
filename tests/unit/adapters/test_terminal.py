"""Reporters for people, seen on a small terminal and in a log."""

import fcntl
import io
import os
import pty
import re
import struct
import termios
from datetime import UTC, datetime

import pytest

from gpmirror.adapters.terminal import FRAME, LineReporter, Screen, TerminalReporter
from gpmirror.events import PhaseStarted, WaveDone
from gpmirror.render.progress import RunView
from tests.runs import ENDED, EVERY_EVENT, GB, STARTED, WAVE, copying, report, synced
from tests.servers import eventually
from tests.terminal import Terminal


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class Broken(io.StringIO):
    """A stream whose reader went away after some writes."""

    def __init__(self, error: Exception, after: int = 0) -> None:
        super().__init__()
        self.error, self.left = error, after

    def write(self, text: str) -> int:
        if not self.left:
            raise self.error
        self.left -= 1
        return super().write(text)


def reporter(terminal: Terminal, clock: Hands, *, color: bool = True) -> TerminalReporter:
    return TerminalReporter(terminal, RunView(color=color), size=lambda: terminal.size, clock=clock)


def test_lines_that_stay_pile_up_above_the_live_area() -> None:
    terminal, clock = Terminal(), Hands()
    shown = reporter(terminal, clock)
    for event in (STARTED, WAVE, report(10, copying(0, 10 * GB), synced(3))):
        clock.seconds += 1
        shown.tell(event)
    before = terminal.screen
    assert before[0] == "plan 9c41d7ab12cd on prod-dwh: 8 changes in 2 waves"
    assert before[-1].startswith("  wave 1 of 2  1 of 2 in sync  10s")
    shown.tell(EVERY_EVENT[4])
    assert terminal.screen == [
        *before[:-3],
        "     | warning: Segments will be started on a different host",
        *before[-3:],
    ]
    assert terminal.cursor_is_visible


def test_the_live_area_is_wiped_at_the_end() -> None:
    terminal, clock = Terminal(), Hands()
    shown = reporter(terminal, clock)
    for event in (STARTED, WAVE, report(10, synced(0))):
        clock.seconds += 1
        shown.tell(event)
    shown.tell(WaveDone(wave=1, waves=2, seconds=60))
    shown.tell(ENDED)
    assert terminal.screen[-1] == "  ok wave 1 of 2: every segment of it in sync  1m 00s"
    assert terminal.column == 0


def test_the_live_area_is_wiped_after_an_exception() -> None:
    terminal = Terminal()

    def run() -> None:
        with reporter(terminal, Hands()) as shown:
            shown.tell(STARTED)
            shown.tell(PhaseStarted(phase="preflight"))
            assert terminal.screen[-1] == "  preflight ..."
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run()
    assert terminal.screen[-1] == "  run 20261121T091203Z-4f2a"
    assert terminal.cursor_is_visible


def test_reports_are_drawn_at_most_four_times_a_second() -> None:
    terminal, clock = Terminal(), Hands()
    shown = reporter(terminal, clock)
    shown.tell(WAVE)
    before = terminal.writes
    for _ in range(100):
        clock.seconds += 0.01
        shown.tell(report(1, copying(0, GB)))
    assert terminal.writes - before <= 1 / FRAME


def test_the_clock_goes_on_while_nothing_is_told() -> None:
    terminal = Terminal()
    view = RunView(color=False)
    with TerminalReporter(terminal, view, size=lambda: terminal.size) as shown:
        shown.tell(PhaseStarted(phase="preflight"))
        # whoever looks late finds a later second
        later = re.compile(r"  preflight \.\.\. +[1-9]\d*s")
        eventually(lambda: later.fullmatch("\n".join(terminal.screen)), "the clock stands still")


@pytest.mark.parametrize("columns", [70, 40, 20, 12])
def test_a_narrower_window_leaves_nothing_behind(columns: int) -> None:
    terminal, clock = Terminal(80, 40), Hands()
    shown = reporter(terminal, clock, color=False)
    for second in range(1, 6):
        clock.seconds += 1
        shown.tell(report(second, copying(0, second * GB), copying(1, second * GB)))
    terminal.resize(columns, 40)
    clock.seconds += 1
    shown.tell(report(6, copying(0, 6 * GB), copying(1, 6 * GB)))
    assert len(terminal.screen) == 3


def test_a_large_wave_in_a_low_window_scrolls_nothing_away() -> None:
    terminal, clock = Terminal(80, 6), Hands()
    shown = reporter(terminal, clock)
    for second in range(1, 5):
        clock.seconds += 1
        shown.tell(report(second, *(copying(n, GB, host=f"sdw{n}") for n in range(50))))
    assert len(terminal.screen) <= 5


def test_other_talk_goes_above() -> None:
    terminal, clock = Terminal(), Hands()
    shown = reporter(terminal, clock)
    shown.tell(PhaseStarted(phase="preflight"))
    shown.say("interrupted: finishing the wave")
    assert terminal.screen == ["interrupted: finishing the wave", "  preflight ..."]


class Interrupting(Terminal):
    """A terminal on which a signal arrives in the middle of a write, as Ctrl-C does."""

    shown: TerminalReporter | LineReporter | None = None

    def write(self, text: str) -> int:
        shown, self.shown = self.shown, None
        if shown is not None:
            shown.say("interrupted")
        return super().write(text)


def test_a_signal_in_the_middle_of_a_drawing_is_shown_with_the_next() -> None:
    terminal, clock = Interrupting(), Hands()
    terminal.shown = shown = reporter(terminal, clock)
    shown.tell(PhaseStarted(phase="preflight"))
    assert terminal.screen == ["  preflight ..."]
    clock.seconds += 1
    shown.redraw()
    assert terminal.screen == ["interrupted", "  preflight ...  1s"]


def test_a_signal_in_the_middle_of_a_line_follows_the_next_event() -> None:
    stream = Interrupting(200)
    stream.shown = lines = LineReporter(stream, RunView(color=False))
    lines.tell(STARTED)
    assert len(stream.screen) == 2
    lines.tell(PhaseStarted(phase="confirm"))
    assert stream.screen[2].endswith("interrupted")
    lines.say("again\nand again")
    assert [line[8:] for line in stream.screen[3:]] == [" again", " and again"]


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(28, "full"), ValueError("closed")])
@pytest.mark.parametrize("after", [0, 1])
def test_a_dead_stream_never_fails_the_run(error: Exception, after: int) -> None:
    with TerminalReporter(Broken(error, after), RunView(color=True)) as shown:
        for event in EVERY_EVENT:
            shown.tell(event)
    lines = LineReporter(Broken(error, after), RunView(color=False))
    for event in EVERY_EVENT:
        lines.tell(event)


def test_no_stream_at_all() -> None:
    with TerminalReporter(None, RunView(color=False)) as shown:
        shown.tell(STARTED)
    LineReporter(None, RunView(color=False)).tell(STARTED)


def test_a_log_has_a_line_every_half_minute() -> None:
    stream, clock = io.StringIO(), Hands()
    lines = LineReporter(
        stream,
        RunView(color=False),
        clock=clock,
        now=lambda: datetime(2026, 11, 21, 9, 12, 3, tzinfo=UTC),
    )
    lines.tell(WAVE)
    for second in range(1, 125):
        clock.seconds += 1
        lines.tell(report(second, copying(0, GB)))
    written = stream.getvalue().splitlines()
    assert written[0] == "09:12:03   wave 1 of 2  ~ move: 3 contents (0, 3, 5) with gprecoverseg"
    told = [line for line in written if "in sync" in line]
    assert [line.split("  ")[3] for line in told] == ["30s", "1m 00s", "1m 30s", "2m 00s"]


def test_a_log_tells_trouble_when_it_comes_and_when_it_goes() -> None:
    stream, clock = io.StringIO(), Hands()
    lines = LineReporter(stream, RunView(color=False), clock=clock)
    for second, trouble in enumerate((None, "lost", "lost", None, None)):
        clock.seconds += 1
        lines.tell(report(second, copying(0, GB), trouble=trouble))
    written = stream.getvalue().splitlines()
    assert ["(lost)" in line for line in written] == [True, False]


def test_a_log_is_not_silent_while_nobody_answers() -> None:
    """6.24.3: with the link down nothing was printed for 51 s."""
    stream, clock = io.StringIO(), Hands()
    lines = LineReporter(stream, RunView(color=False), clock=clock)
    lines.beat()
    lines.tell(WAVE)
    for _ in range(16):
        clock.seconds += 2
        lines.beat()
    assert "wave 1 of 2: gprecoverseg  (no news for 3" in stream.getvalue().splitlines()[-1]
    lines.tell(report(35, copying(0, GB)))
    before = len(stream.getvalue().splitlines())
    for _ in range(50):
        clock.seconds += 2
        lines.beat()
    written = stream.getvalue().splitlines()
    assert len(written) == before + 3
    assert "  1m 33s  " in written[-2]
    assert all("(no news for " in line for line in written[before:])


def test_the_size_is_that_of_the_real_terminal() -> None:
    master, slave = pty.openpty()
    try:
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 97, 0, 0))
        with os.fdopen(slave, "w", closefd=False) as stream:
            assert Screen(stream).size == (97, 30)
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 0, 0, 0, 0))
            assert Screen(stream).size == (80, 24)
    finally:
        os.close(master)
        os.close(slave)
    assert Screen(io.StringIO()).size == Screen(None).size == (80, 24)
