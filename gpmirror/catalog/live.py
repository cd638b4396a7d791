"""The live catalog: the questions in SQL that every backend understands, and the rows that answer."""

from collections.abc import Iterable, Sequence

from gpmirror.catalog import codes
from gpmirror.catalog.cells import shown
from gpmirror.catalog.detect import Detected, Evidence, settle, version_evidence
from gpmirror.catalog.filespaces import read_directories, with_directories
from gpmirror.catalog.rows import read_rows
from gpmirror.catalog.sanity import check_sane
from gpmirror.catalog.tables import Table, TableKind, TableShape
from gpmirror.diagnostics import Diagnostic, Source
from gpmirror.errors import InvalidInput
from gpmirror.model.dialect import DIALECTS, USUAL, Dialect, DialectName
from gpmirror.model.observed import CopyProgress, Observed, Replication, in_canonical_order
from gpmirror.model.segment import Segment
from gpmirror.values import dataclass

# --- Rows fetched from a server into the observed cluster: same checks and codes as for text.


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


def family_of(said: str, server: str, wanted: DialectName | None) -> Detected:
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
    table = _table(TableKind.SEGMENTS, fetched.columns, fetched.segments)
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
    return Source(file=server, lines=[])


def _table(kind: TableKind, names: tuple[str, ...], rows: Iterable[Row]) -> Table:
    cells = [[cell or "" for cell in row] for row in rows]
    return Table(
        kind=kind,
        names=names,
        rows=cells,
        lines=[0] * len(cells),
        first_line=0,
        end=0,
        shape=TableShape.FOLDED,
    )


def _with_directories(
    source: Source, segments: list[Segment], rows: Iterable[Row]
) -> list[Segment]:
    entries = _table(TableKind.ENTRIES, ("fsedbid", "fsname", "fselocation"), rows)
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
        message=f"{source.file} is no Greenplum server: version() says "
        f"{shown(said[:_LONGEST_VERSION])}",
        place=source.place(0),
        hint="known are " + ", ".join(found.title for found in DIALECTS.values()),
    )


def _refuse(problems: Sequence[Diagnostic]) -> None:
    if problems:
        raise InvalidInput(problems)


# --- The questions asked of a live catalog, in SQL that backends 8.2 to 14 understand.
#
# Plain joins and named columns: no CTE, no `FILTER`, no `string_agg`. Names are unqualified, so the
# server's search_path decides. `%s` are parameters. One query reads one catalog table.


VERSION = "SELECT version()"

UTILITY_MODE = """\
SELECT setting FROM pg_settings
 WHERE name IN ('gp_role', 'gp_session_role') AND setting = 'utility'"""
"""A row in a utility session, which sees one server instead of the cluster."""

_SEGMENTS = """\
SELECT dbid, content, role, preferred_role, mode, status, port, hostname, address, {further}
  FROM gp_segment_configuration"""

DIRECTORIES = """\
SELECT e.fsedbid, f.fsname, e.fselocation
  FROM pg_filespace_entry e JOIN pg_filespace f ON f.oid = e.fsefsoid"""
"""4.3 and 5 only: where each dbid keeps each filespace, pg_system among them."""

SYSTEM_IDENTIFIER = "SELECT system_identifier FROM pg_control_system()"

SIZES = """\
SELECT gp_segment_id, sum(pg_database_size(oid))
  FROM gp_dist_random('pg_database') GROUP BY gp_segment_id"""
"""Bytes of all databases on every acting primary; each segment measures itself."""

PRIMARIES = "SELECT gp_segment_id FROM gp_dist_random('gp_id')"
"""A row of every acting primary, each told by itself: fails where one does not answer."""

_REPLICATION = """\
SELECT gp_segment_id, application_name, state, sync_state, {sent}, {replayed}
  FROM gp_stat_replication"""

COPYING = """\
SELECT gp_segment_id, backup_streamed, backup_total FROM gp_stat_progress_basebackup"""

PROBE = "SELECT gp_request_fts_probe_scan()"

TRY_LOCK = "SELECT pg_try_advisory_lock(%s, %s)"
UNLOCK = "SELECT pg_advisory_unlock(%s, %s)"

_HOLDERS = """\
SELECT {pid}, CAST(date_trunc('second', backend_start) AS text), host(client_addr),
       application_name
  FROM pg_stat_activity
 WHERE application_name LIKE 'gpmirror _%%' AND {pid} <> pg_backend_pid()
   AND (datname = current_database()) = %s
 ORDER BY backend_start, {pid}"""
"""Sessions that hold the lock or are about to ask for it, in this database or in the others. Not
pg_locks: Greenplum asks every segment for its part, and one host that is cut off holds it up.
"""

BACKEND = "SELECT pg_backend_pid()"

MAINTENANCE_SCHEMAS = """\
SELECT nspname FROM pg_namespace WHERE nspname IN ('gpexpand', 'ggrebalance', 'gpshrink') ORDER BY nspname"""

_HOMES = """\
SELECT datname FROM pg_database
 WHERE datallowconn AND datname <> current_database() AND {kept} ORDER BY datname"""
"""Databases beside this one in which a schema of those may be kept."""

EXPANSION_STATUS = "SELECT status FROM gpexpand.status ORDER BY updated DESC LIMIT 1"

_BUSY = """\
SELECT {pid} FROM pg_stat_activity
 WHERE {pid} <> pg_backend_pid() AND datname IS NOT NULL
   AND ({busy} OR query_start > clock_timestamp() - interval '2 seconds')
   AND application_name NOT LIKE 'gpmirror%'"""
"""Sessions at work. One that commits every 50 ms is idle at nearly every look (7.0.0, recorded: "no
session is at work" beside three writers), so one that ran a statement just now counts too."""

_SESSIONS = """\
SELECT {pid}, usename, datname, host(client_addr), application_name,
       CASE WHEN {query} ~ 'gp_add_segment|gp_remove_segment|gp_expand_' THEN 1 ELSE 0 END
  FROM pg_stat_activity
 WHERE {pid} <> pg_backend_pid() AND application_name NOT LIKE 'gpmirror%%'
   AND (application_name ~ %s
        OR {busy} AND {query} ~ 'gp_add_segment|gp_remove_segment|gp_expand_')
 ORDER BY {pid}"""


PROBE_INTERVAL = "SELECT setting FROM pg_settings WHERE name = 'gp_fts_probe_interval'"
"""Seconds between two rounds of the fault prober (all families)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queries:
    """The texts that differ from family to family; None where the server has no such thing.

    `segments` tells `columns`; `replication` ends with the places sent and replayed as text.
    """

    segments: str
    columns: tuple[str, ...]
    directories: str | None
    system_identifier: str | None
    replication: str | None
    copying: str | None
    probe: str | None
    holders: str
    sessions: str
    busy: str
    homes: str


def queries_for(dialect: Dialect) -> Queries:
    """What to ask a server of this family."""
    old = dialect.file_replication
    word = dialect.wal_word
    from_12 = dialect.tells_copies
    further = "replication_port" if old else "datadir"
    activity = _ACTIVITY_8 if old else _ACTIVITY
    return Queries(
        segments=_SEGMENTS.format(further=further),
        columns=(*_COLUMNS, further),
        directories=DIRECTORIES if old else None,
        system_identifier=SYSTEM_IDENTIFIER if from_12 else None,
        replication=None
        if old
        else _REPLICATION.format(sent=f"sent_{word}", replayed=f"replay_{word}"),
        copying=COPYING if from_12 else None,
        probe=PROBE if dialect.probes_on_request else None,
        holders=_HOLDERS.format(**activity),
        sessions=_SESSIONS.format(**activity),
        busy=_BUSY.format(**activity),
        homes=_HOMES.format(
            kept="datname NOT IN ('postgres', 'template0', 'template1')"
            if dialect.expansion_database is None
            else f"datname = '{dialect.expansion_database}'"
        ),
    )


_COLUMNS = (
    "dbid",
    "content",
    "role",
    "preferred_role",
    "mode",
    "status",
    "port",
    "hostname",
    "address",
)
_ACTIVITY_8 = {"pid": "procpid", "query": "current_query", "busy": "current_query <> '<IDLE>'"}
_ACTIVITY = {"pid": "pid", "query": "query", "busy": "state <> 'idle'"}
