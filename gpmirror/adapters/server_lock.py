"""The cluster's lock: an advisory lock of a session on the coordinator.

Advisory locks of one key do not meet across databases, so the holders in all of them are read too.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gpmirror.adapters.server_session import Session
from gpmirror.boundary import LockHolder
from gpmirror.catalog import queries
from gpmirror.catalog.live import Row
from gpmirror.catalog.queries import Queries
from gpmirror.cluster.observed import Observed
from gpmirror.errors import Failure, GpmirrorError

PROGRAM = "gpmirror"
"""What a session calls itself while it holds no lock."""

_LONGEST_NAME = 63
"""Bytes that PostgreSQL keeps of an application_name."""

_TRIES = 3

_Key = tuple[int, int]
_Mine = Literal["mine", "free"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """The lock of one cluster as a session sees it."""

    session: Session
    queries: Queries
    key: _Key

    def take(self, name: str) -> LockHolder | None:
        """Take it, or say who holds it; None: it is ours. See `boundary.Catalog.lock`.

        Raises:
            Failure: something between us and the server shares sessions (a connection pooler).
        """
        for _ in range(_TRIES):
            found = self._look()
            if found == "mine":
                return None
            if isinstance(found, LockHolder):
                return found
            call_myself(self.session, name)
            holder = self._try()
            if holder is None:
                return None
            call_myself(self.session, PROGRAM)
            if isinstance(holder, LockHolder):
                return holder
        raise Failure(
            "the cluster's lock is neither free nor held by anybody",
            hint="another run may just have ended: run the command again",
        )

    def _try(self) -> LockHolder | Literal["free"] | None:
        """None: taken. `free`: its holder went away between two questions."""
        ((taken,),) = self.session.rows(queries.TRY_LOCK, self.key)
        found = self._look()
        if taken != str(True):
            return found if isinstance(found, LockHolder) else "free"
        if isinstance(found, LockHolder):
            # held in another database: ours does not count
            self.session.rows(queries.UNLOCK, self.key)
            return found
        if found == "free":
            raise Failure(
                "the cluster's lock was taken, but not by this session",
                hint="connect to the coordinator itself, not through a connection pooler",
            )
        return None

    def _look(self) -> LockHolder | _Mine:
        rows = self.session.rows(self.queries.holders, self.key)
        others = [_holder(row) for row in rows if row[0] != str(True)]
        if others:
            return others[0]
        return "mine" if rows else "free"


def lock_key(observed: Observed) -> _Key:
    """Two 31-bit numbers, the same for everybody who sees this cluster's coordinator."""
    row = observed.coordinator
    parts: Sequence[object] = () if row is None else (row.hostname, row.port, row.directory)
    text = "\n".join(map(str, (PROGRAM, *parts, observed.system_identifier)))
    digest = hashlib.sha256(text.encode()).digest()
    high, low = (int.from_bytes(digest[at : at + 4], "big") >> 1 for at in (0, 4))
    return high, low


def call_myself(session: Session, name: str) -> None:
    """Show `name` to others, cut to what the server keeps. A server that refuses keeps the old."""
    kept = name.encode("ascii", "replace")[:_LONGEST_NAME].decode()
    try:
        session.rows(queries.CALL_MYSELF, (kept,))
    except GpmirrorError:
        if not session.is_open:
            raise


def _holder(row: Row) -> LockHolder:
    _, pid, since, client, name = row
    return LockHolder(
        pid=int(pid or 0), since=since or "unknown", client=client or "local", name=name or ""
    )
