"""Run one wrapped script over an open connection."""

import select
import time
from threading import Timer

from paramiko import Channel, SSHException

from gpmirror.adapters import ssh_failures
from gpmirror.adapters.ssh_connection import StrictConnection
from gpmirror.adapters.ssh_script import KILL_AFTER, Captured, Parcel, pack
from gpmirror.adapters.ssh_unanswered import Unanswered
from gpmirror.boundary import Answered

_LATE = 5.0  # beyond the far side's own deadline and its forced end
_SEND_SECONDS = 30.0
_CHUNK = 1 << 18


def converse(connection: StrictConnection, script: str, seconds: float) -> Answered:
    """Run a script and wait for its end.

    Raises Unanswered; NotBegun: the connection failed before the whole script was there.
    """
    parcel = pack(script, seconds)
    channel = _begin(connection, parcel)
    try:
        return _Conversation(connection, channel, parcel).finish()
    finally:
        channel.close()


def _begin(connection: StrictConnection, parcel: Parcel) -> Channel:
    """Open a channel and send the script: until its last line is there, nothing of it runs."""
    try:
        channel = connection.transport.open_session()
        try:
            _send(channel, parcel)
        except BaseException:
            channel.close()
            raise
    except (SSHException, EOFError, OSError) as error:
        raise ssh_failures.not_begun(connection.target, error) from error
    return channel


def _send(channel: Channel, parcel: Parcel) -> None:
    channel.settimeout(_SEND_SECONDS)
    # the library waits for the server's word without a deadline of its own
    guard = Timer(_SEND_SECONDS, channel.close)
    guard.daemon = True
    guard.start()
    try:
        channel.exec_command(parcel.command)
    finally:
        guard.cancel()
    try:
        channel.sendall(parcel.body)
        channel.shutdown_write()
    except TimeoutError:
        raise
    except OSError:
        # a login shell that ends at once: what it said is worth reading
        if not channel.get_transport().is_active():
            raise


class _Conversation:
    """What comes back from one script."""

    def __init__(self, connection: StrictConnection, channel: Channel, parcel: Parcel) -> None:
        self._connection = connection
        self._channel = channel
        self._parcel = parcel
        self._out, self._err = Captured(parcel.mark), Captured(parcel.mark)
        self._began = time.monotonic()

    def finish(self) -> Answered:
        """Read until both streams hold the closing mark."""
        limit = self._began + self._parcel.seconds + KILL_AFTER + _LATE
        ready = select.poll()
        ready.register(self._channel.fileno(), select.POLLIN)
        while not (self._out.ended and self._err.ended):
            left = limit - time.monotonic()
            if left <= 0 or not ready.poll(left * 1000):
                self._connection.close()  # it is of no use any more
                raise ssh_failures.overran(str(self._connection.target), self._parcel.seconds)
            if not self._read():
                break
        return self._answer()

    def _read(self) -> bool:
        """Take in what is there; False: nothing will come any more."""
        closed = self._channel.closed or self._channel.eof_received
        fed = False
        while self._channel.recv_ready():
            self._out.feed(self._channel.recv(_CHUNK))
            fed = True
        while self._channel.recv_stderr_ready():
            self._err.feed(self._channel.recv_stderr(_CHUNK))
            fed = True
        return fed or not closed

    def _answer(self) -> Answered:
        target = self._connection.target
        if self._out.status is not None:
            return Answered(
                host=target.alias, status=self._out.status, out=self._out.text, err=self._err.text
            )
        raise self._why()

    def _why(self) -> Unanswered:
        target = self._connection.target
        if not self._out.ended and not self._connection.is_connected:
            return ssh_failures.lost(str(target), "the connection was closed")
        if self._out.cut:
            return ssh_failures.cut(target)
        if self._out.late or time.monotonic() - self._began >= self._parcel.seconds:
            return ssh_failures.overran(str(target), self._parcel.seconds)
        status = self._channel.recv_exit_status() if self._channel.exit_status_ready() else -1
        if not self._out.begun:
            return ssh_failures.no_shell(target, self._out.text + self._err.text, status)
        return ssh_failures.lost(str(target), "its shell was ended from outside")
