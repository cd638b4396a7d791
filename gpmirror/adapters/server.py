"""The live catalog: a read-only session on the coordinator, its lock, sizes and other work."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from shlex import quote
from time import monotonic, sleep

from gpmirror.adapters.server_address import ServerTarget, target_of
from gpmirror.adapters.server_session import Session, open_session
from gpmirror.boundary import DEFAULT_PROBE_SECONDS, Freshness, LockHolder, OtherWork, Sizes
from gpmirror.catalog import live
from gpmirror.catalog.detect import Detected
from gpmirror.catalog.live import (
    Fetched,
    Queries,
    Row,
    copying_from,
    family_of,
    not_a_coordinator,
    observed_from,
    queries_for,
    replication_from,
    sizes_from,
)
from gpmirror.errors import (
    CannotDispatch,
    ConnectionLost,
    Failure,
    GpmirrorError,
    InvalidInput,
    Overdue,
)
from gpmirror.model.dialect import DIALECTS, Dialect, DialectName
from gpmirror.model.observed import CopyProgress, Observed, Replication
from gpmirror.spec.model import CoordinatorAddress
from gpmirror.values import dataclass

# --- The cluster's lock: an advisory lock of a session on the coordinator.
#
# Advisory locks of one key do not meet across databases, so sessions of the same kind in the others
# are looked for by the name they show.


PROGRAM = "gpmirror"
"""What a session calls itself that does not ask for the lock."""

_LONGEST_NAME = 63
"""Bytes that PostgreSQL keeps of an application_name."""

_TRIES = 3

KEY = (int.from_bytes(b"gpmi", "big"), int.from_bytes(b"rror", "big"))
"""An advisory lock belongs to one server and so to one cluster: a key that told more could differ
between two runs, after a failover say.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """The lock of one cluster as a session sees it."""

    session: Session
    queries: Queries

    def take(self) -> LockHolder | None:
        """Take it, or say who holds it; None: it is ours. See `boundary.Catalog.lock`.

        Raises:
            Failure: something between us and the server shares sessions (a connection pooler).
        """
        self._check_own_session()
        for _ in range(_TRIES):
            ((taken,),) = self.session.rows(live.TRY_LOCK, KEY)
            elsewhere = self._holders(here=False)
            if taken == str(True) and not elsewhere:
                return None
            if taken == str(True):
                # held in another database: ours does not count
                self.session.rows(live.UNLOCK, KEY)
            found = elsewhere or self._holders(here=True)
            if found:
                return found[0]
        raise Failure(
            "the cluster's lock is neither free nor held by a session that can be seen",
            hint="another run may just have ended: run the command again",
        )

    def _holders(self, *, here: bool) -> list[LockHolder]:
        return [_holder(row) for row in self.session.rows(self.queries.holders, (here,))]

    def _check_own_session(self) -> None:
        """A lock belongs to a session; a pooler hands out another one with every statement."""
        pids = {self.session.rows(live.BACKEND)[0][0] for _ in range(_TRIES)}
        if len(pids) > 1:
            raise Failure(
                "the coordinator answers from changing sessions, so no lock can be held",
                hint="connect to the coordinator itself, not through a connection pooler",
            )


def shown_name(name: str) -> str:
    """What a session calls itself while it holds the lock or asks for it: others look for it."""
    full = name if name.startswith(f"{PROGRAM} ") else f"{PROGRAM} {name}"
    return full.encode("ascii", "replace")[:_LONGEST_NAME].decode()


def _holder(row: Row) -> LockHolder:
    pid, since, client, name = row
    return LockHolder(
        pid=int(pid or 0), since=since or "unknown", client=client or "local", name=name or ""
    )


# --- Sizes of all contents, asked of the server once in a while: it looks at every file to tell them.


_ANSWER_SECONDS = 60.0
"""Measuring looks at every file of every database."""

_GOOD_FOR_SECONDS = 600.0
"""A plan is made, confirmed and checked with the same sizes, unless a person takes their time."""


class Sizing:
    """Measures, or tells what was measured minutes ago; a failure is remembered as long."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._last: Sizes | None = None
        self._at = 0.0

    def sizes(self, session: Session) -> Sizes:
        """The sizes. Raises what a lost session raises; any other trouble is a note."""
        now = self._clock()
        if self._last is None or now - self._at > _GOOD_FOR_SECONDS:
            self._last, self._at = _measured(session), now
        return self._last


def _measured(session: Session) -> Sizes:
    try:
        rows = session.rows(live.SIZES, seconds=_ANSWER_SECONDS)
    except GpmirrorError as error:
        if not session.is_open:
            raise
        return Sizes(by_content={}, note=f"sizes are unknown: {error.message}")
    return Sizes(by_content=sizes_from(rows), note=None)


# --- Other work on the cluster that its own tables and sessions tell of, one sentence each.


_UTILITIES = (
    "gpaddmirrors|gpmovemirrors|gprecoverseg|gpexpand|gpinitstandby|gpactivatestandby"
    "|gpbackup|gprestore|gpcopy|gpcrondump|gpdbrestore|ggrebalance|gpshrink|pg_rewind"
)
_COMPLETE = "EXPANSION COMPLETE"
_STARTED = "EXPANSION STARTED"
_CUT_OFF = (
    " (one that was cut off says so for ever: where no gpexpand runs, `gpexpand -d 0:01{}` goes on with "
    "it for a minute, then it pauses)"
)
_PAUSED = ("SETUP DONE", "EXPANSION STOPPED")
"""Tables wait to be redistributed, and no gpexpand is at it: windows over days or weeks."""


_LOOKING_SECONDS = 30.0
"""For all databases beside ours together; each takes a connection of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What one database keeps of changes to the cluster's size: schemas by name, and what gpexpand
    wrote last. `option` leads gpexpand there, `where` says it; both empty where there is no choice.
    """

    schemas: tuple[str, ...]
    status: str | None
    option: str
    where: str


def work_told(
    session: Session, asked: Queries, replication: Iterable[Replication], kept: Iterable[_Kept]
) -> Iterator[str]:
    """Expansions, utilities' sessions, base backups. Raises as `Session.rows`."""
    for one in kept:
        yield from _maintenance(one)
    yield from _sessions(session, asked)
    yield from _base_backups(replication)


def _maintenance(kept: _Kept) -> Iterator[str]:
    for schema in kept.schemas:
        if schema != "gpexpand":
            what = "a rebalancing" if schema == "ggrebalance" else schema
            yield (
                f"{what} is not finished: the schema {schema} exists{kept.where}; let {schema} end or "
                "undo it, and leave the schema alone: it holds what is still to do"
            )
            continue
        status = kept.status
        if status not in {_COMPLETE, *_PAUSED}:
            said = f"its status is {status}" if status else "its schema gpexpand exists"
            yield (
                f"gpexpand is not finished: {said}{kept.where}; wait until it ends or pauses"
                + (_CUT_OFF.format(kept.option) if status == _STARTED else "")
                + ", and leave its schema alone: it holds the tables that are still to be "
                "redistributed"
            )


def paused_expansion(kept: Iterable[_Kept]) -> str | None:
    """What gpexpand wrote last, where it pauses."""
    return next((f"{one.status}{one.where}" for one in kept if one.status in _PAUSED), None)


def kept_in(session: Session, dialect: Dialect) -> _Kept:
    """What the database of a session keeps. Raises as `Session.rows`."""
    schemas = tuple(name for (name,) in session.rows(live.MAINTENANCE_SCHEMAS) if name)
    chosen = "" if dialect.expansion_database else session.reached.database or ""
    return _Kept(
        schemas=schemas,
        status=_expansion_status(session) if "gpexpand" in schemas else None,
        option=f" -D {quote(chosen)}" if chosen else "",
        where=f" in database {chosen}" if chosen else "",
    )


def _expansion_status(session: Session) -> str | None:
    """What gpexpand wrote last; None where it wrote nothing that can be read."""
    try:
        rows = session.rows(live.EXPANSION_STATUS)
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


# --- The live catalog: a read-only session on the coordinator, through psycopg.


_BUSY_LOOKS = 6
_BUSY_APART = 0.2

_PROBE_SECONDS = 8.0
"""A probe of hosts that are cut off takes minutes; asking for it takes no time."""

_PRIMARIES_SECONDS = 15.0
"""A coordinator that finds a primary silent tries some times before it says so (5.8.1)."""


def connect(
    address: CoordinatorAddress,
    environment: Mapping[str, str],
    *,
    dialect: DialectName | None,
    through: tuple[str, int] | None = None,
) -> "CatalogSession":
    """Connect to the coordinator; `dialect` is what the spec says, `through` a tunnel's near end.

    Raises:
        ConnectionLost: nobody answers, or the login is refused.
        InvalidInput: no Greenplum, a segment, a utility-mode session, another dialect.
    """
    target = target_of(address, environment, through=through)
    session, identity = _introduced(target, dialect)
    return CatalogSession(target=session.target, session=session, identity=identity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a server said of itself; `system_identifier` where it tells."""

    dialect: Dialect
    version: str | None
    system_identifier: str | None


class CatalogSession:
    """Fulfils `boundary.Catalog`; `close` ends the session."""

    def __init__(self, *, target: ServerTarget, session: Session, identity: Identity) -> None:
        self._target = target
        self._session = session
        self._identity = identity
        self._queries: Queries = queries_for(identity.dialect)
        self._sizing = Sizing()

    @property
    def dialect(self) -> Dialect:
        """The server's family."""
        return self._identity.dialect

    @property
    def reached(self) -> CoordinatorAddress:
        """Host or socket folder, port, database and user of the session; a tunnel's near end."""
        return self._session.reached

    def observe(self) -> Observed:
        """The catalog now; see `boundary.Catalog`."""
        asked = self._queries
        return observed_from(
            Fetched(
                server=self._target.label,
                dialect=self._identity.dialect,
                version=self._identity.version,
                columns=asked.columns,
                segments=self._session.rows(asked.segments),
                directories=None
                if asked.directories is None
                else self._session.rows(asked.directories),
                system_identifier=self._identity.system_identifier,
            )
        )

    def sizes(self) -> Sizes:
        """How large the contents are; see `boundary.Catalog`."""
        return self._sizing.sizes(self._session)

    def replication(self) -> tuple[Replication, ...]:
        """Who streams now; empty before 6."""
        asked = self._queries.replication
        return () if asked is None else replication_from(self._session.rows(asked))

    def copying(self) -> tuple[CopyProgress, ...]:
        """Base backups as the server counts them; empty where it does not."""
        asked = self._queries.copying
        if asked is None:
            return ()
        try:
            return copying_from(self._session.rows(asked))
        except InvalidInput:
            return ()  # a release of the family without this view

    def request_probe(self) -> None:
        """Ask the fault prober to look now; nothing before 6. Does not wait for a slow probe."""
        if self._queries.probe is not None:
            self._probed(self._queries.probe)

    def refresh(self) -> Freshness:
        """Have the server look before it is read; see `boundary.Catalog`."""
        if self._queries.probe is not None:
            return self._probed(self._queries.probe)
        return Freshness.PRIMARIES if self.ask_primaries() else Freshness.LATE

    def ask_primaries(self) -> bool:
        """Whether every acting primary answered one query in time; see `boundary.Catalog`."""
        try:
            self._session.rows(live.PRIMARIES, seconds=_PRIMARIES_SECONDS)
        except CannotDispatch:
            raise
        except GpmirrorError:
            if not self._session.is_open:
                raise
            return False
        return True

    def _probed(self, asked: str) -> Freshness:
        """The prober goes its rounds without being asked, so what becomes of it fails nothing."""
        try:
            self._session.rows(asked, seconds=_PROBE_SECONDS)
        except Overdue:
            return Freshness.PROBING
        except GpmirrorError:
            if not self._session.is_open:
                raise
            return Freshness.REFUSED
        return Freshness.PROBED

    def busy_sessions(self) -> int | None:
        """Sessions of others at work within about a second; None where the server does not show."""
        found: set[str | None] = set()
        try:
            for _ in range(_BUSY_LOOKS):
                found.update(pid for (pid,) in self._session.rows(self._queries.busy))
                sleep(_BUSY_APART)
        except ConnectionLost:
            raise
        except GpmirrorError:
            return None
        return len(found)

    def probe_seconds(self) -> float:
        """gp_fts_probe_interval; the server's default of 60 s where it does not show."""
        try:
            rows = self._session.rows(live.PROBE_INTERVAL)
        except ConnectionLost:
            raise
        except Failure:
            return DEFAULT_PROBE_SECONDS
        told = rows[0][0] if rows else None
        return float(told) if told and told.isdigit() else DEFAULT_PROBE_SECONDS

    def other_work(self) -> OtherWork:
        """Other work on this cluster; see `boundary.Catalog`."""
        kept, unseen = [kept_in(self._session, self.dialect)], []
        for found in self._kept_elsewhere():
            if isinstance(found, str):
                unseen.append(found)
            else:
                kept.append(found)
        told = work_told(self._session, self._queries, self._backups_told(), kept)
        return OtherWork(
            in_the_way=tuple(told), paused=paused_expansion(kept), unseen=tuple(unseen)
        )

    def _kept_elsewhere(self) -> Iterator[_Kept | str]:
        """The same of the other databases, one after the other by name; a sentence for what could not
        be looked at.
        """
        names = [name or "" for (name,) in self._session.rows(self._queries.homes)]
        begun = monotonic()
        for number, name in enumerate(names):
            if monotonic() - begun > _LOOKING_SECONDS:
                yield (
                    f"{len(names) - number} databases were not looked into for an expansion within "
                    f"{_LOOKING_SECONDS:.0f} s, {name} the first of them"
                )
                return
            try:
                yield self._kept_at(name)
            except GpmirrorError as error:
                yield f"database {name} was not looked into for an expansion: {error.message}"

    def _kept_at(self, database: str) -> _Kept:
        """The session does not bear the lock's name: others look for that in every database."""
        named = {"dbname": database, "application_name": PROGRAM}
        there = open_session(replace(self._target, parameters={**self._target.parameters, **named}))
        try:
            return kept_in(there, self.dialect)
        finally:
            there.close()

    def _backups_told(self) -> tuple[Replication, ...]:
        """Who streams, as far as that can be asked: a host that is cut off holds the question up,
        and it is the hosts' own checks that shall name it.
        """
        asked = self._queries.replication
        if asked is None:
            return ()
        try:
            return replication_from(self._session.rows(asked, seconds=_PROBE_SECONDS))
        except Failure:
            if not self._session.is_open:
                raise
            return ()

    def lock(self, name: str) -> LockHolder | None:
        """Take the cluster's lock or say who holds it; see `boundary.Catalog`."""
        shown = shown_name(name)
        if self._target.parameters.get("application_name") != shown:
            # a new session, because Greenplum passes a SET on to every segment
            named = {**self._target.parameters, "application_name": shown}
            self._target = replace(self._target, parameters=named)
            self.reconnect()
        return Lock(session=self._session, queries=self._queries).take()

    def reconnect(self) -> None:
        """A new session in place of the old one. Raises as `connect`."""
        self._session.close()
        self._session, self._identity = _introduced(self._target, self._identity.dialect.name)

    def close(self) -> None:
        """End the session and with it the lock."""
        self._session.close()


def _introduced(target: ServerTarget, wanted: DialectName | None) -> tuple[Session, Identity]:
    """A session, and who the server is. The session is closed again where it will not do."""
    session = open_session(target)
    try:
        ((said,),) = session.rows(live.VERSION)
        verdict = family_of(said or "", target.label, wanted)
        _refuse_utility_mode(session, target.label)
        return session, _identity(session, verdict)
    except BaseException:
        session.close()
        raise


def _refuse_utility_mode(session: Session, label: str) -> None:
    if session.rows(live.UTILITY_MODE):
        raise not_a_coordinator(label, "this is a utility-mode session")


def _identity(session: Session, verdict: Detected) -> Identity:
    dialect = DIALECTS[verdict.name]
    asked = queries_for(dialect).system_identifier
    return Identity(
        dialect=dialect,
        version=verdict.version,
        system_identifier=None if asked is None else _system_identifier(session, asked),
    )


def _system_identifier(session: Session, asked: str) -> str | None:
    """None where this user may not ask."""
    try:
        ((found,),) = session.rows(asked)
    except GpmirrorError:
        if not session.is_open:
            raise
        return None
    return found
