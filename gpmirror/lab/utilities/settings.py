"""What makes a copied data directory a mirror: its settings file and `standby.signal`."""

from collections.abc import Callable
from pathlib import Path

from gpmirror.lab.layout import Lab, LabHost
from gpmirror.lab.utilities.tasks import Task

Say = Callable[[str], object]

WAL_RECEIVER = "gp_walreceiver"
"""The application_name by which a mirror's stream is known."""
_FILE = "postgresql.auto.conf"
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
        _FILE,
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


def make_mirror(
    lab: Lab, host: LabHost, task: Task, *, connect: bool, listen: str | None = None
) -> None:
    """Write the settings of this mirror, whatever its primary's file said, and the signal.
    `connect` False leaves out the primary for now; `listen` replaces the host's own IPs.
    """
    directory = Path(task.directory)
    ip, port = task.source
    conninfo = f"host={ip} port={port} user={lab.user} application_name={WAL_RECEIVER}"
    own = {
        "port": str(task.port),
        "listen_addresses": listen or ",".join(host.ips),
        "unix_socket_directories": str(host.sock),
        "primary_conninfo": conninfo if connect else "",
        "primary_slot_name": "internal_wal_replication_slot",
    }
    file = directory / _FILE
    before = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    kept = [line for line in before if line.partition("=")[0].strip() not in own]
    added = [f"{name} = '{value}'" for name, value in own.items()]
    file.write_text("\n".join((*kept, *added)) + "\n", encoding="utf-8")
    (directory / _SIGNAL).touch()


def only_ipv4_taken(port: int) -> bool:
    """Whether somebody listens on the port on IPv4 and nobody on IPv6."""
    return _listens("/proc/net/tcp", port) and not _listens("/proc/net/tcp6", port)


def _listens(table: str, port: int) -> bool:
    wanted = f":{port:04X}"
    try:
        rows = Path(table).read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return False
    return any(r.split()[1].endswith(wanted) and r.split()[3] == _LISTENING for r in rows)
