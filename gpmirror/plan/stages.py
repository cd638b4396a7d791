"""The layout before the plan, at its weakest moment, and after it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gpmirror.cluster.layout import Layout, Pair
from gpmirror.plan.classify import source_text
from gpmirror.plan.exposure import survivor
from gpmirror.plan.model import (
    Action,
    Exposure,
    HostLoad,
    Plan,
    Stage,
    Stages,
    Survival,
    Verdict,
    WaveExposure,
)
from gpmirror.plan.phases import Phases, PlannedWave
from gpmirror.plan.state import State, current_layout, layout
from gpmirror.simulate import Survey, judge_survey, survey
from gpmirror.spec.model import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Stages and the policy's verdicts."""

    stages: Stages
    verdicts: tuple[Verdict, ...]


def judge_stages(spec: Spec, state: State, phases: Phases, exposure: Exposure) -> Judged:
    """Survival before, during and after, and the spec's policy judged before and after."""
    before = survey(current_layout(spec, state), pairs=False)
    after = survey(final_layout(spec, state, phases), pairs=False)
    weakest = survey(_weakest_layout(spec, state, phases, exposure), pairs=False)
    hosts = _host_order(spec, state)
    mirrors_before = Counter(c.preferred_mirror for c in state.copies.values())
    homes = _homes_after(state, phases)
    mirrors_after = Counter(mirror for _, mirror in homes.values())
    fewest = _fewest_live(state, phases.waves)
    primaries = Counter(c.preferred_primary for c in state.copies.values())
    primaries_after = Counter(primary for primary, _ in homes.values())
    stages = Stages(
        before=Stage(hosts=_loads(hosts, primaries, mirrors_before), survival=_survival(before)),
        during=Stage(hosts=_loads(hosts, primaries, fewest), survival=_survival(weakest)),
        after=Stage(hosts=_loads(hosts, primaries_after, mirrors_after), survival=_survival(after)),
    )
    return Judged(stages=stages, verdicts=_verdicts(spec, before, after))


def newcomers(plan: Plan) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Hosts of the spec that hold nothing yet and replace nobody: those that become hosts of mirrors
    alone, and those that the strategy gives none. A name that was mistyped is among them.
    """
    loads = {load.host: load for load in plan.layout.before.hosts}
    targets = {one.mirror.host for one in plan.desired.contents if one.mirror is not None}
    fresh = [
        host.name
        for host in plan.desired.hosts
        if host.replaces is None and loads[host.name].primaries + loads[host.name].mirrors == 0
    ]
    return (
        tuple(name for name in fresh if name in targets),
        tuple(name for name in fresh if name not in targets),
    )


def final_layout(spec: Spec, state: State, phases: Phases) -> Layout:
    """Who holds which copy by preferred role once the plan is done, as far as it lives."""
    changed = _changed(phases)
    homes = _homes_after(state, phases)
    return layout(
        spec,
        [
            Pair(content, *homes[content]) if content in changed else copy.live
            for content, copy in state.copies.items()
        ],
    )


def _changed(phases: Phases) -> set[int]:
    """Contents whose copies the plan makes or moves; blocked and switched ones stay."""
    stays = {Action.BLOCKED, Action.REBALANCE}
    return {change.content for change in phases.changes if change.action not in stays}


def _homes_after(state: State, phases: Phases) -> dict[int, tuple[str, str | None]]:
    """Hosts of preferred primary and mirror by content once the plan is done, up or down."""
    homes = {
        copy.content: (copy.preferred_primary, copy.preferred_mirror)
        for copy in state.copies.values()
    }
    for change in phases.changes:
        if change.to is not None:
            primary, mirror = homes[change.content]
            switched = state.copies[change.content].switched
            homes[change.content] = (
                (change.to.host, mirror) if switched else (primary, change.to.host)
            )
    return homes


def _weakest_layout(spec: Spec, state: State, phases: Phases, exposure: Exposure) -> Layout:
    """The layout in the wave in which losing one host would cost most."""
    start = current_layout(spec, state)
    if not exposure.waves:
        return start
    worst = max(exposure.waves, key=_danger)
    now = {pair.content: pair for pair in start.pairs}
    for number, wave in enumerate(phases.waves, start=1):
        for step in wave.steps:
            copy = state.copies[step.content]
            if number == worst.wave:
                now[step.content] = Pair(step.content, survivor(wave, step, state), None)
            elif number < worst.wave and step.to is not None:
                now[step.content] = Pair(step.content, copy.acting.host, step.to.host)
    return layout(spec, list(now.values()))


def _danger(wave: WaveExposure) -> tuple[int, int, int]:
    return (wave.worst_host_loses, len(wave.single) + wave.already_single, -wave.wave)


def _fewest_live(state: State, waves: Sequence[PlannedWave]) -> Counter[str | None]:
    """The fewest live mirrors of each host at any time, by preferred role."""
    where = {c.content: c.preferred_mirror for c in state.copies.values() if c.mirror_lives}
    live: Counter[str | None] = Counter(where.values())
    fewest = Counter(live)
    for wave in waves:
        steps = [step for step in wave.steps if not state.copies[step.content].switched]
        for step in steps:
            live[where.pop(step.content, None)] -= 1
        for step in steps:
            host = step.from_.host if step.from_ is not None else None
            fewest[host] = min(fewest[host], live[host])
        for step in steps:
            if step.to is not None:
                live[step.to.host] += 1
                where[step.content] = step.to.host
    return fewest


def _host_order(spec: Spec, state: State) -> list[str]:
    known = [host.name for host in spec.hosts]
    others = {c.preferred_primary for c in state.copies.values()}
    others |= {c.preferred_mirror for c in state.copies.values() if c.preferred_mirror is not None}
    return known + sorted(others - set(known))


def _loads(
    hosts: Sequence[str], primaries: Mapping[str, int], mirrors: Mapping[str | None, int]
) -> tuple[HostLoad, ...]:
    return tuple(
        HostLoad(host=host, primaries=primaries.get(host, 0), mirrors=max(0, mirrors.get(host, 0)))
        for host in hosts
    )


def _survival(found: Survey) -> Survival:
    worst = found.worst_load_after_one_host
    return Survival(
        single=sum(pair.lives and pair.mirror is None for pair in found.layout.pairs),
        any_host=found.survives_any_host,
        any_rack=found.survives_any_rack,
        fatal_pairs=found.fatal_pair_count,
        pairs=found.pair_count,
        worst_load=(worst.lost, worst.survivor, worst.before, worst.after) if worst else None,
        worst_factor=round(worst.factor, 2) if worst else None,
        none=len(found.copies.dead) or None,
    )


def _verdicts(spec: Spec, before: Survey, after: Survey) -> tuple[Verdict, ...]:
    policy = spec.policy
    demands = [(rule.count, rule.of) for rule in policy.survive]
    first = judge_survey(before, demands, policy.max_load_factor)
    last = judge_survey(after, demands, policy.max_load_factor)
    places = [rule.place for rule in policy.survive]
    places.append(spec.place_of("policy", "max_load_factor"))
    return tuple(
        Verdict(
            rule=then.name,
            before=now.ok,
            after=then.ok,
            evidence=then.evidence,
            source=source_text(place),
        )
        for now, then, place in zip(first, last, places, strict=False)
    )
