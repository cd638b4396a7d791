"""A plan played in mind: who holds which copy before it, during each wave, after it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gpmirror.cluster.layout import Layout, Pair
from gpmirror.plan.model import Action, Change, Plan, PlannedContent, Wave
from gpmirror.simulate import survey

_WAVES_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A layout at one moment. `danger` ranks waves: contents that the worst single host would take
    with it, then contents with one copy; None before and after.
    """

    title: str
    layout: Layout
    danger: tuple[int, int] | None = None


def replay(plan: Plan) -> tuple[Moment, ...]:
    """Before, during each wave, after. Contents outside the plan's selection count as desired."""
    changes = {change.content: change for change in plan.changes}
    before = _with_dead(plan, _before)
    now = {one.content: before(one, changes.get(one.content)) for one in plan.desired.contents}
    moments = [Moment(title="before the plan", layout=_layout(plan, now))]
    for wave in plan.waves:
        during = {**now, **_during(wave, changes)}
        moments.append(_moment(plan, wave, during))
        now |= _afterwards(wave, changes)
    last = _with_dead(plan, _after)
    after = {one.content: last(one, changes.get(one.content)) for one in plan.desired.contents}
    return (*moments, Moment(title="after the plan", layout=_layout(plan, after)))


def worst_moments(moments: Sequence[Moment]) -> tuple[list[Moment], str | None]:
    """The moments to show, in order, and a remark where waves were left out."""
    waves = [moment for moment in moments if moment.danger is not None]
    if len(waves) <= _WAVES_SHOWN:
        return list(moments), None
    ranked = sorted(waves, key=lambda moment: moment.danger or (0, 0), reverse=True)
    shown = {moment.title for moment in ranked[:_WAVES_SHOWN]}
    kept = [moment for moment in moments if moment.danger is None or moment.title in shown]
    return kept, f"the {_WAVES_SHOWN} worst of {len(waves)} waves are shown; --json has all"


def _moment(plan: Plan, wave: Wave, during: Mapping[int, Pair]) -> Moment:
    layout = _layout(plan, during)
    stakes = {found.wave: found for found in plan.exposure.waves}.get(wave.number)
    if stakes is None:
        worst = max(
            (len(loss.contents_lost) for loss in survey(layout, pairs=False).hosts), default=0
        )
        danger = (worst, len(wave.contents))
    else:
        danger = (stakes.worst_host_loses, len(stakes.single) + stakes.already_single)
    title = f"during wave {wave.number} of {len(plan.waves)} ({wave.action.value})"
    return Moment(title=title, layout=layout, danger=danger)


def _layout(plan: Plan, pairs: Mapping[int, Pair]) -> Layout:
    hosts = plan.desired.hosts
    return Layout(
        pairs=tuple(pairs[content] for content in sorted(pairs)),
        hosts=tuple(host.name for host in hosts),
        racks={host.name: host.rack for host in hosts if host.rack is not None},
    )


def _with_dead(
    plan: Plan, pair: Callable[[PlannedContent, Change | None], Pair]
) -> Callable[[PlannedContent, Change | None], Pair]:
    """The same, but for contents without a live copy: no plan brings those back."""
    dead = frozenset(plan.exposure.none or ())

    def found(planned: PlannedContent, change: Change | None) -> Pair:
        if planned.content in dead:
            return Pair(planned.content, planned.primary.host, None, lives=False)
        return pair(planned, change)

    return found


def _before(planned: PlannedContent, change: Change | None) -> Pair:
    """A copy that is down, or blocked for whatever reason, does not count."""
    if change is None or change.action is Action.REBALANCE:
        return _wanted(planned)
    if change.action is Action.MOVE and change.from_ is not None:
        return Pair(planned.content, change.primary, change.from_.host)
    return Pair(planned.content, change.primary, None)


def _after(planned: PlannedContent, change: Change | None) -> Pair:
    """A copy that comes back at its old place for now is not where the layout wants it."""
    wanted = _wanted(planned)
    if change is None or change.action is Action.REBALANCE:
        return wanted
    if change.to is None:
        return _before(planned, change)
    reached = Pair(planned.content, change.primary, change.to.host)
    same = {reached.primary, reached.mirror} == {wanted.primary, wanted.mirror}
    return wanted if same else reached


def _wanted(planned: PlannedContent) -> Pair:
    mirror = None if planned.mirror is None else planned.mirror.host
    return Pair(planned.content, planned.primary.host, mirror)


def _during(wave: Wave, changes: Mapping[int, Change]) -> dict[int, Pair]:
    """The wave's contents have their acting primary only; a rebalance copies nothing."""
    if wave.action is Action.REBALANCE:
        return {}
    return {
        step.content: Pair(step.content, changes[step.content].primary, None)
        for step in wave.steps
        if step.content in changes
    }


def _afterwards(wave: Wave, changes: Mapping[int, Change]) -> dict[int, Pair]:
    if wave.action is Action.REBALANCE:
        return {}
    return {
        step.content: Pair(step.content, changes[step.content].primary, step.to.host)
        for step in wave.steps
        if step.to is not None and step.content in changes
    }
