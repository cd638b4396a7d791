"""Limits on CPU time, stretched while coverage traces every line and on a busy or slow machine."""

import sys
import time

_TRACED = 10
_ROUNDS = 300_000
_USUAL = 0.015
"""Seconds of CPU time that so many rounds take on a machine that does nothing else."""


def at_most(seconds: float) -> float:
    """The limit in seconds of CPU time for this run. Processes that share a core with others take
    more CPU time for the same work, up to some times as much.
    """
    return seconds * (_TRACED if sys.gettrace() is not None else 1) * max(1.0, _slowness())


def _slowness() -> float:
    began = time.process_time()
    for _ in range(_ROUNDS):
        pass
    return 2 * (time.process_time() - began) / _USUAL
