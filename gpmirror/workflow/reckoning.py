"""What a wave took, and what the rest is reckoned with from then on."""

from collections.abc import Mapping
from dataclasses import replace

from gpmirror.events import WaveDone
from gpmirror.plan.model import Wave
from gpmirror.plan.pace import pace_after, stopping_seconds
from gpmirror.plan.timing import STOPPING, total
from gpmirror.workflow.running import Run

_LEAST_SECONDS = 10.0
"""Shorter copies show no rate: where one began is known to some seconds only."""


def tell_done(run: Run, wave: Wave, copied: Mapping[int, int] | None, begin: float) -> None:
    """The wave, begun at that time, is in sync; `copied` are bytes by content, None: not known. The
    rate is that of the copying: what the utility waited for the fault prober before is told apart.
    """
    now = run.world.clock.monotonic()
    seconds, stopping = now - begin, 0.0
    if stopping_seconds(wave) and run.landed is not None:
        run.stopping = stopping = max(run.landed - begin, 0.0)
    copying = max(seconds - stopping, min(seconds, _LEAST_SECONDS))
    pace = pace_after(run.plan, wave, copied, copying)
    run.rate = run.rate if pace is None else pace.rate
    if pace is not None and pace.seconds_left is not None:
        ahead = sum(
            one.number > wave.number and stopping_seconds(one) > 0 for one in run.plan.waves
        )
        each = STOPPING if run.stopping is None else run.stopping
        pace = replace(pace, seconds_left=pace.seconds_left + round(ahead * each))
    later = (told for told in run.plan.exposure.waves if told.wave > wave.number)
    run.world.reporter.tell(
        WaveDone(
            wave=wave.number,
            waves=len(run.plan.waves),
            seconds=seconds,
            syncing=None if run.ended is None else now - run.ended,
            bytes=None if copied is None else sum(copied.values()),
            bytes_left=total(told.bytes for told in later),
            rate=None if pace is None else pace.rate,
            seconds_left=None if pace is None else pace.seconds_left,
        )
    )


def tell_followed(run: Run, wave: Wave, seconds: float) -> None:
    """A wave that was followed for a while is in sync: when it began, and so what it copied in what
    time, nobody knows any more.
    """
    later = (told for told in run.plan.exposure.waves if told.wave > wave.number)
    run.world.reporter.tell(
        WaveDone(
            wave=wave.number,
            waves=len(run.plan.waves),
            seconds=seconds,
            bytes_left=total(told.bytes for told in later),
        )
    )
