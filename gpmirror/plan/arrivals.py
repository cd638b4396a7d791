"""Whether a wave's copies stand where the wave takes them from, and where it puts them."""

from enum import StrEnum

from gpmirror.model.observed import Observed
from gpmirror.model.segment import Segment, Slot, same_place
from gpmirror.plan.model import Action, Plan, Step, Wave


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
    there = [row for row in rows if same_place(row, step.to)]
    if there:
        return Arrival.UP if all(row.is_up for row in there) else Arrival.DOWN
    return Arrival.ELSEWHERE if len(rows) > 1 else Arrival.ABSENT


def strayed(wave: Wave, observed: Observed) -> tuple[str, ...]:
    """Contents that are not as the wave was planned for, one sentence each: while earlier waves ran,
    their roles may have switched, their mirror may have died or been moved by somebody.
    """
    rows: dict[int, list[Segment]] = {}
    for row in observed.segments:
        rows.setdefault(row.content, []).append(row)
    told = [_stray(wave.action, step, rows.get(step.content, [])) for step in wave.steps]
    return tuple(words for words in told if words)


def moved_elsewhere(plan: Plan, observed: Observed) -> tuple[str, ...]:
    """Contents with a copy that the plan touches and that now stands at none of the places where the
    plan takes it from or puts it, one sentence each: somebody else has moved it since.
    """
    places: dict[int, list[Slot]] = {}
    for wave in plan.waves:
        for step in wave.steps:
            known = places.setdefault(step.content, [])
            known += [slot for slot in (step.from_, step.to) if slot is not None]
    return tuple(
        f"content {content}: its mirror is {mirror.hostname}:{mirror.port} by now"
        for content, (primary, mirror) in sorted(observed.pairs().items())
        if mirror is not None and places.get(content)
        if not any(same_place(row, slot) for row in (primary, mirror) for slot in places[content])
    )


def _stray(action: Action, step: Step, rows: list[Segment]) -> str:
    if step.to is None:
        return ""
    idle = next((row for row in rows if not row.is_acting_primary), None)
    if step.from_ is None:
        return "" if idle is None else f"content {step.content} has a mirror by now"
    name = f"content {step.content}"
    if idle is None or not same_place(idle, step.from_):
        where = "has none" if idle is None else f"is {idle.hostname}:{idle.port} by now"
        return f"{name}: {step.from_.host}:{step.from_.port} was to go, its mirror {where}"
    if action is Action.MOVE and not idle.is_up:
        return f"{name}: its mirror {step.from_.host}:{step.from_.port} is down by now"
    return ""
