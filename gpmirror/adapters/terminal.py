"""Reporters: a live area on a terminal, lines in a pipe or a log, JSON lines for programs."""

import os
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event as Signal
from threading import Lock, RLock, Thread
from types import TracebackType
from typing import Protocol, Self, TextIO

from gpmirror.events import Event, NativeEnded, NativeSaid, Progress, event_line

# --- The reporter behind `--json`: one line of JSON an event, on the wire as soon as it is told.


BEAT_SECONDS = 2.0
"""Between two looks whether anything was told of late."""
LONGEST_SECONDS = 7.0
"""Without a line while a wave runs: a link that is down holds every question up (6.24.3: 51 s)."""

QUIET_SECONDS = 4.0
"""Between two lines that tell of more bytes alone; a heartbeat is promised every 10 s."""


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """A time as events tell it: `2026-11-21T09:12:03.412Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Beat:
    """Calls `beat` now and then in a thread of its own, until it is left."""

    def __init__(self, beat: Callable[[], None]) -> None:
        self._beat = beat
        self._over = Signal()
        self._thread = Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> None:
        """Begin."""
        self._thread.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(BEAT_SECONDS):
            self._beat()


class JsonReporter:
    """Writes events to a stream, numbered by `numbers`, flushed one by one.

    A reader that went away or a full disk ends the output, never the run.
    """

    def __init__(
        self,
        stream: TextIO | None,
        numbers: Iterator[int],
        *,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._stream = stream
        self._now = now
        self._numbers = numbers
        self._told: tuple[object, ...] = ()
        self._at: datetime | None = None
        self._standing: Progress | None = None
        self._heard: datetime | None = None
        self._wrote: datetime | None = None
        self._lock = Lock()

    def tell(self, event: Event) -> None:
        """Write one event."""
        with self._lock:
            now = self._heard = self._now()
            if isinstance(event, Progress):
                self._standing = event
                if self._is_repetition(event, now):
                    return
            elif not isinstance(event, NativeSaid | NativeEnded):
                self._standing = None
            self._put(event, now)

    def beat(self) -> None:
        """Tell where a wave stood once more, if nobody has told anything for long."""
        with self._lock:
            now = self._now()
            last, heard, wrote = self._standing, self._heard, self._wrote
            if last is None or heard is None or wrote is None:
                return
            if (now - wrote).total_seconds() < LONGEST_SECONDS:
                return
            quiet = (now - heard).total_seconds()
            told = replace(
                last,
                seconds=last.seconds + quiet,
                utility_running=None,
                trouble=f"no news for {quiet:.0f} s: what was asked last is not answered yet",
            )
            self._put(told, now)

    def _put(self, event: Event, now: datetime) -> None:
        self._wrote = now
        self._write(event_line(event, seq=next(self._numbers), time=stamp(now)))

    def _is_repetition(self, event: Progress, now: datetime) -> bool:
        """Whether only bytes changed since the last line: of thousands of contents a line is long,
        and a few seconds between two are enough.
        """
        told = (
            event.wave,
            event.utility_running,
            event.trouble,
            *((c.state, c.arrived) for c in event.contents),
        )
        quiet = timedelta(seconds=QUIET_SECONDS)
        if told == self._told and self._at is not None and now - self._at < quiet:
            return True
        self._told, self._at = told, now
        return False

    def _write(self, text: str) -> None:
        self._stream = written(self._stream, f"{text}\n")


def written(stream: TextIO | None, text: str) -> TextIO | None:
    """The stream once it took the text, for the next; None from when it is gone, full or closed."""
    if stream is None:
        return None
    try:
        stream.write(text)
        stream.flush()
    except (OSError, ValueError):
        abandon(stream)
        return None
    return stream


def abandon(stream: TextIO) -> None:
    """Let what a dead stream still buffers go nowhere: the interpreter flushes at its end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


# --- Lines at the bottom of a terminal that are redrawn in place, below text that stays.


_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"
_CLEAR_BELOW = "\x1b[J"
_CLEAR_REST = "\x1b[K"
_GRAPHIC = re.compile(r"\x1b\[[0-9;]*m")
_SIZE_UNKNOWN = (80, 24)


class Screen:
    """A stream to a terminal with a live area at the end of what was written.

    The cursor is hidden only within one write: a process that is killed leaves it visible. A
    terminal that went away ends the output, never the run.
    """

    def __init__(
        self, stream: TextIO | None, *, size: Callable[[], tuple[int, int]] | None = None
    ) -> None:
        self._stream = stream
        self._ask_size = size or self._terminal_size
        self._drawn: tuple[int, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines, asked anew: a window may be resized at any time."""
        columns, lines = self._ask_size()
        return max(columns, 1), max(lines, 1)

    def draw(self, lines: Sequence[str], *, above: str = "") -> None:
        """Replace the live area by `lines`, narrower than the terminal; `above` is text that stays
        and goes before it, ended by a newline or empty.
        """
        if not (lines or above or self._drawn):
            return
        body = "".join(f"{found}{_CLEAR_REST}\n" for found in lines)
        self._write(f"{_HIDE}{self._back()}{above}{body}{_CLEAR_BELOW}{_SHOW}")
        self._drawn = tuple(len(_GRAPHIC.sub("", found)) for found in lines)

    def _back(self) -> str:
        """To the start of the live area; a window made narrower has wrapped its lines."""
        columns, height = self.size
        rows = sum(max(1, -(-width // columns)) for width in self._drawn)
        up = min(rows, height - 1)
        return f"\r\x1b[{up}A{_CLEAR_BELOW}" if up else "\r"

    def _terminal_size(self) -> tuple[int, int]:
        if self._stream is None:
            return _SIZE_UNKNOWN
        try:
            found = os.get_terminal_size(self._stream.fileno())
        except (OSError, ValueError):
            return _SIZE_UNKNOWN
        return found.columns or _SIZE_UNKNOWN[0], found.lines or _SIZE_UNKNOWN[1]

    def _write(self, text: str) -> None:
        self._stream = written(self._stream, text)


# --- Reporters for people: a live area on a terminal, lines now and then in a pipe or a log.
#
# How events look is not decided here: a `LiveView` is passed in.


FRAME = 0.25
"""Seconds between two redrawings at least."""
TICK = 0.5
"""Seconds after which the area is redrawn although nothing was told: a clock that stands still
looks like a hang.
"""
SILENCE = 30.0
"""Seconds between two lines about the same wave in a log."""


class LiveView(Protocol):
    """How a run looks; a value that `after` replaces."""

    def after(self, event: Event) -> "LiveView":
        """The view once `event` is known."""
        ...

    def stays(self, event: Event) -> str:
        """The text of an event that stays on a terminal, ended by a newline or empty."""
        ...

    def logs(self, event: Event) -> str:
        """The text of an event in a log, ended by a newline or empty."""
        ...

    def live(self, *, since: float, width: int, height: int) -> tuple[str, ...]:
        """The live area, `since` seconds after the last event."""
        ...

    def standing(self, *, since: float = 0.0) -> str:
        """Where a wave stands, on one line ended by a newline, `since` seconds after the last event;
        empty between waves.
        """
        ...

    def trouble(self) -> str | None:
        """What is wrong now, or None."""
        ...


class TerminalReporter:
    """Shows a run on a terminal; a context manager that leaves no live area behind.

    Safe to use from several threads. Never raises over a stream that is gone or full.
    """

    def __init__(
        self,
        stream: TextIO | None,
        view: LiveView,
        *,
        size: Callable[[], tuple[int, int]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._screen = Screen(stream, size=size)
        self._view = view
        self._clock = clock
        self._told = clock()
        self._frame = float("-inf")
        self._waiting: deque[str] = deque()
        self._busy = False
        self._lock = RLock()
        self._over = Signal()
        self._ticker = Thread(target=self._tick, name="progress", daemon=True)

    def __enter__(self) -> Self:
        """Start the clock of the live area."""
        self._ticker.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the clock and wipe the live area, also when a run ended in an exception."""
        self._over.set()
        self._ticker.join()
        with self._lock:
            self._screen.draw((), above=self._taken())

    def tell(self, event: Event) -> None:
        """Show one event: its lines at once, the live area at most four times a second."""
        with self._lock:
            self._view = self._view.after(event)
            self._told = self._clock()
            text = self._view.stays(event)
            if text or not isinstance(event, Progress) or self._is_due():
                self._draw(text)

    def say(self, text: str) -> None:
        """Show text of another source above the live area; a missing final newline is added.

        May be called from a signal handler in the middle of a drawing: it is shown with the next.
        """
        self._waiting.append(text if text.endswith("\n") else f"{text}\n")
        if not self._busy:
            with self._lock:
                self._draw("")

    def redraw(self) -> None:
        """Draw the live area anew if a frame is due."""
        with self._lock:
            if self._is_due():
                self._draw("")

    def _is_due(self) -> bool:
        return self._clock() - self._frame >= FRAME

    def _draw(self, above: str) -> None:
        self._busy = True
        try:
            now = self._clock()
            columns, height = self._screen.size
            # a full line leaves the cursor between two lines, and terminals disagree on which
            width = max(columns - 1, 1)
            lines = self._view.live(since=now - self._told, width=width, height=height - 1)
            self._screen.draw(lines, above=above + self._taken())
            self._frame = now
        finally:
            self._busy = False

    def _taken(self) -> str:
        """What others said since the last drawing."""
        return "".join(self._waiting.popleft() for _ in range(len(self._waiting)))

    def _tick(self) -> None:
        while not self._over.wait(TICK):
            self.redraw()


def local_now() -> datetime:
    """The wall clock, in the zone of this machine."""
    return datetime.now().astimezone()


class LineReporter:
    """Writes a run to a pipe or a file: lines with the time of day, one every 30 s in a wave.

    A reader that went away or a full disk ends the output, never the run.
    """

    def __init__(
        self,
        stream: TextIO | None,
        view: LiveView,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = local_now,
    ) -> None:
        self._stream = stream
        self._view = view
        self._clock = clock
        self._now = now
        self._spoke = self._told = clock()
        self._waiting: deque[str] = deque()
        self._busy = False
        self._lock = RLock()

    def tell(self, event: Event) -> None:
        """Write an event's lines; where a wave stands only now and then, and when trouble comes or
        goes.
        """
        with self._lock:
            self._told = self._clock()
            before = self._view.trouble()
            self._view = self._view.after(event)
            text = self._view.logs(event)
            if isinstance(event, Progress) and self._is_due(before):
                text = self._view.standing()
            if text or self._waiting:
                self._write(text)

    def beat(self) -> None:
        """Say where a wave stands although nobody told anything for long."""
        with self._lock:
            now = self._clock()
            if now - self._spoke >= SILENCE:
                text = self._view.standing(since=now - self._told)
                if text:
                    self._write(text)

    def say(self, text: str) -> None:
        """Write text of another source, each line with the time of day.

        May be called from a signal handler in the middle of a writing: it follows the next event.
        """
        self._waiting.append(text)
        if not self._busy:
            with self._lock:
                self._write("")

    def _is_due(self, before: str | None) -> bool:
        trouble = self._view.trouble()
        return self._clock() - self._spoke >= SILENCE or (trouble is None) != (before is None)

    def _write(self, text: str) -> None:
        self._busy = True
        try:
            waiting = [self._waiting.popleft() for _ in range(len(self._waiting))]
            said = [line for part in (*waiting, text) for line in part.splitlines()]
            stamp = self._now().strftime("%H:%M:%S")
            stamped = "".join(f"{stamp} {line}\n" for line in said)
            self._stream = written(self._stream, stamped)
            self._spoke = self._clock()
        finally:
            self._busy = False
