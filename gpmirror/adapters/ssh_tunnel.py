"""A local TCP port whose connections go through a host's SSH connection."""

import os
import socket
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from threading import Thread

from paramiko import Channel, SSHException

from gpmirror.adapters.ssh_connection import StrictConnection
from gpmirror.adapters.ssh_unanswered import Unanswered
from gpmirror.boundary import Silence

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
        host, port = near.getpeername()
        wanted = f"{int.from_bytes(socket.inet_aton(host), sys.byteorder):08X}:{port:04X}"
        for line in table:
            # sl local_address rem_address st tx_queue:rx_queue tr:when retrnsmt uid ...
            words = line.split()
            if len(words) > _UID and words[1] == wanted:
                return int(words[_UID]) != os.geteuid()
    return False


def _pump(source: socket.socket | Channel, sink: socket.socket | Channel) -> None:
    """Carry bytes one way until the source ends, then tell the sink."""
    with suppress(OSError, EOFError, SSHException):
        while data := source.recv(_CHUNK):
            sink.sendall(data)
    with suppress(OSError, EOFError, SSHException):
        sink.shutdown(1)
