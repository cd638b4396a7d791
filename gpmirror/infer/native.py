"""From the native utilities' own files to a spec, as far as each of them tells."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from gpmirror.cluster.dialect import DIALECTS, USUAL
from gpmirror.cluster.observed import Observed, in_canonical_order
from gpmirror.cluster.segment import Mode, Role, Segment, Status
from gpmirror.diagnostics import Diagnostic, Place
from gpmirror.errors import InvalidInput
from gpmirror.gputils import (
    AddFile,
    ArrayRow,
    ExpandFile,
    Grammar,
    InitSystem,
    MoveFile,
    NativeFile,
)
from gpmirror.infer.inference import infer_spec
from gpmirror.infer.model import Inferred
from gpmirror.infer.pinning import Wish, pinned_spec
from gpmirror.infer.proof import SPEC_NAME
from gpmirror.infer.settings import spec_of_settings
from gpmirror.spec import load

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
