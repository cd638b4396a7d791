"""How much is copied and for how long, in words."""

from dataclasses import replace

import pytest

from gpmirror.plan.model import Exposure, WaveExposure
from gpmirror.plan.timing import Waits
from gpmirror.render.waves import copy_time, exposed_text, wave_copies, wave_time
from tests.plans import moving

TB = 10**12
NOTHING = Exposure(
    waves=(),
    most_single=0,
    most_lost_with_one_host=0,
    bytes=0,
    seconds=0,
    rate=100_000_000,
    catching_up=0,
    bound=0,
    depth=0,
)
WHOLE = replace(NOTHING, bytes=16 * TB, seconds=20_000)
WAVE = WaveExposure(
    wave=1,
    single=(0, 1),
    newly_single=2,
    already_single=0,
    worst_host="sdw1",
    worst_host_loses=1,
    bytes=8 * TB,
    chain_bytes=TB,
    seconds=10_000,
    catching_up=0,
)
ASSUMED = "assuming that a host sends and receives 100.0 MB/s; measured from the first wave on"

CAUGHT_UP = "2 incremental recoveries, size unknown"


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (NOTHING, ""),
        (
            WHOLE,
            f"16.0 TB to copy (an estimate: databases without WAL), about 5 h 33 min {ASSUMED}",
        ),
        (
            replace(WHOLE, seconds=3),
            f"16.0 TB to copy (an estimate: databases without WAL), under 1 min {ASSUMED}",
        ),
        (
            replace(NOTHING, bytes=None, seconds=None),
            "size unknown, so the copy time is unknown too",
        ),
        (
            replace(NOTHING, catching_up=1),
            "1 incremental recovery, size unknown",
        ),
        (
            replace(WHOLE, catching_up=2),
            f"16.0 TB to copy (an estimate: databases without WAL), about 5 h 33 min {ASSUMED}; {CAUGHT_UP}",
        ),
    ],
)
def test_copy_times(found: Exposure, text: str) -> None:
    assert copy_time(found) == text


def test_times_tell_how_long_the_old_mirrors_take_to_stop() -> None:
    text = copy_time(replace(WHOLE, seconds=60), Waits(stopping=180))
    assert "about 4 min assuming that a host sends and receives 100.0 MB/s" in text
    assert "/s and about 3 min until old mirrors count as down; measured" in text
    text = copy_time(replace(WHOLE, seconds=60), Waits(stopping=180, settling=180))
    assert "about 7 min assuming" in text
    assert "/s and about 6 min until old mirrors count as down and new ones as in sync; " in text
    assert wave_time(replace(WAVE, seconds=60), 60) == "2 min"
    assert exposed_text(replace(WAVE, seconds=60), moving(), 60).endswith("; 8.0 TB, about 2 min")


@pytest.mark.parametrize(
    ("found", "copied", "time", "end"),
    [
        (WAVE, "8.0 TB", "2 h 47 min", "; 8.0 TB, about 2 h 47 min"),
        (replace(WAVE, bytes=None, seconds=None), "unknown", "unknown", "; size unknown"),
        (replace(WAVE, bytes=0, seconds=0), "nothing", "", "; nothing is copied"),
        (
            replace(WAVE, bytes=0, seconds=0, catching_up=2),
            "what changed",
            "unknown",
            "; incremental, size unknown",
        ),
    ],
)
def test_a_wave_says_what_it_copies_and_for_how_long(
    found: WaveExposure, copied: str, time: str, end: str
) -> None:
    assert (wave_copies(found), wave_time(found)) == (copied, time)
    assert exposed_text(found, moving()).endswith(end)
