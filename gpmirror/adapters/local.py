"""Run scripts on this very machine, on the same terms as over SSH."""

import os
import pwd
import select
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from gpmirror.adapters import ssh_failures
from gpmirror.adapters.ssh_script import KILL_AFTER, Captured, Parcel, pack
from gpmirror.adapters.ssh_target import Target
from gpmirror.boundary import Answered

# what a login would have too; PGPASSWORD and the caller's Greenplum environment stay here
_KEPT = ("HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TZ", "USER")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_LATE = 2.0
_CHUNK = 1 << 18


def is_this_machine(target: Target) -> bool:
    """Whether a login there would end up here, as the same user: then no SSH is needed.

    Only a plain target counts, at the usual port without a proxy, whose address is one of ours
    by name and by what the name resolves to.
    """
    plain = target.port == 22 and not target.jumps and not target.proxy_command  # noqa: PLR2004
    return plain and target.user == _me() and _is_our_name(target.address.lower())


def run_here(name: str, script: str, seconds: float) -> Answered:
    """Run a script by `sh`. Raises Unanswered: it ran too long, or was ended from outside."""
    parcel = pack(script, seconds)
    process = subprocess.Popen(  # noqa: S603
        parcel.argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={name: os.environ[name] for name in _KEPT if name in os.environ},
        cwd=_home(),
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
        limit = self._began + self._parcel.seconds + KILL_AFTER + _LATE
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


def _home() -> str:
    home = Path.home()
    return str(home) if os.access(home, os.X_OK) else "/"


def _me() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return ""
