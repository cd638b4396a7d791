"""What is at stake while each wave runs: native moves stop the old mirror before they copy."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gpmirror.plan.model import Action, Change, Exposure, WaveExposure
from gpmirror.plan.phases import Phases, PlannedWave
from gpmirror.plan.state import State


@dataclass(slots=True)
class _Tally:
    """Contents with one live copy, by the host that holds it, as the waves go by."""

    single: dict[int, str]
    by_host: Counter[str] = field(default_factory=Counter)
    beside: Counter[str] = field(default_factory=Counter)

    def start(self, content: int, host: str) -> None:
        if content not in self.single:
            self.single[content] = host
            self.by_host[host] += 1

    def end(self, content: int) -> None:
        host = self.single.pop(content, None)
        if host is not None:
            self.by_host[host] -= 1

    def worst(self) -> tuple[str | None, int]:
        """The host whose loss would lose most contents, and how many."""
        hosts = {*self.by_host, *self.beside}
        losses = [(self.by_host[host] + self.beside[host], host) for host in hosts]
        most, host = max(losses, key=lambda loss: (loss[0], loss[1]), default=(0, ""))
        return (host, most) if most else (None, 0)


def expose(phases: Phases, state: State) -> Exposure:
    """Exposure wave by wave and of the whole plan."""
    changes = {change.content: change for change in phases.changes}
    tally = _Tally({})
    for copy in state.copies.values():
        if copy.is_single:
            tally.start(copy.content, copy.acting.host)
        elif copy.idle is not None and copy.idle.host == copy.acting.host:
            tally.beside[copy.acting.host] += 1
    waves = tuple(
        _wave(number, wave, changes, tally, state)
        for number, wave in enumerate(phases.waves, start=1)
    )
    sizes = [wave.bytes for wave in waves]
    return Exposure(
        waves=waves,
        most_single=max((len(w.single) + w.already_single for w in waves), default=0),
        most_lost_with_one_host=max((w.worst_host_loses for w in waves), default=0),
        bytes=_sum(sizes),
        bound=phases.bound,
        depth=phases.depth,
    )


def _wave(
    number: int, wave: PlannedWave, changes: Mapping[int, Change], tally: _Tally, state: State
) -> WaveExposure:
    contents = sorted(step.content for step in wave.steps)
    # A rebalance needs both copies and loses none; for a moment it has one.
    newly = [content for content in contents if content not in tally.single]
    for content in newly:
        tally.start(content, state.copies[content].acting.host)
    host, loses = tally.worst()
    already = len(tally.single) - len(contents)
    for content in contents:
        tally.end(content)
    copied = wave.action is not Action.REBALANCE
    return WaveExposure(
        wave=number,
        single=tuple(contents),
        newly_single=len(newly),
        already_single=already,
        worst_host=host,
        worst_host_loses=loses,
        bytes=_sum([changes[content].size for content in contents]) if copied else 0,
    )


def _sum(sizes: Sequence[int | None]) -> int | None:
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None
