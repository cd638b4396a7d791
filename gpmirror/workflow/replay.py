"""A plan played in mind: who holds which copy before it, during each wave, after it."""

from collections.abc import Sequence
from dataclasses import dataclass

from gpmirror.cluster.content import Walk, contents_of
from gpmirror.cluster.layout import Layout
from gpmirror.plan.model import Plan
from gpmirror.plan.rebuild import observed_of
from gpmirror.plan.replan import hosts_of

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
    """Before, during each wave, after: what the plan's own catalog becomes, step by step. Raises
    InvalidInput where a row stands on a host that the plan does not know.
    """
    assert plan.catalog is not None  # noqa: S101 - `read_plan` refuses plans without it
    observed = observed_of(plan, plan.catalog)
    walk = Walk(contents_of(observed, hosts_of(plan, observed).host_of))
    moments = [Moment(title="before the plan", layout=_layout(plan, walk))]
    for wave in plan.waves:
        walk.begin(wave.steps)
        title = f"during wave {wave.number} of {len(plan.waves)} ({wave.action.value})"
        danger = (walk.at_stake.worst()[1], walk.at_stake.single_count)
        moments.append(Moment(title=title, layout=_layout(plan, walk), danger=danger))
        walk.end(wave.steps)
    return (*moments, Moment(title="after the plan", layout=_layout(plan, walk)))


def _layout(plan: Plan, walk: Walk) -> Layout:
    hosts = plan.desired.hosts
    return Layout(
        pairs=tuple(walk.contents[number].live for number in sorted(walk.contents)),
        hosts=tuple(host.name for host in hosts),
        racks={host.name: host.rack for host in hosts if host.rack is not None},
    )


def worst_moments(moments: Sequence[Moment]) -> tuple[list[Moment], str | None]:
    """The moments to show, in order, and a remark where waves were left out."""
    waves = [moment for moment in moments if moment.danger is not None]
    if len(waves) <= _WAVES_SHOWN:
        return list(moments), None
    ranked = sorted(waves, key=lambda moment: moment.danger or (0, 0), reverse=True)
    shown = {moment.title for moment in ranked[:_WAVES_SHOWN]}
    kept = [moment for moment in moments if moment.danger is None or moment.title in shown]
    return kept, f"the {_WAVES_SHOWN} worst of {len(waves)} waves are shown; --json has all"
