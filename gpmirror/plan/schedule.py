"""Relocations and recoveries into waves: within the limits, slots freed before they are reused."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gpmirror.plan.colouring import Limits, bound, colour


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
    waves: list[list[Job]] = []
    for level in sorted(set(levels.values())):
        layer = [job for job in jobs if levels[job.key] == level]
        waves += _coloured(layer, limits)
    return waves


def _coloured(jobs: Sequence[Job], limits: Limits) -> list[list[Job]]:
    classes: dict[int, list[Job]] = {}
    chosen = colour([(job.source, job.target) for job in jobs], limits)
    for job, number in zip(jobs, chosen, strict=True):
        classes.setdefault(number, []).append(job)
    return sorted(classes.values(), key=lambda wave: min((-j.size, j.order) for j in wave))


def _wave_by_wave(jobs: Sequence[Job], limits: Limits) -> list[list[Job]]:
    heights = _levels(_reversed(jobs))
    left = {job.key: job for job in jobs}
    waves: list[list[Job]] = []
    while left:
        load = _load(left.values(), limits)
        ready = [job for job in left.values() if not (job.after & left.keys())]
        ready.sort(key=lambda job: _urgency(job, heights, load))
        wave = _fill(ready, limits)
        for job in wave:
            del left[job.key]
        waves.append(wave)
    return waves


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


def _load(jobs: Iterable[Job], limits: Limits) -> dict[tuple[str, str], float]:
    load: dict[tuple[str, str], float] = {}
    for job in jobs:
        for side, host, limit in (
            ("source", job.source, limits.per_source),
            ("target", job.target, limits.per_target),
        ):
            load[side, host] = load.get((side, host), 0) + 1 / limit
    return load


def _urgency(
    job: Job, heights: Mapping[str, int], load: Mapping[tuple[str, str], float]
) -> tuple[float, float, int, int]:
    busiest = max(load["source", job.source], load["target", job.target])
    return (-(heights[job.key] + busiest), -heights[job.key], -job.size, job.order)


def _fill(ready: Sequence[Job], limits: Limits) -> list[Job]:
    wave: list[Job] = []
    sources: dict[str, int] = {}
    targets: dict[str, int] = {}
    for job in ready:
        s, t = sources.get(job.source, 0), targets.get(job.target, 0)
        if len(wave) < limits.total and s < limits.per_source and t < limits.per_target:
            wave.append(job)
            sources[job.source], targets[job.target] = s + 1, t + 1
    return wave
