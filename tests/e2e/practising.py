"""The practice cluster as end-to-end tests see it."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gpmirror.lab.faults import Faults, set_faults, slow
from gpmirror.model.dialect import DialectName
from tests.e2e.clusters import Cluster, Site
from tests.e2e.rows import Row
from tests.labs import Practice


class PracticeCluster(Cluster):
    """A lab. Its primaries are servers of their own, so rows are written and read at each."""

    def __init__(self, practice: Practice) -> None:
        self._practice = practice
        self._touched = False
        lab = practice.lab
        site = Site(
            host=lab.coordinator.ip,
            port=lab.coordinator_port,
            user=lab.user,
            ssh_config=str(lab.ssh_config),
            hosts={host.name: tuple(name for name, _ in host.addresses) for host in lab.hosts},
            root=f"{lab.state}/hosts/{{host}}/data/mirror",
        )
        super().__init__(site, practice.spec.parent)
        assert self.old == (lab.dialect is DialectName.GP5)

    def environment(self) -> dict[str, str]:
        return self._practice.environment()

    def reset(self) -> None:
        if self._touched or any(row.role == "m" for row in self.segments()):
            self._practice.reset()
        self._touched = False

    def hold_copies(self, seconds: float) -> float:
        self._touched = True
        set_faults(self._practice.lab.state, Faults(slow_copy=slow(seconds, 0)))
        return seconds

    def write_rows(self) -> None:
        self._touched = True
        for row in self.segments():
            if row.role == "p":
                numbers = f"generate_series({row.content * 1000}, {row.content * 1000 + 99})"
                self._at(row, "DROP TABLE IF EXISTS kept")
                self._at(row, f"CREATE TABLE kept AS SELECT {numbers} AS n")

    def rows(self, content: int) -> frozenset[int]:
        return self._read(self.segment(content, "p"))

    def promoted_rows(self, content: int) -> frozenset[int]:
        return self.promoted_numbers(content, "kept")

    def spare(self) -> str:
        """The last host, without the primaries that it had."""
        self._touched = True
        name = list(self.site.hosts)[-1]
        rows = [row for row in self.segments() if row.hostname == name]
        for row in rows:
            self.ssh(row.address, f"kill -QUIT $(head -n 1 {row.directory}/postmaster.pid)")
            self.wait(partial(self._is_stopped, row))
            self.ssh(row.address, f"rm -r {row.directory}")
        for _ in range(2):  # the prober hangs up
            self.sql("SELECT gp.lab_request_probe()")
        for row in rows:
            where = f"gp_segment_configuration WHERE content = {row.content}"
            if self.old:
                self.sql(
                    f"DELETE FROM pg_filespace_entry WHERE fsedbid IN (SELECT dbid FROM {where})"
                )
            self.sql(f"DELETE FROM {where}")
        return name

    def _is_stopped(self, row: Row) -> bool:
        return "yes" in self.ssh(row.address, f"[ -e {row.directory}/postmaster.pid ] || echo yes")

    def unused_host(self) -> str:
        return self._practice.lab.spares[0].name

    @contextmanager
    def small_disk(self, host: str, folder: str) -> Iterator[None]:
        self._touched = True
        self.ssh(host, f"mkdir -p -m 700 {folder}")
        owner = Path(folder).stat()
        options = f"size=20m,mode=700,uid={owner.st_uid},gid={owner.st_gid}"
        mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("no file system can be mounted here")
        try:
            yield
        finally:
            subprocess.run(["umount", "-l", folder], check=True)

    def make_room(self, host: str, folder: str) -> None:
        subprocess.run(["mount", "-o", "remount,size=1g", folder], check=True)

    def make_filespace(self, name: str, paths: Mapping[int, str]) -> None:
        self._touched = True
        places = ", ".join(f"(16419, {dbid}, '{path}')" for dbid, path in paths.items())
        self.sql(f"INSERT INTO gp.pg_filespace VALUES (16419, '{name}', 10)")
        self.sql(f"INSERT INTO gp.pg_filespace_entry VALUES {places}")
        for dbid, address in self.sql("SELECT dbid, address FROM gp_segment_configuration"):
            self.ssh(address, f"mkdir -p -m 700 {paths[dbid]} && touch {paths[dbid]}/PG_VERSION")

    @contextmanager
    def unplugged(self, host: str) -> Iterator[None]:
        self._touched = True
        self.kill_host(host)
        yield
        assert self._practice.gpmirror("lab", "restore", host).returncode == 0

    @contextmanager
    def cut_off(self, host: str) -> Iterator[None]:
        rows = self.kill_host(host)
        self.wait_until_down(rows)
        yield
        assert self._practice.gpmirror("lab", "restore", host).returncode == 0

    @contextmanager
    def lost(self, host: str) -> Iterator[None]:
        self._touched = True
        self.wait_until_down(self.kill_host(host))
        yield

    def kill_host(self, name: str) -> list[Row]:
        """A host dies; the rows of its copies."""
        rows = [row for row in self.segments() if row.hostname == name]
        assert self._practice.gpmirror("lab", "kill", name).returncode == 0
        return rows

    def promoted_numbers(self, content: int, table: str) -> frozenset[int]:
        """The numbers in a table of the mirror once it is a primary; then a reset is due."""
        self._touched = True
        mirror = self.segment(content, "m")
        program = self._practice.lab.pg_bin / "pg_ctl"
        self.ssh(mirror.address, f"{program} promote -w -D {mirror.directory}")
        self._at(mirror, f"INSERT INTO {table} VALUES (-1)")  # it is a primary
        return self._read(mirror, table) - {-1}

    def address_of(self, row: Row) -> dict[str, object]:
        """Keyword arguments for psycopg that lead to a segment's own server."""
        host = self._practice.lab.host_of(row.hostname)
        ip = dict(host.addresses).get(row.address, host.ip)
        return dict(self._practice.lab.conninfo(host=ip, port=row.port))

    def _read(self, row: Row, table: str = "kept") -> frozenset[int]:
        return frozenset(n for (n,) in self._at(row, f"SELECT n FROM {table}"))

    def _at(self, row: Row, statement: str) -> list[Any]:
        return self.sql(statement, **self.address_of(row))
