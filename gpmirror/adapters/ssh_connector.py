"""Make connections: directly, through a ProxyCommand, or over jump hosts that all share."""

import random
import time
from threading import Lock

from paramiko import Channel, SSHException

from gpmirror.adapters import ssh_failures
from gpmirror.adapters.ssh_connection import StrictConnection
from gpmirror.adapters.ssh_dial import dial
from gpmirror.adapters.ssh_keys import KeyStore
from gpmirror.adapters.ssh_known_hosts import KnownHosts
from gpmirror.adapters.ssh_resolve import Resolver
from gpmirror.adapters.ssh_target import Target
from gpmirror.adapters.ssh_unanswered import HungUp, Unanswered
from gpmirror.boundary import Silence

_PAUSES = (0.2, 0.5, 1.0, 2.0)
_MOST_JUMPS = 8


class Connector:
    """Opens connections; keys, known hosts and jump hosts are shared by all of them."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._known = KnownHosts()
        self._keys = KeyStore()
        self._jumps: dict[tuple[Target, ...], StrictConnection] = {}
        self._locks: dict[tuple[Target, ...], Lock] = {}
        self._lock = Lock()

    def open(self, target: Target) -> StrictConnection:
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

    def _route(self, target: Target) -> tuple[Target, ...]:
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
        self, route: tuple[Target, ...], before: StrictConnection | None
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

    def _patiently(self, target: Target, gateway: StrictConnection | None) -> StrictConnection:
        for pause in _PAUSES:
            try:
                return self._once(target, gateway)
            except HungUp:
                if target.proxy_command:
                    raise
                time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - apart from each other
        return self._once(target, gateway)

    def _once(self, target: Target, gateway: StrictConnection | None) -> StrictConnection:
        stream = _over(gateway, target) if gateway else dial(target)
        connection = StrictConnection(target, self._known, self._keys)
        connection.open_on(stream)
        return connection


def _over(gateway: StrictConnection, target: Target) -> Channel:
    """A stream to the target through a jump host."""
    try:
        return gateway.transport.open_channel(
            "direct-tcpip", (target.address, target.port), ("", 0), timeout=target.connect_seconds
        )
    except (SSHException, EOFError, OSError) as error:
        reason = f"{gateway.target} cannot connect there: {error}"
        raise ssh_failures.not_dialled(target, OSError(0, reason)) from error
