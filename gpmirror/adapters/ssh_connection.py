"""Connections: direct, through a ProxyCommand or jump hosts; known keys alone, logins with keys alone."""

import logging
import os
import random
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import Any

from fabric import Config, Connection
from paramiko import (
    AuthenticationException,
    BadAuthenticationType,
    Channel,
    MissingHostKeyPolicy,
    PKey,
    SSHClient,
    SSHException,
    Transport,
)

from gpmirror.adapters import ssh_failures
from gpmirror.adapters.operator import ssh_environment
from gpmirror.adapters.ssh_failures import HungUp, Unanswered, not_dialled
from gpmirror.adapters.ssh_settings import Resolver
from gpmirror.adapters.ssh_target import KeyStore, KnownHosts, Offered, SshTarget, open_agent
from gpmirror.boundary import Silence
from gpmirror.values import dataclass

# --- The byte stream under an SSH connection: a TCP socket or a ProxyCommand, each with a deadline.


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


def dial(target: SshTarget) -> Dialled:
    """Open the stream to a host without jump hosts. Raises Unanswered."""
    if target.proxy_command:
        return _through(target.proxy_command)
    try:
        return Dialled(_connect(target))
    except OSError as error:
        raise not_dialled(target, error) from error


def _connect(target: SshTarget) -> socket.socket:
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


# --- Log in with keys alone, and say what was tried when the server takes none of them.


LOGIN_SECONDS = 20.0
"""How long a server may think over one key."""


class KeyLogin:
    """One login, in the shape that paramiko's client calls (`auth_strategy`)."""

    def __init__(self, target: SshTarget, keys: KeyStore) -> None:
        self._target = target
        self._keys = keys
        self._offered = Offered()
        self._accepts: tuple[str, ...] = ()

    def authenticate(self, transport: Transport) -> None:
        """Try the keys in turn. Raises Unanswered: none was taken."""
        agent = open_agent(self._target)
        try:
            for key in self._keys.offers(self._target, agent, self._offered):
                if self._taken(partial(transport.auth_publickey, self._target.user, key)):
                    return
                if not transport.is_active():
                    break
        finally:
            if agent is not None:
                agent.close()
        # OpenSSH lets in without a key where the server wants none; else it says what it wants
        if transport.is_active() and self._taken(partial(transport.auth_none, self._target.user)):
            return
        gone = "" if transport.is_active() else "then it closed the connection"
        raise ssh_failures.refused(self._target, self._offered, self._accepts, gone)

    def _taken(self, attempt: Callable[[], list[str]]) -> bool:
        """Whether one attempt let us in; a second factor counts as a refusal."""
        try:
            more = attempt()
        except BadAuthenticationType as error:
            self._accepts = tuple(error.allowed_types)
            return False
        except AuthenticationException as error:
            if "timeout" in str(error).lower():
                raise ssh_failures.too_late(self._target, "the login", LOGIN_SECONDS) from error
            return False
        except (SSHException, EOFError, OSError):
            return False
        self._accepts = tuple(more)
        return not more


# --- A fabric connection that trusts known host keys alone and logs in with keys alone.


CHANNEL_SECONDS = 15.0
_ALIVE_EVERY = 15
_HANDSHAKE_SECONDS = 15

# a library's log is no message to a person: failures are told as replies
logging.getLogger("gpmirror.ssh").addHandler(logging.NullHandler())
logging.getLogger("gpmirror.ssh").propagate = False

_CONFIG = Config(lazy=True, overrides={"load_ssh_configs": False})
_CONFIG_LOCK = Lock()  # every new connection writes to it, so it serves one thread at a time


class StrictConnection(Connection):  # type: ignore[misc]
    """One connection to one host. Opened once; a lost one is replaced, not opened again."""

    def __init__(self, target: SshTarget, known: KnownHosts, keys: KeyStore) -> None:
        with _CONFIG_LOCK:
            super().__init__(
                host=target.address,
                user=target.user,
                port=target.port,
                config=_CONFIG,
                gateway=False,
                connect_timeout=int(target.connect_seconds) + _HANDSHAKE_SECONDS,
            )
        self._set(target=target, dialled=None, old_tools=False)
        self.connect_kwargs = {
            "banner_timeout": target.connect_seconds,
            "auth_timeout": LOGIN_SECONDS,
            "channel_timeout": CHANNEL_SECONDS,
            "auth_strategy": KeyLogin(target, keys),
            "transport_factory": _preferring(known.kinds(target.known_hosts, target.key_names)),
        }
        self.client.set_log_channel("gpmirror.ssh")
        self.client.set_missing_host_key_policy(_KnownKeysOnly(target, known))

    def open_on(self, stream: "Dialled | Channel") -> None:
        """Greet, check the host key and log in over an open stream, which is ours from here on.

        Raises Unanswered; HungUp: before any greeting.
        """
        self._set(dialled=stream)
        target = self.target
        raw = stream.stream if isinstance(stream, Dialled) else stream
        began = time.monotonic()
        try:
            # not `open` of fabric: it reads the shared configuration, while others write to it
            self.client.connect(
                hostname=target.address,
                port=target.port,
                username=target.user,
                timeout=self.connect_timeout,
                sock=raw,
                **self.connect_kwargs,
            )
            self.transport = self.client.get_transport()
            self.transport.set_keepalive(_ALIVE_EVERY)
        except Unanswered:
            self.close()
            raise
        except (SSHException, EOFError, OSError) as error:
            trouble = self._why(error, time.monotonic() - began)
            self.close()
            raise trouble from error
        except BaseException:
            self.close()
            raise

    def note_old_tools(self) -> None:
        """This host has no modern timeout(1)."""
        self._set(old_tools=True)

    def close(self) -> None:
        """Hang up at once, also in the middle of opening."""
        # the reading thread wakes up when its stream ends, not at its next look
        if self.dialled is not None:
            self.dialled.close()
        self.client.close()

    def _why(self, error: Exception, seconds: float) -> Unanswered:
        transport = self.client.get_transport()
        if transport is not None and transport.remote_version:
            if "No existing session" in str(error):
                return ssh_failures.too_late(self.target, "the key exchange", seconds)
            return ssh_failures.not_agreed(self.target, str(error))
        if seconds >= self.target.connect_seconds:
            return ssh_failures.never_spoke(self.target)
        if "Indecipherable" in str(error):
            return ssh_failures.not_agreed(self.target, f"no SSH server: {error}")
        said = self.dialled.complaint() if isinstance(self.dialled, Dialled) else ""
        return ssh_failures.hung_up(self.target, said)


class _KnownKeysOnly(MissingHostKeyPolicy):  # type: ignore[misc]
    """Judges every host key, as the client itself is given none to compare with."""

    def __init__(self, target: SshTarget, known: KnownHosts) -> None:
        self._target = target
        self._known = known

    def missing_host_key(self, client: SSHClient, hostname: str, key: PKey) -> None:
        """Raises Unanswered: the key is unknown, changed or revoked."""
        del client, hostname
        target = self._target
        verdict = self._known.judge(
            target.known_hosts, target.key_names, key.get_name(), key.asbytes()
        )
        if trouble := ssh_failures.bad_key(target, verdict, key):
            raise trouble


def _preferring(kinds: tuple[str, ...]) -> Callable[..., Transport]:
    """Makes transports that ask the server for the kinds of key that are known for it."""

    def make(stream: Any, **options: Any) -> Transport:  # noqa: ANN401
        transport = Transport(stream, **options)
        offered = transport.get_security_options()
        offered.key_types = sorted(offered.key_types, key=lambda kind: _plain(kind) not in kinds)
        return transport

    return make


def _plain(kind: str) -> str:
    """The kind as known-hosts files name it: all RSA signatures belong to `ssh-rsa` keys."""
    return "ssh-rsa" if kind.startswith("rsa-sha2-") else kind


# --- Make connections: directly, through a ProxyCommand, or over jump hosts that all share.


_PAUSES = (0.2, 0.5, 1.0, 2.0)
_MOST_JUMPS = 8


class Connector:
    """Opens connections; keys, known hosts and jump hosts are shared by all of them."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._known = KnownHosts()
        self._keys = KeyStore()
        self._jumps: dict[tuple[SshTarget, ...], StrictConnection] = {}
        self._locks: dict[tuple[SshTarget, ...], Lock] = {}
        self._lock = Lock()

    def open(self, target: SshTarget) -> StrictConnection:
        """A new connection. Raises Unanswered.

        A server that hangs up before its greeting is asked again a few times: sshd throttles.
        """
        gateway: StrictConnection | None = None
        route = self._route(target)
        for hop in range(len(route)):
            gateway = self._gateway(route[: hop + 1], gateway)
        return self._patiently(target, gateway)

    def close(self) -> None:
        """Hang up on the jump hosts."""
        with self._lock:
            jumps = list(self._jumps.values())
            self._jumps.clear()
        for each in jumps:
            each.close()

    def _route(self, target: SshTarget) -> tuple[SshTarget, ...]:
        """The jump hosts from the first to the last; the first may stand behind others itself."""
        hops = target.jumps
        while hops and len(hops) <= _MOST_JUMPS:
            first = self._resolver.jump(hops[0])
            if not first.jumps:
                return (first, *(self._resolver.jump(hop) for hop in hops[1:]))
            hops = first.jumps + hops
        if not hops:
            return ()
        raise Unanswered(
            Silence.UNREACHABLE,
            f"cannot reach {target}: more than {_MOST_JUMPS} jump hosts in a row",
            "does a jump host jump through itself? `Host BASTION` needs `ProxyJump none`",
        )

    def _gateway(
        self, route: tuple[SshTarget, ...], before: StrictConnection | None
    ) -> StrictConnection:
        """The connection to the last jump host of a route: one for all hosts behind it."""
        with self._lock:
            lock = self._locks.setdefault(route, Lock())
        with lock:
            kept = self._jumps.get(route)
            if kept is not None and kept.is_connected:
                return kept
            opened = self._patiently(route[-1], before)
            with self._lock:
                self._jumps[route] = opened
            return opened

    def _patiently(self, target: SshTarget, gateway: StrictConnection | None) -> StrictConnection:
        for pause in _PAUSES:
            try:
                return self._once(target, gateway)
            except HungUp:
                if target.proxy_command:
                    raise
                time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - apart from each other
        return self._once(target, gateway)

    def _once(self, target: SshTarget, gateway: StrictConnection | None) -> StrictConnection:
        stream = _over(gateway, target) if gateway else dial(target)
        connection = StrictConnection(target, self._known, self._keys)
        connection.open_on(stream)
        return connection


def _over(gateway: StrictConnection, target: SshTarget) -> Channel:
    """A stream to the target through a jump host."""
    try:
        return gateway.transport.open_channel(
            "direct-tcpip", (target.address, target.port), ("", 0), timeout=target.connect_seconds
        )
    except (SSHException, EOFError, OSError) as error:
        reason = f"{gateway.target} cannot connect there: {error}"
        raise ssh_failures.not_dialled(target, OSError(0, reason)) from error
