"""The rate that a wave has shown, and how long the rest of the plan takes at it."""

from collections.abc import Mapping
from dataclasses import dataclass

from gpmirror.plan.model import Action, Plan, Wave, WaveExposure
from gpmirror.plan.timing import STOPPING, Copying, chain_bytes, copying, seconds_for, total


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Bytes a second that a host sends, and receives, as measured; seconds that the waves to come
    take at that rate, None where the plan does not know their sizes.
    """

    rate: int
    seconds_left: int | None


def stopping_seconds(wave: Wave) -> int:
    """What a wave takes before it copies: moves stop the old mirror first."""
    return STOPPING if wave.action is Action.MOVE else 0


def stopping_left(plan: Plan, after: int = 0) -> int:
    """The same of all waves after the one of this number."""
    return sum(stopping_seconds(wave) for wave in plan.waves if wave.number > after)


def pace_after(
    plan: Plan, wave: Wave, copied: Mapping[int, int] | None, seconds: float
) -> Pace | None:
    """What a wave that copied for so many seconds shows. Its size is the plan's, as that of the waves to
    come, else what was measured: `copied` bytes by content. None: nothing was copied whole, or
    nobody knows how much.
    """
    chain = exposure_of(plan, wave).chain_bytes
    if chain is None and copied is not None:
        chain = _measured(plan, wave, copied)
    rate = int(chain / seconds) if chain and seconds > 0 else 0
    if not rate:
        return None
    later = total(told.chain_bytes for told in plan.exposure.waves if told.wave > wave.number)
    return Pace(rate=rate, seconds_left=seconds_for(later, rate))


def expected_seconds(plan: Plan, wave: Wave, rate: int | None) -> int | None:
    """How long a wave should take at the measured rate, or at the plan's where none is known."""
    return seconds_for(exposure_of(plan, wave).chain_bytes, rate or plan.exposure.rate)


def exposure_of(plan: Plan, wave: Wave) -> WaveExposure:
    """What is at stake in a wave, and what it copies."""
    return next(told for told in plan.exposure.waves if told.wave == wave.number)


def _measured(plan: Plan, wave: Wave, copied: Mapping[int, int]) -> int | None:
    changes = {change.content: change for change in plan.changes}
    copies = [copying(step, changes[step.content]) for step in wave.steps]
    sized = [
        Copying(source=copy.source, target=copy.target, size=copied.get(step.content))
        for copy, step in zip(copies, wave.steps, strict=True)
    ]
    return chain_bytes(sized, plan.settings.apply.native.hosts)
