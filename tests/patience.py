"""Limits on CPU time, stretched while coverage traces every line."""

import sys

_TRACED = 10


def at_most(seconds: float) -> float:
    """The limit in seconds of CPU time for this run."""
    return seconds * (_TRACED if sys.gettrace() is not None else 1)
