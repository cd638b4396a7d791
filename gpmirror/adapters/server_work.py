"""Other work on the cluster that its own tables and sessions tell of, one sentence each."""

from collections.abc import Iterable, Iterator

from gpmirror.adapters.server_session import Session
from gpmirror.catalog import queries
from gpmirror.catalog.live import Row
from gpmirror.catalog.queries import Queries
from gpmirror.cluster.replication import Replication
from gpmirror.errors import InvalidInput

_UTILITIES = (
    "gpaddmirrors|gpmovemirrors|gprecoverseg|gpexpand|gpinitstandby|gpactivatestandby"
    "|gpbackup|gprestore|gpcopy|gpcrondump|gpdbrestore|ggrebalance|gpshrink|pg_rewind"
)
_COMPLETE = "EXPANSION COMPLETE"
_PAUSED = ("SETUP DONE", "EXPANSION STOPPED")
"""Tables wait to be redistributed, and no gpexpand is at it: windows over days or weeks."""


def work_told(
    session: Session, asked: Queries, replication: Iterable[Replication]
) -> tuple[str, ...]:
    """Expansions, utilities' sessions, base backups. Raises as `Session.rows`."""
    return (*_maintenance(session), *_sessions(session, asked), *_base_backups(replication))


def _maintenance(session: Session) -> Iterator[str]:
    for (schema,) in session.rows(queries.MAINTENANCE_SCHEMAS):
        if schema != "gpexpand":
            what = "a rebalancing" if schema == "ggrebalance" else schema
            yield (
                f"{what} is not finished: the schema {schema} exists; let {schema} end or "
                "undo it, and leave the schema alone: it holds what is still to do"
            )
            continue
        status = _expansion_status(session)
        if status not in {_COMPLETE, *_PAUSED}:
            said = f"its status is {status}" if status else "its schema gpexpand exists"
            yield (
                f"gpexpand is not finished: {said}; wait until it ends or pauses, and leave its "
                "schema alone: it holds the tables that are still to be redistributed"
            )


def paused_expansion(session: Session) -> str | None:
    """What gpexpand wrote last, where it pauses. Raises as `Session.rows`."""
    if ("gpexpand",) not in session.rows(queries.MAINTENANCE_SCHEMAS):
        return None
    status = _expansion_status(session)
    return status if status in _PAUSED else None


def _expansion_status(session: Session) -> str | None:
    """What gpexpand wrote last; None where it wrote nothing that can be read."""
    try:
        rows = session.rows(queries.EXPANSION_STATUS)
    except InvalidInput:
        return None  # the schema without its table
    return rows[0][0] if rows else None


def _sessions(session: Session, asked: Queries) -> Iterator[str]:
    for row in session.rows(asked.sessions, (_UTILITIES,)):
        yield _session(row)


def _session(row: Row) -> str:
    pid, user, database, client, name, changes = row
    what = "changes the catalog of segments" if changes == "1" else "belongs to a running utility"
    where = f"database {database}, from {client or 'the coordinator itself'}"
    return f"session {pid} of {user} ({name or 'unnamed'}, {where}) {what}"


def _base_backups(replication: Iterable[Replication]) -> Iterator[str]:
    rows = [one for one in replication if one.is_base_backup]
    running = {one.content for one in rows if one.sends_data}
    for content in sorted({one.content for one in rows}):
        whose = "the coordinator" if content < 0 else f"content {content}"
        if content in running:
            yield (
                f"a base backup of {whose} is running (pg_basebackup); one that was cut off may leave a "
                "process on the host of the new copy that copies nothing: end that one"
            )
        else:
            yield (
                f"of a base backup of {whose} only the WAL still comes (pg_basebackup): it ends, or was "
                "cut off; if it stays so for a minute, end that pg_basebackup on the host of the new copy"
            )
