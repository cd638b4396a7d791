"""From the native utilities' own files to a spec, as far as each of them tells."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import assert_never

from gpmirror.diagnostics import Diagnostic, Place
from gpmirror.errors import InvalidInput
from gpmirror.infer.facts import Inferred, PortRule, find_machines
from gpmirror.infer.fit import SPEC_NAME, spec_text
from gpmirror.infer.inference import infer_spec
from gpmirror.infer.slots import USUAL_OFFSET, Turn, root_of, roots_by_host, template_of
from gpmirror.model.dialect import DIALECTS, USUAL
from gpmirror.model.names import natural
from gpmirror.model.observed import Observed, in_canonical_order
from gpmirror.model.segment import Mode, Role, Segment, Status
from gpmirror.native.initsystem import ArrayRow, InitSystem
from gpmirror.native.lines import AddFile, ExpandFile, Grammar, MoveFile
from gpmirror.native.reader import NativeFile
from gpmirror.placement.hosts import DirectoryTemplate
from gpmirror.spec import load
from gpmirror.spec.model import Bases, Host, Offset, Pin, Spec, Strategy
from gpmirror.values import dataclass

# --- A pinned spec from mirrors alone: a native file that does not show the primaries.


_ONE_HOST = (
    "the file names one host only and no primaries: on a single-host system add "
    "`allow_same_host: true` under `mirrors`"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Where a file puts one content's mirror. Ports are TCP ports."""

    content: int
    hostname: str
    address: str
    port: int
    directory: str
    replication_port: int | None
    primary_replication_port: int | None
    filespaces: tuple[tuple[str, str], ...]


def pinned_spec(
    source: str, name: str, grammar: Grammar, wishes: Sequence[Wish], remarks: tuple[str, ...]
) -> Inferred:
    """The spec. It is loaded, but without primaries there is no plan to prove it with."""
    machines = find_machines([_mirror_row(wish) for wish in wishes])
    owners = {alias: host for host in machines.hosts for alias in (host.name, *host.addresses)}
    directory = template_of([(wish.directory, wish.content) for wish in wishes], "")
    ring = sorted(machines.hosts, key=lambda host: natural(host.name))
    hosts = _with_roots(ring, owners, wishes, directory)
    draft = Spec(
        cluster=name,
        hosts=hosts,
        strategy=Strategy.PINNED,
        ports=_ports(grammar, wishes),
        directory=directory.text,
        pins=tuple(_pin(wish, owners) for wish in sorted(wishes, key=lambda w: w.content)),
    )
    if len(hosts) == 1:
        remarks = (*remarks, _ONE_HOST)
    header = [_origin(source, wishes), _NOT_PROVED, *(f"Note: {one}." for one in remarks)]
    text = spec_text(draft, header)
    spec = load(text.encode(), SPEC_NAME)
    return Inferred(
        text=text,
        spec=spec,
        strategy=spec.strategy,
        pins=len(spec.pins),
        remarks=remarks,
        plan=None,
    )


def _mirror_row(wish: Wish) -> Segment:
    return Segment(
        dbid=wish.content,
        content=wish.content,
        role=Role.MIRROR,
        preferred_role=Role.MIRROR,
        mode=Mode.SYNCED,
        status=Status.UP,
        port=wish.port,
        hostname=wish.hostname,
        address=wish.address,
        directory=wish.directory,
    )


def _with_roots(
    hosts: Sequence[Host],
    owners: dict[str, Host],
    wishes: Sequence[Wish],
    directory: DirectoryTemplate,
) -> tuple[Host, ...]:
    turns: dict[str, dict[str, list[Turn]]] = {"": {}}
    for wish in sorted(wishes, key=lambda one: one.port):
        host = owners[wish.hostname].name
        for name, path in (("", wish.directory), *wish.filespaces):
            listed = turns.setdefault(name, {}).setdefault(host, [])
            listed.append((len(listed), _root(directory, path, wish.content, host)))
    by_filespace = {name: roots_by_host(found) for name, found in turns.items()}
    system = by_filespace.pop("")
    return tuple(
        replace(
            host,
            roots=system[host.name],
            filespace_roots=tuple(
                (name, found.get(host.name) or next(iter(found.values())))
                for name, found in sorted(by_filespace.items())
            ),
        )
        for host in hosts
    )


def _root(directory: DirectoryTemplate, path: str, content: int, host: str) -> str:
    return root_of(directory, path, content, host) or path.rpartition("/")[0] or path


def _ports(grammar: Grammar, wishes: Sequence[Wish]) -> PortRule:
    lowest = min(wish.port for wish in wishes)
    if grammar is Grammar.PIPE:
        return Bases(mirror_base=lowest)
    mirrors = [one.replication_port for one in wishes if one.replication_port]
    primaries = [one.primary_replication_port for one in wishes if one.primary_replication_port]
    if not mirrors or not primaries:
        return Offset(USUAL_OFFSET)
    return Bases(
        mirror_base=lowest,
        replication_base=min(primaries),
        mirror_replication_base=min(mirrors),
    )


def _pin(wish: Wish, owners: dict[str, Host]) -> Pin:
    host = owners[wish.hostname]
    return Pin(
        content=wish.content,
        host=host.name,
        address=wish.address if len(host.addresses) > 1 else None,
        port=wish.port,
        directory=wish.directory,
        replication_port=wish.replication_port,
        filespaces=wish.filespaces,
        place=Place(file=""),
    )


def _origin(source: str, wishes: Sequence[Wish]) -> str:
    count = len(wishes)
    name = source.rpartition("/")[2]
    return f"Written by `gpmirror import` from {name}: {count} mirror{'s' * (count != 1)}."


_NOT_PROVED = "Checked for form only: plan it against a catalog to see what it does."


# --- A spec from a gpinitsystem configuration, which names no hosts: bases, roots, strategy.


_UNKNOWN_ROOTS = ("/data/mirror",)


def spec_of_settings(found: InitSystem, name: str) -> Inferred:
    """The spec, with placeholders for hosts: they stand in another file, or nowhere."""
    is_spread = (found.mirror_type or "").lower() == "spread"
    strategy = Strategy.SPREAD if is_spread else Strategy.GROUP
    count = max(2, len(found.data_directories) + 1)
    roots = found.mirror_directories or tuple(_guessed(found.data_directories)) or _UNKNOWN_ROOTS
    hosts = tuple(_placeholder(f"sdw{number}", roots) for number in range(1, count + 1))
    draft = Spec(cluster=name, hosts=hosts, strategy=strategy, ports=_port_rule(found))
    remarks = tuple(_remarks(found))
    text = spec_text(
        draft,
        [_written_from(found), *(f"{one[0].upper()}{one[1:]}." for one in remarks)],
        guessed=() if found.mirror_directories else [host.name for host in hosts],
    )
    spec = load(text.encode(), SPEC_NAME)
    return Inferred(
        text=text, spec=spec, strategy=spec.strategy, pins=0, remarks=remarks, plan=None
    )


def _guessed(directories: Iterable[str]) -> Iterable[str]:
    for path in directories:
        above = path.rpartition("/")[0]
        yield path.replace("primary", "mirror") if "primary" in path else f"{above}/mirror"


def _placeholder(name: str, roots: tuple[str, ...]) -> Host:
    return Host(name=name, addresses=(name,), roots=roots, place=Place(file=""))


def _port_rule(found: InitSystem) -> PortRule:
    if found.mirror_port_base is None:
        return Offset(USUAL_OFFSET)
    both = found.replication_port_base and found.mirror_replication_port_base
    return Bases(
        mirror_base=found.mirror_port_base,
        replication_base=found.replication_port_base if both else None,
        mirror_replication_base=found.mirror_replication_port_base if both else None,
    )


def _remarks(found: InitSystem) -> Iterable[str]:
    listed = f" of {found.machine_list_file}" if found.machine_list_file else ""
    yield f"the file names no hosts: put the hosts{listed} in place of sdw[...], in ring order"
    if not found.mirror_directories:
        yield "the file has no MIRROR_DATA_DIRECTORY: the roots are guessed"
    if found.mirror_port_base is None:
        yield "the file has no MIRROR_PORT_BASE: the offset is the usual 1000"
    yield "checked for form only: plan it against a catalog to see what it does"


def _written_from(found: InitSystem) -> str:
    name = found.name.rpartition("/")[2]
    return f"Written by `gpmirror import` from {name}, settings of gpinitsystem."


# --- From the native utilities' own files to a spec, as far as each of them tells.


_CONTENT = re.compile(r"(.*[^0-9])(0|[1-9][0-9]{0,5})")


def infer_from_native(found: NativeFile, *, name: str) -> Inferred:
    """A spec, named `name`, from a native file. Files that hold primaries are treated as a
    catalog; of the others only mirrors are known, which become pins.

    Raises InvalidInput: a file of moves whose directories do not show content IDs (GPM-P404), and
    as `infer_spec`.
    """
    match found:
        case AddFile():
            return pinned_spec(found.name, name, found.grammar, _added(found), _ADD_REMARKS)
        case MoveFile():
            return pinned_spec(found.name, name, found.grammar, _moved(found), _MOVE_REMARKS)
        case ExpandFile():
            return _protected(
                found, infer_spec(_of_expand(found), name=name, partly=_EXPAND_REMARK)
            )
        case InitSystem():
            if found.primaries:
                return infer_spec(_of_arrays(found), name=name)
            return spec_of_settings(found, name)
        case _:
            assert_never(found)


def _added(found: AddFile) -> list[Wish]:
    return [
        Wish(
            content=line.content,
            hostname=line.address,
            address=line.address,
            port=line.port,
            directory=line.directory,
            replication_port=line.replication_port,
            primary_replication_port=line.primary_replication_port,
            filespaces=line.filespaces,
        )
        for line in found.lines
    ]


def _moved(found: MoveFile) -> list[Wish]:
    contents = _contents_of(found)
    return [
        Wish(
            content=content,
            hostname=line.target.hostname or line.target.address,
            address=line.target.address,
            port=line.target.port,
            directory=line.target.directory,
            replication_port=line.target.replication_port,
            primary_replication_port=None,
            filespaces=line.target.filespaces,
        )
        for content, line in zip(contents, found.lines, strict=True)
    ]


def _contents_of(found: MoveFile) -> list[int]:
    """Content ids from the old directories' names: all alike but for a number at the end."""
    names = [line.old.directory.rstrip("/").rpartition("/")[2] for line in found.lines]
    matches = [match for name in names if (match := _CONTENT.fullmatch(name)) is not None]
    contents = [int(match[2]) for match in matches]
    stems = {match[1] for match in matches}
    if len(matches) == len(names) and len(stems) == 1 and len(set(contents)) == len(contents):
        return contents
    line = found.lines[0]
    raise InvalidInput(
        [
            Diagnostic(
                code="GPM-P404",
                message=f"{found.name} names mirrors by address, port and directory; their content "
                "ids cannot be told from the directories' names "
                f"({', '.join(repr(name) for name in names[:3])})",
                place=line.place or Place(file=found.name),
                hint="import a saved catalog: `gpmirror import --catalog FILE`",
            )
        ]
    )


def _of_expand(found: ExpandFile) -> Observed:
    rows = [
        _segment(
            _Row(
                dbid=line.dbid,
                content=line.content,
                hostname=line.hostname,
                address=line.address,
                port=line.port,
                directory=line.directory,
                replication_port=line.replication_port,
            ),
            line.role,
        )
        for line in found.lines
    ]
    return _observed(found.name, rows, is_old=found.grammar is Grammar.COLON)


def _of_arrays(found: InitSystem) -> Observed:
    coordinator = () if found.coordinator is None else (found.coordinator,)
    rows = [_segment(_row(row), Role.PRIMARY) for row in (*coordinator, *found.primaries)]
    rows += [_segment(_row(row), Role.MIRROR) for row in found.mirrors]
    is_old = any(row.replication_port is not None for row in (*found.primaries, *found.mirrors))
    return _observed(found.name, rows, is_old=is_old)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """What both kinds of segment list tell of one segment."""

    dbid: int
    content: int
    hostname: str
    address: str
    port: int
    directory: str
    replication_port: int | None


def _row(found: ArrayRow) -> _Row:
    return _Row(
        dbid=found.dbid,
        content=found.content,
        hostname=found.hostname,
        address=found.address,
        port=found.port,
        directory=found.directory,
        replication_port=found.replication_port,
    )


def _segment(row: _Row, role: Role) -> Segment:
    return Segment(
        dbid=row.dbid,
        content=row.content,
        role=role,
        preferred_role=role,
        mode=Mode.SYNCED,
        status=Status.UP,
        port=row.port,
        hostname=row.hostname,
        address=row.address,
        directory=row.directory,
        replication_port=row.replication_port,
    )


def _observed(name: str, rows: Sequence[Segment], *, is_old: bool) -> Observed:
    _check_primaries(name, rows)
    dialect = DIALECTS[USUAL[is_old]]
    return Observed(
        segments=in_canonical_order(rows), dialect=dialect, dialect_assumed=True, source=name
    )


def _check_primaries(name: str, rows: Iterable[Segment]) -> None:
    primaries = {row.content for row in rows if row.is_preferred_primary}
    orphans = sorted({row.content for row in rows} - primaries)
    if orphans:
        problem = Diagnostic(
            code="GPM-P402",
            message=f"{name} lists a mirror but no primary of content {orphans[0]}",
            place=Place(file=name),
            hint="complete the file, or import a saved catalog",
        )
        raise InvalidInput([problem])


def _protected(found: ExpandFile, inferred: Inferred) -> Inferred:
    """The spec without leave to put mirrors beside their primaries where only the file's own few
    hosts asked for it: it would hold on when the cluster's other hosts are listed.
    """
    if not inferred.spec.allow_same_host or any(line.role is Role.MIRROR for line in found.lines):
        return inferred
    leave = "  allow_same_host: true\n"
    text = inferred.text.replace(
        leave, "  # allow_same_host: true  # if the cluster has this one host only\n"
    )
    return replace(inferred, text=text, spec=load(text.encode(), SPEC_NAME))


_ADD_REMARKS = (
    "the file tells no primaries: list hosts that hold primaries only, with `weight: 0`",
    "each address counts as a host: put the interfaces of one machine under `addresses` of one",
)
_MOVE_REMARKS = (
    "content IDs are read from the directories' names",
    "a line may name a former primary whose roles are switched: check every pin",
    "only the contents of this file are pinned: choose a strategy, or pin the others too",
    *_ADD_REMARKS,
)
_EXPAND_REMARK = "the file tells of new segments only: list the cluster's other hosts too"
