"""A Greenplum of the user's own, named on the command line of the tests."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.e2e.clusters import Cluster, Site
from tests.greenplum import Target

_REPOSITORY = Path(__file__).parents[2]
_LARGEST = 20 * 1024**3
_KEPT = ("HOME", "PATH", "SSH_AUTH_SOCK", "PGPASSWORD", "PGPASSFILE")
_HOSTS = """SELECT hostname, address FROM gp_segment_configuration
 WHERE content >= 0 AND preferred_role = 'p' ORDER BY content"""


class OwnedCluster(Cluster):
    """A Greenplum. Mirrors are promoted by its own fault prober, as after a crash."""

    patience = 3600.0

    def __init__(self, target: Target, folder: Path) -> None:
        self._environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        self._environment |= {"XDG_STATE_HOME": str(folder / "state")}
        self._environment |= {"PYTHONPATH": str(_REPOSITORY)}
        self._target = target
        site = Site(
            host=target.host,
            port=target.port,
            user=target.user,
            ssh_config=target.ssh_config,
            hosts={},
            root=target.root,
        )
        super().__init__(site, folder)
        self._check_small()
        self._learn()

    def environment(self) -> dict[str, str]:
        return dict(self._environment)

    def reset(self) -> None:
        if all(row.role == "p" for row in self.segments()):
            return
        if not self._target.reset:
            pytest.skip("the cluster has mirrors, and no --greenplum-reset is given")
        _run(self._target.reset)
        assert all(row.role == "p" for row in self.segments()), "it has mirrors after the reset"
        self._learn()

    def hold_copies(self, seconds: float) -> float:
        return 0

    def write_rows(self) -> None:
        self.sql("DROP TABLE IF EXISTS gpmirror_kept")
        rows = "generate_series(1, 100000) AS n"
        self.sql(f"CREATE TABLE gpmirror_kept AS SELECT n FROM {rows} DISTRIBUTED BY (n)")

    def rows(self, content: int) -> frozenset[int]:
        rows = self.sql(f"SELECT n FROM gpmirror_kept WHERE gp_segment_id = {content}")
        return frozenset(n for (n,) in rows)

    def promoted_rows(self, content: int) -> frozenset[int]:
        if not self._target.reset:
            pytest.skip("a primary is stopped here, and no --greenplum-reset is given")
        mirror, primary = self.segment(content, "m"), self.segment(content, "p")
        self.ssh(primary.address, f"kill -QUIT $(head -n 1 {primary.directory}/postmaster.pid)")
        self.wait_until_down([primary])
        assert self.segment(content, "p").directory == mirror.directory
        self.wait(lambda: self._answers(content), 300)
        return self.rows(content)

    def _answers(self, content: int) -> bool:
        try:
            return bool(self.rows(content))
        except psycopg.Error:
            return False

    def unused_host(self) -> str:
        return self.spare()

    @contextmanager
    def unplugged(self, host: str) -> Iterator[None]:
        if not (self._target.cut_off and self._target.connect):
            pytest.skip("a host is cut off here: --greenplum-cut-off and --greenplum-connect")
        _run(self._target.cut_off.format(host=host))
        try:
            yield
        finally:
            _run(self._target.connect.format(host=host))

    @contextmanager
    def small_disk(self, host: str, folder: str) -> Iterator[None]:
        if not (self._target.small_disk and self._target.room):
            pytest.skip("a disk is filled here: --greenplum-small-disk and --greenplum-room")
        _run(self._target.small_disk.format(host=host, folder=folder))
        yield

    def make_room(self, host: str, folder: str) -> None:
        _run(self._target.room.format(host=host, folder=folder))

    def make_filespace(self, name: str, paths: Mapping[int, str]) -> None:
        places = ", ".join(f"{dbid}: '{path}'" for dbid, path in paths.items())
        self.sql(f"CREATE FILESPACE {name} ({places})")
        self.sql(f"CREATE TABLESPACE {name} FILESPACE {name}")
        rows = "SELECT n FROM generate_series(1, 1000) AS n DISTRIBUTED BY (n)"
        self.sql(f"CREATE TABLE gpmirror_{name} TABLESPACE {name} AS {rows}")

    def spare(self) -> str:
        if not self._target.spare:
            pytest.skip("a host without segments is needed: name one with --greenplum-spare")
        return self._target.spare

    @contextmanager
    def cut_off(self, host: str) -> Iterator[None]:
        if not (self._target.cut_off and self._target.connect):
            pytest.skip("a host is cut off here: --greenplum-cut-off and --greenplum-connect")
        rows = [row for row in self.segments() if row.hostname == host]
        with self.unplugged(host):
            self.wait_until_down(rows)
            yield

    @contextmanager
    def lost(self, host: str) -> Iterator[None]:
        with self.cut_off(host):
            yield

    def _check_small(self) -> None:
        (size,) = self.sql("SELECT sum(pg_database_size(oid))::bigint FROM pg_database")[0]
        if size > _LARGEST:
            pytest.exit(f"it holds {size} bytes: these tests want a cluster that you can lose", 4)

    def _learn(self) -> None:
        """Hosts in ring order, each with its interfaces."""
        target = self._target
        hosts: dict[str, list[str]] = {}
        for name, address in self.sql(_HOSTS):
            if address not in hosts.setdefault(name, []):
                hosts[name].append(address)
        self.site = Site(
            host=target.host,
            port=target.port,
            user=target.user,
            ssh_config=target.ssh_config,
            hosts={name: tuple(addresses) for name, addresses in hosts.items()},
            root=target.root,
        )
        several = any((name,) != addresses for name, addresses in self.site.hosts.items())
        self.allow = (*target.allow, *(("hostname-becomes-address",) if several else ()))


def _run(command: str) -> None:
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
