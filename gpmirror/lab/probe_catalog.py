"""The practice catalog as the prober reads and writes it."""

from collections.abc import Iterable, Mapping

from psycopg import AsyncConnection

from gpmirror.cluster.segment import Mode, Role, Status
from gpmirror.lab.judgement import Habit, Row, lost_mode
from gpmirror.lab.sight import Connection

_ROWS = """SELECT dbid, content, role, mode, status, address, port,
 dbid IN (SELECT dbid FROM gp.lab_never_started WHERE until > clock_timestamp())
 FROM gp.gp_segment_configuration WHERE content >= 0 ORDER BY content, dbid"""
_CHANGE = """UPDATE gp.gp_segment_configuration SET role = %s, mode = %s, status = %s
 WHERE dbid = %s"""
_REMEMBER = 'INSERT INTO gp.gp_configuration_history ("time", dbid, "desc") VALUES (now(), %s, %s)'
_CONNECTION = (
    "INSERT INTO gp.lab_replication"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
_SIZE = """INSERT INTO gp.lab_size VALUES (%s, %s)
 ON CONFLICT (content) DO UPDATE SET bytes = excluded.bytes WHERE lab_size.bytes <> excluded.bytes"""
_TIDY_EVERY = 100

Server = AsyncConnection[tuple[object, ...]]


class ProbeCatalog:
    """One connection to the coordinator. Raises psycopg.Error when that goes away."""

    def __init__(self, server: Server, habit: Habit) -> None:
        self._server = server
        self._habit = habit
        self._shown: Mapping[int, tuple[Connection, ...]] | None = None
        self._writes = 0
        self._silent: Mapping[int, str] = {}

    async def begin(self) -> int:
        """Say that a probe begins; its number."""
        rows = await self._rows("SELECT nextval('gp.lab_probe_started')")
        return int(str(rows[0][0]))

    async def done(self, number: int) -> None:
        """Say that this probe is over: who requested one and waited goes on."""
        await self._server.execute("SELECT setval('gp.lab_probe_done', %s)", (number,))

    async def rest(self, seconds: float) -> None:
        """Wait, but no longer than until a probe is requested."""
        await self._server.execute("SELECT gp.lab_rest(%s)", (seconds,))

    async def rows(self) -> list[Row]:
        """Every segment's row."""
        return [_row(*found) for found in await self._rows(_ROWS)]

    async def mark_in_sync(self, primary: Row, mirror: Row) -> None:
        """Both copies up and alike."""
        async with self._server.transaction():
            for row in (primary, mirror):
                await self._change(row, row.role, Mode.SYNCED, Status.UP)

    async def mark_down(self, primary: Row, mirror: Row) -> None:
        """The mirror gone, the primary alone."""
        async with self._server.transaction():
            await self._change(mirror, Role.MIRROR, lost_mode(mirror, self._habit), Status.DOWN)
            await self._change(primary, Role.PRIMARY, self._habit.alone, Status.UP)

    async def fail_over(self, primary: Row, mirror: Row) -> None:
        """The mirror serves from now on."""
        async with self._server.transaction():
            await self._change(primary, Role.MIRROR, lost_mode(primary, self._habit), Status.DOWN)
            await self._change(mirror, Role.PRIMARY, self._habit.alone, Status.UP)

    async def show(self, connections: Mapping[int, tuple[Connection, ...]]) -> None:
        """Replace what gp_stat_replication tells, where it changed."""
        if connections == self._shown:
            return
        async with self._server.transaction():
            await self._server.execute("DELETE FROM gp.lab_replication")
            for content, found in connections.items():
                for connection in found:
                    await self._server.execute(_CONNECTION.encode(), (content, *connection))
        self._shown = connections
        self._writes += 1
        if self._writes % _TIDY_EVERY == 0:
            await self._server.execute("VACUUM gp.lab_replication")

    async def refuse(self, silent: Mapping[int, str]) -> None:
        """Let what is asked of all segments fail over these acting primaries."""
        if silent == self._silent:
            return
        async with self._server.transaction():
            await self._server.execute("DELETE FROM gp.lab_silent")
            for content, place in silent.items():
                await self._server.execute(
                    "INSERT INTO gp.lab_silent VALUES (%s, %s)", (content, place)
                )
        self._silent = dict(silent)

    async def measure(self, sizes: Iterable[tuple[int, int]]) -> None:
        """Bytes by content."""
        for content, size in sizes:
            await self._server.execute(_SIZE, (content, size))

    async def _change(self, row: Row, role: Role, mode: Mode, status: Status) -> None:
        if (row.role, row.mode, row.status) == (role, mode, status):
            return
        await self._server.execute(_CHANGE, (role.value, mode.value, status.value, row.dbid))
        await self._server.execute(_REMEMBER, (row.dbid, self._words(row, role, mode, status)))

    def _words(self, row: Row, role: Role, mode: Mode, status: Status) -> str:
        if row.mode is Mode.RESYNCING and mode is Mode.SYNCED:
            return "FTS: changed segment to insync from resync."
        return (
            f"FTS: update role, status, and mode for dbid {row.dbid} with contentid {row.content}"
            f" to {role.value}, {status.value}, and {mode.value}"
        )

    async def _rows(self, statement: str) -> list[tuple[object, ...]]:
        return await (await self._server.execute(statement.encode())).fetchall()


def _row(*found: object) -> Row:
    dbid, content, role, mode, status, address, port, never = (str(value) for value in found)
    return Row(
        dbid=int(dbid),
        content=int(content),
        role=Role(role),
        mode=Mode(mode),
        status=Status(status),
        address=address,
        port=int(port),
        never_started=never == "True",
    )
