"""From classified changes to waves of steps: add; recover; move; rebalance.

Nothing is decided here about where mirrors go. A copy whose slot is still held by another one waits
for a later wave; copies that wait for each other around are freed by a temporary slot; what waits
for a slot that this plan does not free is recovered where it was, or blocked.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from gpmirror.cluster.segment import Slot
from gpmirror.plan.colouring import Limits, bound
from gpmirror.plan.detours import find_detours, without_detour
from gpmirror.plan.interim import Interim
from gpmirror.plan.model import Action, Change, Method, Step
from gpmirror.plan.obstacles import settle_hopeless
from gpmirror.plan.occupancy import Key, keys_of, occupants
from gpmirror.plan.schedule import Job, Schedule, schedule
from gpmirror.plan.temporary import TemporarySlots

Phase = tuple[Action, Method | None]

_PATIENCE = 16
"""Waves that are always waited out before anything is copied twice."""

_NO_CONTENT = -1
"""Holds what no mirror holds."""

_SCHEDULED: tuple[Phase, ...] = (
    (Action.RECOVER, Method.INCREMENTAL),
    (Action.RECOVER, Method.DIFFERENTIAL),
    (Action.RECOVER, Method.FULL),
    (Action.MOVE, None),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedWave:
    """A wave before its native text is written: what kind, which steps, in native order."""

    action: Action
    method: Method | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """All waves in order, the changes as they stand after blocking, König's bound and the depth of
    slot dependencies, summed over recoveries and moves.
    """

    waves: tuple[PlannedWave, ...]
    changes: tuple[Change, ...]
    bound: int
    depth: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leg:
    """A step with its phase and what scheduling needs; `first` is the key of the leg before it."""

    phase: Phase
    step: Step
    change: Change
    order: int
    first: str | None = None

    @property
    def key(self) -> str:
        return f"{self.step.content}{'t' if self.step.temporary else ''}"


def arrange(
    changes: Sequence[Change],
    mirrors: Mapping[int, Slot],
    fixed: Mapping[Key, str],
    limits: Limits,
    in_place: Mapping[int, Change],
    returning: Collection[int] = (),
) -> Phases:
    """Waves for `changes` (native order). `mirrors` are the current slots of all copies that are
    not acting primaries, by content; `fixed` names the holders of ports and directories that never
    move (acting primaries, coordinator, standby). `in_place` recovers down copies where they were,
    should their new slot not be free. `returning` are recovered contents whose roles are switched
    and go back with the others.
    """
    interim = Interim(in_place=in_place, free=_free_slots(changes, mirrors, fixed))
    changes = settle_hopeless(changes, mirrors, fixed, interim)
    detours = find_detours(changes, mirrors, interim.free, _longest_chain(changes, limits))
    changes = without_detour(changes, detours, interim)
    changes = settle_hopeless(changes, mirrors, fixed, interim)
    legs = [
        leg
        for order, change in enumerate(changes)
        for leg in _legs(change, order, detours.get(change.content))
    ]
    waves = _at_once(legs, Action.ADD)
    results = [(phase, *_scheduled(legs, phase, limits)) for phase in _SCHEDULED]
    for (action, method), steps, _ in results:
        waves += [PlannedWave(action=action, method=method, steps=wave) for wave in steps]
    waves += _at_once([*legs, *_returns(changes, returning)], Action.REBALANCE)
    return Phases(
        waves=tuple(waves),
        changes=tuple(changes),
        bound=sum(found.bound for _, _, found in results),
        depth=sum(found.depth for _, _, found in results),
    )


def _free_slots(
    changes: Sequence[Change], mirrors: Mapping[int, Slot], fixed: Mapping[Key, str]
) -> TemporarySlots:
    """Slots that nothing holds now and no change wants."""
    held = {**dict.fromkeys(fixed, _NO_CONTENT), **occupants(mirrors.items())}
    wanted = (key for change in changes if change.to is not None for key in keys_of(change.to))
    return TemporarySlots([*held, *wanted], held)


def _longest_chain(changes: Sequence[Change], limits: Limits) -> int:
    """The longest chain of copies to wait out. Beyond as many waves as the moves take anyway, a
    chain costs more time than a second copy of one of its members.
    """
    moves = [(c.primary, c.to.host) for c in changes if c.action is Action.MOVE and c.to]
    return max(_PATIENCE, bound(moves, limits))


def _legs(change: Change, order: int, aside: Slot | None) -> list[_Leg]:
    if change.action is Action.BLOCKED:
        return []
    phase: Phase = (change.action, change.method)
    direct = Step(content=change.content, from_=change.from_, to=change.to)
    if aside is None:
        return [_Leg(phase=phase, step=direct, change=change, order=order)]
    out = Step(content=change.content, from_=change.from_, to=aside, temporary=True)
    first = _Leg(phase=phase, step=out, change=change, order=order)
    back = Step(content=change.content, from_=aside, to=change.to)
    move: Phase = (Action.MOVE, None)
    return [
        first,
        _Leg(phase=move, step=back, change=change, order=order, first=first.key),
    ]


def _returns(changes: Sequence[Change], returning: Collection[int]) -> list[_Leg]:
    """What the utility switches back beside the contents that only need that."""
    phase: Phase = (Action.REBALANCE, None)
    return [
        _Leg(
            phase=phase,
            step=Step(content=change.content, from_=change.to, to=None),
            change=change,
            order=order,
        )
        for order, change in enumerate(changes)
        if change.action is Action.RECOVER and change.content in returning
    ]


def _scheduled(
    legs: Sequence[_Leg], phase: Phase, limits: Limits
) -> tuple[list[tuple[Step, ...]], Schedule]:
    mine = {leg.key: leg for leg in legs if leg.phase == phase}
    freed = {
        key: leg.key
        for leg in mine.values()
        if leg.first is None and leg.step.from_ is not None and leg.step.from_ != leg.step.to
        for key in keys_of(leg.step.from_)
    }
    found = schedule([_job(leg, mine, freed) for leg in mine.values()], limits)
    steps = [tuple(mine[key].step for key in wave) for wave in found.waves]
    return steps, found


def _job(leg: _Leg, mine: Mapping[str, _Leg], freed: Mapping[Key, str]) -> Job:
    wanted = keys_of(leg.step.to) if leg.step.to is not None else ()
    after = {freed[key] for key in wanted if key in freed} - {leg.key}
    if leg.first is not None and leg.first in mine:
        after.add(leg.first)
    return Job(
        key=leg.key,
        source=leg.change.primary,
        target=leg.step.to.host if leg.step.to is not None else "",
        order=leg.order,
        size=leg.change.size or 0,
        after=frozenset(after),
    )


def _at_once(legs: Sequence[_Leg], action: Action) -> list[PlannedWave]:
    """One wave for what the native utility does in one indivisible run."""
    steps = tuple(leg.step for leg in legs if leg.phase[0] is action)
    return [PlannedWave(action=action, method=None, steps=steps)] if steps else []
