"""The fault prober of the practice cluster: `python -m gpmirror.lab.prober STATE`."""

import asyncio
import sys
import time
import traceback
from collections.abc import Iterable, Mapping
from enum import Enum, auto
from pathlib import Path

import psycopg
from psycopg import AsyncConnection, sql

from gpmirror.errors import Failure
from gpmirror.lab.faults import read_faults
from gpmirror.lab.layout import Lab, read_lab
from gpmirror.model.segment import Mode, Role, Status
from gpmirror.values import dataclass

# --- What the prober sees of one server: a connection kept open, asked anew at every probe.


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
_SIZE_QUERY = "SELECT sum(pg_database_size(oid))::bigint FROM pg_database"

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
        row = await self._say(sql.SQL(_SIZE_QUERY))
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


# --- What the prober concludes from what it sees: pure, with the generations' habits in one table.


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """How a generation's prober writes. `alone` is the acting primary's mode without a live
    mirror; `lost` the mode of the copy that went down, None: it keeps its own. `revives`: a copy
    that is down comes up by streaming alone, without being told to. Graces are in seconds: a
    mirror that does not stream stays up so long, `resync_grace` while it is still being copied.
    """

    alone: Mode
    lost: Mode | None
    revives: bool
    mirror_grace: float = 2.0
    resync_grace: float = 20.0
    primary_grace: float = 1.0


_OLD = Habit(alone=Mode.CHANGE_TRACKING, lost=None, revives=False)
_LATER = Habit(alone=Mode.NOT_IN_SYNC, lost=Mode.NOT_IN_SYNC, revives=True)


def habit_of(*, old: bool) -> Habit:
    """The habit of 4.3 and 5 (`old`), or of 6 and later."""
    return _OLD if old else _LATER


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The part of a catalog row that the prober reads. `never_started`: a utility failed to start it."""

    dbid: int
    content: int
    role: Role
    mode: Mode
    status: Status
    address: str
    port: int
    never_started: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at a pair. Seconds say for how long the primary has not answered and the mirror has
    not streamed, 0 where it does. `mirror_serves`: it could take over. `waits`: the primary's
    commits wait for the mirror. `in_sync`: it streams and they do.
    """

    primary_silent: float = 0.0
    mirror_silent: float = 0.0
    mirror_serves: bool = False
    copying: bool = False
    waits: bool = False
    in_sync: bool = False


class Verdict(Enum):
    """What to do about a pair."""

    KEEP = auto()
    WAIT_FOR_MIRROR = auto()  # let commits wait for the mirror, then look again
    FREE_COMMITS = auto()  # let them no longer wait
    MARK_IN_SYNC = auto()
    MARK_DOWN = auto()
    FAIL_OVER = auto()


def judge(primary: Row, mirror: Row | None, look: Look, habit: Habit) -> Verdict:
    """The verdict on one content."""
    if look.primary_silent > 0:
        return _without_primary(mirror, look, habit)
    if mirror is None:
        return Verdict.FREE_COMMITS if look.waits else Verdict.KEEP
    if look.mirror_silent > 0:
        return _without_mirror(primary, mirror, look, habit)
    return _with_both(primary, mirror, look, habit)


def lost_mode(row: Row, habit: Habit) -> Mode:
    """The mode of a copy that is marked down."""
    return row.mode if habit.lost is None else habit.lost


def _without_primary(mirror: Row | None, look: Look, habit: Habit) -> Verdict:
    """Only a mirror that had everything may take over; two dead copies change nothing."""
    if mirror is None or look.primary_silent < habit.primary_grace:
        return Verdict.KEEP
    whole = mirror.status is Status.UP and mirror.mode is Mode.SYNCED
    return Verdict.FAIL_OVER if whole and look.mirror_serves else Verdict.KEEP


def _without_mirror(primary: Row, mirror: Row, look: Look, habit: Habit) -> Verdict:
    """Down in the catalog first, only then may commits go on alone: else a primary that dies in
    between would be followed by a mirror that lacks them.
    """
    if mirror.status is Status.UP:
        resyncing = mirror.mode is Mode.RESYNCING
        grace = habit.resync_grace if resyncing else habit.mirror_grace
        # one that never was there is r/u until its primary gives up waiting (5.8.1, recorded)
        unmissed = look.copying or mirror.never_started
        patient = look.mirror_silent < grace or (resyncing and unmissed)
        return Verdict.KEEP if patient else Verdict.MARK_DOWN
    if primary.mode is not habit.alone or mirror.mode is not lost_mode(mirror, habit):
        return Verdict.MARK_DOWN
    return Verdict.FREE_COMMITS if look.waits else Verdict.KEEP


def _with_both(primary: Row, mirror: Row, look: Look, habit: Habit) -> Verdict:
    welcome = habit.revives or mirror.status is Status.UP
    if not welcome:
        return Verdict.FREE_COMMITS if look.waits else Verdict.KEEP
    if not look.in_sync:
        return Verdict.KEEP if look.waits else Verdict.WAIT_FOR_MIRROR
    known = (
        mirror.status is Status.UP and mirror.mode is Mode.SYNCED and primary.mode is Mode.SYNCED
    )
    return Verdict.KEEP if known else Verdict.MARK_IN_SYNC


# --- The practice catalog as the prober reads and writes it.


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


# --- The fault prober of the practice cluster: `python -m gpmirror.lab.prober STATE`.
#
# It looks at every server once in `probe_interval`, and at once when a probe is requested, and keeps
# the catalog true. Whatever goes wrong with a server or with the coordinator is waited out.


_SETTLE = 0.05
_ROUNDS = 20
_MEASURE_EVERY = 10
_AGAIN = 0.3

Pair = tuple[Row, Row | None]


class Prober:
    """Remembers between probes who has been silent since when."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._habit = habit_of(old=lab.release.old)
        self._watches: dict[tuple[str, int], Watch] = {}
        self._silent: dict[tuple[int, Role], float] = {}

    async def serve(self) -> None:
        """Probe until the coordinator goes away. Raises psycopg.Error then."""
        address = self._lab.conninfo(connect_timeout=2, application_name="fts probe")
        server = await AsyncConnection.connect(**address, autocommit=True)  # type: ignore[arg-type]
        async with server:
            catalog = ProbeCatalog(server, self._habit)
            while True:
                number = await catalog.begin()
                await self._probe(catalog, number)
                await catalog.done(number)
                await catalog.rest(self._lab.probe_interval)

    async def _probe(self, catalog: ProbeCatalog, number: int) -> None:
        """Look until nothing moves: turning a mirror in sync takes two looks."""
        pairs: list[Pair] = []
        for _ in range(_ROUNDS):
            pairs = _pairs(await catalog.rows())
            sights = await asyncio.gather(*(self._watch(primary).look() for primary, _ in pairs))
            verdicts = [
                await self._settle(catalog, pair, sight)
                for pair, sight in zip(pairs, sights, strict=True)
            ]
            await catalog.show(self._connections(pairs, sights))
            if not any(verdicts):
                break
            await asyncio.sleep(_SETTLE)
        else:
            sights = []
        if read_faults(self._lab.state).refuse_dispatch:
            await catalog.refuse(self._orphaned(pairs, sights))
        else:
            await catalog.refuse({})
        if number % _MEASURE_EVERY == 0:
            sizes = [(primary.content, await self._watch(primary).size()) for primary, _ in pairs]
            await catalog.measure((content, size) for content, size in sizes if size is not None)

    def _orphaned(self, pairs: Iterable[Pair], sights: Iterable[Sight | None]) -> dict[int, str]:
        """Acting primaries that have been silent for too long for their mirrors to take over still."""
        found = {}
        for (primary, _), sight in zip(pairs, sights, strict=False):
            since = self._silent.get((primary.dbid, primary.role))
            late = since is not None and time.monotonic() - since > self._habit.primary_grace + 1
            if sight is None and late:
                found[primary.content] = f"{self._ip(primary)}:{primary.port}"
        return found

    async def _settle(self, catalog: ProbeCatalog, pair: Pair, sight: Sight | None) -> bool:
        """Do what one pair needs; whether it needs another look."""
        primary, mirror = pair
        watch = self._watch(primary)
        if sight is not None and sight.in_recovery:
            await watch.promote()
            return True
        verdict = judge(primary, mirror, await self._look(pair, sight), self._habit)
        match verdict, mirror:
            case (Verdict.WAIT_FOR_MIRROR, _):
                await watch.wait_for_mirror()
            case (Verdict.FREE_COMMITS, _):
                await watch.free_commits()
            case (Verdict.MARK_IN_SYNC, Row()):
                await catalog.mark_in_sync(primary, mirror)
            case (Verdict.MARK_DOWN, Row()):
                await catalog.mark_down(primary, mirror)
            case (Verdict.FAIL_OVER, Row()):
                await catalog.fail_over(primary, mirror)
            case _:
                return False
        return True

    async def _look(self, pair: Pair, sight: Sight | None) -> Look:
        primary, mirror = pair
        streams = sight is not None and sight.streams
        primary_silent = self._silence(primary, answers=sight is not None)
        if sight is None:
            serves = mirror is not None and await self._serves(mirror)
            return Look(primary_silent=primary_silent, mirror_serves=serves)
        return Look(
            mirror_silent=self._silence(mirror, answers=streams) if mirror else 0.0,
            copying=sight.copying,
            waits=sight.waits,
            in_sync=sight.in_sync,
        )

    async def _serves(self, mirror: Row) -> bool:
        sight = await self._watch(mirror).look()
        return sight is not None and sight.in_recovery

    def _silence(self, row: Row, *, answers: bool) -> float:
        """For how many seconds a copy has been silent: more than 0 from the first time on."""
        key = (row.dbid, row.role)
        if answers:
            self._silent.pop(key, None)
            return 0.0
        now = time.monotonic()
        return now - self._silent.setdefault(key, now) + sys.float_info.epsilon

    def _watch(self, row: Row) -> Watch:
        try:
            ip = self._lab.resolve(row.address)
        except Failure:
            ip = row.address  # written by hand: it answers or it does not
        key = (ip, row.port)
        if key not in self._watches:
            self._watches[key] = Watch(ip, row.port, self._lab.user)
        return self._watches[key]

    def _connections(
        self, pairs: Iterable[Pair], sights: Iterable[Sight | None]
    ) -> dict[int, tuple[tuple[str | None, ...], ...]]:
        shown = {}
        for (primary, mirror), sight in zip(pairs, sights, strict=True):
            if mirror is not None and sight is not None:
                ip = self._ip(mirror)
                shown[primary.content] = tuple(seen_from(c, ip) for c in sight.connections)
        return shown

    def _ip(self, row: Row) -> str:
        try:
            return self._lab.resolve(row.address)
        except Failure:
            return "127.0.0.1"


def _pairs(rows: Iterable[Row]) -> list[Pair]:
    by_content: dict[int, dict[Role, Row]] = {}
    for row in rows:
        by_content.setdefault(row.content, {})[row.role] = row
    return [
        (copies[Role.PRIMARY], copies.get(Role.MIRROR))
        for copies in by_content.values()
        if Role.PRIMARY in copies
    ]


async def _watch_over(lab: Lab) -> None:
    """Probe for ever; begin again after every failure."""
    while True:
        try:
            await Prober(lab).serve()
        except (psycopg.OperationalError, OSError):
            await asyncio.sleep(_AGAIN)  # the coordinator is away: a restart, for example
        except Exception:  # noqa: BLE001 a prober that ends would leave the catalog untrue
            sys.stderr.write(traceback.format_exc())
            await asyncio.sleep(_AGAIN)


def main() -> None:
    """Probe the lab whose state folder is the first argument."""
    asyncio.run(_watch_over(read_lab(Path(sys.argv[1]))))


if __name__ == "__main__":
    main()
