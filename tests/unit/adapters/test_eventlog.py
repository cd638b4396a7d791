"""Events on standard output, one line each, at once."""

import io
import json
from datetime import datetime, timedelta, timezone
from itertools import count

import pytest

from gpmirror.adapters.eventlog import JsonReporter, abandon
from tests.runs import EVERY_EVENT, STARTED


def test_lines_are_numbered_and_in_utc() -> None:
    stream = io.StringIO()
    east = timezone(timedelta(hours=8))
    reporter = JsonReporter(
        stream, count(1), now=lambda: datetime(2026, 11, 21, 17, 12, 3, 412000, east)
    )
    for event in EVERY_EVENT:
        reporter.tell(event)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["seq"] for line in lines] == list(range(1, len(EVERY_EVENT) + 1))
    assert {line["time"] for line in lines} == {"2026-11-21T09:12:03.412Z"}
    assert lines[-1]["event"] == "run_ended"


class Counting(io.StringIO):
    flushes = 0

    def flush(self) -> None:
        self.flushes += 1


def test_every_line_is_flushed() -> None:
    stream = Counting()
    reporter = JsonReporter(stream, count(1))
    reporter.tell(STARTED)
    assert stream.flushes == 1


class Gone(io.StringIO):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error
        self.asked = 0

    def write(self, text: str) -> int:
        self.asked += 1
        raise self.error


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(28, "full"), ValueError("closed")])
def test_a_dead_stream_is_left_alone(error: Exception) -> None:
    stream = Gone(error)
    reporter = JsonReporter(stream, count(1))
    for event in EVERY_EVENT:
        reporter.tell(event)
    assert stream.asked == 1


def test_no_stream_at_all() -> None:
    JsonReporter(None, count(1)).tell(STARTED)


def test_abandoning_a_stream_without_a_descriptor_is_fine() -> None:
    abandon(io.StringIO())
