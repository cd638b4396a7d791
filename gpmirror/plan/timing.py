"""How long waves take: from the bytes on the longest chain of copies, and from what was seen so far."""

from collections import Counter
from collections.abc import Iterable, Mapping

from gpmirror.model.dialect import DIALECTS
from gpmirror.plan.model import Action, Change, Plan, Step, Wave, WaveExposure
from gpmirror.values import dataclass

# --- How long waves of copies take: the bytes on the longest chain of copies, over a rate.
#
# Copies of a wave run side by side. What one host sends goes through one line, and so does what it
# receives; and a utility serves a given number of hosts at once. The longest of these chains decides.


ASSUMED_RATE = 100_000_000
"""Bytes a second that a host sends, and receives, as long as no wave has been measured."""


STOPPING = 60
"""Seconds until a wave of moves begins to copy: its old mirrors are stopped, and the fault prober marks
them down half a minute later at the earliest; gpmirror asks it to look. Without being asked it took
45-128 s (6.24.3 and 7.0.0, recorded).
"""

SETTLING = 60
"""Seconds from the end of the copies to where they count as in sync, where nobody can ask the fault
prober to look. With its interval of 60 s ten waves of moves took two minutes each: 52-58 s until the
old mirror was down, 47-49 s from the end of the utility to sync (5.8.1, recorded).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copying:
    """One whole copy: from which host, to which, how many bytes (None: unknown)."""

    source: str
    target: str
    size: int | None


def copying(step: Step, change: Change) -> Copying:
    """The whole copy that a step of this change makes, from the acting primary."""
    target = change.primary if step.to is None else step.to.host
    return Copying(source=change.primary, target=target, size=change.size)


def chain_bytes(copies: Iterable[Copying], at_once: int) -> int | None:
    """Bytes that are copied one after the other in a wave of these copies; None where the size of
    any is unknown. `at_once`: how many of them, or of their hosts, the utility serves at once.
    """
    sent: Counter[str] = Counter()
    received: Counter[str] = Counter()
    for copy in copies:
        if copy.size is None:
            return None
        sent[copy.source] += copy.size
        received[copy.target] += copy.size
    share = -(-sent.total() // at_once)
    return max((share, *sent.values(), *received.values()))


def seconds_for(size: int | None, rate: int) -> int | None:
    """Whole seconds, rounded up, that so many bytes take; None where either is unknown."""
    return None if size is None else -(-size // rate)


def total(amounts: Iterable[int | None]) -> int | None:
    """The sum; None where any of it is unknown."""
    given = list(amounts)
    known = [amount for amount in given if amount is not None]
    return sum(known) if len(known) == len(given) else None


# --- The rate that a wave has shown, and how long the rest of the plan takes at it.


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


def settling_seconds(plan: Plan, wave: Wave) -> int:
    """What a wave takes after it has copied, by itself: a wave that stops mirrors begins with the
    prober's look, so that the next one comes late.
    """
    asked = DIALECTS[plan.dialect].probes_on_request
    return 0 if asked or wave.action is not Action.MOVE else SETTLING


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Seconds that waves take beside their copying, because the fault prober has to look: until old
    mirrors count as down, and until new ones count as in sync.
    """

    stopping: int = 0
    settling: int = 0

    @property
    def seconds(self) -> int:
        """Both."""
        return self.stopping + self.settling


NO_WAITS = Waits()


def waits_of(plan: Plan, waves: Iterable[Wave]) -> Waits:
    """Those of these waves together."""
    each = [(stopping_seconds(wave), settling_seconds(plan, wave)) for wave in waves]
    return Waits(stopping=sum(one for one, _ in each), settling=sum(one for _, one in each))


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
