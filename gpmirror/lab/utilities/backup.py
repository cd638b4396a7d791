"""Getting a primary's files: base backup at any speed, rewind, and room for them."""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from gpmirror.lab.layout import DATABASE, Lab
from gpmirror.lab.utilities import settings
from gpmirror.lab.utilities.running import sql
from gpmirror.lab.utilities.tasks import Task

_RELOAD_SECONDS = 60
_SLOWEST, _FASTEST = 32, 1024 * 1024
"""kB a second: what pg_basebackup can be throttled to."""
_MAKE_SLOT = f"""SELECT pg_create_physical_replication_slot('{settings.SLOT}')
WHERE NOT EXISTS (SELECT 1 FROM pg_replication_slots WHERE slot_name = '{settings.SLOT}')"""  # noqa: S608
_FULL_PAGES = ("ALTER SYSTEM SET full_page_writes = on", "SELECT pg_reload_conf()")
_SIZE = "SELECT ceil(sum(pg_tablespace_size(oid)) / 1024)::bigint FROM pg_tablespace"


def make_slot(lab: Lab, task: Task, complain: "settings.Say") -> bool:
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
        if not settings.is_server_file(entry.name):
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
    argv += ["-h", ip, "-p", str(port), "-U", lab.user, "-w", "--slot", settings.SLOT]
    argv += ["--wal-method", "stream", "--no-sync", "--progress", "--verbose"]
    if task.seconds > 0 or task.fault == "copy":
        argv += ["--max-rate", f"{_rate(lab, task)}k"]
    with subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
    ) as running:
        if task.fault == "copy":
            _break_off(running, Path(task.directory))
        return running.wait() == 0


def rewind(lab: Lab, task: Task, log: int) -> bool:
    """Bring an old copy up to date. One that was a mirror needs nothing; half a base backup
    cannot be mended, and says so.
    """
    if settings.is_mirror(Path(task.directory)):
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
