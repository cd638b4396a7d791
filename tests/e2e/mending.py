"""What breaks copies of a practice cluster in tests, and what tells that they are whole again."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from gpmirror.lab.faults import Faults, clear_faults, set_faults
from tests.e2e.clusters import Row
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

    def crash(self, row: Row) -> None:
        """A server dies; back once the catalog knows."""
        self.ssh(row.address, f"kill -9 $(head -n 1 {row.directory}/postmaster.pid)")
        self.wait(lambda: self.copy(row).status == "d")

    def crash_mirror(self, content: int) -> Row:
        """The acting mirror of a content is down."""
        row = self.segment(content, "m")
        self.crash(row)
        return row

    def kill_host(self, name: str) -> None:
        """A host dies; back once the catalog knows, and its primaries act elsewhere."""
        rows = [row for row in self.segments() if row.hostname == name]
        assert self.practice.gpmirror("lab", "kill", name).returncode == 0
        self.wait(lambda: all(self.copy(row).status == "d" for row in rows))

    def make_spare(self, name: str) -> None:
        """Take the primaries of the last host out of a mirrorless cluster: it is left empty."""
        rows = [row for row in self.segments() if row.hostname == name]
        for row in rows:
            self.ssh(row.address, f"kill -QUIT $(head -n 1 {row.directory}/postmaster.pid)")
            self.wait(partial(self._is_stopped, row))
            self.ssh(row.address, f"rm -r {row.directory}")
        for _ in range(2):  # the prober hangs up
            self.sql("SELECT gp_request_fts_probe_scan()")
        for row in rows:
            self.sql(f"DELETE FROM gp_segment_configuration WHERE content = {row.content}")

    def _is_stopped(self, row: Row) -> bool:
        return "yes" in self.ssh(row.address, f"[ -e {row.directory}/postmaster.pid ] || echo yes")

    def copy(self, row: Row) -> Row:
        """The same copy as the catalog has it now."""
        key = (row.content, row.preferred_role)
        return next(s for s in self.segments() if (s.content, s.preferred_role) == key)

    def is_whole(self) -> bool:
        """Every copy up, in sync and streaming, and nothing left to plan."""
        return (
            self.segments_are_fine()
            and self.streaming() == self.contents()
            and self.gpmirror("plan", "--detailed-exitcode").returncode == 0
        )

    def segments_are_fine(self) -> bool:
        """Whether the catalog calls every copy up and in sync."""
        return {(row.status, row.mode) for row in self.segments()} == {("u", "s")}

    def switched(self) -> set[int]:
        """Contents that act with switched roles."""
        return {row.content for row in self.segments() if row.role != row.preferred_role}

    @contextmanager
    def faults(self, faults: Faults) -> Iterator[None]:
        """Utilities started meanwhile show these faults."""
        set_faults(self.practice.state, faults)
        try:
            yield
        finally:
            clear_faults(self.practice.state)
