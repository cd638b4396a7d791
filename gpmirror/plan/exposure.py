"""What waves do to the layout, and what is at stake before, during and after each."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from gpmirror.model.content import Content, Walk, contents_of, rows_of
from gpmirror.model.observed import Observed, in_canonical_order
from gpmirror.plan.model import (
    Action,
    Change,
    Exposure,
    HostLoad,
    Method,
    Plan,
    Stage,
    Stages,
    Survival,
    Verdict,
    Wave,
    WaveExposure,
)
from gpmirror.plan.state import State, layout
from gpmirror.plan.timing import ASSUMED_RATE, chain_bytes, copying, seconds_for, total
from gpmirror.plan.waves import Phases, PlannedWave
from gpmirror.simulate import Survey, judge_survey, survey
from gpmirror.spec.model import Site
from gpmirror.values import dataclass

# --- What is at stake while each wave runs: native moves stop the old mirror before they copy.


@dataclass(frozen=True, slots=True, kw_only=True)
class _Volume:
    """What a wave copies whole, in all and on its longest chain; how many contents catch up."""

    bytes: int | None
    chain_bytes: int | None
    catching_up: int


def expose(phases: Phases, state: State, at_once: int) -> tuple[Exposure, Mapping[int, Content]]:
    """Exposure wave by wave and of the whole plan, and all contents once it is done. `at_once`: how
    much a utility serves at once.
    """
    changes = {change.content: change for change in phases.changes}
    walk = Walk(state.contents)
    none = walk.at_stake.none or None
    waves = tuple(
        _wave(number, wave, walk, _volume(wave, changes, at_once))
        for number, wave in enumerate(phases.waves, start=1)
    )
    exposure = Exposure(
        waves=waves,
        most_single=max((len(w.single) + w.already_single for w in waves), default=0),
        most_lost_with_one_host=max((w.worst_host_loses for w in waves), default=0),
        bytes=total(wave.bytes for wave in waves),
        seconds=total(wave.seconds for wave in waves),
        rate=ASSUMED_RATE,
        catching_up=sum(wave.catching_up for wave in waves),
        bound=phases.bound,
        depth=phases.depth,
        none=none,
    )
    return exposure, walk.contents


def _wave(number: int, wave: PlannedWave, walk: Walk, volume: _Volume) -> WaveExposure:
    contents = sorted(step.content for step in wave.steps)
    newly = sum(walk.at_stake.live_copies(content) > 1 for content in contents)
    walk.begin(wave.steps)
    host, loses = walk.at_stake.worst()
    alike = walk.at_stake.all_worst()
    already = walk.at_stake.single_count - len(contents)
    walk.end(wave.steps)
    return WaveExposure(
        wave=number,
        single=tuple(contents),
        newly_single=newly,
        already_single=already,
        worst_host=host,
        worst_host_loses=loses,
        worst_hosts=alike,
        bytes=volume.bytes,
        chain_bytes=volume.chain_bytes,
        seconds=seconds_for(volume.chain_bytes, ASSUMED_RATE),
        catching_up=volume.catching_up,
    )


def _volume(wave: PlannedWave, changes: Mapping[int, Change], at_once: int) -> _Volume:
    """A rebalance copies nothing; what a recovery fetches that is not full, nobody knows before."""
    if wave.action is Action.REBALANCE:
        return _Volume(bytes=0, chain_bytes=0, catching_up=0)
    if wave.method in {Method.INCREMENTAL, Method.DIFFERENTIAL}:
        return _Volume(bytes=0, chain_bytes=0, catching_up=len(wave.steps))
    copies = [copying(step, changes[step.content]) for step in wave.steps]
    return _Volume(
        bytes=total(copy.size for copy in copies),
        chain_bytes=chain_bytes(copies, at_once),
        catching_up=0,
    )


# --- The layout before the plan, at its weakest moment, and after it.


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Stages and the policy's verdicts."""

    stages: Stages
    verdicts: tuple[Verdict, ...]


def judge_stages(
    site: Site, state: State, phases: Phases, exposure: Exposure, then: Mapping[int, Content]
) -> Judged:
    """Survival before, during and after, and the spec's policy judged before and after; `then` is
    every content once the plan is done.
    """
    before = survey(layout(site, state.contents.values()), pairs=False)
    after = survey(layout(site, then.values()), pairs=False)
    weakest = survey(layout(site, _weakest(state, phases.waves, exposure)), pairs=False)
    hosts = _host_order(site, state.contents)
    fewest = _fewest_live(state, phases.waves)
    primaries, mirrors = _homes(state.contents)
    primaries_after, mirrors_after = _homes(then)
    stages = Stages(
        before=Stage(hosts=_loads(hosts, primaries, mirrors), survival=_survival(before)),
        during=Stage(hosts=_loads(hosts, primaries, fewest), survival=_survival(weakest)),
        after=Stage(hosts=_loads(hosts, primaries_after, mirrors_after), survival=_survival(after)),
    )
    return Judged(stages=stages, verdicts=_verdicts(site, before, after))


def stage_of(site: Site, contents: Mapping[int, Content]) -> Stage:
    """A layout without any plan: its copies by host, and what it survives."""
    primaries, mirrors = _homes(contents)
    return Stage(
        hosts=_loads(_host_order(site, contents), primaries, mirrors),
        survival=_survival(survey(layout(site, contents.values()), pairs=False)),
    )


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


def _homes(contents: Mapping[int, Content]) -> tuple[Counter[str], Counter[str]]:
    """How many primaries and mirrors each host has by preferred role, up or down."""
    mirrors = (one.mirror for one in contents.values())
    return (
        Counter(one.primary.host for one in contents.values()),
        Counter(mirror.host for mirror in mirrors if mirror is not None),
    )


def _weakest(state: State, waves: Sequence[PlannedWave], exposure: Exposure) -> Iterable[Content]:
    """All contents in the wave in which losing one host would cost most."""
    walk = Walk(state.contents)
    worst = max(exposure.waves, key=_danger).wave if exposure.waves else 0
    for wave in waves[:worst]:
        walk.begin(wave.steps)
        if wave is not waves[worst - 1]:
            walk.end(wave.steps)
    return walk.contents.values()


def _danger(wave: WaveExposure) -> tuple[int, int, int]:
    return (wave.worst_host_loses, len(wave.single) + wave.already_single, -wave.wave)


def _fewest_live(state: State, waves: Sequence[PlannedWave]) -> Counter[str]:
    """The fewest live mirrors of each host at any time, by preferred role."""
    mirrors = {number: content.mirror for number, content in state.contents.items()}
    where = {number: one.host for number, one in mirrors.items() if one is not None and one.lives}
    live = Counter(where.values())
    fewest = Counter(live)
    for wave in waves:
        steps = [step for step in wave.steps if not state.contents[step.content].switched]
        for step in steps:
            if step.content in where:
                live[where.pop(step.content)] -= 1
        for step in steps:
            if step.from_ is not None:
                fewest[step.from_.host] = min(fewest[step.from_.host], live[step.from_.host])
        for step in steps:
            if step.to is not None:
                live[step.to.host] += 1
                where[step.content] = step.to.host
    return fewest


def _host_order(site: Site, contents: Mapping[int, Content]) -> list[str]:
    known = [host.name for host in site.hosts]
    primaries, mirrors = _homes(contents)
    return known + sorted({*primaries, *mirrors} - set(known))


def _loads(
    hosts: Sequence[str], primaries: Mapping[str, int], mirrors: Mapping[str, int]
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


def _verdicts(site: Site, before: Survey, after: Survey) -> tuple[Verdict, ...]:
    policy = site.policy
    demands = [(rule.count, rule.of) for rule in policy.survive]
    first = judge_survey(before, demands, policy.max_load_factor)
    last = judge_survey(after, demands, policy.max_load_factor)
    places = [rule.place for rule in policy.survive]
    places.append(site.place_of("policy", "max_load_factor"))
    return tuple(
        Verdict(
            rule=then.name,
            before=now.ok,
            after=then.ok,
            evidence=then.evidence,
            source=place.line_text,
        )
        for now, then, place in zip(first, last, places, strict=False)
    )


# --- The catalog as a wave should leave it: what a rehearsal observes after the waves it recorded.


def after_wave(observed: Observed, wave: Wave) -> Observed:
    """Every copy of the wave up and in sync at its new place; switched roles back if it says so."""
    mine = {step.content for step in wave.steps}
    rows = [row for row in observed.segments if row.content not in mine]
    touched = tuple(row for row in observed.segments if row.content in mine)
    contents = contents_of(replace(observed, segments=touched), lambda row: row.hostname)
    next_dbid = max((row.dbid for row in observed.segments), default=0) + 1
    for step in wave.steps:
        content = contents[step.content]
        rows += rows_of(content.after(step.to, dbid=next_dbid))
        next_dbid += content.idle is None
    return replace(observed, segments=in_canonical_order(rows), copies={})
