"""Waves with the exact text and command line that the native utilities get, and host actions."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import assert_never

from gpmirror.model.dialect import Dialect, MoveEngine
from gpmirror.model.segment import Slot
from gpmirror.native import write_add, write_move
from gpmirror.native.commands import (
    UtilityOptions,
    add_argv,
    move_argv,
    rebalance_argv,
    recover_argv,
)
from gpmirror.native.lines import AddLine, Location, MoveLine
from gpmirror.native.pipe import RECOVERY_KINDS, reads_hostnames
from gpmirror.plan.model import Action, HostAction, NamePair, NativeRun, Step, Wave
from gpmirror.plan.state import State
from gpmirror.plan.waves import PlannedWave, Share, share_out
from gpmirror.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeContext:
    """What the text depends on beside the steps. `primary_replication` by content (4.3, 5);
    `common_ip` as in `Observed`.
    """

    dialect: Dialect
    server_version: str | None
    filespaces: tuple[str, ...]
    told: UtilityOptions
    state: State
    primary_replication: Mapping[int, int | None]
    common_ip: Mapping[tuple[str, str], bool]

    @property
    def reads_hostnames(self) -> bool:
        """Whether gprecoverseg takes a hostname beside the address."""
        return reads_hostnames(self.dialect, self.server_version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The waves as they stand in the plan, and the hostname that each relocated copy will have in
    the catalog (6+; before, the utility asks the machine), by content. `names` are the pairs on
    which lines depend, `unfit` the hosts whose names no line can begin with, by content.
    """

    waves: tuple[Wave, ...]
    hostnames: Mapping[int, str]
    names: tuple[NamePair, ...]
    unfit: Mapping[int, str]


@dataclass(slots=True, kw_only=True)
class _Names:
    """What is learnt of names while lines are written."""

    hostnames: dict[int, str] = field(default_factory=dict)
    pairs: dict[tuple[str, str], bool | None] = field(default_factory=dict)
    unfit: dict[int, str] = field(default_factory=dict)


def write_waves(waves: Sequence[PlannedWave], context: NativeContext) -> Written:
    """The waves with their native text. Raises InvalidInput (GPM-N0nn) for names and paths that the
    dialect's files cannot carry.
    """
    names = _Names()
    shares = share_out(waves, context.dialect)
    written = tuple(
        Wave(
            number=number,
            action=wave.action,
            contents=tuple(sorted(step.content for step in wave.steps)),
            steps=wave.steps,
            native=tuple(_native(number, wave, share, context, names) for share in mine),
            host_actions=_host_actions(wave),
        )
        for number, (wave, mine) in enumerate(zip(waves, shares, strict=True), start=1)
    )
    pairs = (
        NamePair(hostname=hostname, address=address, shared=shared)
        for (hostname, address), shared in sorted(names.pairs.items())
    )
    return Written(waves=written, hostnames=names.hostnames, names=tuple(pairs), unfit=names.unfit)


def _native(
    number: int,
    wave: PlannedWave,
    share: Share,
    context: NativeContext,
    names: _Names,
) -> NativeRun:
    told, dialect = context.told, context.dialect
    engine, steps = share
    match wave.action:
        case Action.ADD:
            name = _file_name(number, "gpaddmirrors")
            text = _add_text(steps, context, names)
            argv = add_argv(dialect, name, told)
        case Action.MOVE:
            name = _file_name(number, engine)
            text = _move_text(steps, context, engine, names)
            argv = move_argv(dialect, engine, name, told)
        case Action.RECOVER:
            name = _file_name(number, "gprecoverseg")
            text = _move_text(steps, context, "gprecoverseg", names)
            assert wave.method is not None  # noqa: S101 - a recovery has a method
            argv = recover_argv(dialect, name, how=wave.method.value, told=told)
        case Action.REBALANCE:
            argv = rebalance_argv(dialect, told)
            return NativeRun(utility=argv[0], argv=argv, file_name=None, file_text=None)
        case Action.BLOCKED:
            raise AssertionError("blocked contents are in no wave")
        case _:
            assert_never(wave.action)
    return NativeRun(utility=argv[0], argv=argv, file_name=name, file_text=text)


def _file_name(number: int, utility: str) -> str:
    return f"wave-{number:03d}-{utility}.conf"


def _add_text(steps: Sequence[Step], context: NativeContext, names: _Names) -> str:
    names.hostnames |= {step.content: step.to.address for step in steps if step.to is not None}
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


def _move_text(
    steps: Sequence[Step],
    context: NativeContext,
    engine: MoveEngine,
    names: _Names,
) -> str:
    unknown = [step.content for step in steps if _unknown_directory(step)]
    if unknown:
        which = ", ".join(str(content) for content in sorted(unknown))
        return f"# not written: the catalog text does not show the directories of content {which}\n"
    lines = [_move_line(step, context, engine, names) for step in steps]
    version = context.server_version
    return write_move(
        context.dialect, lines, context.filespaces, server_version=version, engine=engine
    )


def _unknown_directory(step: Step) -> bool:
    return any(slot is not None and slot.directory is None for slot in (step.from_, step.to))


def _move_line(step: Step, context: NativeContext, engine: MoveEngine, names: _Names) -> MoveLine:
    assert step.from_ is not None  # noqa: S101 - only `add` comes from nowhere
    # The utility compares the old hostname with the catalog, so it must be the row's own.
    now = names.hostnames.get(step.content) or context.state.idle_hostname(step.content)
    old = _location(step.from_, context, now)
    if step.to is None or step.to == step.from_:
        return MoveLine(content=step.content, old=old)
    after = _hostname_after(step, context, engine, now, names)
    names.hostnames[step.content] = after
    return MoveLine(content=step.content, old=old, new=_location(step.to, context, after))


def _hostname_after(
    step: Step, context: NativeContext, engine: MoveEngine, now: str | None, names: _Names
) -> str:
    """The hostname that the utility will write. It takes one beside the address only where both are
    one machine to it; else it leaves the line out and ends with 0 (7.0.0, Greengage 6.27.1).
    """
    assert step.to is not None  # noqa: S101 - the caller has checked that it moves
    address = step.to.address
    wanted = context.state.hostname_of(step.to.host)
    if engine != "gprecoverseg" or not context.reads_hostnames or wanted == address:
        return address
    if now in RECOVERY_KINDS:
        names.unfit[step.content] = now or ""
        return address
    shared = context.common_ip.get((wanted, address))
    names.pairs[wanted, address] = shared
    return wanted if shared else address


def _location(slot: Slot, context: NativeContext, hostname: str | None) -> Location:
    return Location(
        address=slot.address,
        port=slot.port,
        directory=slot.directory or "",
        hostname=hostname if context.dialect.sets_hostname else None,
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
