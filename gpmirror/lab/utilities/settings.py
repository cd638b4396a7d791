"""What makes a copied data directory a mirror: its settings file and `standby.signal`."""

import sys
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path

from gpmirror.lab.layout import Lab, LabHost
from gpmirror.lab.servers import INSTANCE, write_instance
from gpmirror.lab.utilities.tasks import Task

Say = Callable[[str], object]

SLOT = "internal_wal_replication_slot"
WAL_RECEIVER = "gp_walreceiver"
"""The application_name by which a mirror's stream is known."""
_SYSTEM_FILE = "postgresql.auto.conf"
_SIGNAL = "standby.signal"
_LISTENING = "0A"
_SERVER_FILES = frozenset(
    {
        "PG_VERSION",
        "base",
        "global",
        "log",
        "backup_label",
        "backup_label.old",
        "backup_manifest",
        "tablespace_map",
        "tablespace_map.old",
        "current_logfiles",
        "postgresql.conf",
        _SYSTEM_FILE,
        INSTANCE,
        _SIGNAL,
        "recovery.signal",
        "postmaster.pid",
        "postmaster.opts",
    }
)


def is_server_file(name: str) -> bool:
    """Whether an entry of a data directory is the server's own."""
    return name in _SERVER_FILES or name.startswith("pg_")


def is_mirror(directory: Path) -> bool:
    """Whether the copy in it was a mirror last."""
    return (directory / _SIGNAL).exists()


def make_mirror(lab: Lab, host: LabHost, task: Task, *, listen: str | None = None) -> None:
    """Write the settings of this mirror, whatever its primary's file said, and the signal.
    `listen` replaces the host's own IPs.
    """
    directory = Path(task.directory)
    ip, port = task.source
    conninfo = f"host={ip} port={port} user={lab.user} application_name={WAL_RECEIVER}"
    more = [f"primary_conninfo = '{conninfo}'", f"primary_slot_name = '{SLOT}'"]
    if listen is not None:
        more.append(f"listen_addresses = '{listen}'")
    write_instance(host, directory, task.port, *more)
    _forget_standbys(directory / _SYSTEM_FILE)
    (directory / _SIGNAL).touch()


def _forget_standbys(file: Path) -> None:
    """Whom the primary's commits wait for is not the mirror's affair."""
    if file.exists():
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith("synchronous_standby_names")]
        file.write_text("".join(kept), encoding="utf-8")


def only_ipv4_taken(ip: str, port: int) -> bool:
    """Whether somebody listens on the port of this IP, and nobody on the port on IPv6."""
    spots = {f"{_hex(ip)}:{port:04X}", f"{_hex('0.0.0.0')}:{port:04X}"}  # noqa: S104 looked for
    return not spots.isdisjoint(_listening("/proc/net/tcp")) and not any(
        spot.endswith(f":{port:04X}") for spot in _listening("/proc/net/tcp6")
    )


def _hex(ip: str) -> str:
    """An IP as the kernel's table spells it: the machine's byte order."""
    return f"{int.from_bytes(IPv4Address(ip).packed, sys.byteorder):08X}"


def _listening(table: str) -> set[str]:
    try:
        rows = Path(table).read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return set()
    fields = (row.split() for row in rows)
    return {found[1] for found in fields if found[3] == _LISTENING}
