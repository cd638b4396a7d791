"""Whether a wave's copies stand where the wave puts them."""

from enum import StrEnum

from gpmirror.cluster.observed import Observed
from gpmirror.cluster.segment import Segment, Slot
from gpmirror.plan.model import Step, Wave


class Arrival(StrEnum):
    """Where a step's copy is: no row at all, still elsewhere, at its place but down, or up."""

    ABSENT = "absent"
    ELSEWHERE = "elsewhere"
    DOWN = "down"
    UP = "up"


def arrivals(wave: Wave, observed: Observed) -> dict[int, Arrival]:
    """Every content of the wave. A rebalance has arrived when its roles are the preferred ones."""
    rows: dict[int, list[Segment]] = {}
    for row in observed.segments:
        rows.setdefault(row.content, []).append(row)
    return {step.content: _arrival(step, rows.get(step.content, [])) for step in wave.steps}


def _arrival(step: Step, rows: list[Segment]) -> Arrival:
    if step.to is None:
        return Arrival.ELSEWHERE if any(row.is_switched for row in rows) else Arrival.UP
    there = [row for row in rows if _stands(row, step.to)]
    if there:
        return Arrival.UP if all(row.is_up for row in there) else Arrival.DOWN
    return Arrival.ELSEWHERE if len(rows) > 1 else Arrival.ABSENT


def _stands(row: Segment, slot: Slot) -> bool:
    """Hostnames do not count: the utilities of 6 and later write the address there."""
    same = row.address == slot.address and row.port == slot.port
    return same and (slot.directory is None or row.directory == slot.directory)
