"""Limits on CPU time, stretched for machines that do other things and while coverage traces."""

import sys

_TRACED = 10
_BUSY = 3
"""Programs that share cores and caches with others take up to some times more CPU time for the same
work. What the limits are to find, work that grows with the square of its input, takes far longer.
"""


def at_most(seconds: float) -> float:
    """The limit in seconds of CPU time for this run; `seconds` is meant for a machine at rest."""
    return seconds * _BUSY * (_TRACED if sys.gettrace() is not None else 1)
