"""What makes a copied data directory a mirror: its settings file and `standby.signal`."""

from collections.abc import Callable
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
