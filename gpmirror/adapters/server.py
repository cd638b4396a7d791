"""The live catalog: a read-only session on the coordinator, through psycopg."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import sleep

from gpmirror.adapters.server_address import Target, target_of
from gpmirror.adapters.server_lock import Lock, shown_name
from gpmirror.adapters.server_session import Session, open_session
from gpmirror.adapters.server_sizes import Sizing
from gpmirror.adapters.server_work import paused_expansion, work_told
from gpmirror.boundary import Freshness, LockHolder, Sizes
from gpmirror.catalog import queries
from gpmirror.catalog.detect import Verdict
from gpmirror.catalog.live import (
    Fetched,
    copying_from,
    family_of,
    not_a_coordinator,
    observed_from,
    replication_from,
)
from gpmirror.catalog.queries import Queries, queries_for
from gpmirror.cluster.dialect import DIALECTS, Dialect, DialectName
from gpmirror.cluster.observed import Observed
from gpmirror.cluster.replication import CopyProgress, Replication
from gpmirror.errors import (
    CannotDispatch,
    ConnectionLost,
    Failure,
    GpmirrorError,
    InvalidInput,
    Overdue,
)
from gpmirror.spec.model import CoordinatorAddress

_DEFAULT_PROBE_SECONDS = 60.0

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
) -> "Server":
    """Connect to the coordinator; `dialect` is what the spec says, `through` a tunnel's near end.

    Raises:
        ConnectionLost: nobody answers, or the login is refused.
        InvalidInput: no Greenplum, a segment, a utility-mode session, another dialect.
    """
    target = target_of(address, environment, through=through)
    session, identity = _introduced(target, dialect)
    return Server(target=session.target, session=session, identity=identity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a server said of itself; `system_identifier` where it tells."""

    dialect: Dialect
    version: str | None
    system_identifier: str | None


class Server:
    """Fulfils `boundary.Catalog`; `close` ends the session."""

    def __init__(self, *, target: Target, session: Session, identity: Identity) -> None:
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
            self._session.rows(queries.PRIMARIES, seconds=_PRIMARIES_SECONDS)
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
            rows = self._session.rows(queries.PROBE_INTERVAL)
        except ConnectionLost:
            raise
        except Failure:
            return _DEFAULT_PROBE_SECONDS
        told = rows[0][0] if rows else None
        return float(told) if told and told.isdigit() else _DEFAULT_PROBE_SECONDS

    def competing(self) -> tuple[str, ...]:
        """Other work on this cluster, one sentence each."""
        return work_told(self._session, self._queries, self._backups_told())

    def paused_expansion(self) -> str | None:
        """What gpexpand wrote last, where it pauses."""
        return paused_expansion(self._session)

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


def _introduced(target: Target, wanted: DialectName | None) -> tuple[Session, Identity]:
    """A session, and who the server is. The session is closed again where it will not do."""
    session = open_session(target)
    try:
        ((said,),) = session.rows(queries.VERSION)
        verdict = family_of(said or "", target.label, wanted)
        _refuse_utility_mode(session, target.label)
        return session, _identity(session, verdict)
    except BaseException:
        session.close()
        raise


def _refuse_utility_mode(session: Session, label: str) -> None:
    if session.rows(queries.UTILITY_MODE):
        raise not_a_coordinator(label, "this is a utility-mode session")


def _identity(session: Session, verdict: Verdict) -> Identity:
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
