"""The lock directories of gprecoverseg and gpmovemirrors: held as long as they exist."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from gpmirror.lab.utilities.console import Console


@contextlib.contextmanager
def pid_lock(console: Console, data_directory: Path) -> Iterator[bool]:
    """Whether `NAME.lock/PID` could be taken. As natively nobody asks whether the PID lives, and
    a killed holder leaves it behind.
    """
    folder = data_directory / f"{console.name}.lock"
    try:
        folder.mkdir()
    except FileExistsError:
        _complain(console, folder)
        yield False
        return
    (folder / "PID").write_text(str(os.getpid()), encoding="ascii")
    try:
        yield True
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _complain(console: Console, folder: Path) -> None:
    pid = ""
    with contextlib.suppress(OSError):
        pid = (folder / "PID").read_text(encoding="ascii").strip()
    said = f"indicates that an instance of {console.name} is already running with PID {pid}"
    console.error(f"Lockfile {folder} {said}")
    console.error(f"If this is not the case, remove the lockfile directory at {folder}")
