"""The questions asked of a live catalog, in SQL that backends 8.2 to 14 understand.

Plain joins and named columns: no CTE, no `FILTER`, no `string_agg`. Names are unqualified, so the
server's search_path decides. `%s` are parameters. One query reads one catalog table.
"""

from dataclasses import dataclass

from gpmirror.cluster.dialect import Dialect

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
        probe=None if old else PROBE,
        holders=_HOLDERS.format(**activity),
        sessions=_SESSIONS.format(**activity),
        busy=_BUSY.format(**activity),
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
