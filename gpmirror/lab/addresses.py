"""Loopback addresses and ports for a practice cluster, out of the way of every other one."""

import errno
import hashlib
import socket
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from gpmirror.errors import Failure
from gpmirror.lab.layout import LabHost

_LOOPBACK = 127
_FIRST_NET = 77
_COORDINATOR = 10  # host number i has the address 127.77.x.(10 + i), its second 127.78.x.(10 + i)
_NETS = range(1, 255)
_SSH_PORTS = (2222, 12222, 22222)
_COORDINATOR_PORTS = (5432, 5433, 15432, 25432)
_PRIMARY_PORTS = (6000, 16000, 26000)
MIRROR_OFFSET = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where the lab's servers listen; all below 32768, out of the ephemeral range."""

    ssh: int
    coordinator: int
    primary: int


def place_hosts(
    state: Path, *, interfaces: int, primaries: Sequence[int]
) -> tuple[tuple[LabHost, ...], Ports]:
    """The coordinator's host and the others on free addresses, and free ports on them; `primaries`
    says for each of the others how many it holds.

    Starts at a net drawn from the state folder's path, so that two labs seldom meet. Raises
    Failure: this machine has no loopback addresses, or none is free.
    """
    for net in _nets(state):
        ips = _ips(net, len(primaries), interfaces)
        if ports := _free_ports([ip for host in ips for ip in host], max(primaries)):
            made = (
                _host(state, n, own, ports.ssh, count)
                for n, (own, count) in enumerate(zip(ips, (0, *primaries), strict=True))
            )
            return tuple(made), ports
    raise Failure(
        f"no free loopback addresses 127.{_FIRST_NET}.x.{_COORDINATOR} and up for "
        f"{len(primaries) + 1} hosts",
        hint="stop other practice clusters: `gpmirror lab down`",
    )


def _nets(state: Path) -> Iterator[int]:
    """Nets in which nobody has a socket: whatever has one on our addresses is ended as ours."""
    drawn = hashlib.sha256(str(state).encode()).digest()[0]
    taken = _taken_nets()
    for step in range(len(_NETS)):
        net = _NETS[(drawn + step) % len(_NETS)]
        if net not in taken:
            yield net


def _taken_nets() -> set[int]:
    """The third bytes of the local addresses 127.77.x.y and up that sockets are bound to."""
    rows = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    fields = [row.split() for row in rows]
    bound = (bytes.fromhex(row[1].partition(":")[0]) for row in fields if row[9] != "0")
    ips = (raw if sys.byteorder == "big" else raw[::-1] for raw in bound)
    return {ip[2] for ip in ips if ip[0] == _LOOPBACK and ip[1] >= _FIRST_NET}


def _ips(net: int, hosts: int, interfaces: int) -> list[list[str]]:
    return [
        [f"127.{_FIRST_NET + nic}.{net}.{_COORDINATOR + n}" for nic in range(interfaces)]
        for n in range(hosts + 1)
    ]


def _host(state: Path, number: int, ips: list[str], ssh_port: int, primaries: int) -> LabHost:
    name = f"sdw{number}" if number else "mdw"
    folder = state / "hosts" / name
    alone = len(ips) == 1 or not number
    names = [name] if alone else [f"{name}-{nic}" for nic in range(1, len(ips) + 1)]
    return LabHost(
        name=name,
        addresses=tuple(zip(names, ips, strict=False)),
        home=folder / "home",
        data=folder / "data",
        ssh_port=ssh_port,
        primaries=primaries,
    )


def _free_ports(ips: list[str], primaries: int) -> Ports | None:
    """Free ports for all: a server of this machine may listen on every address. None: no such."""
    for ssh, coordinator, primary in product(_SSH_PORTS, _COORDINATOR_PORTS, _PRIMARY_PORTS):
        wanted = (*range(primary, primary + primaries), primary + MIRROR_OFFSET)
        if _free(ips, (ssh,)) and _free(ips[:1], (coordinator,)) and _free(ips, wanted):
            return Ports(ssh=ssh, coordinator=coordinator, primary=primary)
    return None


def _free(ips: Iterable[str], ports: Iterable[int]) -> bool:
    return all(_bindable(ip, port) for ip, port in product(ips, ports))


def _bindable(ip: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ip, port))
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise Failure(
                    f"this machine has no address {ip}: the practice cluster lives on 127.0.0.0/8",
                    hint="use Linux with its usual loopback interface",
                ) from error
            return False
    return True
