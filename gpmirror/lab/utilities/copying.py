"""Making one mirror on its own host: looking, copying at any speed, settings, start."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from pathlib import Path

from gpmirror.lab.layout import DATABASE, Lab, LabHost
from gpmirror.lab.servers import INSTANCE, server_log, write_instance
from gpmirror.lab.utilities.remote import Outcome, Task

# --- PostgreSQL's programs as the segment's side runs them.


def sql(lab: Lab, where: tuple[str, int], statement: str) -> subprocess.CompletedProcess[str]:
    """A statement on a server, by IP and port."""
    ip, port = where
    words = ["-X", "-w", "-h", ip, "-p", str(port), "-U", lab.user, "-d", DATABASE]
    return program(lab, "psql", *words, "-Atc", statement)


def program(lab: Lab, name: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A server program; a started server must not hold a pipe of ours, so output is a file's."""
    argv = [str(lab.pg_bin / name), *words]
    if name == "pg_ctl":
        return subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            check=False,
        )
    return subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


# --- What makes a copied data directory a mirror: its settings file and `standby.signal`.


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


# --- Getting a primary's files: base backup at any speed, rewind, and room for them.


_RELOAD_SECONDS = 60
_SLOWEST, _FASTEST = 32, 1024 * 1024
"""kB a second: what pg_basebackup can be throttled to."""
_MAKE_SLOT = f"""SELECT pg_create_physical_replication_slot('{SLOT}')
WHERE NOT EXISTS (SELECT 1 FROM pg_replication_slots WHERE slot_name = '{SLOT}')"""  # noqa: S608
_FULL_PAGES = ("ALTER SYSTEM SET full_page_writes = on", "SELECT pg_reload_conf()")
_SIZE = "SELECT ceil(sum(pg_tablespace_size(oid)) / 1024)::bigint FROM pg_tablespace"


def make_slot(lab: Lab, task: Task, complain: "Say") -> bool:
    """Make the slot the mirror reads from, if the primary lacks it; a refusal goes to `complain`."""
    done = sql(lab, task.source, _MAKE_SLOT)
    if done.returncode:
        complain(done.stderr)
    return done.returncode == 0


@contextlib.contextmanager
def room(task: Task) -> Iterator[None]:
    """An empty directory to copy into. Whatever is not of a server waits beside it, and is there
    again afterwards: natively stray files survive an overwriting copy.
    """
    directory = Path(task.directory)
    if not task.overwrite or not directory.is_dir():
        yield
        return
    strays = directory.with_name(f"{directory.name}.strays.{os.getpid()}.{task.dbid}")
    for entry in list(directory.iterdir()):
        if not is_server_file(entry.name):
            strays.mkdir(exist_ok=True)
            entry.rename(strays / entry.name)
        elif entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    try:
        yield
    finally:
        if strays.is_dir():
            for entry in strays.iterdir():
                entry.rename(directory / entry.name)
            strays.rmdir()


def base_backup(lab: Lab, task: Task, log: int) -> bool:
    """Whether a base backup into the task's empty directory succeeded; `log` is a descriptor."""
    ip, port = task.source
    argv = [str(lab.pg_bin / "pg_basebackup"), "-c", "fast", "-D", task.directory]
    argv += ["-h", ip, "-p", str(port), "-U", lab.user, "-w", "--slot", SLOT]
    argv += ["--wal-method", "stream", "--no-sync", "--progress", "--verbose"]
    if task.seconds > 0 or task.fault == "copy":
        argv += ["--max-rate", f"{_rate(lab, task)}k"]
    keeps = not lab.release.removes_failed_copy
    argv += ["--no-clean"] if keeps else []
    with subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
    ) as running:
        if task.fault == "copy":
            _break_off(running, Path(task.directory))
        good = running.wait() == 0
    if keeps and not good:
        _forget_option(Path(task.log))
    return good


def _forget_option(log: Path) -> None:
    """What a base backup says of --no-clean the releases do not that have no such option."""
    with contextlib.suppress(OSError):
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        kept = [line for line in lines if "not removed at user's request" not in line]
        log.write_text("".join(kept), encoding="utf-8")


def rewind(lab: Lab, task: Task, log: int) -> bool:
    """Bring an old copy up to date. One that was a mirror needs nothing; half a base backup
    cannot be mended, and says so.
    """
    if is_mirror(Path(task.directory)):
        os.write(log, b"skipping pg_rewind on mirror as recovery.conf is present\n")
        return True
    ip, port = task.source
    _write_full_pages(lab, task)
    source = f"host={ip} port={port} user={lab.user} dbname={DATABASE}"
    argv = [str(lab.pg_bin / "pg_rewind"), "--progress", "--no-sync"]
    argv += ["--source-server", source, "--target-pgdata", task.directory]
    return (
        subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False
        ).returncode
        == 0
    )


def _break_off(running: subprocess.Popen[bytes], directory: Path) -> None:
    """As if the machine had killed it: half a copy stays behind."""
    deadline = time.monotonic() + 30
    while running.poll() is None and time.monotonic() < deadline:
        if (directory / "base").is_dir():
            break
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(running.pid, 9)


def _rate(lab: Lab, task: Task) -> int:
    """How many kB a second make the copy last `seconds`."""
    if task.fault == "copy":
        return _SLOWEST
    size = sql(lab, task.source, _SIZE).stdout.strip()
    return min(_FASTEST, max(_SLOWEST, int(int(size or "0") / task.seconds)))


def _write_full_pages(lab: Lab, task: Task) -> None:
    """pg_rewind wants it of its source; a practice cluster's servers begin without."""
    for statement in _FULL_PAGES:
        sql(lab, task.source, statement)
    deadline = time.monotonic() + _RELOAD_SECONDS
    while sql(lab, task.source, "SHOW full_page_writes").stdout.strip() != "on":
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    sql(lab, task.source, "CHECKPOINT")


# --- Making one mirror on its own host: looking, copying, settings, start.


_START_SECONDS = 60
_NOT_STARTED = "Start failed; check segment logfile."
_NOT_MIRRORING = "Failure in segment mirroring; check segment logfile"
_AGAIN = """UPDATE gp_segment_configuration SET mode = 'r', status = 'u' WHERE content = {content}
AND EXISTS (SELECT 1 FROM gp_segment_configuration WHERE content = {content} AND status = 'd')"""


def check_empty(_lab: Lab, _host: LabHost, task: Task) -> Outcome:
    """Whether a new copy may go there: the one thing natively looked at. A missing parent is told
    apart, because 5 refuses it and 6 creates it.
    """
    for path in (task.directory, *task.filespaces):
        with contextlib.suppress(OSError):
            if any(Path(path).iterdir()):
                said = f"Segment directory '{path}' exists but is not empty!"
                return Outcome(dbid=task.dbid, failed="setup", said=said)
        if not Path(path).parent.is_dir():
            said = f"Parent directory for system data directory '{path}' does not exist"
            return Outcome(dbid=task.dbid, said=said)
    return Outcome(dbid=task.dbid)


def make_directory(_lab: Lab, _host: LabHost, task: Task) -> Outcome:
    """The directories of a new mirror (5), mode 0700 whatever they were; their parents must be
    there. A file marks them as begun: half-built ones are refused as not empty later.
    """
    for path in map(Path, (task.directory, *task.filespaces)):
        try:
            path.mkdir(mode=0o700, exist_ok=True)
            path.chmod(0o700)
            (path / "PG_VERSION").touch()
        except OSError as error:
            return Outcome(dbid=task.dbid, failed="setup", said=str(error))
    return Outcome(dbid=task.dbid)


def stop(lab: Lab, _host: LabHost, task: Task) -> Outcome:
    """Stop the server in the directory, quickly if it must be; `said` is the PID it had."""
    try:
        lines = (Path(task.directory) / "postmaster.pid").read_text(encoding="utf-8")
        pid = int(lines.splitlines()[0])
        os.kill(pid, 0)
    except (OSError, ValueError, IndexError):
        return Outcome(dbid=task.dbid)
    for mode in ("fast", "immediate"):
        words = ["-D", task.directory, "-m", mode, "-w", "-t", "20", "stop"]
        if program(lab, "pg_ctl", *words).returncode == 0:
            break
    return Outcome(dbid=task.dbid, said=str(pid))


def copy_and_start(lab: Lab, host: LabHost, task: Task) -> Outcome:
    """A running mirror, or the step at which it failed."""
    Path(task.log).parent.mkdir(parents=True, exist_ok=True)
    with Path(task.log).open("a", encoding="utf-8") as log:
        if not make_slot(lab, task, log.write) or not _copy(lab, task, log.fileno()):
            return Outcome(dbid=task.dbid, failed="copy")
        log.write("\n" if task.full else "")
    lost = not task.full and not all(map(os.path.isdir, task.filespaces))
    if task.full:
        _fill_filespaces(task)
    make_mirror(lab, host, task)
    if task.fault == "mirroring" or lost:
        # in a filespace that is gone natively no file can be made: the mirror runs, and is soon
        # called down again (5.8.1, recorded)
        write_instance(host, Path(task.directory), task.port)
    if not _start(lab, host, task):
        return Outcome(dbid=task.dbid, failed="start")
    Path(task.log).unlink(missing_ok=True)
    return Outcome(dbid=task.dbid)


def _fill_filespaces(task: Task) -> None:
    """A whole copy makes the directories of its filespaces."""
    for path in map(Path, task.filespaces):
        with contextlib.suppress(OSError):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            (path / "PG_VERSION").touch()


def resynchronise(lab: Lab, host: LabHost, task: Task) -> Outcome:
    """The same after the utility has returned (5). Should the prober have lost patience meanwhile,
    the pair is said to be resynchronising once more.
    """
    outcome = copy_and_start(lab, host, task)
    if not outcome.failed:
        where = (lab.coordinator.ip, lab.coordinator_port)
        sql(lab, where, _AGAIN.format(content=task.content))
    return outcome


def check_port(lab: Lab, host: LabHost, task: Task) -> Outcome:
    """Whether a mirror could start at all, and listen on its port."""
    if task.fault == "start":
        return Outcome(dbid=task.dbid, failed="start", said=_NOT_STARTED)
    if task.fault == "mirroring":
        copy_and_start(lab, host, task)
        return Outcome(dbid=task.dbid, failed="start", said=_NOT_MIRRORING)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.ip, task.port))
        except (OSError, OverflowError) as error:
            return Outcome(dbid=task.dbid, failed="start", said=str(error))
    return Outcome(dbid=task.dbid)


def _copy(lab: Lab, task: Task, log: int) -> bool:
    if task.full:
        with room(task):
            return base_backup(lab, task, log)
    if task.fault == "copy":
        return False
    return rewind(lab, task, log)


def _start(lab: Lab, host: LabHost, task: Task) -> bool:
    if task.fault == "start":
        return False
    started = _start_server(lab, host, task)
    if not started and only_ipv4_taken(host.ip, task.port):
        # natively it listens on the one family that is free, and is called up and in sync
        make_mirror(lab, host, task, listen="::1")
        started = _start_server(lab, host, task)
    return started


def _start_server(lab: Lab, host: LabHost, task: Task) -> bool:
    log = server_log(host, Path(task.directory))
    words = ["-D", task.directory, "-l", str(log), "-w", "-t", str(_START_SECONDS), "start"]
    return program(lab, "pg_ctl", *words).returncode == 0
