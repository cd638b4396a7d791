"""Scripts on hosts: each host is reached when first needed, its connection kept for the run."""

import os
import socket
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from paramiko import Channel, SSHException

from gpmirror.adapters.ssh_connection import Connector, StrictConnection
from gpmirror.adapters.ssh_failures import HungUp, NotBegun, Unanswered
from gpmirror.adapters.ssh_script import converse, is_this_machine, run_here
from gpmirror.adapters.ssh_settings import Resolver
from gpmirror.boundary import Answered, Hosts, Reply, Silence
from gpmirror.errors import ConnectionLost
from gpmirror.events import Rehearsed
from gpmirror.spec.model import SshOptions

if TYPE_CHECKING:
    from gpmirror.adapters.ssh_target import SshTarget


# --- The way to one host: its target is looked up once, its connection kept while it lives.


_RESTS, _MOST_REST_SECONDS = 6, 60.0
"""How long a host that hung is left alone: so many times what it took, and the most of that."""


class HostConnection:
    """The way to one host."""

    def __init__(
        self,
        name: str,
        resolve: Callable[[], "SshTarget"],
        connect: Callable[["SshTarget"], StrictConnection],
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._now = now
        self._name = name
        self._resolve = resolve
        self._connect = connect
        self._lock = Lock()
        self._target: SshTarget | None = None
        self._here = False
        self._connection: StrictConnection | None = None
        self._hung: tuple[float, Unanswered] | None = None
        self._tunnels: list[Tunnel] = []

    def run(self, script: str, seconds: float) -> Answered:
        """Run a script here or there. Raises Unanswered."""
        if self.is_here():
            return run_here(self._name, script, seconds)
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

        opened = Tunnel(self.connected, target)
        self._tunnels.append(opened)
        return opened.address

    def is_here(self) -> bool:
        """Whether this host is the machine we run on. Raises Unanswered."""
        self._settled()
        return self._here

    def connected(self) -> StrictConnection:
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

    def _tried(self, target: "SshTarget") -> StrictConnection:
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

    def _hang_up(self, connection: StrictConnection) -> None:
        with self._lock:
            if self._connection is connection:
                self._connection = None
        connection.close()

    def _settled(self) -> "SshTarget":
        with self._lock:
            if self._target is None:
                self._target = self._resolve()
                self._here = is_this_machine(self._target)
            return self._target


# --- Do the same for many hosts at once, and let an interrupt through without waiting for them.


Item = TypeVar("Item")
Result = TypeVar("Result")


def at_once(work: Callable[[Item], Result], items: Iterable[Item], most: int) -> dict[Item, Result]:
    """`work(item)` for every item, `most` of them at a time, in the items' order.

    The first exception of a worker is raised here. An interrupt of the caller starts no more
    work and is raised at once; what runs then ends by its own deadlines.
    """
    wanted = list(items)
    if len(wanted) == 1:
        return {wanted[0]: work(wanted[0])}
    waiting = deque(wanted)
    done: SimpleQueue[tuple[Item, Result | None, BaseException | None]] = SimpleQueue()
    for _ in range(min(most, len(wanted))):
        # daemons: a host that hangs must not hold up the end of the program
        Thread(target=_drain, args=(work, waiting, done), daemon=True).start()
    results: dict[Item, Result] = {}
    try:
        for _ in wanted:
            item, result, error = done.get()
            if error is not None:
                raise error
            results[item] = result  # type: ignore[assignment]
    finally:
        waiting.clear()
    return {item: results[item] for item in wanted}


def _drain(
    work: Callable[[Item], Result],
    waiting: deque[Item],
    done: "SimpleQueue[tuple[Item, Result | None, BaseException | None]]",
) -> None:
    while True:
        try:
            item = waiting.popleft()
        except IndexError:
            return
        try:
            done.put((item, work(item), None))
        except BaseException as error:  # noqa: BLE001 - it is raised in the caller's thread
            done.put((item, None, error))


# --- Scripts on hosts: each host is reached when first needed and its connection kept for the run.


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
        return at_once(
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
        self._lines: dict[str, HostConnection] = {}
        self._connector: Connector | None = None

    def prepare(self, hosts: Iterable[str]) -> None:
        """Begin to look up those of the hosts that are new."""
        with self._lock:
            new = [host for host in hosts if host not in self._lines]
        self._resolver.prepare(new)

    def get(self, host: str) -> HostConnection:
        """The line to a host."""
        with self._lock:
            return self._lines.setdefault(
                host, HostConnection(host, partial(self._resolver.host, host), self.connect)
            )

    def connect(self, target: "SshTarget") -> StrictConnection:
        with self._lock:
            if self._connector is None:
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


# --- A local TCP port whose connections go through a host's SSH connection.


_CHUNK = 1 << 16
_UID = 7
"""The column of /proc/net/tcp that tells a socket's owner."""


class Tunnel:
    """Listens on loopback; every connection gets a channel of its own to the target.

    `connected` gives the host's connection, a new one when the last was lost. The first channel
    is opened at once, so that a tunnel that leads nowhere is told here. Raises Unanswered.
    """

    def __init__(self, connected: Callable[[], StrictConnection], target: tuple[str, int]) -> None:
        self._connected = connected
        self._target = target
        self._spare: Channel | None = self._channel()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()[:2]
        Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Take no more connections; those that are open end with the host's connection."""
        # closing alone does not wake up a thread that waits in accept
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        if self._spare is not None:
            self._spare.close()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return  # closed
            Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        if _is_anothers(near):
            near.close()  # to the server it would seem to come from the host
            return
        # a byte stream cannot say why it ends: trouble with the host just closes it
        with (
            near,
            suppress(Unanswered, OSError, EOFError, SSHException),
            closing(self._take_spare() or self._channel()) as far,
        ):
            near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = Thread(target=_pump, args=(far, near), daemon=True)
            back.start()
            _pump(near, far)
            back.join()

    def _take_spare(self) -> Channel | None:
        spare, self._spare = self._spare, None
        return None if spare is None or spare.closed or spare.eof_received else spare

    def _channel(self) -> Channel:
        connection = self._connected()
        try:
            return self._over(connection)
        except Unanswered:
            if connection.is_connected:
                raise
            return self._over(self._connected())  # it was dying, and nobody knew yet

    def _over(self, connection: StrictConnection) -> Channel:
        host, port = self._target
        try:
            return connection.transport.open_channel("direct-tcpip", (host, port), ("127.0.0.1", 0))
        except (SSHException, EOFError, OSError) as error:
            raise Unanswered(
                Silence.UNREACHABLE,
                f"{connection.target} cannot connect to {host} port {port}: {error}",
                "does the server listen there, and does sshd allow it (AllowTcpForwarding)?",
            ) from error


def _is_anothers(near: socket.socket) -> bool:
    """Whether another account of this machine made the connection: anybody can reach loopback. Linux
    tells the owner of each socket; where nobody tells, nobody is turned away.
    """
    with suppress(OSError, ValueError), Path("/proc/net/tcp").open(encoding="ascii") as table:
        # both ends: two accounts may call from one port, when they call two places
        wanted = [_as_listed(near.getpeername()), _as_listed(near.getsockname())]
        for line in table:
            # sl local_address rem_address st tx_queue:rx_queue tr:when retrnsmt uid ...
            words = line.split()
            if len(words) > _UID and words[1:3] == wanted:
                return int(words[_UID]) != os.geteuid()
    return False


def _as_listed(end: tuple[str, int]) -> str:
    """An address as /proc/net/tcp writes it: the four bytes in the machine's order, in hex."""
    return f"{int.from_bytes(socket.inet_aton(end[0]), sys.byteorder):08X}:{end[1]:04X}"


def _pump(source: socket.socket | Channel, sink: socket.socket | Channel) -> None:
    """Carry bytes one way until the source ends, then tell the sink."""
    with suppress(OSError, EOFError, SSHException):
        while data := source.recv(_CHUNK):
            sink.sendall(data)
    with suppress(OSError, EOFError, SSHException):
        sink.shutdown(1)


# --- Hosts for a rehearsal: questions are asked for real, changes are told and not made.


class RehearsalHosts:
    """Fulfils `boundary.Hosts` without ever changing a host."""

    def __init__(self, real: Hosts, tell: Callable[[Rehearsed], None]) -> None:
        self._real = real
        self._tell = tell

    def ask(self, scripts: Mapping[str, str], *, seconds: float) -> dict[str, Reply]:
        """Run scripts that change nothing, on the real hosts."""
        return self._real.ask(scripts, seconds=seconds)

    def change(self, scripts: Mapping[str, str], *, seconds: float) -> dict[str, Reply]:
        """Tell what would run, by host name in order; every host answers 0 and says nothing."""
        del seconds  # nothing runs
        for host in sorted(scripts):
            self._tell(Rehearsed(host=host, script=scripts[host]))
        return {host: Answered(host=host, status=0, out="", err="") for host in sorted(scripts)}
