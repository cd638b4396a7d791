"""Rows fetched from a server into the observed cluster: same checks and codes as for text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gpmirror.catalog import codes
from gpmirror.catalog.cells import shown
from gpmirror.catalog.detect import Evidence, Verdict, settle, version_evidence
from gpmirror.catalog.filespaces import read_directories, with_directories
from gpmirror.catalog.rows import read_rows
from gpmirror.catalog.sanity import check_sane
from gpmirror.catalog.source import Source
from gpmirror.catalog.tables import Kind, Shape, Table
from gpmirror.cluster.dialect import DIALECTS, USUAL, Dialect, DialectName
from gpmirror.cluster.observed import Observed, in_canonical_order
from gpmirror.cluster.replication import CopyProgress, Replication
from gpmirror.cluster.segment import Segment
from gpmirror.diagnostics import Diagnostic
from gpmirror.errors import InvalidInput

Row = tuple[str | None, ...]
"""Cells as text, None for NULL."""

_LONGEST_VERSION = 120
_DAMAGED = "the catalog itself is damaged: have it repaired before any mirror work"
_ELSEWHERE = "connect to the coordinator: segments keep no rows of gp_segment_configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What a server answered. `server` names it in messages; `columns` are those of `segments`;
    `directories` are (dbid, filespace, directory), None where segments tell them; `sizes` are
    (content, bytes).
    """

    server: str
    dialect: Dialect
    version: str | None
    columns: tuple[str, ...]
    segments: Sequence[Row]
    directories: Sequence[Row] | None = None
    system_identifier: str | None = None
    notes: tuple[str, ...] = ()


def family_of(said: str, server: str, wanted: DialectName | None) -> Verdict:
    """The family of a server by its version(); `wanted` is what the spec says.

    Raises:
        InvalidInput: it is no Greenplum, or not of the family that the spec names.
    """
    source = _source(server)
    try:
        versions = version_evidence(source, said)
    except InvalidInput:
        versions = []
    if not versions:
        raise InvalidInput([_no_greenplum(source, said)])
    anything = Evidence(
        allowed=frozenset(DialectName), preferred=USUAL[False], settled=False, proof=""
    )
    return settle(source, anything, versions, wanted)


def observed_from(fetched: Fetched) -> Observed:
    """The observed cluster. Raises InvalidInput: it is not sane (every finding)."""
    source = _source(fetched.server)
    table = _table(Kind.SEGMENTS, fetched.columns, fetched.segments)
    segments, problems = read_rows(source, table, fetched.dialect)
    _refuse(problems)
    if fetched.directories is not None:
        segments = _with_directories(source, segments, fetched.directories)
    _refuse(check_sane(source, segments, _DAMAGED if segments else _ELSEWHERE))
    return Observed(
        segments=in_canonical_order(segments),
        dialect=fetched.dialect,
        server_version=fetched.version,
        system_identifier=fetched.system_identifier,
        filespaces=tuple(sorted({name for row in segments for name, _ in row.filespaces})),
        source=fetched.server,
        notes=fetched.notes,
    )


def replication_from(rows: Iterable[Row]) -> tuple[Replication, ...]:
    """Who streams, by content. A content without any connection has a row of NULLs: left out."""
    found = [
        Replication(
            content=int(content),
            application_name=name,
            state=state or "",
            sync_state=sync or "",
            lag_bytes=_lag(sent, replayed),
        )
        for content, name, state, sync, sent, replayed in rows
        if content is not None and name is not None
    ]
    return tuple(
        sorted(found, key=lambda one: (one.content, one.application_name, one.state, str(one)))
    )


def copying_from(rows: Iterable[Row]) -> tuple[CopyProgress, ...]:
    """Base backups under way, by content; the total is unknown until the server has counted."""
    found: dict[int, CopyProgress] = {}
    for content, done, total in rows:
        if content is not None:
            found[int(content)] = CopyProgress(
                content=int(content),
                done=int(done or 0),
                total=None if total is None else int(total),
            )
    return tuple(found[content] for content in sorted(found))


def sizes_from(rows: Iterable[Row]) -> dict[int, int]:
    """Bytes by content; the coordinator and what does not show are left out."""
    return {
        int(content): int(size)
        for content, size in rows
        if content is not None and size is not None and int(content) >= 0
    }


def not_a_coordinator(server: str, said: str) -> InvalidInput:
    """The error for a server that lacks the catalog of a cluster; `said` is its own message."""
    return InvalidInput(
        [
            Diagnostic(
                code=codes.NOT_A_COORDINATOR,
                message=f"{server} is not the coordinator of a Greenplum cluster: {said}",
                place=_source(server).place(0),
                hint=codes.CODES[codes.NOT_A_COORDINATOR].fix,
            )
        ]
    )


def _source(server: str) -> Source:
    return Source(name=server, lines=[])


def _table(kind: Kind, names: tuple[str, ...], rows: Iterable[Row]) -> Table:
    cells = [[cell or "" for cell in row] for row in rows]
    return Table(
        kind=kind,
        names=names,
        rows=cells,
        lines=[0] * len(cells),
        first_line=0,
        end=0,
        shape=Shape.FOLDED,
    )


def _with_directories(
    source: Source, segments: list[Segment], rows: Iterable[Row]
) -> list[Segment]:
    entries = _table(Kind.ENTRIES, ("fsedbid", "fsname", "fselocation"), rows)
    found = read_directories(source, [entries], [])
    _refuse(found.problems)
    complete, problems = with_directories(source, segments, found)
    _refuse(problems)
    return complete


def _lag(sent: str | None, replayed: str | None) -> int | None:
    """Bytes between two places in the log; a mirror may already report more than was sent."""
    if sent is None or replayed is None:
        return None
    try:
        return max(_position(sent) - _position(replayed), 0)
    except ValueError:
        return None


def _position(text: str) -> int:
    """`2/A0` as bytes: high and low 32 bits in hexadecimal digits."""
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def _no_greenplum(source: Source, said: str) -> Diagnostic:
    return Diagnostic(
        code=codes.UNKNOWN_SERVER,
        message=f"{source.name} is no Greenplum server: version() says "
        f"{shown(said[:_LONGEST_VERSION])}",
        place=source.place(0),
        hint="known are " + ", ".join(found.title for found in DIALECTS.values()),
    )


def _refuse(problems: Sequence[Diagnostic]) -> None:
    if problems:
        raise InvalidInput(problems)
