"""The way to one host: its target is looked up once, its connection kept while it lives."""

from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from gpmirror.adapters.local import is_this_machine, run_here
from gpmirror.adapters.ssh_unanswered import HungUp, NotBegun, Unanswered
from gpmirror.boundary import Answered

if TYPE_CHECKING:
    from gpmirror.adapters.ssh_connection import StrictConnection
    from gpmirror.adapters.ssh_target import Target
    from gpmirror.adapters.ssh_tunnel import Tunnel


_RESTS, _MOST_REST_SECONDS = 6, 60.0
"""How long a host that hung is left alone: so many times what it took, and the most of that."""


class Line:
    """The way to one host."""

    def __init__(
        self,
        name: str,
        resolve: Callable[[], "Target"],
        connect: Callable[["Target"], "StrictConnection"],
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._now = now
        self._name = name
        self._resolve = resolve
        self._connect = connect
        self._lock = Lock()
        self._target: Target | None = None
        self._here = False
        self._connection: StrictConnection | None = None
        self._hung: tuple[float, Unanswered] | None = None
        self._tunnels: list[Tunnel] = []

    def run(self, script: str, seconds: float) -> Answered:
        """Run a script here or there. Raises Unanswered."""
        if self.is_here():
            return run_here(self._name, script, seconds)
        from gpmirror.adapters.ssh_session import converse

        used = self._connection
        connection = self.connected()
        try:
            return converse(connection, script, seconds)
        except NotBegun:
            # a connection kept from an earlier call may have died unnoticed
            if connection is not used:
                raise
            self._hang_up(connection)
            return converse(self.connected(), script, seconds)

    def tunnel(self, target: tuple[str, int]) -> tuple[str, int]:
        """Open a tunnel. Raises Unanswered."""
        if self.is_here():
            return target
        from gpmirror.adapters.ssh_tunnel import Tunnel

        opened = Tunnel(self.connected, target)
        self._tunnels.append(opened)
        return opened.address

    def is_here(self) -> bool:
        """Whether this host is the machine we run on. Raises Unanswered."""
        self._settled()
        return self._here

    def connected(self) -> "StrictConnection":
        """The host's connection, a new one if there is none that lives. Raises Unanswered: also at
        once, without trying, where the last try was waited for in vain a moment ago.
        """
        target = self._settled()
        with self._lock:
            if self._connection is None or not self._connection.is_connected:
                if self._connection is not None:
                    self._connection.close()
                    self._connection = None
                self._connection = self._tried(target)
            return self._connection

    def _tried(self, target: "Target") -> "StrictConnection":
        """A host that hangs would be waited for anew at every question. It is asked again once it
        has been left alone for some times what that took: who waits for its return sees it then.
        """
        began = self._now()
        if self._hung is not None and began < self._hung[0]:
            raise self._hung[1]
        self._hung = None
        try:
            return self._connect(target)
        except HungUp:
            raise  # it speaks: too many logins at once
        except Unanswered as error:
            ended = self._now()
            if ended - began >= target.connect_seconds / 2:
                rest = min(_MOST_REST_SECONDS, _RESTS * (ended - began))
                self._hung = ended + rest, error
            raise

    def close(self) -> None:
        """Hang up; also while another thread is still connecting."""
        for tunnel in self._tunnels:
            tunnel.close()
        if self._connection is not None:
            self._connection.close()

    def _hang_up(self, connection: "StrictConnection") -> None:
        with self._lock:
            if self._connection is connection:
                self._connection = None
        connection.close()

    def _settled(self) -> "Target":
        with self._lock:
            if self._target is None:
                self._target = self._resolve()
                self._here = is_this_machine(self._target)
            return self._target
