"""The reporter behind `--json`: one line of JSON an event, on the wire as soon as it is told."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event as Signal
from threading import Lock, Thread
from types import TracebackType
from typing import TextIO

from gpmirror.events import Event, NativeEnded, NativeSaid, Progress
from gpmirror.events.wire import event_line

BEAT_SECONDS = 2.0
"""Between two looks whether anything was told of late."""
LONGEST_SECONDS = 7.0
"""Without a line while a wave runs: a link that is down holds every question up (6.24.3: 51 s)."""

QUIET_SECONDS = 4.0
"""Between two lines that tell of more bytes alone; a heartbeat is promised every 10 s."""


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


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
        time = now.astimezone(UTC).isoformat(timespec="milliseconds")
        self._write(event_line(event, seq=next(self._numbers), time=time.replace("+00:00", "Z")))

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
        if self._stream is None:
            return
        try:
            self._stream.write(f"{text}\n")
            self._stream.flush()
        except (OSError, ValueError):  # gone, full, or closed
            abandon(self._stream)
            self._stream = None


def abandon(stream: TextIO) -> None:
    """Let what a dead stream still buffers go nowhere: the interpreter flushes at its end."""
    import os

    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
