"""Events on standard output, one line each, at once."""

import io
import json
from datetime import UTC, datetime, timedelta, timezone
from itertools import count, pairwise

import pytest

from gpmirror.adapters.terminal import Beat, JsonReporter, abandon
from tests.runs import ENDED, EVERY_EVENT, GB, STARTED, copying, report


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


def test_a_wave_is_heard_of_every_10_s_even_if_nobody_answers() -> None:
    """Every question waits while a link is down."""
    stream, now = io.StringIO(), [datetime(2026, 11, 21, 9, 12, 3, tzinfo=UTC)]
    reporter = JsonReporter(stream, count(1), now=lambda: now[0])
    reporter.beat()
    reporter.tell(report(10, copying(0, GB)))
    for _ in range(15):
        now[0] += timedelta(seconds=2)
        reporter.beat()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    times = [datetime.fromisoformat(line["time"]) for line in lines]
    gaps = [(later - at).total_seconds() for at, later in pairwise(times)]
    assert len(gaps) == 3
    assert max(gaps) <= 10
    last = lines[-1]
    assert (last["event"], last["seconds"], last["utility_running"]) == ("progress", 34.0, None)
    assert last["trouble"] == "no news for 24 s: what was asked last is not answered yet"
    assert [line["seq"] for line in lines] == [1, 2, 3, 4]
    reporter.tell(ENDED)
    for _ in range(15):
        now[0] += timedelta(seconds=2)
        reporter.beat()
    assert len(stream.getvalue().splitlines()) == 5


def test_a_beat_ends_with_its_block() -> None:
    beats = []
    with Beat(lambda: beats.append(1)):
        pass
    assert beats == []
