"""The program, killed -9 at one record of its journal: `python -m tests.e2e.mortal N WHEN words...`.

WHEN is `before` or `after` the N-th record is on disk. All else is the program as it is.
"""

import os
import signal
import sys
from pathlib import Path

from gpmirror.adapters import runs
from gpmirror.adapters.runs import append
from gpmirror.cli.start import run


class Death:
    """Stands where records are put on disk."""

    def __init__(self, number: int, when: str) -> None:
        self._left = number
        self._when = when

    def append(self, path: Path, data: bytes) -> None:
        self._left -= 1
        self._strike("before")
        append(path, data)
        self._strike("after")

    def _strike(self, when: str) -> None:
        if self._left == 0 and self._when == when:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    _, number, when, *words = sys.argv
    runs.append = Death(int(number), when).append
    sys.argv[1:] = words
    run()
