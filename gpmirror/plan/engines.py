"""Which utility moves which mirror: what becomes of the old directory decides."""

from collections.abc import Iterator, Sequence

from gpmirror.cluster.dialect import Dialect
from gpmirror.cluster.segment import Slot
from gpmirror.gputils.lines import MoveEngine
from gpmirror.plan.model import Action, Step
from gpmirror.plan.phases import PlannedWave

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
