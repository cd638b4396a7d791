"""From classified changes to waves of steps, as few as the limits allow."""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from heapq import heapify, heappop, heappush

from gpmirror.model.dialect import Dialect, MoveEngine
from gpmirror.model.segment import Slot
from gpmirror.plan.model import Action, Change, Method, Step
from gpmirror.plan.state import Key, keys_of
from gpmirror.plan.temporary import (
    Fallback,
    TemporarySlots,
    occupants,
    temporary_slots,
    without_held_slots,
    without_temporary_slots,
)
from gpmirror.values import dataclass

# --- The fewest waves under the limits: edge colouring of a bipartite graph.
#
# A relocation is an edge from its source host (the acting primary's) to its target host. A wave that
# takes at most s edges of a source and t of a target is a colour class once each host is split into
# copies; by König's theorem a bipartite graph needs exactly as many colours as its highest degree.


Edge = tuple[str, str]
"""(source host, target host)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Most edges of one colour: in all, per source host, per target host."""

    total: int
    per_source: int
    per_target: int


def bound(edges: Sequence[Edge], limits: Limits) -> int:
    """The fewest colours any colouring under the limits can have; 0 without edges."""
    sources: dict[str, int] = {}
    targets: dict[str, int] = {}
    for source, target in edges:
        sources[source] = sources.get(source, 0) + 1
        targets[target] = targets.get(target, 0) + 1
    return max(
        _ceil(len(edges), limits.total),
        _ceil(max(sources.values(), default=0), limits.per_source),
        _ceil(max(targets.values(), default=0), limits.per_target),
    )


def colour(edges: Sequence[Edge], limits: Limits) -> list[int]:
    """A colour (0 .. bound-1) for each edge, in the order given: exactly `bound` colours, every
    class within the limits. Earlier edges get lower colours where the limits leave a choice.
    """
    colours = bound(edges, limits)
    state = _Colouring(edges=_split(edges, colours), colours=colours)
    for number in range(len(edges)):
        state.add(number)
    state.even_out(limits.total)
    return state.chosen


def _ceil(count: int, limit: int) -> int:
    return -(-count // limit)


def _split(edges: Sequence[Edge], colours: int) -> list[tuple[tuple[str, int], tuple[str, int]]]:
    """Copies of hosts, each with at most `colours` edges."""
    sources: dict[str, int] = {}
    targets: dict[str, int] = {}
    split = []
    for source, target in edges:
        s, t = sources.get(source, 0), targets.get(target, 0)
        sources[source], targets[target] = s + 1, t + 1
        split.append(((source, s // colours), (target, t // colours)))
    return split


@dataclass(slots=True, kw_only=True)
class _Colouring:
    """Edges coloured so far: which edge of each colour touches a vertex."""

    edges: Sequence[tuple[tuple[str, int], tuple[str, int]]]
    colours: int
    chosen: list[int] = field(default_factory=list)
    left: dict[tuple[str, int], dict[int, int]] = field(default_factory=dict)
    right: dict[tuple[str, int], dict[int, int]] = field(default_factory=dict)

    def add(self, number: int) -> None:
        """Colour the next edge, recolouring an alternating path where its ends disagree."""
        source, target = self.edges[number]
        at_source = self.left.setdefault(source, {})
        at_target = self.right.setdefault(target, {})
        both = next(
            (c for c in range(self.colours) if c not in at_source and c not in at_target), None
        )
        if both is None:
            both = next(c for c in range(self.colours) if c not in at_source)
            other = next(c for c in range(self.colours) if c not in at_target)
            self._flip(self._path(at_target[both], both, other, from_target=True), both, other)
        self.chosen.append(both)
        at_source[both] = at_target[both] = number

    def _path(self, start: int, first: int, second: int, *, from_target: bool) -> list[int]:
        """The alternating path that begins with edge `start` of colour `first` and leaves the
        vertex it came from for good.
        """
        path, edge, seek, on_left = [start], start, second, from_target
        while True:
            source, target = self.edges[edge]
            table = self.left[source] if on_left else self.right[target]
            following = table.get(seek)
            if following is None or following == start:
                return path
            path.append(following)
            edge, on_left = following, not on_left
            seek = first if seek == second else second

    def _flip(self, path: list[int], one: int, two: int) -> None:
        for edge in path:
            source, target = self.edges[edge]
            del self.left[source][self.chosen[edge]]
            del self.right[target][self.chosen[edge]]
        for edge in path:
            source, target = self.edges[edge]
            self.chosen[edge] = two if self.chosen[edge] == one else one
            self.left[source][self.chosen[edge]] = edge
            self.right[target][self.chosen[edge]] = edge

    def even_out(self, most: int) -> None:
        """Bring every class down to `most` edges by exchanging along odd alternating paths between
        a class above and a class below (always possible when the sum fits).
        """
        classes: list[list[int]] = [[] for _ in range(self.colours)]
        for edge, chosen in enumerate(self.chosen):
            classes[chosen].append(edge)
        biggest = [(-len(edges), number) for number, edges in enumerate(classes)]
        smallest = [(len(edges), number) for number, edges in enumerate(classes)]
        heapify(biggest)
        heapify(smallest)
        while biggest and -biggest[0][0] > most:
            big, small = heappop(biggest)[1], heappop(smallest)[1]
            path = self._surplus_path(classes[big], big, small)
            self._flip(path, big, small)
            for edge in path:
                to = self.chosen[edge]
                insort(classes[to], edge)
                left = classes[small if to == big else big]
                del left[bisect_left(left, edge)]
            for number in (big, small):
                heappush(biggest, (-len(classes[number]), number))
                heappush(smallest, (len(classes[number]), number))
            _drop_outdated(biggest, classes, -1)
            _drop_outdated(smallest, classes, 1)

    def _surplus_path(self, edges: Sequence[int], big: int, small: int) -> list[int]:
        """A maximal path of the two colours with one more edge of `big`; it begins and ends with
        `big`, so it starts at one of its `edges` whose one end has no `small`.
        """
        for edge in edges:
            source, target = self.edges[edge]
            if small not in self.left[source]:
                path = self._path(edge, big, small, from_target=False)
            elif small not in self.right[target]:
                path = self._path(edge, big, small, from_target=True)
            else:
                continue
            if len(path) % 2 == 1:
                return path
        raise AssertionError("a larger class always has a surplus path")  # pragma: no cover


def _drop_outdated(
    heap: list[tuple[int, int]], classes: Sequence[Sequence[int]], sign: int
) -> None:
    """Take off the top what was pushed before its class grew or shrank."""
    while heap and heap[0][0] != sign * len(classes[heap[0][1]]):
        heappop(heap)


# --- Relocations and recoveries into waves: within the limits, slots freed before they are reused.


_Urgency = tuple[float, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One copy to make. `key` is unique; `after` are the keys of jobs that must be in an earlier
    wave; `size` in bytes (0: unknown); `order` is native order.
    """

    key: str
    source: str
    target: str
    order: int
    size: int = 0
    after: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Waves of job keys, each in native order. `bound` is König's bound, `depth` the longest chain
    of jobs that wait for each other (0 without any).
    """

    waves: tuple[tuple[str, ...], ...]
    bound: int
    depth: int


def schedule(jobs: Sequence[Job], limits: Limits) -> Schedule:
    """The fewest waves we can find; without dependencies that is König's bound exactly.

    With dependencies the better of two schedules is taken: layer by layer, each coloured exactly,
    or wave by wave, preferring jobs that others wait for and hosts with most left to do.
    """
    ordered = sorted(jobs, key=lambda job: (-job.size, job.order, job.key))
    levels = _levels(ordered)
    depth = max(levels.values(), default=0)
    fewest = bound([(job.source, job.target) for job in ordered], limits)
    candidates = [_by_layers(ordered, levels, limits)]
    if depth and len(candidates[0]) > fewest:
        candidates.append(_wave_by_wave(ordered, limits))
    best = min(candidates, key=len)
    return Schedule(waves=tuple(_in_order(wave) for wave in best), bound=fewest, depth=depth)


def _in_order(wave: Sequence[Job]) -> tuple[str, ...]:
    return tuple(job.key for job in sorted(wave, key=lambda job: (job.order, job.key)))


def _levels(jobs: Sequence[Job]) -> dict[str, int]:
    """How many jobs must come before each one, one after the other."""
    by_key = {job.key: job for job in jobs}
    levels: dict[str, int] = {}
    for job in jobs:
        stack = [job.key]
        while stack:
            key = stack[-1]
            waiting = [other for other in sorted(by_key[key].after) if other not in levels]
            if waiting:
                stack += waiting
                continue
            stack.pop()
            levels[key] = 1 + max((levels[other] for other in by_key[key].after), default=-1)
    return levels


def _by_layers(jobs: Sequence[Job], levels: Mapping[str, int], limits: Limits) -> list[list[Job]]:
    layers: dict[int, list[Job]] = {}
    for job in jobs:
        layers.setdefault(levels[job.key], []).append(job)
    return [wave for _, layer in sorted(layers.items()) for wave in _coloured(layer, limits)]


def _coloured(jobs: Sequence[Job], limits: Limits) -> list[list[Job]]:
    classes: dict[int, list[Job]] = {}
    chosen = colour([(job.source, job.target) for job in jobs], limits)
    for job, number in zip(jobs, chosen, strict=True):
        classes.setdefault(number, []).append(job)
    return sorted(classes.values(), key=lambda wave: min((-j.size, j.order) for j in wave))


def _wave_by_wave(jobs: Sequence[Job], limits: Limits) -> list[list[Job]]:
    """Each wave takes the most urgent of the jobs that need wait for nothing.

    A job's urgency only falls while jobs leave its hosts. So one heap serves all waves: what comes
    up with an urgency that no longer holds goes back with the one that does.
    """
    queue = _Queue(jobs, limits)
    waves: list[list[Job]] = []
    while queue.ready:
        waves.append(queue.next_wave())
    return waves


@dataclass(slots=True)
class _Queue:
    """Jobs not yet in a wave. `ready`: those that wait for nothing, as (urgency, place in `jobs`).
    `gives` and `takes`: how many jobs each host has left on either side.
    """

    jobs: Sequence[Job]
    limits: Limits
    ready: list[tuple[_Urgency, int]] = field(default_factory=list)
    heights: dict[str, int] = field(default_factory=dict)
    missing: list[int] = field(default_factory=list)
    waiting: dict[str, list[int]] = field(default_factory=dict)
    gives: Counter[str] = field(default_factory=Counter)
    takes: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        keys = {job.key for job in self.jobs}
        self.heights = _levels(_reversed(self.jobs))
        self.gives.update(job.source for job in self.jobs)
        self.takes.update(job.target for job in self.jobs)
        for place, job in enumerate(self.jobs):
            blockers = job.after & keys
            self.missing.append(len(blockers))
            for key in blockers:
                self.waiting.setdefault(key, []).append(place)
        self._let_in(place for place, count in enumerate(self.missing) if not count)

    def next_wave(self) -> list[Job]:
        """Take the most urgent jobs that fit together."""
        wave: list[Job] = []
        kept: list[int] = []
        sources: Counter[str] = Counter()
        targets: Counter[str] = Counter()
        while self.ready and len(wave) < self.limits.total:
            urgency, place = heappop(self.ready)
            job = self.jobs[place]
            if (now := self._urgency(job)) != urgency:
                heappush(self.ready, (now, place))
            elif (
                sources[job.source] < self.limits.per_source
                and targets[job.target] < self.limits.per_target
            ):
                wave.append(job)
                sources[job.source] += 1
                targets[job.target] += 1
            else:
                kept.append(place)
        self.gives.subtract(sources)
        self.takes.subtract(targets)
        self._let_in(kept)
        self._let_in(self._freed(wave))
        return wave

    def _freed(self, wave: Sequence[Job]) -> list[int]:
        freed = []
        for job in wave:
            for place in self.waiting.get(job.key, ()):
                self.missing[place] -= 1
                if not self.missing[place]:
                    freed.append(place)
        return freed

    def _let_in(self, places: Iterable[int]) -> None:
        for place in places:
            heappush(self.ready, (self._urgency(self.jobs[place]), place))

    def _urgency(self, job: Job) -> _Urgency:
        height = self.heights[job.key]
        gives = self.gives[job.source] / self.limits.per_source
        takes = self.takes[job.target] / self.limits.per_target
        return (-(height + max(gives, takes)), -height, -job.size, job.order)


def _reversed(jobs: Sequence[Job]) -> list[Job]:
    waiting: dict[str, set[str]] = {job.key: set() for job in jobs}
    for job in jobs:
        for key in job.after:
            waiting[key].add(job.key)
    return [
        Job(
            key=j.key,
            source=j.source,
            target=j.target,
            order=j.order,
            after=frozenset(waiting[j.key]),
        )
        for j in jobs
    ]


# --- From classified changes to waves of steps: add; recover; move; rebalance.
#
# Nothing is decided here about where mirrors go. A copy whose slot is still held by another one waits
# for a later wave; copies that wait for each other around are freed by a temporary slot; what waits
# for a slot that this plan does not free is recovered where it was, or blocked.


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
    fallback = Fallback(in_place=in_place, free=_free_slots(changes, mirrors, fixed))
    changes = without_held_slots(changes, mirrors, fixed, fallback)
    temporary = temporary_slots(changes, mirrors, fallback.free, _longest_chain(changes, limits))
    changes = without_temporary_slots(changes, temporary, fallback)
    changes = without_held_slots(changes, mirrors, fixed, fallback)
    legs = [
        leg
        for order, change in enumerate(changes)
        for leg in _legs(change, order, temporary.get(change.content))
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


# --- Which utility moves which mirror: what becomes of the old directory decides.


Share = tuple[MoveEngine, tuple[Step, ...]]
"""The steps of a wave that one utility does, in native order."""


def share_out(waves: Sequence[PlannedWave], dialect: Dialect) -> list[tuple[Share, ...]]:
    """For each wave the utilities that do it, with their steps; one, save in one odd case."""
    return [
        tuple(_shares(wave, engine))
        for wave, engine in zip(waves, _engines(waves, dialect), strict=True)
    ]


def deletes_directory(step: Step) -> bool:
    """Whether gpmovemirrors, if it does the step, deletes a directory."""
    left = _directories(step.from_, step.to)
    return bool(left) and not keeps_some_directory(step)


def reuses_directory(step: Step) -> bool:
    """Whether the new copy lands in a directory of the old one, whose files it replaces
    (`pg_basebackup --force-overwrite`: gprecoverseg of 6.24.3 and 7.0.0, recorded).
    """
    here, there = step.from_, step.to
    if here is None or there is None or here.host != there.host:
        return False
    return not set(here.directories).isdisjoint(there.directories)


def _engines(waves: Sequence[PlannedWave], dialect: Dialect) -> list[MoveEngine]:
    """The utility for each wave of moves: the dialect's, or gpmovemirrors where a later wave needs a
    directory that this one leaves, because gprecoverseg would keep it full.
    """
    needed_later: set[tuple[str, str]] = set()
    engines: list[MoveEngine] = []
    for wave in reversed(waves):
        left = {key for step in wave.steps for key in _directories(step.from_, step.to)}
        reused = wave.action is Action.MOVE and not left.isdisjoint(needed_later)
        engines.append("gpmovemirrors" if reused else dialect.move_engine)
        needed_later |= {key for step in wave.steps for key in _directories(step.to, step.from_)}
    return engines[::-1]


def _shares(wave: PlannedWave, engine: MoveEngine) -> Iterator[Share]:
    keeping = tuple(step for step in wave.steps if keeps_some_directory(step))
    if wave.action is not Action.MOVE or engine == "gprecoverseg" or not keeping:
        yield ("gprecoverseg" if wave.action is not Action.MOVE else engine), wave.steps
        return
    # gpmovemirrors tells directories apart by address: it would delete the one just filled.
    yield "gprecoverseg", keeping
    rest = tuple(step for step in wave.steps if step not in keeping)
    if rest:
        yield "gpmovemirrors", rest


def keeps_some_directory(step: Step) -> bool:
    """Whether the copy keeps a directory on its host while its address or another directory
    changes: whether gpmovemirrors spares that one is on no record.
    """
    here, there = step.from_, step.to
    if here is None or there is None or not reuses_directory(step):
        return False
    return here.address != there.address or set(here.directories) != set(there.directories)


def _directories(of: Slot | None, other: Slot | None) -> set[tuple[str, str]]:
    """The directories of a slot that are not the other's too."""
    if of is None:
        return set()
    own = {(of.host, path) for path in of.directories}
    return own - ({(other.host, path) for path in other.directories} if other else set())
