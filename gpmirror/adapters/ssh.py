"""Scripts on hosts: each host is reached when first needed and its connection kept for the run."""

from collections.abc import Iterable, Mapping
from functools import partial
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Self

from gpmirror.adapters.ssh_line import Line
from gpmirror.adapters.ssh_parallel import at_once as in_parallel
from gpmirror.adapters.ssh_resolve import Resolver
from gpmirror.adapters.ssh_unanswered import Unanswered
from gpmirror.boundary import Reply
from gpmirror.errors import ConnectionLost
from gpmirror.spec.model import SshOptions

if TYPE_CHECKING:
    from gpmirror.adapters.ssh_connection import StrictConnection
    from gpmirror.adapters.ssh_connector import Connector
    from gpmirror.adapters.ssh_target import Target


def open_hosts(options: SshOptions, *, at_once: int = 32) -> "SshHosts":
    """The hosts, none reached yet; `at_once` bounds how many are talked to at a time.

    Raises Unreadable: the spec's SSH configuration file cannot be read.
    """
    return SshHosts(Resolver(options), at_once)


class SshHosts:
    """Fulfils `boundary.Hosts`; also gives tunnels. Close it, or use it in a `with` statement."""

    def __init__(self, resolver: Resolver, most: int) -> None:
        self._lines = _Lines(resolver)
        self._most = max(1, most)

    def ask(self, scripts: Mapping[str, str], *, seconds: float) -> dict[str, Reply]:
        """Run one script a host, by spec host name; a host's trouble is its reply."""
        self._lines.prepare(sorted(scripts))
        return in_parallel(
            lambda host: self._reply(host, scripts[host], seconds), sorted(scripts), self._most
        )

    def change(self, scripts: Mapping[str, str], *, seconds: float) -> dict[str, Reply]:
        """As `ask`: what a script may do is the caller's business."""
        return self.ask(scripts, seconds=seconds)

    def tunnel(self, host: str, target: tuple[str, int]) -> tuple[str, int]:
        """Address and port here whose connections reach `target` as `host` sees it.

        Open until `close`. On this very machine it is the target itself.
        Raises ConnectionLost: the host, or the target from there, cannot be reached.
        """
        try:
            return self._lines.get(host).tunnel(target)
        except Unanswered as error:
            raise ConnectionLost(error.message, hint=error.hint) from error

    def close(self) -> None:
        """Hang up everywhere."""
        self._lines.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _reply(self, host: str, script: str, seconds: float) -> Reply:
        try:
            return self._lines.get(host).run(script, seconds)
        except Unanswered as error:
            return error.reply(host)


class _Lines:
    """One line a host, and what they share."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._lock = Lock()
        self._lines: dict[str, Line] = {}
        self._connector: Connector | None = None

    def prepare(self, hosts: Iterable[str]) -> None:
        """Begin to look up those of the hosts that are new."""
        with self._lock:
            new = [host for host in hosts if host not in self._lines]
        self._resolver.prepare(new)

    def get(self, host: str) -> Line:
        """The line to a host."""
        with self._lock:
            return self._lines.setdefault(
                host, Line(host, partial(self._resolver.host, host), self.connect)
            )

    def connect(self, target: "Target") -> "StrictConnection":
        with self._lock:
            if self._connector is None:
                # fabric is loaded when a host is truly reached by SSH
                from gpmirror.adapters.ssh_connector import Connector

                self._connector = Connector(self._resolver)
        return self._connector.open(target)

    def close(self) -> None:
        with self._lock:
            lines = list(self._lines.values())
            self._lines.clear()
            connector, self._connector = self._connector, None
        for line in lines:
            line.close()
        if connector is not None:
            connector.close()
