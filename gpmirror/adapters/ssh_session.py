"""Run one wrapped script over an open connection."""

import time
from collections.abc import Callable
from threading import Event, Timer

from paramiko import Channel, SSHException

from gpmirror.adapters import ssh_failures
from gpmirror.adapters.ssh_connection import StrictConnection
from gpmirror.adapters.ssh_script import KILL_AFTER, Captured, Parcel, pack
from gpmirror.adapters.ssh_unanswered import NoShell, Unanswered
from gpmirror.boundary import Answered

_LATE = 5.0  # beyond the far side's own deadline and its forced end
_SEND_SECONDS = 30.0
_LEAST_START_SECONDS = 15.0
_CHUNK = 1 << 18


def converse(connection: StrictConnection, script: str, seconds: float) -> Answered:
    """Run a script and wait for its end.

    Raises Unanswered; NotBegun: the connection failed before the whole script was there.
    """
    parcel = pack(script, seconds)
    if not connection.old_tools:
        try:
            return _converse(connection, parcel, parcel.command)
        except NoShell:
            # nothing has run; perhaps there is no timeout(1), or one that is too old
            connection.note_old_tools()
    return _converse(connection, parcel, parcel.old_command)


def _converse(connection: StrictConnection, parcel: Parcel, command: str) -> Answered:
    channel = _open(connection, parcel, command)
    try:
        talk = _Conversation(connection, channel, parcel)
        talk.begin()
        return talk.finish()
    finally:
        channel.close()


def _open(connection: StrictConnection, parcel: Parcel, command: str) -> Channel:
    """Open a channel, start a shell and send it the script, yet without the seal."""
    try:
        channel = connection.transport.open_session()
        try:
            _send(channel, parcel, command)
        except BaseException:
            channel.close()
            raise
    except (SSHException, EOFError, OSError) as error:
        raise ssh_failures.not_begun(connection.target, error) from error
    return channel


def _send(channel: Channel, parcel: Parcel, command: str) -> None:
    channel.settimeout(_SEND_SECONDS)
    # the library waits for the server's word without a deadline of its own
    guard = Timer(_SEND_SECONDS, channel.close)
    guard.daemon = True
    guard.start()
    try:
        channel.exec_command(command)
    finally:
        guard.cancel()
    try:
        channel.sendall(parcel.body)
    except TimeoutError:
        raise
    except OSError:
        # a login shell that ends at once: what it said is worth reading
        if not channel.get_transport().is_active():
            raise


class _Bell:
    """Rings when something arrives, on either stream, or the channel closes.

    Not the channel's own descriptor: when both streams are busy, it may miss a ring.
    """

    def __init__(self) -> None:
        self._rung = Event()

    def set(self) -> None:
        """Something arrived."""
        self._rung.set()

    def clear(self) -> None:
        """A stream was read empty: no news of the other one."""

    def wait(self, seconds: float) -> bool:
        """Wait for a ring, and be ready for the next; False: none within `seconds`."""
        rung = self._rung.wait(max(0.0, seconds))
        self._rung.clear()
        return rung


class _Conversation:
    """What goes to and comes back from one script."""

    def __init__(self, connection: StrictConnection, channel: Channel, parcel: Parcel) -> None:
        self._connection = connection
        self._target = connection.target
        self._channel = channel
        self._parcel = parcel
        self._out, self._err = Captured(parcel.mark), Captured(parcel.mark)
        self._bell = _Bell()
        channel.in_buffer.set_event(self._bell)
        channel.in_stderr_buffer.set_event(self._bell)
        self._began = time.monotonic()

    def begin(self) -> None:
        """Wait until the script's shell speaks, then send the seal that lets it begin."""
        seconds = max(_LEAST_START_SECONDS, self._parcel.seconds)
        begun = self._read_until(
            lambda: self._out.begun or self._out.cut or bool(self._flooded), seconds
        )
        if self._out.cut:
            raise ssh_failures.cut(self._target)
        if not begun or self._flooded:
            raise self._not_begun(seconds)
        self._began = time.monotonic()
        try:
            self._channel.sendall(self._parcel.seal)
            self._channel.shutdown_write()
        except (SSHException, EOFError, OSError) as error:
            raise ssh_failures.lost(str(self._target), str(error)) from error

    def finish(self) -> Answered:
        """Read until both streams hold the closing mark."""
        seconds = self._parcel.seconds + KILL_AFTER + _LATE
        self._read_until(self._is_over, seconds)
        if self._out.status is None or self._flooded:
            raise self._not_ended()
        return Answered(
            host=self._target.alias,
            status=self._out.status,
            out=self._out.text,
            err=self._err.text,
        )

    @property
    def _flooded(self) -> str | None:
        """What there is too much of, on either stream."""
        return self._out.flooded or self._err.flooded

    def _is_over(self) -> bool:
        return (self._out.ended and self._err.ended) or bool(self._flooded)

    def _read_until(self, done: Callable[[], bool], seconds: float) -> bool:
        """Read until `done`; False: the far side closed first, or the time is over."""
        limit = time.monotonic() + seconds
        while not done():
            if not self._bell.wait(limit - time.monotonic()) or not self._read():
                return done()
        return True

    def _read(self) -> bool:
        """Take in what is there; False: nothing will come any more."""
        closed = self._closed
        while self._channel.recv_ready() and not self._out.flooded:
            self._out.feed(self._channel.recv(_CHUNK))
        while self._channel.recv_stderr_ready() and not self._err.flooded:
            self._err.feed(self._channel.recv_stderr(_CHUNK))
        return not closed

    @property
    def _closed(self) -> bool:
        return bool(self._channel.closed or self._channel.eof_received)

    def _not_begun(self, seconds: float) -> Unanswered:
        if self._flooded:
            return self._hung_up(self._flooded)
        if not self._connection.is_connected:
            return ssh_failures.not_begun(self._target, EOFError("the connection was closed"))
        if not self._closed:
            return ssh_failures.not_started(self._target, seconds)
        self._channel.status_event.wait(1)  # it may come a little after the end of the output
        noise = self._out.text + self._err.text
        return ssh_failures.no_shell(self._target, noise, self._channel.exit_status)

    def _hung_up(self, what: str) -> Unanswered:
        self._connection.close()  # what else it has to say is not read
        return ssh_failures.flooded(str(self._target), what)

    def _not_ended(self) -> Unanswered:
        if self._flooded:
            return self._hung_up(self._flooded)
        if self._out.cut:
            return ssh_failures.cut(self._target)
        if not self._closed:
            self._connection.close()  # it is of no use any more
        elif not self._connection.is_connected:
            return ssh_failures.lost(str(self._target), "the connection was closed")
        overdue = time.monotonic() - self._began >= self._parcel.seconds
        if self._out.late or overdue:
            return ssh_failures.overran(str(self._target), self._parcel.seconds)
        return ssh_failures.lost(str(self._target), "its shell was ended from outside")
