"""A fabric connection that trusts known host keys alone and logs in with keys alone."""

import logging
import time
from collections.abc import Callable
from threading import Lock
from typing import Any

from fabric import Config, Connection
from paramiko import Channel, MissingHostKeyPolicy, PKey, SSHClient, SSHException, Transport

from gpmirror.adapters import ssh_failures
from gpmirror.adapters.ssh_dial import Dialled
from gpmirror.adapters.ssh_keys import KeyStore
from gpmirror.adapters.ssh_known_hosts import KnownHosts
from gpmirror.adapters.ssh_login import LOGIN_SECONDS, KeyLogin
from gpmirror.adapters.ssh_target import Target
from gpmirror.adapters.ssh_unanswered import Unanswered

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

    def __init__(self, target: Target, known: KnownHosts, keys: KeyStore) -> None:
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

    def __init__(self, target: Target, known: KnownHosts) -> None:
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
