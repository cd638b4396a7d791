"""The locks of gprecoverseg and gpmovemirrors: a folder with a file PID, on 5 a file."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from gpmirror.lab.releases import Locking
from gpmirror.lab.utilities.console import Console


@contextlib.contextmanager
def pid_lock(console: Console, data_directory: Path, locking: Locking) -> Iterator[bool]:
    """Whether the run may go on. A killed holder leaves the lock behind; only some releases look
    whether he lives. An empty folder is passed over: the run goes on without a lock, and leaves it.
    """
    folder = data_directory / f"{console.name}.lock"
    if locking != "file, dead cleared" and folder.is_dir() and not (folder / "PID").exists():
        yield True
        return
    take = _take_file if locking == "file, dead cleared" else _take_folder
    lock = take(console, data_directory, clears=locking != "folder")
    try:
        yield lock is not None
    finally:
        if lock is not None and lock.is_dir():
            shutil.rmtree(lock, ignore_errors=True)
        elif lock is not None:
            lock.unlink(missing_ok=True)


def _take_folder(console: Console, data_directory: Path, *, clears: bool) -> Path | None:
    """`NAME.lock/PID`."""
    folder = data_directory / f"{console.name}.lock"
    if clears and folder.is_dir() and not _lives(folder / "PID"):
        shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir()
    except FileExistsError:
        _complain(console, folder)
        return None
    (folder / "PID").write_text(str(os.getpid()), encoding="ascii")
    return folder


def _take_file(console: Console, data_directory: Path, *, clears: bool) -> Path | None:
    """`NAME.pid`."""
    file = data_directory / f"{console.name}.pid"
    if clears and file.exists() and not _lives(file):
        file.unlink(missing_ok=True)
    try:
        with file.open("x", encoding="ascii") as new:
            new.write(f"{os.getpid()}\n")
    except FileExistsError:
        pid = file.read_text(encoding="ascii").strip()
        console.error(f"An instance of {console.name} is already running (pid {pid})")
        return None
    return file


def _lives(file: Path) -> bool:
    """Whether the process whose number a file holds runs."""
    try:
        os.kill(int(file.read_text(encoding="ascii")), 0)
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
    return True


def _complain(console: Console, folder: Path) -> None:
    pid = ""
    with contextlib.suppress(OSError):
        pid = (folder / "PID").read_text(encoding="ascii").strip()
    said = f"indicates that an instance of {console.name} is already running with PID {pid}"
    console.error(f"Lockfile {folder} {said}")
    console.error(f"If this is not the case, remove the lockfile directory at {folder}")
