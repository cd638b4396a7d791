"""What is at stake while each wave runs: native moves stop the old mirror before they copy."""

from collections.abc import Mapping
from dataclasses import dataclass

from gpmirror.cluster.content import Walk
from gpmirror.plan.model import Action, Change, Exposure, Method, WaveExposure
from gpmirror.plan.phases import Phases, PlannedWave
from gpmirror.plan.state import State
from gpmirror.plan.timing import ASSUMED_RATE, chain_bytes, copying, seconds_for, total


@dataclass(frozen=True, slots=True, kw_only=True)
class _Volume:
    """What a wave copies whole, in all and on its longest chain; how many contents catch up."""

    bytes: int | None
    chain_bytes: int | None
    catching_up: int


def expose(phases: Phases, state: State, at_once: int) -> Exposure:
    """Exposure wave by wave and of the whole plan. `at_once`: how much a utility serves at once."""
    changes = {change.content: change for change in phases.changes}
    walk = Walk(state.contents)
    none = walk.at_stake.none or None
    waves = tuple(
        _wave(number, wave, walk, _volume(wave, changes, at_once))
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
        none=none,
    )


def _wave(number: int, wave: PlannedWave, walk: Walk, volume: _Volume) -> WaveExposure:
    contents = sorted(step.content for step in wave.steps)
    newly = sum(walk.at_stake.live_copies(content) > 1 for content in contents)
    walk.begin(wave.steps)
    host, loses = walk.at_stake.worst()
    already = walk.at_stake.single_count - len(contents)
    walk.end(wave.steps)
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
