"""Whether the utilities are told what the plan says: their files read back, their command lines, the
hostnames that will result, and the directories that are made before.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace

from gpmirror.audit.claim import Claim, Falsehood, differ, have, told
from gpmirror.audit.ground import Ground
from gpmirror.audit.waves import keeps_a_directory
from gpmirror.errors import InvalidInput
from gpmirror.model.dialect import MoveEngine, has
from gpmirror.model.segment import Slot
from gpmirror.model.text import counted
from gpmirror.native import AddFile, AddLine, Location, MoveFile, MoveLine, read_native
from gpmirror.plan.model import (
    Action,
    Change,
    HostAction,
    Method,
    NamePair,
    NativeRun,
    Plan,
    Step,
    Wave,
)
from gpmirror.values import dataclass

_USUAL = {"hosts": 16, "per_host": 64}
"""What -B and -b are where they are left out."""

_KINDS = frozenset("IDFidf")
"""Hostnames that stand for a kind of recovery at the begin of a line."""

_NOT_WRITTEN = "# not written: the catalog text does not show the directories of content "


@dataclass(slots=True, kw_only=True)
class _Names:
    """The catalog's hostname of each content's other copy, as the lines so far leave it; which pairs
    of names lines depend on, and which hostnames no line can begin with.
    """

    now: dict[int, str]
    pairs: dict[tuple[str, str], bool | None] = field(default_factory=dict)
    written: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Run:
    """One run as it must be: the utility, its steps in the order of lines, and its command line."""

    utility: str
    steps: tuple[Step, ...]
    argv: tuple[str, ...]
    file_name: str | None


def judge_native(ground: Ground) -> list[Claim]:
    """The claims about what is run."""
    plan = ground.plan
    runs = sum(len(wave.native) for wave in plan.waves)
    actions = sum(len(wave.host_actions) for wave in plan.waves)
    names = _Names(
        now={
            number: one.idle.hostname
            for number, one in ground.standings.items()
            if one.idle is not None
        }
    )
    pairs = len(plan.names or ())
    lines: list[Falsehood] = []
    commands: list[Falsehood] = []
    for number, (wave, expected) in enumerate(zip(plan.waves, _expected(ground), strict=True)):
        where = f"waves[{number}].native"
        if len(wave.native) != len(expected):
            commands += differ(where, f"{len(wave.native)} runs", f"{len(expected)} runs")
            continue
        for at, (run, wanted) in enumerate(zip(wave.native, expected, strict=True)):
            commands += _command(f"{where}[{at}]", run, wanted)
            lines += _lines(ground, f"{where}[{at}].file_text", wave, run, wanted, names)
    return [
        Claim(
            name="native",
            said="the utilities' files, read back, say exactly the steps",
            false=tuple(lines),
        ),
        Claim(
            name="commands",
            said=f"{have(runs, 'command line')} the utilities and options that these waves need"
            if runs
            else "no utility is run",
            false=tuple(commands),
        ),
        Claim(
            name="host-actions",
            said=f"hosts first make {counted(actions, 'parent')} of new directories, and nothing else"
            if actions
            else "nothing is done on hosts before the waves",
            false=tuple(_host_actions(plan)),
        ),
        Claim(
            name="hostnames",
            said="it names the hostnames that the catalog will have, and "
            + (
                f"the {counted(pairs, 'pair')} of names that decide them"
                if pairs
                else "none of them depends on what a name resolves to"
            ),
            false=tuple(_hostnames(ground, names)),
        ),
    ]


# --- Which utility does which steps, and with which words.


def _expected(ground: Ground) -> list[list[_Run]]:
    """The runs of every wave. What one leaves full and a later one needs, gpmovemirrors must move."""
    needed: set[tuple[str, str]] = set()
    found: list[list[_Run]] = []
    changes = {change.content: change for change in ground.plan.changes}
    for wave in reversed(ground.plan.waves):
        engine = ground.dialect.move_engine
        if any(not needed.isdisjoint(_gone(step.from_, step.to)) for step in wave.steps):
            engine = "gpmovemirrors"
        found.append([_run(ground, wave, changes, *share) for share in _shares(wave, engine)])
        needed.update(place for step in wave.steps for place in _gone(step.to, step.from_))
    return found[::-1]


def _gone(slot: Slot | None, other: Slot | None) -> set[tuple[str, str]]:
    """Directories of a slot that are not the other's too."""
    mine = set() if slot is None else {(slot.host, path) for path in slot.directories}
    return mine - (set() if other is None else {(other.host, path) for path in other.directories})


def _shares(wave: Wave, engine: MoveEngine) -> list[tuple[MoveEngine, tuple[Step, ...]]]:
    """Gpmovemirrors tells directories apart by address: copies that stay in theirs are not its own."""
    if wave.action is not Action.MOVE:
        return [("gprecoverseg", wave.steps)]
    keeping = tuple(step for step in wave.steps if keeps_a_directory(step))
    if engine == "gprecoverseg" or not keeping:
        return [(engine, wave.steps)]
    others = tuple(step for step in wave.steps if not keeps_a_directory(step))
    return [("gprecoverseg", keeping), *([("gpmovemirrors", others)] if others else [])]  # type: ignore[list-item]


def _run(
    ground: Ground,
    wave: Wave,
    changes: Mapping[int, Change],
    engine: MoveEngine,
    steps: tuple[Step, ...],
) -> _Run:
    utility = "gpaddmirrors" if wave.action is Action.ADD else engine
    name = f"wave-{wave.number:03d}-{utility}.conf"
    change = changes.get(steps[0].content) if steps else None
    method = None if change is None or wave.action is not Action.RECOVER else change.method
    argv: list[str] = [utility]
    if utility != "gpmovemirrors":  # it asks nothing and knows no -a
        argv.append("-a")
    if wave.action is Action.REBALANCE:
        argv.append("-r")
    if method is Method.FULL:
        argv.append("-F")
    if method is Method.DIFFERENTIAL:
        argv.append("--differential")
    if wave.action is not Action.REBALANCE:
        argv += ["-i", name]
    copies = (wave.action, utility) == (Action.MOVE, "gprecoverseg") or method is Method.FULL
    argv += _options(ground, wave.action, copies=copies)
    file_name = None if wave.action is Action.REBALANCE else name
    return _Run(utility, steps, tuple(argv), file_name)


def _options(ground: Ground, action: Action, *, copies: bool) -> Iterator[str]:
    given = ground.plan.settings.apply.native
    if given.hosts != _USUAL["hosts"]:
        yield from ("-B", str(given.hosts))
    if given.per_host != _USUAL["per_host"] and ground.dialect.knows_per_host:
        yield from ("-b", str(given.per_host))
    if given.verbose:
        yield "-v"
    if action is Action.REBALANCE:
        if given.replay_lag is not None:
            yield from ("--replay-lag", f"{given.replay_lag:g}")
        return
    if given.hba_hostnames:
        yield "--hba-hostnames"
    if copies and given.max_rate is not None:
        yield from ("--max-rate", given.max_rate)


def _command(where: str, run: NativeRun, wanted: _Run) -> Iterator[Falsehood]:
    yield from differ(f"{where}.utility", run.utility, wanted.utility)
    yield from differ(f"{where}.argv", " ".join(run.argv), " ".join(wanted.argv))
    if run.argv != wanted.argv and " ".join(run.argv) == " ".join(wanted.argv):
        yield Falsehood(f"{where}.argv", repr(run.argv), repr(wanted.argv))
    yield from differ(f"{where}.file_name", run.file_name, wanted.file_name)


# --- The files, read back as the utilities read them.


def _lines(
    ground: Ground, where: str, wave: Wave, run: NativeRun, wanted: _Run, names: _Names
) -> Iterator[Falsehood]:
    if wave.action is Action.REBALANCE:
        if run.file_text is not None:
            yield Falsehood(where, "a file", "none: a rebalance takes none")
        return
    if run.file_text is None:
        yield Falsehood(where, "none", "a file")
        return
    if wave.action is not Action.ADD and any(_untold(step) for step in wanted.steps):
        contents = sorted(step.content for step in wanted.steps if _untold(step))
        yield from differ(where, run.file_text, f"{_NOT_WRITTEN}{told(contents)}\n")
        return
    try:
        read = read_native(run.file_text.encode(), where, ground.dialect)
    except InvalidInput as refused:
        for found in refused.diagnostics:
            yield Falsehood(
                str(found.place or where), found.message, "a file that its utility reads"
            )
        return
    rows = run.file_text.split("\n")
    entries = len(wanted.steps) + bool(ground.dialect.has_filespaces)
    if len(rows) != entries + 1 or rows[-1] or any(row != row.strip() for row in rows):
        yield Falsehood(
            where, f"{len(rows) - 1} rows", f"{entries} rows without blanks around them"
        )
    if wave.action is Action.ADD:
        yield from _added(ground, where, wanted, read, names)
    else:
        yield from _moved(ground, where, wanted, read, names)


def _untold(step: Step) -> bool:
    return any(slot is not None and slot.directory is None for slot in (step.from_, step.to))


def _added(
    ground: Ground, where: str, wanted: _Run, read: object, names: _Names
) -> Iterator[Falsehood]:
    if not isinstance(read, AddFile):
        yield Falsehood(where, "a file of another utility", "one of gpaddmirrors")
        return
    yield from _filespaces(ground, where, read)
    expected = []
    for step in wanted.steps:
        to = step.to
        if to is None:
            continue
        primary = ground.wanted[step.content].primary if step.content in ground.wanted else None
        names.written[step.content] = names.now[step.content] = to.address
        expected.append(
            AddLine(
                content=step.content,
                address=to.address,
                port=to.port,
                directory=to.directory or "",
                replication_port=to.replication_port,
                primary_replication_port=None if primary is None else primary.replication_port,
                filespaces=to.filespaces,
            )
        )
    yield from _same_lines(where, read.lines, expected)


def _moved(
    ground: Ground, where: str, wanted: _Run, read: object, names: _Names
) -> Iterator[Falsehood]:
    if not isinstance(read, MoveFile):
        yield Falsehood(where, "a file of another utility", f"one of {wanted.utility}")
        return
    yield from _filespaces(ground, where, read)
    expected = [_line(ground, step, wanted.utility, names) for step in wanted.steps]
    yield from _same_lines(where, read.lines, [line for line in expected if line is not None])


def _filespaces(ground: Ground, where: str, read: AddFile | MoveFile) -> Iterator[Falsehood]:
    known = ground.catalog.filespaces
    if not known and ground.dialect.has_filespaces and ground.mirrors:
        known = tuple(name for name, _ in next(iter(ground.mirrors.values())).filespaces)
    yield from differ(f"{where}, filespaces", sorted(read.filespaces), sorted(known))


def _line(ground: Ground, step: Step, utility: str, names: _Names) -> MoveLine | None:
    """The line of a step. One that stays in its place names that alone. A new place tells a hostname
    where the release reads one and the coordinator finds both names at one address, else the address
    becomes the hostname.
    """
    old, new = step.from_, step.to
    if old is None:
        return None
    if new is None or new == old:
        return MoveLine(old=_old_place(old, None))
    now = names.now.get(step.content)
    wanted = ground.hostnames.get(new.host, new.host)
    hostname = new.address
    reads = has(ground.dialect.hostnames, ground.plan.observed.server_version)
    if utility == "gprecoverseg" and reads and wanted != new.address and now not in _KINDS:
        shared = ground.shared.get((wanted, new.address))
        names.pairs[wanted, new.address] = shared
        hostname = wanted if shared else new.address
    names.now[step.content] = names.written[step.content] = hostname
    if hostname == new.address:
        return MoveLine(old=_old_place(old, None), new=_place(new, None))
    return MoveLine(old=_old_place(old, now), new=_place(new, hostname))


def _old_place(slot: Slot, hostname: str | None) -> Location:
    """An old place as a file tells it, without replication port and filespaces."""
    return Location(
        address=slot.address,
        port=slot.port,
        directory=slot.directory or "",
        hostname=hostname,
    )


def _place(slot: Slot, hostname: str | None) -> Location:
    """A new place as a file tells it."""
    old = _old_place(slot, hostname)
    return replace(old, replication_port=slot.replication_port, filespaces=slot.filespaces)


def _same_lines(
    where: str, read: Sequence[AddLine | MoveLine], expected: Sequence[AddLine | MoveLine]
) -> Iterator[Falsehood]:
    if len(read) != len(expected):
        yield Falsehood(where, f"{len(read)} lines", f"{len(expected)} steps")
        return
    for line, wanted in zip(read, expected, strict=True):
        if line != wanted:
            yield Falsehood(f"{where}, line {line.line}", _line_told(line), _line_told(wanted))


def _line_told(line: AddLine | MoveLine) -> str:
    if isinstance(line, AddLine):
        ports = told([line.port, line.replication_port, line.primary_replication_port])
        return f"content {line.content} at {line.address} {ports} {_paths_told(line)}"
    new = "in place" if line.new is None else f"-> {_location_told(line.new)}"
    return f"{_location_told(line.old)} {new}"


def _location_told(place: Location) -> str:
    name = "" if place.hostname is None else f"{place.hostname} "
    ports = (
        f"{place.port}"
        if place.replication_port is None
        else f"{place.port}/{place.replication_port}"
    )
    return f"{name}{place.address}:{ports} {_paths_told(place)}"


def _paths_told(place: AddLine | Location) -> str:
    return " ".join((place.directory, *(f"{name}={path}" for name, path in place.filespaces)))


# --- Directories that are made, and names.


def _host_actions(plan: Plan) -> Iterator[Falsehood]:
    for number, wave in enumerate(plan.waves):
        parents = {
            (step.to.host, path.rpartition("/")[0] or "/")
            for step in wave.steps
            if step.to is not None and step.to != step.from_
            for path in step.to.directories
        }
        wanted = [
            HostAction(host=host, action="make-parent", path=path, mode="0700")
            for host, path in sorted(parents)
        ]
        where = f"waves[{number}].host_actions"
        for extra in sorted(set(wave.host_actions) - set(wanted), key=_action_told):
            yield Falsehood(where, _action_told(extra), "no new directory needs it")
        for missing in sorted(set(wanted) - set(wave.host_actions), key=_action_told):
            yield Falsehood(where, "left out", _action_told(missing))
        if set(wanted) == set(wave.host_actions) and list(wave.host_actions) != wanted:
            yield Falsehood(where, "another order", "each once, by host and path")


def _action_told(one: HostAction) -> str:
    return f"{one.action} {one.path} ({one.mode}) on {one.host}"


def _hostnames(ground: Ground, names: _Names) -> Iterator[Falsehood]:
    pairs = [
        NamePair(hostname=hostname, address=address, shared=shared)
        for (hostname, address), shared in sorted(names.pairs.items())
    ]
    yield from differ("names", _pairs_told(ground.plan.names or ()), _pairs_told(pairs))
    for change in ground.plan.changes:
        one = ground.standings.get(change.content)
        after = names.written.get(change.content)
        if one is None:
            continue
        usual = {None if one.idle is None else one.idle.hostname}
        if change.to is not None:
            usual.add(ground.hostnames.get(change.to.host, change.to.host))
        renamed = ground.dialect.sets_hostname and change.to is not None and after not in usual
        true = after if renamed else None
        yield from differ(
            f"changes, content {change.content}, hostname_after", change.hostname_after, true
        )


def _pairs_told(pairs: Iterable[NamePair]) -> list[str]:
    return [f"{one.hostname} and {one.address}: {told(one.shared)}" for one in pairs]
