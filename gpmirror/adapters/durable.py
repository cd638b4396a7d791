"""Files and folders that are on disk when the call is back: content, and the name they go by."""

import os
import pwd
import stat
from contextlib import suppress
from pathlib import Path


def write_new(path: Path, data: bytes) -> None:
    """A file of its owner's alone that was not there before. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    _keep_names(path.parent)


def append(path: Path, data: bytes) -> None:
    """All of it, or OSError: a disk that is nearly full takes a part without a word. No empty file
    stays behind.
    """
    is_new = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    except OSError:
        if is_new and os.fstat(descriptor).st_size == 0:
            with suppress(OSError):
                path.unlink()
        raise
    finally:
        os.close(descriptor)
    if is_new:
        _keep_names(path.parent)


def new_folder(path: Path) -> None:
    """A folder of its owner's alone. Raises OSError, FileExistsError among them."""
    path.mkdir(mode=0o700)
    _keep_names(path.parent)


def make_private(folder: Path) -> None:
    """The folder and the missing ones above it, closed to others whatever the umask: who can write
    the parent can put another folder in its place. Raises OSError.
    """
    for path in (*reversed(folder.parents), folder):
        with suppress(FileExistsError):
            new_folder(path)


def why_not_ours(path: Path) -> str | None:
    """Why what stands at a path may be somebody else's work; None: it is the effective user's, and
    nobody else may write it. Raises OSError.
    """
    for found in (path.lstat(), path.stat()):
        if found.st_uid != os.geteuid():
            return f"belongs to {_account(found.st_uid)}, not to {_account(os.geteuid())}"
    mode = path.stat().st_mode
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"is not to be believed: others may write it (mode {stat.S_IMODE(mode):04o})"
    return None


def _account(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _keep_names(folder: Path) -> None:
    """A file whose name is lost in a crash is lost with all that was synced into it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
