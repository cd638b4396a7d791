"""Waves with the exact text and command line that the native utilities get, and host actions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from gpmirror.cluster.dialect import Dialect
from gpmirror.cluster.segment import Slot
from gpmirror.gputils import AddLine, Location, MoveLine, write_add, write_move
from gpmirror.gputils.commands import (
    Parallelism,
    add_argv,
    move_argv,
    rebalance_argv,
    recover_argv,
)
from gpmirror.gputils.lines import MoveEngine
from gpmirror.plan.model import Action, HostAction, Method, NativeRun, Step, Wave
from gpmirror.plan.phases import PlannedWave
from gpmirror.plan.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeContext:
    """What the text depends on beside the steps. `primary_replication` by content (4.3, 5)."""

    dialect: Dialect
    server_version: str | None
    filespaces: tuple[str, ...]
    parallelism: Parallelism
    state: State
    primary_replication: Mapping[int, int | None]


def write_waves(waves: Sequence[PlannedWave], context: NativeContext) -> tuple[Wave, ...]:
    """The waves as they stand in the plan. Raises InvalidInput (GPM-N0nn) for names and paths that
    the dialect's files cannot carry.
    """
    engines = _engines(waves, context.dialect)
    return tuple(
        Wave(
            number=number,
            action=wave.action,
            contents=tuple(sorted(step.content for step in wave.steps)),
            steps=wave.steps,
            native=(_native(number, wave, context, engine),),
            host_actions=_host_actions(wave),
        )
        for number, (wave, engine) in enumerate(zip(waves, engines, strict=True), start=1)
    )


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


def _directories(of: Slot | None, other: Slot | None) -> set[tuple[str, str]]:
    """The directories of a slot that are not the other's too."""
    if of is None:
        return set()
    own = {(of.host, path) for path in of.directories}
    return own - ({(other.host, path) for path in other.directories} if other else set())


def _native(
    number: int, wave: PlannedWave, context: NativeContext, engine: MoveEngine
) -> NativeRun:
    parallelism, dialect = context.parallelism, context.dialect
    match wave.action:
        case Action.ADD:
            name = _file_name(number, "gpaddmirrors")
            text = _add_text(wave.steps, context)
            argv = add_argv(dialect, name, parallelism)
        case Action.MOVE:
            name = _file_name(number, engine)
            text = _move_text(wave.steps, context, engine)
            argv = move_argv(dialect, engine, name, parallelism)
        case Action.RECOVER:
            name = _file_name(number, "gprecoverseg")
            text = _move_text(wave.steps, context, "gprecoverseg")
            full = wave.method is Method.FULL
            argv = recover_argv(dialect, name, full=full, native=parallelism)
        case Action.REBALANCE:
            argv = rebalance_argv(dialect, parallelism)
            return NativeRun(utility=argv[0], argv=argv, file_name=None, file_text=None)
        case Action.BLOCKED:
            raise AssertionError("blocked contents are in no wave")
        case _:
            assert_never(wave.action)
    return NativeRun(utility=argv[0], argv=argv, file_name=name, file_text=text)


def _file_name(number: int, utility: str) -> str:
    return f"wave-{number:03d}-{utility}.conf"


def _add_text(steps: Sequence[Step], context: NativeContext) -> str:
    lines = [
        AddLine(
            content=step.content,
            address=step.to.address,
            port=step.to.port,
            directory=step.to.directory or "",
            replication_port=step.to.replication_port,
            primary_replication_port=context.primary_replication.get(step.content),
            filespaces=step.to.filespaces,
        )
        for step in steps
        if step.to is not None
    ]
    return write_add(context.dialect, lines, context.filespaces)


def _move_text(steps: Sequence[Step], context: NativeContext, engine: MoveEngine) -> str:
    unknown = [step.content for step in steps if _unknown_directory(step)]
    if unknown:
        names = ", ".join(str(content) for content in sorted(unknown))
        return f"# not written: the catalog text does not tell the directories of content {names}\n"
    lines = [
        MoveLine(
            content=step.content,
            old=_location(step.from_, context),
            new=None if step.to == step.from_ or step.to is None else _location(step.to, context),
        )
        for step in steps
        if step.from_ is not None
    ]
    version = context.server_version
    return write_move(
        context.dialect, lines, context.filespaces, server_version=version, engine=engine
    )


def _unknown_directory(step: Step) -> bool:
    return any(slot is not None and slot.directory is None for slot in (step.from_, step.to))


def _location(slot: Slot, context: NativeContext) -> Location:
    return Location(
        address=slot.address,
        port=slot.port,
        directory=slot.directory or "",
        hostname=None if context.dialect.file_replication else context.state.hostname_of(slot.host),
        replication_port=slot.replication_port,
        filespaces=slot.filespaces,
    )


def _host_actions(wave: PlannedWave) -> tuple[HostAction, ...]:
    parents = {
        (step.to.host, path.rpartition("/")[0] or "/")
        for step in wave.steps
        if step.to is not None and step.to != step.from_
        for path in step.to.directories
    }
    return tuple(
        HostAction(host=host, action="make-parent", path=path, mode="0700")
        for host, path in sorted(parents)
    )
