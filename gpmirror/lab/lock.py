"""One command at a time changes a practice cluster: a lock on its folder, gone with its holder."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gpmirror.errors import Locked

_SECONDS = 60.0


@contextmanager
def locked(state: Path, make: Callable[[], None]) -> Iterator[None]:
    """Hold the lab's lock; `make` makes its folder, and again if another command removed it.

    Raises Locked: another command has held it for a minute.
    """
    deadline = time.monotonic() + _SECONDS
    while True:
        make()
        with suppress(FileNotFoundError):
            folder = os.open(state, os.O_RDONLY | os.O_DIRECTORY)
            if _take(folder, state):
                break
            os.close(folder)
        if time.monotonic() > deadline:
            raise Locked(
                f"another lab command is running in {state}",
                hint="wait for it, then run this again",
            )
        time.sleep(0.05)
    try:
        yield
    finally:
        os.close(folder)


def _take(folder: int, state: Path) -> bool:
    """Whether we hold the folder, and it is still the one that the path leads to."""
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return os.path.samestat(os.fstat(folder), state.stat())
