"""Reporters for people: a live area on a terminal, lines now and then in a pipe or a log.

How events look is not decided here: a `View` is passed in.
"""

import time
from collections import deque
from collections.abc import Callable
from datetime import datetime
from threading import Event as Signal
from threading import RLock, Thread
from types import TracebackType
from typing import Protocol, Self, TextIO

from gpmirror.adapters.eventlog import abandon
from gpmirror.adapters.screen import Screen
from gpmirror.events import Event, Progress

FRAME = 0.25
"""Seconds between two redrawings at least."""
TICK = 0.5
"""Seconds after which the area is redrawn although nothing was told: a clock that stands still
looks like a hang.
"""
SILENCE = 30.0
"""Seconds between two lines about the same wave in a log."""


class View(Protocol):
    """How a run looks; a value that `after` replaces."""

    def after(self, event: Event) -> "View":
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
        view: View,
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
        view: View,
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
            self._put("".join(f"{stamp} {line}\n" for line in said))
            self._spoke = self._clock()
        finally:
            self._busy = False

    def _put(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            abandon(self._stream)
            self._stream = None
