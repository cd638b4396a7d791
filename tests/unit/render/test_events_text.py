"""Lines that stay: what each event leaves on a terminal and in a log."""

from dataclasses import replace

import pytest

from gpmirror.events import (
    Event,
    NativeEnded,
    NativeSaid,
    PhaseStarted,
    Rehearsed,
    RunEnded,
    WaveDone,
)
from gpmirror.render.progress import logged, said
from gpmirror.render.text import painted
from tests.runs import EVERY_EVENT, GB, STARTED, WAVE


def shown(event: Event) -> str:
    return painted(said(event), color=False)


def test_a_whole_run() -> None:
    assert "".join(map(shown, EVERY_EVENT)) == (
        "plan 9c41d7ab12cd on prod-dwh: 8 changes in 2 waves\n"
        "  run 20261121T091203Z-4f2a\n"
        "  ok preflight    12 checks on 5 hosts  1.2s\n"
        "\n"
        "  wave 1 of 2  ~ move: 3 contents (0, 3, 5) with gprecoverseg\n"
        "     no synchronized mirror until the wave ends; losing the worst host (sdw1) would lose 2 segments\n"
        "     120.0 GB, about 20 min (100.0 MB/s a host, assumed)\n"
        "     log mdw:/home/gpadmin/runs/4f2a/wave-001.log\n"
        "     | warning: Segments will be started on a different host\n"
        "     gprecoverseg succeeded after 5m 10s\n"
        "  ok wave 1 of 2: every segment of it in sync  6m 12s\n"
        "     about 12 min for 1 more wave at 107.5 MB/s a host, as measured\n"
        "  would run on sdw1:\n"
        "    mkdir -m 700 /data1/mirror\n"
    )


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (replace(STARTED, resumed=True), "resuming plan 9c41d7ab12cd on prod-dwh"),
        (replace(STARTED, rehearsal=True), "dry run, nothing is changed: plan 9c41d7ab12cd"),
        (replace(WAVE, action="something-new"), "something-new: 3 contents"),
        (
            NativeEnded(wave=1, utility="gpaddmirrors", status=None, seconds=2.5),
            "gpaddmirrors ended with its status lost after 2.5s; the catalog decides",
        ),
        (
            NativeEnded(wave=1, utility="gpaddmirrors", status=0, seconds=None),
            "gpaddmirrors succeeded earlier",
        ),
        (
            NativeEnded(wave=1, utility="gpaddmirrors", status=1, seconds=30),
            "gpaddmirrors ended with status 1 after 30s; the catalog decides",
        ),
        (NativeSaid(wave=1, level="error", text="\x1b[2Jno"), "| error: \\x1b[2Jno"),
        (NativeSaid(wave=1, level="info", text="done"), "     | done"),
        (Rehearsed(host="sdw1", script="a\n  b"), "would run on sdw1:\n    a\n      b\n"),
    ],
)
def test_words(event: Event, words: str) -> None:
    assert words in shown(event)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (replace(WAVE, rate_assumed=False), "about 20 min (100.0 MB/s a host)"),
        (
            replace(WAVE, bytes=None, seconds=None),
            "host (sdw1) would lose 2 segments\n     size unknown, so how long is unknown too\n",
        ),
        (
            replace(WAVE, bytes=0, seconds=0),
            "host (sdw1) would lose 2 segments\n     nothing is copied\n",
        ),
        (
            replace(WAVE, bytes=0, seconds=0, catching_up=1),
            "\n     fetches only what changed: how long is unknown\n",
        ),
        (
            replace(WAVE, worst_host=None, worst_host_loses=0),
            "losing any one host would lose no segment\n",
        ),
        (
            replace(WAVE, worst_hosts=("sdw1", "sdw2"), hosts=2),
            "until the wave ends; losing any one host would lose 2 segments\n",
        ),
        (
            replace(WAVE, worst_hosts=("sdw1", "sdw2"), hosts=3),
            "losing any one of sdw[1-2] would lose 2 segments\n",
        ),
        (
            replace(WAVE, worst_hosts=("sdw1",), hosts=1),
            "losing sdw1, the only host, would lose 2 segments\n",
        ),
    ],
)
def test_what_a_wave_is_foreseen_to_risk(event: Event, words: str) -> None:
    assert words in shown(event)


WAVES = WaveDone(
    wave=1,
    waves=6,
    seconds=400,
    bytes=38 * GB,
    bytes_left=228 * GB,
    rate=95_000_000,
    seconds_left=2400,
)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (WAVES, "about 40 min for 5 more waves at 95.0 MB/s a host, as measured"),
        (
            replace(WAVES, bytes_left=None, seconds_left=None),
            "about 33 min for 5 more waves, should they take as long: their sizes are unknown",
        ),
        (replace(WAVES, seconds_left=10), " under 1 min for 5 more waves"),
        (replace(WAVES, bytes=None), "about 40 min for 5 more waves"),
        (replace(WAVES, rate=None), None),
        (replace(WAVES, bytes_left=0), None),
        (replace(WAVES, wave=6), None),
    ],
)
def test_the_measured_rate_tells_how_long_the_rest_takes(
    event: WaveDone, words: str | None
) -> None:
    told = shown(event)
    assert "more wave" not in told if words is None else words in told


def test_a_log_says_which_phase_begins_and_has_no_blank_lines() -> None:
    assert painted(logged(PhaseStarted(phase="lock")), color=False) == "  .. lock\n"
    assert logged(PhaseStarted(phase="confirm")) == []
    assert all(logged(WAVE))


def test_the_ending_is_left_to_the_summary() -> None:
    ended = next(event for event in EVERY_EVENT if isinstance(event, RunEnded))
    assert logged(ended) == said(ended) == []
