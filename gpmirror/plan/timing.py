"""How long waves of copies take: the bytes on the longest chain of copies, over a rate.

Copies of a wave run side by side. What one host sends goes through one line, and so does what it
receives; and a utility serves a given number of hosts at once. The longest of these chains decides.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from gpmirror.plan.model import Change, Step

ASSUMED_RATE = 100_000_000
"""Bytes a second that a host sends, and receives, as long as no wave has been measured."""


STOPPING = 60
"""Seconds until a wave of moves begins to copy: its old mirrors are stopped, and the fault prober marks
them down half a minute later at the earliest; gpmirror asks it to look. Without being asked it took
45-128 s (6.24.3 and 7.0.0, recorded).
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
