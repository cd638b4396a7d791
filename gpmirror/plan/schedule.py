"""Relocations and recoveries into waves: within the limits, slots freed before they are reused."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from gpmirror.plan.colouring import Limits, bound, colour

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
