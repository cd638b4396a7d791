"""What breaks copies of a practice cluster in tests, and what tells that they are whole again."""

from collections.abc import Iterator
from contextlib import contextmanager

from gpmirror.lab.faults import Faults, clear_faults, set_faults
from tests.e2e.practising import PracticeCluster
from tests.labs import Practice


class BreakableCluster(PracticeCluster):
    """A mirrored practice cluster whose copies can be broken one by one."""

    def __init__(self, practice: Practice) -> None:
        super().__init__(practice)
        self.practice = practice

    def mirror_all(self, strategy: str = "group", more: str = "") -> None:
        """Mirrors for all; made anew unless it is whole already."""
        self.write_spec(strategy, more)
        if not (self.segments_are_fine() and self.is_whole()):
            self.practice.reset()
            self.apply()

    @contextmanager
    def faults(self, faults: Faults) -> Iterator[None]:
        """Utilities started meanwhile show these faults."""
        set_faults(self.practice.state, faults)
        try:
            yield
        finally:
            clear_faults(self.practice.state)
