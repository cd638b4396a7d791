"""PostgreSQL servers of the practice cluster: made from one template, started, waited for, stopped.

What differs between two servers stands in `instance.conf` in the data directory, so that a copy
of a primary becomes a mirror by writing that file anew.
"""

import shutil
import signal
import struct
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from gpmirror.errors import Failure
from gpmirror.lab.account import environment
from gpmirror.lab.layout import Lab, LabHost
from gpmirror.lab.processes import alive, descendants, end

INSTANCE = "instance.conf"
_START_SECONDS = 30.0
_APPEAR_SECONDS = 8.0  # from pg_ctl's return to the pid file, on a busy machine
_READY_LINE = 7  # of postmaster.pid, counted from 0
_IDENTIFIER = struct.Struct("=Q")  # the first field of pg_control

# Small, and careless about a power cut: a practice cluster is rebuilt, not repaired. Shared memory
# segments are files in the data directory, so that nothing outside the lab is left after a crash.
_SETTINGS = f"""\
fsync = off
full_page_writes = off
autovacuum = off
shared_buffers = 512kB
max_connections = 40
max_wal_senders = 10
max_replication_slots = 10
max_worker_processes = 0
wal_level = replica
wal_keep_size = 32MB
max_wal_size = 64MB
min_wal_size = 4MB
wal_log_hints = on
hot_standby = on
wal_writer_delay = 10s
bgwriter_delay = 10s
wal_receiver_status_interval = 1s
wal_retrieve_retry_interval = 200ms
wal_sender_timeout = 10s
dynamic_shared_memory_type = mmap
log_min_messages = warning
include_if_exists = '{INSTANCE}'
"""

_ACCESS = """\
# Every account of this machine may come in: a practice cluster holds no secrets.
local all all trust
host all all 127.0.0.0/8 trust
host replication all 127.0.0.0/8 trust
"""


def make_template(lab: Lab) -> Path:
    """Make the data directory that all others are copied from. Raises Failure: initdb failed."""
    template = lab.state / "template"
    run(
        lab,
        [str(lab.pg_bin / "initdb"), "--no-sync", "--auth=trust", "--no-instructions"],
        [f"--username={lab.user}", "--encoding=UTF8", "--locale=C", "--wal-segsize=1"],
        ["-D", str(template)],
    )
    with (template / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write(_SETTINGS)
    (template / "pg_hba.conf").write_text(_ACCESS, encoding="utf-8")
    return template


def make_server(lab: Lab, host: LabHost, data: Path, port: int, *, number: int) -> None:
    """Copy the template to `data` as a server of its own: own port, own system identifier.

    `number` sets the identifiers of one lab's servers apart. Raises Failure: no room, for example.
    """
    data.parent.mkdir(parents=True, exist_ok=True)
    run(lab, ["cp", "-a", "--reflink=auto", str(lab.state / "template"), str(data)])
    _identify(lab, data, number)
    write_instance(host, data, port)


def write_instance(host: LabHost, data: Path, port: int, *more: str) -> None:
    """Say in the data directory on which host and port the server in it runs."""
    lines = (
        f"listen_addresses = '{','.join(host.ips)}'",
        f"port = {port}",
        f"unix_socket_directories = '{host.sock}'",
        *more,
    )
    (data / INSTANCE).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def start(lab: Lab, host: LabHost, data: Path) -> None:
    """Start the server in a data directory and return at once; `wait_ready` waits for it."""
    log = server_log(host, data)
    run(lab, [str(lab.pg_bin / "pg_ctl"), "start", "-W", "-s", "-D", str(data), "-l", str(log)])


def server_log(host: LabHost, data: Path) -> Path:
    """Where the server in a data directory writes its log."""
    return host.log / f"{data.parent.name}-{data.name}.log"


def wait_ready(host: LabHost, data: Path, seconds: float = _START_SECONDS) -> None:
    """Wait until the server takes connections. Raises Failure, with its log: it ended or is late."""
    begun = seen = time.monotonic()
    while not is_ready(data):
        now = time.monotonic()
        seen = now if postmaster(data) is not None else seen
        if now > begun + seconds or now > seen + _APPEAR_SECONDS:
            raise Failure(
                f"the server in {data} on {host.name} does not start: {_end_of_log(host, data)}",
                hint="`gpmirror lab down`, then `gpmirror lab up` again",
            )
        time.sleep(0.02)


def is_ready(data: Path) -> bool:
    """Whether the server in a data directory runs and takes connections."""
    lines = _pid_file(data)
    told = lines[_READY_LINE].strip() if len(lines) > _READY_LINE else ""
    return told in {"ready", "standby"} and postmaster(data) is not None


def postmaster(data: Path) -> int | None:
    """The process id of the server in a data directory, None where none runs."""
    lines = _pid_file(data)
    if not lines or not lines[0].strip().isdecimal():
        return None
    pid = int(lines[0])
    return pid if alive(pid) else None


def crash(datas: Iterable[Path]) -> None:
    """End servers as a host's sudden death does: no checkpoint, every connection cut."""
    pids = {pid for pid in map(postmaster, datas) if pid is not None}
    family = descendants(pids)
    end(lambda: {pid for pid in family if alive(pid)})


def stop(lab: Lab, data: Path) -> None:
    """Stop a server in order; no error where none runs."""
    if postmaster(data) is not None:
        run(lab, [str(lab.pg_bin / "pg_ctl"), "stop", "-s", "-m", "fast", "-D", str(data)])


def run(lab: Lab, *argv: list[str]) -> str:
    """Run a program of the lab to its end and return what it printed. Raises Failure, with its
    own words: it failed.
    """
    words = [word for part in argv for word in part]
    done = subprocess.run(
        words,
        cwd=lab.state,
        env=environment(lab.python_path, lab.state),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        restore_signals=True,
    )
    if done.returncode:
        told = " ".join((done.stderr or done.stdout).split()) or "it says nothing"
        name = "a signal" if done.returncode == -signal.SIGKILL else f"status {done.returncode}"
        raise Failure(
            f"`{Path(words[0]).name}` ended with {name}: {told}",
            hint="`gpmirror lab down` clears away what was begun",
        )
    return done.stdout


def _identify(lab: Lab, data: Path, number: int) -> None:
    """Give a copy another system identifier, as a cluster's segments have.

    pg_resetwal warns of the checksum that no longer fits, then writes a right one, and a WAL file
    that bears the new identifier.
    """
    control = data / "global" / "pg_control"
    content = bytearray(control.read_bytes())
    (template,) = _IDENTIFIER.unpack_from(content)
    _IDENTIFIER.pack_into(content, 0, (template + number) % 2**63)
    control.write_bytes(content)
    run(lab, [str(lab.pg_bin / "pg_resetwal"), "-f", "-D", str(data)])


def _pid_file(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def _end_of_log(host: LabHost, data: Path) -> str:
    try:
        lines = server_log(host, data).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "it has written no log"
    return "; ".join(lines[-3:]) or "its log is empty"


def remove(folder: Path) -> None:
    """Remove a folder and all in it, whatever the modes; no error where there is none."""
    for closed in (folder, *folder.rglob("*")) if folder.is_dir() else ():
        if closed.is_dir() and not closed.is_symlink():
            closed.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
