"""The byte stream under an SSH connection: a TCP socket or a ProxyCommand, each with a deadline."""

import os
import socket
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass

from gpmirror.adapters.programs import ssh_environment
from gpmirror.adapters.ssh_failures import not_dialled
from gpmirror.adapters.ssh_target import Target

_FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}


@dataclass(frozen=True, slots=True)
class Dialled:
    """An open stream. With a proxy program: the process, and the file its complaints go to."""

    stream: socket.socket
    program: "subprocess.Popen[bytes] | None" = None
    complaints: int = -1

    def complaint(self) -> str:
        """What the proxy program said on its standard error, shortened."""
        if self.program is None:
            return ""
        return " ".join(os.pread(self.complaints, 400, 0).decode(errors="backslashreplace").split())

    def close(self) -> None:
        """Hang up; ends a proxy program."""
        with suppress(OSError):  # the other end was faster
            self.stream.shutdown(socket.SHUT_RDWR)
        self.stream.close()
        if self.program is not None:
            self.program.kill()
            self.program.wait()
            os.close(self.complaints)


def dial(target: Target) -> Dialled:
    """Open the stream to a host without jump hosts. Raises Unanswered."""
    if target.proxy_command:
        return _through(target.proxy_command)
    try:
        return Dialled(_connect(target))
    except OSError as error:
        raise not_dialled(target, error) from error


def _connect(target: Target) -> socket.socket:
    """The first of the host's addresses that answers."""
    family = _FAMILIES.get(target.family, socket.AF_UNSPEC)
    found = socket.getaddrinfo(target.address, target.port, family, socket.SOCK_STREAM)
    trouble: OSError = OSError("no address")
    for kind, how, protocol, _, address in found:
        stream = socket.socket(kind, how, protocol)
        try:
            stream.settimeout(target.connect_seconds)
            stream.connect(address)
            # scripts are short talks: waiting to fill a packet costs 40 ms a step
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            stream.close()
            trouble = error
        except BaseException:
            stream.close()
            raise
        else:
            return stream
    raise trouble


def _through(command: str) -> Dialled:
    """Run a ProxyCommand as OpenSSH does: by the shell, on both ends of one socket."""
    ours, theirs = socket.socketpair()
    complaints = _nameless_file()
    with theirs:
        program = subprocess.Popen(  # noqa: S602
            f"exec {command}",
            shell=True,
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            stderr=complaints,
            start_new_session=True,
            env=ssh_environment(),
        )
    return Dialled(ours, program, complaints)


def _nameless_file() -> int:
    with tempfile.TemporaryFile(prefix="gpmirror-proxy-") as file:
        return os.dup(file.fileno())
