"""The way to one host: its target is looked up once, its connection kept while it lives."""

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

from gpmirror.adapters.local import is_this_machine, run_here
from gpmirror.adapters.ssh_unanswered import NotBegun
from gpmirror.boundary import Answered

if TYPE_CHECKING:
    from gpmirror.adapters.ssh_connection import StrictConnection
    from gpmirror.adapters.ssh_target import Target
    from gpmirror.adapters.ssh_tunnel import Tunnel


class Line:
    """The way to one host."""

    def __init__(
        self,
        name: str,
        resolve: Callable[[], "Target"],
        connect: Callable[["Target"], "StrictConnection"],
    ) -> None:
        self._name = name
        self._resolve = resolve
        self._connect = connect
        self._lock = Lock()
        self._target: Target | None = None
        self._here = False
        self._connection: StrictConnection | None = None
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
        """The host's connection, a new one if there is none that lives. Raises Unanswered."""
        target = self._settled()
        with self._lock:
            if self._connection is None or not self._connection.is_connected:
                if self._connection is not None:
                    self._connection.close()
                    self._connection = None
                self._connection = self._connect(target)
            return self._connection

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
