"""Run a shell script on a host or on this machine, and carry its output back whole."""

import math
import os
import pwd
import secrets
import select
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Timer

from paramiko import Channel, SSHException

from gpmirror.adapters import ssh_failures
from gpmirror.adapters.ssh_connection import StrictConnection
from gpmirror.adapters.ssh_failures import NoShell, Unanswered
from gpmirror.adapters.ssh_target import SshTarget
from gpmirror.boundary import Answered
from gpmirror.values import dataclass

# --- Carry a shell script to a shell and its output back, whatever stands around them.
#
# The command line is fixed text with a number of seconds: login shells (sh, bash, csh, fish) read it
# alike. The script travels on standard input, so its size has no limit, between two lines with a
# random mark: a script that did not arrive whole is not run. Its output is printed between lines with
# the mark too, so what start-up files print never counts as the script's. Others on the host see
# command lines, so the mark stands in none: who knew it could write an answer's end into a log.


# Reads the whole script before anything of it runs; a script that reads standard input finds it
# empty. The subshell keeps `exit`, `set -e` and traps of the script from the closing marks. The
# polite end of an overdue script reaches all processes of its group; this shell then stays, so that
# the forced end that follows reaches those that did not listen.
_INNER = (
    'set --; read -r gpm_mark; case $gpm_mark in "#gpm"?*) ;; '
    "*) echo; echo gpm-cut; echo >&2; echo gpm-cut >&2; exit 0;; esac; gpm_mark=${gpm_mark#?}; "
    'echo; echo "$gpm_mark"; echo >&2; echo "$gpm_mark" >&2; '
    'gpm_script=$(cat); exec </dev/null; gpm_end() { echo; echo "$gpm_mark $1"; }; '
    'case $gpm_script in *"#$gpm_mark") ;; '
    "*) gpm_end cut; gpm_end cut >&2; exit 0;; esac; "
    'gpm_script=${gpm_script%"#$gpm_mark"}; gpm_status=; trap "gpm_status=late" TERM; '
    '(eval "$gpm_script"); gpm_status=${gpm_status:-$?}; '
    'gpm_end "$gpm_status"; gpm_end "$gpm_status" >&2; '
    "case $gpm_status in late) exec >/dev/null 2>&1; sleep 20;; esac; exit 0"
)

# timeout(1) learned -k in coreutils 8.5; an older or absent one fails at once, as nothing else here
# does. Then a watchdog ends the process group, which sshd makes for every command. A process that
# left the group on purpose (setsid) lives on.
_OUTER = (
    'timeout -k 5 "$1" sh -c "$2"; r=$?; '
    "if test $r -eq 0 || test $r -eq 124 || test $r -gt 127; then exit $r; fi; "
    '( exec </dev/null >/dev/null 2>&1; k() { kill $c; exit; }; trap k TERM; sleep "$1" & c=$! ; '
    'wait $c; trap "" TERM; kill -TERM 0; sleep 5; kill -KILL 0 ) & w=$! ; '
    'sh -c "$2"; r=$?; kill $w; exit $r'
)

_EATEN = b"\ngpm-cut\n"
"""Says that the line with the mark did not arrive."""

MOST_ANSWER = 16 << 20
"""Bytes of one stream that are taken from a host; whoever has more to say is hung up on."""

MOST_NOISE = 64 << 10
"""Bytes that start-up files of a login shell may print before the script begins."""

KILL_AFTER = 5
"""Seconds between the polite and the forced end of a script that ran too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A script ready to travel: `argv` runs on any machine, `command` and `old_command` are for a
    login shell. `command` needs a modern timeout(1) and starts fewer programs; where there is none
    it starts nothing, and `old_command` does.

    Both parts go to standard input. Until the last byte of `seal` is there nothing runs: whoever
    holds it back until the shell has spoken knows that nothing runs after he gave up waiting.
    """

    mark: str
    seconds: int
    body: bytes
    seal: bytes

    @property
    def argv(self) -> list[str]:
        """The command line as words."""
        return ["sh", "-c", _OUTER, "sh", str(self.seconds), _INNER]

    @property
    def command(self) -> str:
        """The quick command line as text, quoted alike for every login shell."""
        limit = ["timeout", "-k", str(KILL_AFTER), str(self.seconds)]
        return shlex.join([*limit, "sh", "-c", _INNER])

    @property
    def old_command(self) -> str:
        """`argv` as text, quoted alike for every login shell."""
        return shlex.join(self.argv)


def pack(script: str, seconds: float) -> Parcel:
    """Wrap a POSIX shell script; its deadline is rounded up to whole seconds.

    Raises ValueError: the script holds a NUL, which no shell can carry.
    """
    if "\0" in script:
        raise ValueError("a script with a NUL character cannot run")
    mark = f"gpm{secrets.token_hex(16)}"
    return Parcel(
        mark=mark,
        seconds=max(1, math.ceil(seconds)),
        body=f"#{mark}\n{script}\n".encode("utf-8", "surrogateescape"),
        seal=f"#{mark}\n".encode(),
    )


class Captured:
    """One output stream of a parcel: feed it, then ask what the script printed."""

    def __init__(self, mark: str) -> None:
        self._open = f"\n{mark}\n".encode()
        self._close = f"\n{mark} ".encode()
        self._data = bytearray()
        self._begin = -1
        self._searched = 0
        self.status: int | None = None
        self.cut = False
        """The script did not arrive whole, and did not run."""
        self.late = False
        """The script ran into its deadline."""
        self.flooded: str | None = None
        """What there is too much of, with the limit; nothing more is taken."""

    @property
    def begun(self) -> bool:
        """Whether the script's shell has spoken."""
        return self._begin >= 0

    @property
    def ended(self) -> bool:
        """Whether nothing more can come."""
        return self.status is not None or self.cut or self.late or self.flooded is not None

    @property
    def text(self) -> str:
        """What the script printed so far, or the noise before it; odd bytes are escaped."""
        return bytes(self._data[max(self._begin, 0) :]).decode("utf-8", "backslashreplace")

    def feed(self, data: bytes) -> None:
        """Take in the next bytes; what comes after the closing mark is not the script's."""
        if self.ended:
            return
        self._data += data
        if not self.begun:
            self._find_begin()
        if self.begun:
            self._find_end()
        self._check_size()

    def _check_size(self) -> None:
        size = len(self._data) - max(self._begin, 0)
        if self.ended:
            return
        if not self.begun and size > MOST_NOISE:
            self.flooded = f"more than {MOST_NOISE >> 10} KB before the script began"
        elif size > MOST_ANSWER:
            self.flooded = f"an answer of more than {MOST_ANSWER >> 20} MB"

    def _find_begin(self) -> None:
        found = self._data.find(self._open, self._searched)
        if found < 0:
            self.cut = self._data.find(_EATEN, self._searched) >= 0
            self._searched = max(0, len(self._data) - len(self._open))
        else:
            self._begin = self._searched = found + len(self._open)

    def _find_end(self) -> None:
        while (found := self._data.find(self._close, self._searched)) >= 0:
            self._searched = found
            line = self._data.find(b"\n", found + len(self._close))
            if line < 0:
                return
            word = bytes(self._data[found + len(self._close) : line])
            if word.isdigit() or word in {b"cut", b"late"}:
                del self._data[found:]
                self.status = int(word) if word.isdigit() else None
                self.cut, self.late = word == b"cut", word == b"late"
                return
            self._searched = line  # the line feed may begin the closing line
        self._searched = max(self._searched, len(self._data) - len(self._close))


# --- Run one wrapped script over an open connection.


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


# --- Run scripts on this very machine, on the same terms as over SSH.


# what a login would have too; PGPASSWORD and the caller's Greenplum environment stay here
_KEPT = ("HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TZ", "USER")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_LATE_HERE = 2.0


def is_this_machine(target: SshTarget) -> bool:
    """Whether a login there would end up here, as the same user: then no SSH is needed.

    Only a plain target counts, at the usual port without a proxy, whose address is one of ours
    by name and by what the name resolves to.
    """
    plain = target.port == 22 and not target.jumps and not target.proxy_command  # noqa: PLR2004
    return plain and target.user == _me() and _is_our_name(target.address.lower())


def run_here(name: str, script: str, seconds: float) -> Answered:
    """Run a script by `sh`. Raises Unanswered: it ran too long, or was ended from outside."""
    parcel = pack(script, seconds)
    home = Path.home()
    process = subprocess.Popen(  # noqa: S603
        parcel.argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={name: os.environ[name] for name in _KEPT if name in os.environ},
        cwd=str(home) if os.access(home, os.X_OK) else "/",
        start_new_session=True,
    )
    try:
        return _Running(name, process, parcel).finish()
    finally:
        _end(process)


class _Running:
    """One script on its way: its text goes in, its output comes out, by turns."""

    def __init__(self, name: str, process: "subprocess.Popen[bytes]", parcel: Parcel) -> None:
        self._name = name
        self._process = process
        self._parcel = parcel
        self._unsent = memoryview(parcel.body + parcel.seal)
        self._began = time.monotonic()
        assert process.stdin and process.stdout and process.stderr  # noqa: S101, PT018
        self._stdin = process.stdin.fileno()
        self._streams = {
            process.stdout.fileno(): Captured(parcel.mark),
            process.stderr.fileno(): Captured(parcel.mark),
        }
        self._out, self._err = self._streams.values()

    def finish(self) -> Answered:
        """Feed and read until both streams hold the closing mark."""
        poll = select.poll()
        os.set_blocking(self._stdin, False)
        poll.register(self._stdin, select.POLLOUT)
        for stream in self._streams:
            poll.register(stream, select.POLLIN)
        limit = self._began + self._parcel.seconds + KILL_AFTER + _LATE_HERE
        open_streams = len(self._streams)
        while open_streams and not (self._flooded or (self._out.ended and self._err.ended)):
            left = limit - time.monotonic()
            if left <= 0:
                break
            for file, _ in poll.poll(left * 1000):
                if self._turn(file):
                    poll.unregister(file)
                    open_streams -= file in self._streams
        return self._answer()

    @property
    def _flooded(self) -> str | None:
        """What there is too much of, on either stream."""
        return self._out.flooded or self._err.flooded

    def _turn(self, file: int) -> bool:
        """Move some bytes; True: this stream is done."""
        if file == self._stdin:
            return self._feed()
        data = os.read(file, _CHUNK)
        self._streams[file].feed(data)
        return not data

    def _feed(self) -> bool:
        try:
            sent = os.write(self._stdin, self._unsent[:_CHUNK])
        except BrokenPipeError:
            sent = len(self._unsent)
        self._unsent = self._unsent[sent:]
        if not self._unsent and self._process.stdin:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        return not self._unsent

    def _answer(self) -> Answered:
        where = f"{self._name} (this machine)"
        if self._flooded:
            raise ssh_failures.flooded(where, self._flooded)
        if self._out.status is not None:
            return Answered(
                host=self._name, status=self._out.status, out=self._out.text, err=self._err.text
            )
        if self._out.late or time.monotonic() - self._began >= self._parcel.seconds:
            raise ssh_failures.overran(where, self._parcel.seconds)
        raise ssh_failures.lost(where, "its shell was ended from outside")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Close our ends; a shell still running is ended with its group."""
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            with suppress(OSError):
                stream.close()
    try:
        process.wait(0.5)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _is_our_name(address: str) -> bool:
    here = socket.gethostname().lower()
    if address in _LOOPBACK:
        return True
    if address.partition(".")[0] != here.partition(".")[0]:
        return False  # the full name is a question to the name service: not for every host
    ours = {here, here.partition(".")[0]}
    return (address in ours or address == socket.getfqdn().lower()) and _is_our_address(address)


def _is_our_address(address: str) -> bool:
    """Whether the name leads here: only our own addresses can be bound to."""
    try:
        found = socket.getaddrinfo(address, 0, type=socket.SOCK_DGRAM)
        for family, kind, protocol, _, place in found:
            with socket.socket(family, kind, protocol) as probe:
                probe.bind(place)
    except OSError:
        return False
    return True


def _me() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return ""
