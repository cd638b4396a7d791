"""One psycopg session in which every question has a deadline and every error our own class."""

import re
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import replace
from time import monotonic
from typing import Any, TypeVar

import psycopg
from psycopg import ClientCursor, Connection, Error, errors, pq
from psycopg.abc import PQGen
from psycopg.rows import TupleRow

from gpmirror.adapters.server_address import ServerTarget
from gpmirror.catalog.live import Row, not_a_coordinator
from gpmirror.errors import CannotDispatch, ConnectionLost, Failure, GpmirrorError, Overdue
from gpmirror.spec.model import CoordinatorAddress

# --- What psycopg raises, in the words and classes of gpmirror.


_WORDS = (
    ("password authentication failed", "check PGPASSWORD or the password file"),
    ("no password supplied", "set PGPASSWORD or add a line to ~/.pgpass"),
    ("no pg_hba.conf entry", "add this host to the coordinator's pg_hba.conf, or use `--via-ssh`"),
    ("could not translate host name", "check the host name in `cluster.coordinator` or PGHOST"),
    ("failed to resolve host", "check the host name in `cluster.coordinator` or PGHOST"),
    ("Connection refused", "check host and port, and that the cluster is started (`gpstate`)"),
    ("timeout expired", "check the network and the firewall, or use `--via-ssh`"),
    ("connection timeout", "check the network and the firewall, or use `--via-ssh`"),
    ("utility mode connections are allowed", "start the cluster in normal mode (`gpstart`)"),
    ("starting up", "the server is starting or a standby: wait, or name the coordinator"),
    ("in recovery mode", "the server recovers or is a standby: wait, or name the coordinator"),
    ("shutting down", "the cluster is being stopped: start it again (`gpstart`)"),
    ("unsupported startup parameter", "connect to the coordinator itself, not to a pooler"),
    ("too many clients", "end some sessions, or raise max_connections"),
    ("does not exist", "check `cluster.coordinator` in the spec, or PGDATABASE and PGUSER"),
    ("server does not support SSL", "set PGSSLMODE=prefer"),
)
_SOCKET = re.compile(
    r'on socket "([^"]+)" failed: (No such file|Connection refused|Permission)[^\n]*'
)
_DIRECT = ("connections to primary segments", "connections to mirror segments")
_NO_GANG = "failed to acquire resources on one or more segments"
_REFUSED = re.compile(r"\(seg(\d+)(?: slice\d+)? (\S+:\d+)(?: pid=\d+)?\)")
_AGAIN = "check that the cluster runs (`gpstate`), then run the command again"


def not_connected(error: Error, label: str) -> GpmirrorError:
    """A connection that did not come about."""
    said = _gist(error)
    if any(words in said for words in _DIRECT):
        return not_a_coordinator(label, said)
    hint = next((hint for words, hint in _WORDS if words in said), _AGAIN)
    if said.startswith("failed to resolve host"):
        said = "the host name cannot be resolved"  # psycopg's words name no host
    return ConnectionLost(f"cannot connect to {label}: {said}", hint=hint)


def nobody_at(error: Error) -> str | None:
    """The socket at which no server listens, and why; None where one answered."""
    found = _SOCKET.search(str(error))
    return None if found is None else found[0].removeprefix("on socket ").replace('"', "")


def nowhere(label: str, silent: Sequence[str]) -> ConnectionLost:
    """No server listens at any socket that was tried: each with its reason."""
    places = "; ".join(place.replace(" failed: ", ": ", 1) for place in silent)
    return ConnectionLost(
        f"cannot connect to {label}: no server at a socket: {places}",
        hint="set `cluster.coordinator.host` or PGHOST, and the port, or read a saved catalog with "
        "`--catalog FILE`",
    )


def failed(error: Error, label: str, *, alive: bool) -> GpmirrorError:
    """A statement that failed; `alive` tells whether the session outlived it."""
    said = _gist(error)
    if not alive:  # a coordinator passes on that a segment shut down, and lives
        return ConnectionLost(f"the session with {label} ended: {said}", hint=_AGAIN)
    match error:
        case errors.UndefinedTable() | errors.UndefinedColumn() | errors.UndefinedFunction():
            return not_a_coordinator(label, said)
        case errors.InsufficientPrivilege():
            hint = "connect as the cluster's administrator, usually gpadmin"
            return Failure(f"{label} does not let this user read: {said}", hint=hint)
        case errors.ReadOnlySqlTransaction():
            return Failure(f"{label}: {said}", hint="gpmirror only reads; this is a bug in it")
        case _ if _NO_GANG in said:
            return _cannot_dispatch(said, _detail(error), label)
        case _:
            detail = _detail(error)
            more = f" ({detail})" if detail else ""
            return Failure(f"{label} answered with an error: {said}{more}", hint=_AGAIN)


def _cannot_dispatch(said: str, detail: str, label: str) -> CannotDispatch:
    """A primary that does not answer, as 5.8.1, 6.24.3 and 7.0.0 say it; the detail ends with
    `(seg4 10.77.0.13:6000)` for each.
    """
    refused = {int(content): place for content, place in _REFUSED.findall(detail)}
    return CannotDispatch(
        f"{label} answered with an error: {said}" + (f" ({detail})" if detail else ""),
        hint="a primary does not answer: where its mirror is in sync the fault prober makes that take "
        "over within a minute, run the command again then; else restart the cluster (`gpstop -r`), "
        "gprecoverseg needs a live primary; `gpmirror status` shows every copy",
        detail=detail,
        refused=refused,
    )


def _detail(error: Error) -> str:
    """The server's DETAIL on one line."""
    return " ".join((error.diag.message_detail or "").split())


def overdue(label: str, seconds: float, *, alive: bool) -> Failure:
    """A server that takes a question and does not answer; ConnectionLost where the session had to be
    given up over it.
    """
    kind: type[Failure] = Overdue if alive else ConnectionLost
    return kind(
        f"{label} did not answer within {seconds:.0f} s",
        hint="look at the coordinator's load and at hosts that are cut off (`gpstate`), "
        "then run the command again",
    )


def _gist(error: Error) -> str:
    """The server's own message without its context, or the last line of libpq's."""
    primary = error.diag.message_primary
    if primary:
        return str(primary)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    telling = [line for line in lines if "failed:" in line or "error:" in line]
    return _without_address((telling or lines)[-1])


def _without_address(line: str) -> str:
    """The reason alone: libpq repeats the address, which the label already names."""
    head, mark, reason = line.rpartition(" failed: ")
    return reason.removeprefix("FATAL:").strip() if mark and "connection" in head else line


# --- One psycopg session in which every question has a deadline and every error our own class.


T = TypeVar("T")

ANSWER_SECONDS = 30.0
"""For a question about the catalog."""

_GRACE_SECONDS = 5.0
_TICK_SECONDS = 0.1


class Session:
    """An open session. Closing it twice is no error."""

    def __init__(self, target: ServerTarget, connection: "_Patient") -> None:
        self._target = target
        self._connection = connection

    def rows(
        self, sql: str, parameters: Sequence[object] = (), *, seconds: float = ANSWER_SECONDS
    ) -> list[Row]:
        """The rows of a query, cells as text.

        After `seconds` the query is cancelled, and the session given up if even that is not
        answered. Raises ConnectionLost: no answer, or no session any more; Failure or InvalidInput:
        the server refuses.
        """
        self._connection.seconds = seconds
        try:
            # text of ours without user input; values are parameters
            cursor = self._connection.execute(sql.encode(), parameters or None)
            return [tuple(map(_text, row)) for row in cursor.fetchall()]
        except TimeoutError as error:
            self.close()
            raise overdue(self._target.label, seconds, alive=False) from error
        except psycopg.Error as error:
            raise self._ours(error) from error
        except UnicodeDecodeError as error:
            raise _not_text(self._target.label, error) from error

    @property
    def target(self) -> ServerTarget:
        """What it is connected to; the one folder in which the socket was found."""
        return self._target

    @property
    def reached(self) -> CoordinatorAddress:
        """Host or socket folder, port, database and user of this very session."""
        info = self._connection.info
        return CoordinatorAddress(
            host=info.host, port=info.port, database=info.dbname, user=info.user
        )

    @property
    def is_open(self) -> bool:
        """Whether the session was alive when last used."""
        return not self._connection.closed

    def close(self) -> None:
        """End the session; the server's locks of it go with it."""
        with suppress(psycopg.Error):
            self._connection.close()

    def _ours(self, error: psycopg.Error) -> GpmirrorError:
        if isinstance(error, psycopg.errors.QueryCanceled) and self._connection.lost_patience:
            return overdue(self._target.label, self._connection.seconds, alive=self.is_open)
        return failed(error, self._target.label, alive=self.is_open)


def open_session(target: ServerTarget) -> Session:
    """Connect. Raises ConnectionLost: it did not come about; InvalidInput: it is a segment."""
    if not target.folders:
        try:
            return Session(target, _connected(target))
        except psycopg.Error as error:
            raise not_connected(error, target.label) from error
    silent = []
    for folder in target.folders:
        there = replace(target, parameters={**target.parameters, "host": folder}, folders=(folder,))
        try:
            return Session(there, _connected(there))
        except psycopg.OperationalError as error:
            place = nobody_at(error)
            if place is None:
                raise not_connected(error, target.label) from error
            silent.append(place)
        except psycopg.Error as error:
            raise not_connected(error, target.label) from error
    raise nowhere(target.label, silent)


def _connected(target: ServerTarget) -> "_Patient":
    return _Patient.connect(
        autocommit=True,
        prepare_threshold=None,
        cursor_factory=ClientCursor,
        **target.parameters,  # type: ignore[arg-type]
    )


class _Patient(Connection[TupleRow]):
    """A connection that waits `seconds` for an answer, asks the server to stop, and gives up."""

    seconds: float = ANSWER_SECONDS
    lost_patience: bool = False

    def wait(self, gen: PQGen[T], *args: object, **kwargs: object) -> T:
        """Wait for the answer. Raises TimeoutError: not even the cancelling was answered."""
        del args, kwargs
        return super().wait(self._limited(gen), interval=_TICK_SECONDS)

    def _limited(self, gen: PQGen[T]) -> Generator[Any, Any, T]:
        started, self.lost_patience = monotonic(), False
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                late = 0 if ready else monotonic() - started - self.seconds
                if late > _GRACE_SECONDS:
                    raise TimeoutError
                if late > 0 and not self.lost_patience:
                    self.lost_patience = True
                    self._ask_to_stop()
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    def _ask_to_stop(self) -> None:
        if self.pgconn.transaction_status == pq.TransactionStatus.ACTIVE:
            with suppress(psycopg.Error):
                self.cancel_safe(timeout=_GRACE_SECONDS)


def _text(cell: object) -> str | None:
    return None if cell is None else str(cell)


def _not_text(label: str, error: UnicodeDecodeError) -> Failure:
    return Failure(
        f"{label} sent a name that is not UTF-8: byte 0x{error.object[error.start]:02X}",
        hint="look for host names and directories with other than ASCII letters in the catalog",
    )
