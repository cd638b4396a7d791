"""Whether the waves do what the changes say: each change once, in order, within the limits, no slot
held twice at any moment, no new pair on one host, and no fewer waves claimed than can be.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field

from gpmirror.audit.claim import Claim, Falsehood, differ, told
from gpmirror.audit.ground import Ground, Key, key_told, keys_of
from gpmirror.model.segment import Slot
from gpmirror.model.text import counted
from gpmirror.plan.model import Action, Change, Method, Plan, Step, Wave
from gpmirror.values import dataclass

_RANKS = {
    (Action.ADD, None): 0,
    (Action.RECOVER, Method.INCREMENTAL): 1,
    (Action.RECOVER, Method.DIFFERENTIAL): 2,
    (Action.RECOVER, Method.FULL): 3,
    (Action.MOVE, None): 4,
    (Action.REBALANCE, None): 5,
}
"""In which order a plan does what: copies that are missing first, what is only unhandy last."""

_LIMITED = frozenset({Action.RECOVER, Action.MOVE})
"""What is done a few at a time; the rest is one run or none."""


@dataclass(frozen=True, slots=True)
class Leg:
    """A step with the number of its wave and what that wave does."""

    wave: int
    action: Action
    step: Step


@dataclass(slots=True, kw_only=True)
class Course:
    """What the waves do to the slots. `held` is who holds what at the end; `left` are directories that
    stay full behind a copy that went on, `left_down` those behind copies that were down. `false` are
    the moments in which a slot is held twice.
    """

    legs: dict[int, list[Leg]]
    held: dict[Key, int | str]
    left: dict[Key, int] = field(default_factory=dict)
    left_down: dict[Key, int] = field(default_factory=dict)
    false: list[Falsehood] = field(default_factory=list)


def follow(ground: Ground) -> Course:
    """The waves one after the other."""
    legs: dict[int, list[Leg]] = {}
    for wave in ground.plan.waves:
        for step in wave.steps:
            legs.setdefault(step.content, []).append(Leg(wave.number, wave.action, step))
    course = Course(legs=legs, held=dict(ground.held))
    for number, wave in enumerate(ground.plan.waves):
        _pass(course, f"waves[{number}].steps", wave)
    return course


def _pass(course: Course, where: str, wave: Wave) -> None:
    """One wave: new slots must be free while the old ones are still held."""
    taken: dict[Key, int] = {}
    for step in wave.steps:
        for key in () if step.to is None else keys_of(step.to):
            holder = taken.get(key, course.held.get(key, step.content))
            own = () if step.from_ is None else keys_of(step.from_)
            if holder != step.content:
                who = f"content {holder}" if isinstance(holder, int) else holder
                claimed = f"content {step.content} takes {key_told(key)}"
                course.false.append(Falsehood(where, claimed, f"{who} holds it then"))
            elif key in course.left and key not in own:
                claimed = f"content {step.content} takes {key_told(key)}"
                true = f"the old copy of content {course.left[key]} is still in it"
                course.false.append(Falsehood(where, claimed, true))
            taken[key] = step.content
    deletes = any(run.utility == "gpmovemirrors" for run in wave.native)
    for step in wave.steps:
        if step.from_ is None or step.to is None:
            continue
        now = set(keys_of(step.to))
        for key in keys_of(step.from_):
            if course.held.get(key) == step.content:
                del course.held[key]
            if isinstance(key[1], str) and key not in now:
                if not (deletes and not keeps_a_directory(step)):
                    course.left[key] = step.content
                if wave.action is Action.RECOVER:
                    course.left_down[key] = step.content
    course.held |= taken


def keeps_a_directory(step: Step) -> bool:
    """Whether a copy stays in a directory of its own while its address or another directory changes."""
    here, there = step.from_, step.to
    if here is None or there is None or not lands_in_its_own(step):
        return False
    return here.address != there.address or set(here.directories) != set(there.directories)


def lands_in_its_own(step: Step) -> bool:
    """Whether a copy is made anew in a directory where it stands."""
    here, there = step.from_, step.to
    if here is None or there is None or here.host != there.host:
        return False
    return bool(set(here.directories) & set(there.directories))


def judge_waves(ground: Ground, course: Course) -> list[Claim]:
    """The claims about waves."""
    plan = ground.plan
    steps = sum(len(wave.steps) for wave in plan.waves)
    return [
        Claim(
            name="steps",
            said=f"{counted(steps, 'step')} in {counted(len(plan.waves), 'wave')} "
            f"{'does' if steps == 1 else 'do'} each change once, from its old place to its new one"
            if steps
            else "there is nothing to do, and no step does anything",
            false=tuple(_steps(ground, course)),
        ),
        Claim(
            name="order",
            said="waves add, recover, move and rebalance in this order, and their lines are in ring order",
            false=tuple(_order(ground)),
        ),
        Claim(
            name="limits",
            said=_limits_told(plan),
            false=tuple(_limits(plan)),
        ),
        Claim(
            name="slots",
            said="no port and no directory is held twice, and none is taken before it is free",
            false=tuple(course.false),
        ),
        Claim(
            name="pairs",
            said=_pairs_told(ground),
            false=tuple(_pairs(ground)),
        ),
        Claim(
            name="minimum",
            said=_minimum_told(plan),
            false=tuple(_minimum(plan)),
        ),
    ]


# --- Each change in exactly one wave, its steps a way from the old place to the new one.


def _steps(ground: Ground, course: Course) -> Iterator[Falsehood]:
    changes = {change.content: change for change in ground.plan.changes}
    for number, wave in enumerate(ground.plan.waves):
        where = f"waves[{number}]"
        yield from differ(f"{where}.number", wave.number, number + 1)
        contents = sorted(step.content for step in wave.steps)
        yield from differ(f"{where}.contents", list(wave.contents), contents)
        if len(set(contents)) < len(contents) or not contents:
            yield Falsehood(f"{where}.steps", told(contents), "one step a content")
        if wave.action is Action.ADD and contents != sorted(ground.standings):
            missing = sorted(ground.standings.keys() - set(contents))
            yield Falsehood(
                f"{where}.steps",
                f"no line of content {told(missing)}",
                "gpaddmirrors needs a line for every primary",
            )
    for content in sorted(course.legs.keys() - changes.keys()):
        yield Falsehood("waves", f"a step of content {content}", "no change of it is planned")
    for change in ground.plan.changes:
        yield from _way(ground, change, course.legs.get(change.content, []))


def _way(ground: Ground, change: Change, legs: Sequence[Leg]) -> Iterator[Falsehood]:
    where = f"waves, content {change.content}"
    if change.action is Action.BLOCKED:
        if legs:
            yield Falsehood(where, f"{len(legs)} steps", "none, it is blocked")
        return
    if not legs:
        yield Falsehood(where, "no step", f"one that does its {change.action.value}")
        return
    way = list(legs)
    standing = ground.standings.get(change.content)
    recovered = change.action is Action.RECOVER
    if recovered and way[-1].action is Action.REBALANCE and standing and standing.switched:
        yield from differ(
            where, way.pop().step, Step(content=change.content, from_=change.to, to=None)
        )
    if not way:
        yield Falsehood(where, "roles return", "a recovery first")
        return
    yield from _chain(ground, where, change, way)


def _chain(ground: Ground, where: str, change: Change, way: Sequence[Leg]) -> Iterator[Falsehood]:
    place = change.from_
    for leg in way:
        yield from differ(f"{where}, from", leg.step.from_, place)
        place = leg.step.to
    yield from differ(f"{where}, to", place, change.to)
    actions = [leg.action for leg in way]
    expected = [change.action, *[Action.MOVE] * (len(way) - 1)]
    yield from differ(f"{where}, done with", told(actions), told(expected))
    yield from differ(
        f"{where}, temporary",
        [leg.step.temporary for leg in way],
        [*[True] * (len(way) - 1), False],
    )
    if len(way) > 1 and (change.to is None or not _waits(ground, change.content, change.to)):
        yield Falsehood(where, "a temporary slot", "its new slot is free from the beginning")
    for leg in way[:-1]:
        to, final = leg.step.to, change.to
        if to is not None and final is not None and to.host != final.host:
            yield Falsehood(where, f"a temporary slot on {to.host}", f"one on {final.host}")


def _waits(ground: Ground, content: int, to: Slot) -> bool:
    return any(ground.held.get(key, content) != content for key in keys_of(to))


# --- Order and limits.


def _order(ground: Ground) -> Iterator[Falsehood]:
    changes = {change.content: change for change in ground.plan.changes}
    last = 0
    seen: Counter[Action] = Counter()
    for number, wave in enumerate(ground.plan.waves):
        where = f"waves[{number}]"
        seen[wave.action] += 1
        phases = {phase_of(wave, step, changes) for step in wave.steps}
        ranks = {_RANKS.get(phase, -1) for phase in phases}
        if len(ranks) != 1 or -1 in ranks:
            kinds = told(sorted(f"{action} {method or ''}".strip() for action, method in phases))
            yield Falsehood(where, kinds, "one kind of change")
        elif min(ranks) < last:
            yield Falsehood(
                where, f"{wave.action.value} after what it comes before", "another order"
            )
        last = max(last, *ranks) if ranks else last
        if wave.action in _LIMITED or wave.action is Action.ADD:
            contents = [step.content for step in wave.steps]
            ordered = sorted(contents, key=lambda content: ground.rank.get(content, -1))
            yield from differ(f"{where}.steps", contents, ordered)
    for action, count in seen.items():
        if count > 1 and action not in _LIMITED:
            yield Falsehood("waves", f"{count} waves {action.value}", "one run does all of them")


def phase_of(wave: Wave, step: Step, changes: Mapping[int, Change]) -> tuple[Action, Method | None]:
    """What a step is part of; recoveries are parted by how they are done."""
    if wave.action is not Action.RECOVER:
        return wave.action, None
    change = changes.get(step.content)
    return wave.action, None if change is None else change.method


def _limits_told(plan: Plan) -> str:
    """The limits where waves are held to them, else why none is."""
    limits = plan.settings.apply.waves
    done = {wave.action for wave in plan.waves}
    if not done:
        return "there are no waves, so the limits have nothing to hold"
    if Action.ADD in done and not done & _LIMITED:
        return (
            "the one wave adds mirrors: gpaddmirrors adds them all in one run, so the limits do not "
            "apply"
        )
    if not done & _LIMITED:
        return "the one wave returns roles and copies nothing, so the limits do not apply"
    return (
        f"at most {limits.max_contents} in a wave, {limits.per_source_host} from a host, "
        f"{limits.per_target_host} to a host"
    )


def _limits(plan: Plan) -> Iterator[Falsehood]:
    limits = plan.settings.apply.waves
    sources = {change.content: change.primary for change in plan.changes}
    for number, wave in enumerate(plan.waves):
        if wave.action not in _LIMITED:
            continue
        where = f"waves[{number}]"
        from_, to = _ends(wave, sources)
        if len(wave.steps) > limits.max_contents:
            claimed = f"{len(wave.steps)} contents"
            yield Falsehood(where, claimed, f"at most {limits.max_contents} (max_contents)")
        for ends, most, key in (
            (from_, limits.per_source_host, "per_source_host"),
            (to, limits.per_target_host, "per_target_host"),
        ):
            for host, count in sorted(ends.items()):
                if count > most:
                    way = "from" if key == "per_source_host" else "to"
                    yield Falsehood(where, f"{count} {way} {host}", f"at most {most} ({key})")


def _ends(wave: Wave, sources: Mapping[int, str]) -> tuple[Counter[str], Counter[str]]:
    return (
        Counter(sources.get(step.content, "") for step in wave.steps),
        Counter("" if step.to is None else step.to.host for step in wave.steps),
    )


def _beside(ground: Ground) -> set[int]:
    """The contents that hazard same-host tells."""
    return {
        content
        for hazard in ground.plan.hazards
        if hazard.name == "same-host"
        for content in hazard.contents
    }


def _pairs_told(ground: Ground) -> str:
    if ground.plan.settings.allow_same_host:
        return "the spec allows both copies of a content on one host (allow_same_host)"
    beside = len(_beside(ground))
    said = "no wave brings both copies of a content to one host"
    return said if not beside else f"{said}, but for the {beside} that hazard same-host names"


def _pairs(ground: Ground) -> Iterator[Falsehood]:
    """A copy that comes to the host of the acting one, and was not there before."""
    told_of = _beside(ground)
    if ground.plan.settings.allow_same_host:
        return
    for number, wave in enumerate(ground.plan.waves):
        for step in wave.steps:
            standing = ground.standings.get(step.content)
            if step.to is None or standing is None or step.to.host != standing.acting_slot.host:
                continue
            new = step.from_ is None or step.from_.host != step.to.host
            if new and step.content not in told_of:
                claimed = f"content {step.content} comes to {step.to.host}"
                true = "its acting primary is there, and no hazard tells it"
                yield Falsehood(f"waves[{number}].steps", claimed, true)


# --- The fewest waves: no colouring of a bipartite graph has fewer colours than its highest degree.


@dataclass(slots=True)
class _Phase:
    """The steps of one kind of change: how many there are, from and to each host, and how long the
    longest chain of slots is that are freed one after the other.
    """

    steps: int = 0
    sources: Counter[str] = field(default_factory=Counter)
    targets: Counter[str] = field(default_factory=Counter)
    waves: int = 0
    levels: dict[tuple[int, int], int] = field(default_factory=dict)

    def fewest(self, plan: Plan) -> int:
        """No plan of these steps has fewer waves under the limits."""
        limits = plan.settings.apply.waves
        loads = (
            (self.steps, limits.max_contents),
            (max(self.sources.values(), default=0), limits.per_source_host),
            (max(self.targets.values(), default=0), limits.per_target_host),
        )
        return max((load + limit - 1) // limit for load, limit in loads)


def _minimum_told(plan: Plan) -> str:
    """How many waves of copies there are, beside the fewest that the plan claims."""
    waves = sum(wave.action in _LIMITED for wave in plan.waves)
    fewest, depth = plan.exposure.bound, plan.exposure.depth
    if not waves and not fewest:
        return "there are no recoveries and no moves, so there is no minimum"
    if waves == fewest:
        return f"{counted(waves, 'wave')} of copies, the fewest that the limits allow"
    return (
        f"{counted(waves, 'wave')} of copies; the limits need {fewest}, and slots that wait for each "
        f"other at most {depth} more"
    )


def _minimum(plan: Plan) -> Iterator[Falsehood]:
    phases = _phases(plan)
    fewest = sum(phase.fewest(plan) for phase in phases)
    depth = sum(max(phase.levels.values(), default=0) for phase in phases)
    waves = sum(phase.waves for phase in phases)
    yield from differ("exposure.bound", plan.exposure.bound, fewest)
    yield from differ("exposure.depth", plan.exposure.depth, depth)
    if not fewest <= waves <= fewest + depth:
        yield Falsehood("waves", f"{waves} waves of copies", f"{fewest} to {fewest + depth}")


def _phases(plan: Plan) -> list[_Phase]:
    changes = {change.content: change for change in plan.changes}
    found: dict[tuple[Action, Method | None], _Phase] = {}
    frees = _frees(plan, changes)
    visits: Counter[int] = Counter()
    for wave in plan.waves:
        if wave.action not in _LIMITED:
            continue
        mine = {phase_of(wave, step, changes) for step in wave.steps}
        for key in mine:
            found.setdefault(key, _Phase()).waves += 1
        for step in wave.steps:
            key = phase_of(wave, step, changes)
            phase = found[key]
            change = changes.get(step.content)
            phase.steps += 1
            phase.sources["" if change is None else change.primary] += 1
            phase.targets["" if step.to is None else step.to.host] += 1
            leg = (step.content, visits[step.content])
            waits = _waits_for(step, leg, frees.get(key, {}))
            before = [phase.levels[other] for other in waits if other in phase.levels]
            phase.levels[leg] = 1 + max(before, default=-1)
        visits.update(step.content for step in wave.steps)
    return list(found.values())


def _frees(
    plan: Plan, changes: Mapping[int, Change]
) -> dict[tuple[Action, Method | None], dict[Key, int]]:
    """Whose first step frees what, by phase."""
    found: dict[tuple[Action, Method | None], dict[Key, int]] = {}
    seen: set[int] = set()
    for wave in plan.waves:
        for step in wave.steps:
            if step.content not in seen and step.from_ is not None and step.from_ != step.to:
                frees = found.setdefault(phase_of(wave, step, changes), {})
                frees |= dict.fromkeys(keys_of(step.from_), step.content)
        seen.update(step.content for step in wave.steps)
    return found


def _waits_for(
    step: Step, leg: tuple[int, int], frees: Mapping[Key, int]
) -> Iterator[tuple[int, int]]:
    if step.to is not None:
        for key in keys_of(step.to):
            if key in frees and frees[key] != step.content:
                yield frees[key], 0
    if leg[1]:
        yield step.content, leg[1] - 1
