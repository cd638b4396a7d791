"""A cluster as end-to-end tests see it: the practice cluster, or a Greenplum of the user's own."""

import json
import shlex
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.e2e.rows import LATER, OLD, STREAMING, Row

Words = tuple[str, ...]
Ended = subprocess.CompletedProcess[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What a spec says of a cluster. `hosts` maps names to their interfaces, in ring order; a host
    that holds nothing yet is none of them, and has its name for an address.
    """

    host: str
    port: int
    user: str
    ssh_config: str
    hosts: Mapping[str, tuple[str, ...]]
    root: str

    def spec(self, strategy: str, more: str = "", ring: Iterable[str] = ()) -> str:
        """A spec that mirrors the whole cluster, `more` at its end. `ring`: the hosts' names, each
        with more keys behind it, as in `sdw4, weight: 0`; empty: the hosts that hold primaries.
        """
        hosts = "".join(self._host(*one.partition(",")) for one in ring or self.hosts)
        ssh = f"ssh: {{config: {json.dumps(self.ssh_config)}}}\n" if self.ssh_config else ""
        return (
            "apiVersion: gpmirror/v1\n"
            f"cluster:\n  name: e2e\n  coordinator: {{host: {json.dumps(self.host)}, "
            f"port: {self.port}, database: postgres, user: {json.dumps(self.user)}}}\n"
            f"{ssh}hosts:\n{hosts}"
            f"mirrors:\n  strategy: {strategy}\n  ports: {{offset: 1000}}\n{more}"
        )

    def _host(self, name: str, comma: str, keys: str) -> str:
        addresses = json.dumps(self.hosts.get(name, (name,)))
        return (
            f"  - {{name: {name}, addresses: {addresses}, roots: [{self.root!r}]{comma}{keys}}}\n"
        )


class Cluster(ABC):
    """A cluster that is up, and what its DBA does to it with the program."""

    patience = 300.0
    """Seconds after which a command is taken for hung."""
    allow: Words = ()
    """What this cluster needs allowed, whatever is applied."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site = site
        self.folder = folder
        self.old = "Greenplum Database 5." in self.sql("SELECT version()")[0][0]

    @abstractmethod
    def environment(self) -> dict[str, str]:
        """What the program is started with."""

    @abstractmethod
    def reset(self) -> None:
        """Back to primaries without mirrors, if it is not there."""

    @abstractmethod
    def hold_copies(self, seconds: float) -> float:
        """Let a copy take that long until the next reset; the seconds that it will, 0 where a
        cluster cannot be slowed down.
        """

    @abstractmethod
    def write_rows(self) -> None:
        """Rows on every primary, told by `rows`."""

    @abstractmethod
    def rows(self, content: int) -> frozenset[int]:
        """The rows that the acting primary has."""

    @abstractmethod
    def promoted_rows(self, content: int) -> frozenset[int]:
        """The rows that the mirror has once it is a primary; afterwards a reset is due."""

    @abstractmethod
    def spare(self) -> str:
        """A host that holds no segment; the cluster has no mirrors yet, and afterwards a reset is
        due.
        """

    @abstractmethod
    def cut_off(self, host: str) -> AbstractContextManager[None]:
        """A host that answers nobody, and is back afterwards; what it holds is not touched."""

    @abstractmethod
    def lost(self, host: str) -> AbstractContextManager[None]:
        """A host that answers nobody any more; afterwards a reset is due."""

    @abstractmethod
    def small_disk(self, host: str, folder: str) -> AbstractContextManager[None]:
        """A folder of a host with room for 20 MB; a reset is due afterwards. Skips where that cannot
        be had.
        """

    @abstractmethod
    def make_room(self, host: str, folder: str) -> None:
        """Room for copies in such a folder; what is in it stays."""

    @abstractmethod
    def make_filespace(self, name: str, paths: Mapping[int, str]) -> None:
        """A filespace (4.3, 5) with something in it, its directories by dbid; afterwards a reset is
        due.
        """

    @abstractmethod
    def unused_host(self) -> str:
        """A host that holds no segment, whatever mirrors there are; skips where there is none."""

    @abstractmethod
    def unplugged(self, host: str) -> AbstractContextManager[None]:
        """A host that answers nobody, which the catalog need not know yet; afterwards it is back,
        and a reset is due.
        """

    @contextmanager
    def answered_by(self, gone: str, successor: str) -> Iterator[None]:
        """The name of a lost host leads to its successor, on the coordinator's host."""
        mine = "~/.ssh/config"
        (coordinator,) = self.sql("SELECT hostname FROM gp_segment_configuration WHERE content < 0")
        self.ssh(
            coordinator[0],
            f"mkdir -p -m 700 ~/.ssh && touch {mine} && cp -p {mine} {mine}.kept && "
            f"printf %s {shlex.quote(self.alias(gone, successor))} | cat - {mine}.kept >{mine}",
        )
        try:
            yield
        finally:
            self.ssh(coordinator[0], f"mv {mine}.kept {mine}")

    def alias(self, gone: str, successor: str) -> str:
        """What an SSH configuration says for that."""
        return f"Host {gone}\n HostName {successor}\n HostKeyAlias {successor}\n"

    @property
    def has_room_for_spread(self) -> bool:
        """Whether the mirrors of a host's primaries can lie on different hosts."""
        hosts = len(self.site.hosts)
        return hosts > len(self.contents()) / hosts

    @property
    def state(self) -> Path:
        """Where the program keeps its runs."""
        return Path(self.environment()["XDG_STATE_HOME"]) / "gpmirror" / "runs"

    def runs(self) -> list[str]:
        """The names of the runs that this machine knows, oldest first."""
        return sorted(path.name for path in self.state.iterdir()) if self.state.exists() else []

    def write_spec(self, strategy: str, more: str = "", ring: Iterable[str] = ()) -> None:
        """Make it the spec in the work folder."""
        text = self.site.spec(strategy, more, ring)
        (self.folder / "gpmirror.yaml").write_text(text, encoding="utf-8")

    def start(self, *words: str, more: Mapping[str, str] | None = None) -> "subprocess.Popen[str]":
        """The program in the work folder, with `more` in its environment."""
        return subprocess.Popen(
            [sys.executable, "-m", "gpmirror", *words],
            cwd=self.folder,
            env=self.environment() | dict(more or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def gpmirror(self, *words: str, more: Mapping[str, str] | None = None) -> Ended:
        """Run the program to its end."""
        with self.start(*words, more=more) as running:
            try:
                out, err = running.communicate(timeout=self.patience)
            except subprocess.TimeoutExpired:
                running.kill()
                raise
        return subprocess.CompletedProcess(words, running.returncode, out, err)

    def apply(self, *words: str) -> Ended:
        """Apply without asking, with what this cluster needs allowed; it must end well."""
        done = self.gpmirror("apply", *words, "--yes", *self.allowing())
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def allowing(self) -> Words:
        """Words of a command line."""
        return tuple(word for name in self.allow for word in ("--allow", name))

    def plan(self, *words: str) -> Any:
        """Plan from the spec into `plan.json`; its content."""
        done = self.gpmirror("plan", "-o", "plan.json", *words)
        assert done.returncode == 0, done.stderr
        return json.loads((self.folder / "plan.json").read_text(encoding="utf-8"))

    def sql(self, statement: str, **where: Any) -> list[Any]:
        """Rows from the coordinator's database `postgres`, or from another server."""
        site = self.site
        named: dict[str, Any] = {"host": site.host, "port": site.port, "user": site.user}
        named |= {"dbname": "postgres", "gssencmode": "disable", "connect_timeout": 30}
        named |= {"cursor_factory": psycopg.ClientCursor, "autocommit": True}
        with psycopg.connect(**(named | where)) as server:
            cursor = server.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def ssh(self, host: str, script: str) -> str:
        """What a script prints on a host; it must end well."""
        done = self.session(host, script)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def session(self, host: str, script: str) -> Ended:
        """A script on a host, however it ends."""
        config = ["-F", self.site.ssh_config] if self.site.ssh_config else []
        return subprocess.run(
            ["ssh", *config, host, script],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=self.patience,
            check=False,
        )

    def segments(self) -> list[Row]:
        """The catalog's rows by content, mirror before primary; the coordinator's are left out."""
        names = Row.__dataclass_fields__
        found = self.sql(OLD if self.old else LATER)
        return [Row(**dict(zip(names, row, strict=True))) for row in found]

    def segment(self, content: int, role: str) -> Row:
        """The row that acts in a role now."""
        return next(s for s in self.segments() if (s.content, s.role) == (content, role))

    def copy(self, row: Row) -> Row:
        """The same copy as the catalog has it now."""
        key = (row.content, row.preferred_role)
        return next(s for s in self.segments() if (s.content, s.preferred_role) == key)

    def contents(self) -> set[int]:
        """All content ids."""
        return {row.content for row in self.segments()}

    def streaming(self) -> set[int]:
        """Contents whose mirror streams now, as the server that knows it tells."""
        if self.old:
            rows = self.segments()
            bad = {row.content for row in rows if (row.mode, row.status) != ("s", "u")}
            return {row.content for row in rows if row.role == "m"} - bad
        return {row[0] for row in self.sql(STREAMING)}

    def switched(self) -> set[int]:
        """Contents that act with switched roles."""
        return {row.content for row in self.segments() if row.role != row.preferred_role}

    def segments_are_fine(self) -> bool:
        """Whether the catalog calls every copy up and in sync."""
        return {(row.status, row.mode) for row in self.segments()} == {("u", "s")}

    def is_whole(self) -> bool:
        """Every copy up, in sync and streaming, and nothing left to plan."""
        return (
            self.segments_are_fine()
            and self.streaming() == self.contents()
            and self.gpmirror("plan", "--detailed-exitcode").returncode == 0
        )

    def crash(self, row: Row) -> None:
        """A server dies; back once the catalog knows."""
        self.ssh(row.address, f"kill -9 $(head -n 1 {row.directory}/postmaster.pid)")
        self.wait_until_down([row])

    def crash_mirror(self, content: int) -> Row:
        """The acting mirror of a content is down."""
        row = self.segment(content, "m")
        self.crash(row)
        return row

    def wait_until_down(self, rows: Iterable[Row]) -> None:
        """The catalog calls these copies down; what they did is done by the others."""
        self.wait(lambda: all(self._is_down(row) for row in rows), 600)

    def _is_down(self, row: Row) -> bool:
        try:
            if not self.old:
                self.sql("SELECT gp_request_fts_probe_scan()")
            return self.copy(row).status == "d"
        except psycopg.Error:
            return False  # a coordinator that loses a segment just now may end the session

    def wait(self, holds: Callable[[], bool], seconds: float = 120) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, "it does not come true"
            time.sleep(0.2)


def wanted(plan: Any) -> set[tuple[Any, ...]]:
    """Slots that the plan wants, with the preferred role, as `laid_out` gives them."""
    return {
        (one["content"], *(one[word][key] for key in ("address", "port", "directory")), role, port)
        for one in plan["desired"]["contents"]
        for word, role in (("primary", "p"), ("mirror", "m"))
        for port in [one[word]["replication_port"]]
    }


def methods(plan: Any) -> dict[int, tuple[str, str | None]]:
    """Method and remark of every recovery."""
    return {
        change["content"]: (change["method"], change["note"])
        for change in plan["changes"]
        if change["action"] == "recover"
    }


def recoveries(plan: Any) -> dict[int, tuple[str, str, str]]:
    """Hosts left and reached, and the method, of every recovery."""
    return {
        change["content"]: (change["from"]["host"], change["to"]["host"], change["method"])
        for change in plan["changes"]
        if change["action"] == "recover"
    }


def laid_out(cluster: Cluster) -> set[tuple[Any, ...]]:
    """Slots that the catalog has, with the preferred role."""
    return {
        (
            row.content,
            row.address,
            row.port,
            row.directory,
            row.preferred_role,
            row.replication_port,
        )
        for row in cluster.segments()
    }
