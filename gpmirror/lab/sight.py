"""What the prober sees of one server: a connection kept open, asked anew at every probe."""

import asyncio
from dataclasses import dataclass

import psycopg
from psycopg import AsyncConnection, sql

WAL_RECEIVER = "gp_walreceiver"
COPIER = "pg_basebackup"
COLUMNS = (
    "pid", "usesysid", "usename", "application_name", "client_addr", "client_hostname",
    "client_port", "backend_start", "backend_xmin", "state", "sent_lsn", "write_lsn", "flush_lsn",
    "replay_lsn", "sync_priority", "sync_state",
)  # fmt: skip
_APPLICATION, _CLIENT, _STATE, _SYNC_STATE = 3, 4, 9, 15
_LATE = 3.0
_STANDBYS = "synchronous_standby_names"
_LOOK = sql.SQL(
    "SELECT pg_is_in_recovery(), current_setting('synchronous_standby_names') <> '', {columns}"
    " FROM (SELECT 1) AS one LEFT JOIN pg_stat_replication AS r ON true ORDER BY r.pid"
).format(
    columns=sql.SQL(", ").join(sql.SQL("r.{}::text").format(sql.Identifier(c)) for c in COLUMNS)
)
_SIZE = "SELECT sum(pg_database_size(oid))::bigint FROM pg_database"

Connection = tuple[str | None, ...]
"""A row of pg_stat_replication as text, in the order of `COLUMNS`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A server that answered. `waits`: its commits wait for a mirror."""

    in_recovery: bool
    waits: bool
    connections: tuple[Connection, ...]

    @property
    def streams(self) -> bool:
        """Whether a mirror receives what it writes."""
        return any(
            c[_APPLICATION] == WAL_RECEIVER and c[_STATE] == "streaming" for c in self.connections
        )

    @property
    def in_sync(self) -> bool:
        """Whether commits wait for that mirror."""
        return self.streams and any(
            c[_APPLICATION] == WAL_RECEIVER and c[_SYNC_STATE] == "sync" for c in self.connections
        )

    @property
    def copying(self) -> bool:
        """Whether a base backup is being taken from it."""
        return any(c[_APPLICATION] == COPIER for c in self.connections)


def seen_from(connection: Connection, ip: str) -> Connection:
    """The row with the mirror's own IP: on one machine every client comes from 127.0.0.1."""
    if connection[_APPLICATION] != WAL_RECEIVER:
        return connection
    return (*connection[:_CLIENT], ip, *connection[_CLIENT + 1 :])


class Watch:
    """One server under watch. None of its methods raises for a server that is gone."""

    def __init__(self, ip: str, port: int, user: str) -> None:
        self._address = {"host": ip, "port": port, "user": user, "dbname": "postgres"}
        self._connection: AsyncConnection[tuple[object, ...]] | None = None
        self._pending: asyncio.Task[Sight] | None = None

    async def look(self) -> Sight | None:
        """What it shows, None without an answer in time. A late answer is waited for next time,
        so that a server that is stopped in mid-word costs one connection, not one a probe.
        """
        if self._pending is None:
            self._pending = asyncio.create_task(self._ask())
        done, _ = await asyncio.wait({self._pending}, timeout=_LATE)
        if not done:
            return None
        asked, self._pending = self._pending, None
        try:
            return asked.result()
        except (psycopg.Error, OSError):
            await self.close()
            return None

    async def wait_for_mirror(self) -> None:
        """Let commits wait for the mirror."""
        await self._set_standbys(WAL_RECEIVER)

    async def free_commits(self) -> None:
        """Let commits wait for nobody."""
        await self._set_standbys("")

    async def promote(self) -> None:
        """Make a mirror that serves as primary one that takes writes."""
        await self._say(sql.SQL("SELECT pg_promote(false)"))

    async def size(self) -> int | None:
        """Bytes of all its databases."""
        row = await self._say(sql.SQL(_SIZE))
        return row[0] if row and isinstance(row[0], int) else None

    async def close(self) -> None:
        """Drop the connection."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _ask(self) -> Sight:
        if self._connection is None:
            self._connection = await AsyncConnection.connect(
                **self._address,  # type: ignore[arg-type]
                connect_timeout=2,
                gssencmode="disable",
                sslmode="disable",
                application_name="fts",
                autocommit=True,
                prepare_threshold=None,
            )
        rows = await (await self._connection.execute(_LOOK)).fetchall()
        return Sight(
            in_recovery=bool(rows[0][0]),
            waits=bool(rows[0][1]),
            connections=tuple(_connection(row) for row in rows if row[2] is not None),
        )

    async def _set_standbys(self, names: str) -> None:
        setting = sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(_STANDBYS), names)
        await self._say(setting)
        await self._say(sql.SQL("SELECT pg_reload_conf()"))

    async def _say(self, statement: sql.SQL | sql.Composed) -> tuple[object, ...] | None:
        if self._connection is None:
            return None
        try:
            cursor = await asyncio.wait_for(self._connection.execute(statement), _LATE)
            return await cursor.fetchone() if cursor.description else None
        except (psycopg.Error, OSError, TimeoutError):
            await self.close()
            return None


def _connection(row: tuple[object, ...]) -> Connection:
    return tuple(None if value is None else str(value) for value in row[2:])
