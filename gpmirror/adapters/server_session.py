"""One psycopg session in which every question has a deadline and every error our own class."""

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import replace
from time import monotonic
from typing import Any, TypeVar

import psycopg
from psycopg import ClientCursor, Connection, pq
from psycopg.abc import PQGen
from psycopg.rows import TupleRow

from gpmirror.adapters.server_address import Target
from gpmirror.adapters.server_errors import (
    failed,
    nobody_at,
    not_connected,
    nowhere,
    overdue,
)
from gpmirror.catalog.live import Row
from gpmirror.errors import Failure, GpmirrorError
from gpmirror.spec.model import CoordinatorAddress

T = TypeVar("T")

ANSWER_SECONDS = 30.0
"""For a question about the catalog."""

_GRACE_SECONDS = 5.0
_TICK_SECONDS = 0.1


class Session:
    """An open session. Closing it twice is no error."""

    def __init__(self, target: Target, connection: "_Patient") -> None:
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
    def target(self) -> Target:
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


def open_session(target: Target) -> Session:
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


def _connected(target: Target) -> "_Patient":
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
