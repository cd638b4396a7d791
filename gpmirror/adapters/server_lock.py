"""The cluster's lock: an advisory lock of a session on the coordinator.

Advisory locks of one key do not meet across databases, so sessions of the same kind in the others
are looked for by the name they show.
"""

from dataclasses import dataclass

from gpmirror.adapters.server_session import Session
from gpmirror.boundary import LockHolder
from gpmirror.catalog import queries
from gpmirror.catalog.live import Row
from gpmirror.catalog.queries import Queries
from gpmirror.errors import Failure

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
            ((taken,),) = self.session.rows(queries.TRY_LOCK, KEY)
            elsewhere = self._holders(here=False)
            if taken == str(True) and not elsewhere:
                return None
            if taken == str(True):
                # held in another database: ours does not count
                self.session.rows(queries.UNLOCK, KEY)
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
        pids = {self.session.rows(queries.BACKEND)[0][0] for _ in range(_TRIES)}
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
