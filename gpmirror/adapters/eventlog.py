"""The reporter behind `--json`: one line of JSON an event, on the wire as soon as it is told."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TextIO

from gpmirror.events import Event, Progress
from gpmirror.events.wire import event_line

QUIET_SECONDS = 4.0
"""Between two lines that tell of more bytes alone; a heartbeat is promised every 10 s."""


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


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
        self._lock = Lock()

    def tell(self, event: Event) -> None:
        """Write one event."""
        with self._lock:
            now = self._now()
            if isinstance(event, Progress) and self._is_repetition(event, now):
                return
            time = now.astimezone(UTC).isoformat(timespec="milliseconds")
            self._write(
                event_line(event, seq=next(self._numbers), time=time.replace("+00:00", "Z"))
            )

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
