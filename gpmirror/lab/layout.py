"""Where everything of the practice cluster lies: hosts, addresses, folders, ports."""

import errno
import hashlib
import json
import socket
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any, Self

from gpmirror.errors import Failure
from gpmirror.lab.releases import RELEASES, Release
from gpmirror.model.dialect import DialectName
from gpmirror.values import dataclass

# --- Where everything of the practice cluster lies: hosts, addresses, folders, ports, `lab.json`.


FILE = "lab.json"
DATABASE = "postgres"
"""The one database that holds the practice catalog."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabHost:
    """One practice host. `addresses` are (address name, loopback IP) pairs, one an interface; the
    host's own name resolves to the first. `home` and `data` lie in the host's own folder.
    `primaries` is how many it holds.
    """

    name: str
    addresses: tuple[tuple[str, str], ...]
    home: Path
    data: Path
    ssh_port: int
    primaries: int = 0

    @property
    def ip(self) -> str:
        """The address that the host's own name resolves to."""
        return self.addresses[0][1]

    @property
    def ips(self) -> tuple[str, ...]:
        """One IP an interface."""
        return tuple(ip for _, ip in self.addresses)

    @property
    def names(self) -> tuple[str, ...]:
        """The host's name and its address names, each once."""
        return tuple(dict.fromkeys((self.name, *(name for name, _ in self.addresses))))

    @property
    def folder(self) -> Path:
        """What the host would call its disk: home, bin, data, sock, log."""
        return self.home.parent

    @property
    def disk_aside(self) -> Path:
        """Where the data of a dead host waits for its return."""
        return self.folder / "data-of-dead-host"

    @property
    def sock(self) -> Path:
        """The folder of its servers' Unix sockets."""
        return self.folder / "sock"

    @property
    def log(self) -> Path:
        """The folder of its servers' logs."""
        return self.folder / "log"

    @property
    def bin(self) -> Path:
        """The folder of its own commands; first in its PATH."""
        return self.folder / "bin"

    @classmethod
    def read(cls, fields: dict[str, Any]) -> Self:
        """From what `lab.json` holds. Raises KeyError, TypeError, ValueError."""
        return cls(
            name=str(fields["name"]),
            addresses=tuple((str(name), str(ip)) for name, ip in fields["addresses"]),
            home=Path(fields["home"]),
            data=Path(fields["data"]),
            ssh_port=int(fields["ssh_port"]),
            primaries=int(fields["primaries"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """One practice cluster. `hosts` are the segment hosts, `spares` more of them that hold nothing
    and stand in no spec; `user` is the database role, `account` the operating system's user that
    everything runs as. The primaries' ports count from `primary_port` on each host. `probe_interval` is in seconds. `python` is the
    interpreter of the prober and the stand-ins, `python_path` the PYTHONPATH it needs.
    """

    release: Release
    state: Path
    gphome: Path
    pg_bin: Path
    coordinator: LabHost
    hosts: tuple[LabHost, ...]
    spares: tuple[LabHost, ...] = ()
    coordinator_port: int
    user: str
    account: str
    primary_port: int
    python: Path
    python_path: str
    probe_interval: float = 1.0

    @property
    def dialect(self) -> DialectName:
        """The family of its release."""
        return self.release.dialect

    @property
    def everywhere(self) -> tuple[LabHost, ...]:
        """The coordinator's host, then the segment hosts, then the spare ones."""
        return (self.coordinator, *self.hosts, *self.spares)

    @property
    def coordinator_data(self) -> Path:
        """The coordinator's data directory: what MASTER_DATA_DIRECTORY says."""
        return self.coordinator.data / "master" / "gpseg-1"

    @property
    def ssh_config(self) -> Path:
        """An OpenSSH client configuration that knows every host of the lab and its key."""
        return self.state / "ssh_config"

    def resolve(self, name: str) -> str:
        """The IP of a host name, address name or lab IP. Raises Failure: not in this lab."""
        for host in self.everywhere:
            known = {host.name: host.ip, **dict(host.addresses), **{ip: ip for ip in host.ips}}
            if name in known:
                return known[name]
        raise _unknown(name, self)

    def host_of(self, name: str) -> LabHost:
        """The host that a host name, address name or lab IP belongs to. Raises Failure: none."""
        for host in self.everywhere:
            if name in host.names or name in host.ips:
                return host
        raise _unknown(name, self)

    def conninfo(self, **more: str | int) -> dict[str, str | int]:
        """Keyword arguments for psycopg: a connection to the practice catalog."""
        own: dict[str, str | int] = {
            "host": self.coordinator.ip,
            "port": self.coordinator_port,
            "user": self.user,
            "dbname": DATABASE,
        }
        return own | more


def read_lab(state: Path) -> Lab:
    """The lab that lives in the folder `state`. Raises Failure: there is none, or half of one."""
    file = state / FILE
    try:
        return _lab(json.loads(file.read_text(encoding="utf-8")), state)
    except FileNotFoundError as error:
        raise Failure(
            f"there is no practice cluster in {state}", hint="`gpmirror lab up` builds one"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Failure(
            f"cannot read {file}: {error}", hint="`gpmirror lab down` clears it away"
        ) from error


def write_lab(lab: Lab) -> None:
    """Write `lab.json` into the lab's state folder, whole or not at all."""
    staged = lab.state / f"{FILE}.new"
    staged.write_text(json.dumps(_fields(lab), indent=1) + "\n", encoding="utf-8")
    staged.replace(lab.state / FILE)


def _unknown(name: str, lab: Lab) -> Failure:
    known = ", ".join(host.name for host in lab.everywhere)
    return Failure(f"no host of the practice cluster is called {name}", hint=f"it has {known}")


def _fields(lab: Lab) -> dict[str, object]:
    return {
        "release": lab.release.name,
        "gphome": str(lab.gphome),
        "pg_bin": str(lab.pg_bin),
        "coordinator": _host_fields(lab.coordinator),
        "hosts": [_host_fields(host) for host in lab.hosts],
        "spares": [_host_fields(host) for host in lab.spares],
        "coordinator_port": lab.coordinator_port,
        "user": lab.user,
        "account": lab.account,
        "primary_port": lab.primary_port,
        "python": str(lab.python),
        "python_path": lab.python_path,
        "probe_interval": lab.probe_interval,
    }


def _host_fields(host: LabHost) -> dict[str, object]:
    return {
        "name": host.name,
        "addresses": host.addresses,
        "home": str(host.home),
        "data": str(host.data),
        "ssh_port": host.ssh_port,
        "primaries": host.primaries,
    }


def _lab(fields: dict[str, Any], state: Path) -> Lab:
    return Lab(
        release=RELEASES[fields["release"]],
        state=state,
        gphome=Path(fields["gphome"]),
        pg_bin=Path(fields["pg_bin"]),
        coordinator=LabHost.read(fields["coordinator"]),
        hosts=tuple(LabHost.read(host) for host in fields["hosts"]),
        spares=tuple(LabHost.read(host) for host in fields["spares"]),
        coordinator_port=int(fields["coordinator_port"]),
        user=str(fields["user"]),
        account=str(fields["account"]),
        primary_port=int(fields["primary_port"]),
        python=Path(fields["python"]),
        python_path=str(fields["python_path"]),
        probe_interval=float(fields["probe_interval"]),
    )


# --- Loopback addresses and ports for a practice cluster, out of the way of every other one.


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
