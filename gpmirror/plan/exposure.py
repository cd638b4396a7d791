"""What is at stake while each wave runs: native moves stop the old mirror before they copy."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gpmirror.plan.model import Action, Change, Exposure, Method, Step, WaveExposure
from gpmirror.plan.phases import Phases, PlannedWave
from gpmirror.plan.state import State
from gpmirror.plan.timing import ASSUMED_RATE, chain_bytes, copying, seconds_for, total


@dataclass(slots=True)
class _Layout:
    """Hosts of all live copies, content by content, as the waves go by; and what each host holds
    alone, so that no wave has to look at every content.
    """

    places: dict[int, tuple[str, ...]] = field(default_factory=dict)
    alone: dict[str, int] = field(default_factory=dict)
    single: int = 0

    def put(self, content: int, hosts: tuple[str, ...]) -> None:
        """From now on the content's live copies stand on these hosts, twice the same if it must."""
        self._count(self.places.pop(content, ()), -1)
        self.places[content] = hosts
        self._count(hosts, 1)

    def _count(self, hosts: tuple[str, ...], number: int) -> None:
        self.single += number if len(hosts) == 1 else 0
        if len(set(hosts)) != 1:
            return
        left = self.alone.pop(hosts[0], 0) + number
        if left:
            self.alone[hosts[0]] = left

    def worst(self) -> tuple[str | None, int]:
        """The host whose loss would lose most contents, and how many."""
        return max(self.alone.items(), key=lambda found: (found[1], found[0]), default=(None, 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Volume:
    """What a wave copies whole, in all and on its longest chain; how many contents catch up."""

    bytes: int | None
    chain_bytes: int | None
    catching_up: int


def expose(phases: Phases, state: State, at_once: int) -> Exposure:
    """Exposure wave by wave and of the whole plan. `at_once`: how much a utility serves at once."""
    changes = {change.content: change for change in phases.changes}
    layout = _Layout()
    for copy in state.copies.values():
        layout.put(copy.content, copy.live_hosts)
    waves = tuple(
        _wave(number, wave, layout, state, _volume(wave, changes, at_once))
        for number, wave in enumerate(phases.waves, start=1)
    )
    return Exposure(
        waves=waves,
        most_single=max((len(w.single) + w.already_single for w in waves), default=0),
        most_lost_with_one_host=max((w.worst_host_loses for w in waves), default=0),
        bytes=total(wave.bytes for wave in waves),
        seconds=total(wave.seconds for wave in waves),
        rate=ASSUMED_RATE,
        catching_up=sum(wave.catching_up for wave in waves),
        bound=phases.bound,
        depth=phases.depth,
        none=tuple(sorted(c.content for c in state.copies.values() if not c.live_hosts)) or None,
    )


def _wave(
    number: int, wave: PlannedWave, layout: _Layout, state: State, volume: _Volume
) -> WaveExposure:
    contents = sorted(step.content for step in wave.steps)
    newly = sum(len(layout.places[content]) > 1 for content in contents)
    for step in wave.steps:
        layout.put(step.content, (survivor(wave, step, state),))
    host, loses = layout.worst()
    already = layout.single - len(contents)
    for step in wave.steps:
        layout.put(step.content, _afterwards(step, state))
    return WaveExposure(
        wave=number,
        single=tuple(contents),
        newly_single=newly,
        already_single=already,
        worst_host=host,
        worst_host_loses=loses,
        bytes=volume.bytes,
        chain_bytes=volume.chain_bytes,
        seconds=seconds_for(volume.chain_bytes, ASSUMED_RATE),
        catching_up=volume.catching_up,
    )


def survivor(wave: PlannedWave, step: Step, state: State) -> str:
    """The host of the one live copy that a content has while it is in the wave: its acting primary.
    A rebalance stops that one first, and the copy that takes over is alone.
    """
    if wave.action is Action.REBALANCE and step.from_ is not None:
        return step.from_.host
    return state.copies[step.content].acting.host


def _afterwards(step: Step, state: State) -> tuple[str, ...]:
    other = step.from_ if step.to is None else step.to
    acting = state.copies[step.content].acting.host
    return (acting,) if other is None else (acting, other.host)


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
