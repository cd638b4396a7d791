"""What a wave took, and what the rest is reckoned with from then on."""

from collections.abc import Mapping

from gpmirror.events import WaveDone
from gpmirror.plan.model import Wave
from gpmirror.plan.pace import pace_after
from gpmirror.plan.timing import total
from gpmirror.workflow.running import Run


def tell_done(run: Run, wave: Wave, copied: Mapping[int, int] | None, seconds: float) -> None:
    """The wave is in sync; `copied` are bytes by content, None: not known."""
    pace = pace_after(run.plan, wave, copied, seconds)
    run.rate = run.rate if pace is None else pace.rate
    later = (told for told in run.plan.exposure.waves if told.wave > wave.number)
    run.world.reporter.tell(
        WaveDone(
            wave=wave.number,
            waves=len(run.plan.waves),
            seconds=seconds,
            bytes=None if copied is None else sum(copied.values()),
            bytes_left=total(told.bytes for told in later),
            rate=None if pace is None else pace.rate,
            seconds_left=None if pace is None else pace.seconds_left,
        )
    )
