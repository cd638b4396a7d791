"""A practice cluster that lives: rows written and never lost, servers that a test struck down."""

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg

from gpmirror.lab.faults import clear_faults
from gpmirror.lab.layout import LabHost
from gpmirror.lab.processes import _read, alive, descendants, lab_processes
from gpmirror.lab.servers import crash, postmaster
from tests.e2e.practising import PracticeCluster
from tests.e2e.rows import Row
from tests.labs import Practice

Record = dict[str, Any]
_PLACES = (
    "SELECT dbid, content, preferred_role::text, hostname, address, port"
    " FROM gp_segment_configuration ORDER BY dbid"
)


class LivingCluster(PracticeCluster):
    """A lab with a folder and runs of its own. `struck`: the directories of servers that the test
    killed; `dead`: hosts that it killed.
    """

    patience = 240.0

    def __init__(self, practice: Practice, folder: Path) -> None:
        super().__init__(practice)
        self.reset()  # every life ends with mirrors
        self.folder = folder
        self.lab = practice.lab
        self.struck: set[str] = set()
        self.dead: set[str] = set()
        self._number = 0
        self._told: dict[int, set[int]] = {row.content: set() for row in self.segments()}
        for row in self.segments():
            self._at(row, "CREATE TABLE lived (n int PRIMARY KEY)")

    def environment(self) -> dict[str, str]:
        own = {"HOME": str(self.folder), "XDG_STATE_HOME": str(self.folder / "state")}
        return super().environment() | own

    # --- rows -----------------------------------------------------------------------------------

    def write(self) -> None:
        """One more row on every acting primary; remembered are those whose commit was told."""
        self._number += 1
        acting = [row for row in self.segments() if row.role == "p"]
        with ThreadPoolExecutor(max_workers=8) as pool:
            for row, told in zip(acting, pool.map(self._insert, acting), strict=True):
                self._told[row.content] |= {self._number} if told else set()

    def _insert(self, row: Row) -> bool:
        """Whether the row is on both copies, as far as there are two: a wait for the mirror that is
        given up commits all the same, and a notice says so.
        """
        said: list[object] = []
        patient = "-c statement_timeout=4000"
        try:
            with psycopg.connect(
                **self.address_of(row),  # type: ignore[arg-type]
                autocommit=True,
                connect_timeout=5,
                options=patient,
            ) as server:
                server.add_notice_handler(said.append)
                server.execute(f"INSERT INTO lived VALUES ({self._number})".encode())
        except psycopg.Error:
            return False
        return not said

    def check_rows(self) -> None:
        """Every content answers with all the rows that it was given, unless the test itself killed
        its acting primary and left nobody to take over.
        """
        self.struck = {path for path in self.struck if postmaster(Path(path)) is None}
        for content in sorted(self._told):
            self._check_content(content)

    def _check_content(self, content: int) -> None:
        last = ""

        def holds() -> bool:
            nonlocal last
            row = self.segment(content, "p")
            if row.directory in self.struck and postmaster(Path(row.directory)) is None:
                return True
            try:
                found = {n for (n,) in self._at(row, "SELECT n FROM lived")}
            except psycopg.Error as error:
                last = f"{row} does not answer: {error}"
                return False
            last = f"{row} lost {sorted(self._told[content] - found)}"
            return self._told[content] <= found

        self.until(holds, lambda: f"content {content}: {last}\n{self.told()}")

    def until(self, holds: Any, words: Any, seconds: float = 60) -> None:
        """Wait until it holds; `words` says what was waited for."""
        try:
            self.wait(holds, seconds)
        except AssertionError:
            raise AssertionError(words()) from None

    # --- what it looks like ---------------------------------------------------------------------

    def places(self) -> tuple[Any, ...]:
        """What no prober and no fault ever changes: rows with their places, and directories."""
        folders = sorted(
            str(path)
            for host in self.lab.hosts
            for path in host.data.glob("*/*")
            if path.parent.is_dir()
        )
        return (*self.sql(_PLACES), *folders)

    def told(self) -> str:
        """The catalog, for messages."""
        return "\n".join(str(row) for row in self.segments())

    def whole(self) -> bool:
        """Two live copies of every content, in sync."""
        rows = self.segments()
        return (
            len(rows) == 2 * len(self._told)
            and all((row.status, row.mode) == ("u", "s") for row in rows)
            and self.streaming() == set(self._told)
        )

    def loose(self) -> set[int]:
        """Contents that have not two copies in sync, as the catalog says."""
        return {row.content for row in self.segments() if (row.status, row.mode) != ("u", "s")}

    def at_work(self) -> set[int]:
        """Processes of the utilities, and of the copies that outlive them."""
        mark = b"gpmirror.lab.utilities"
        found = lab_processes(self.lab.state)
        return {pid for pid in found if mark in _read(pid, "cmdline") and alive(pid)}

    def host(self, name: str) -> LabHost:
        return self.lab.host_of(name)

    # --- runs -----------------------------------------------------------------------------------

    def records(self, run: str) -> list[Record]:
        """What the run's journal holds now."""
        file = self.state / run / "journal.jsonl"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        return [json.loads(line) for line in lines if line.endswith("}")]

    def plan_of(self, run: str) -> Any:
        """The plan that the run was begun with."""
        return json.loads((self.state / run / "plan.json").read_text(encoding="utf-8"))

    def changed(self, run: str) -> bool:
        """Whether the run began to change something."""
        steps = [str(record.get("step", "")) for record in self.records(run)]
        return any(step == "host-actions" or "/" in step for step in steps)

    @property
    def far(self) -> Path:
        """Run directories on the coordinator's host."""
        return self.host("mdw").home / ".gpmirror" / "runs"

    def begun(self) -> int:
        """How many native utilities were started, or kept from starting, in all runs together."""
        return len(list(self.far.glob("*/*.pid")))

    def spans(self) -> list[tuple[float, float, str]]:
        """When each native utility that ended by itself ran."""
        found = []
        for status in self.far.glob("*/*.status"):
            began = status.with_suffix(".pid").stat().st_mtime
            found.append((began, status.stat().st_mtime, f"{status.parent.name}/{status.stem}"))
        return sorted(found)

    # --- what befalls it ------------------------------------------------------------------------

    def strike(self, rows: Iterable[Row]) -> None:
        """Servers die."""
        directories = [row.directory for row in rows]
        self.struck |= set(directories)
        crash(map(Path, directories))

    def strike_host(self, name: str) -> None:
        """A host dies with all its servers."""
        self.struck |= {str(path) for path in self._servers(self.host(name))}
        self.dead.add(name)
        assert self._practice.gpmirror("lab", "kill", name).returncode == 0

    def _servers(self, host: LabHost) -> Iterator[Path]:
        return (pid_file.parent for pid_file in host.data.glob("*/*/postmaster.pid"))

    def notice(self) -> None:
        """Wait until the catalog tells of everything that was struck."""
        self.until(lambda: not (self._acting() & self._fallen()), self.told)
        self.until(lambda: not (self._up() & self._fallen()), self.told)

    def _acting(self) -> set[str]:
        """Directories of acting primaries that another copy could stand in for."""
        rows = self.segments()
        safe = {row.content for row in rows if (row.role, row.status, row.mode) == ("m", "u", "s")}
        return {row.directory for row in rows if row.role == "p" and row.content in safe}

    def _up(self) -> set[str]:
        return {row.directory for row in self.segments() if (row.role, row.status) == ("m", "u")}

    def _fallen(self) -> set[str]:
        return {path for path in self.struck if postmaster(Path(path)) is None}

    def fix(self) -> None:
        """Hosts come back, with the servers that the catalog counts on."""
        hosts = {host.name for host in self.lab.hosts for path in self.struck if host.name in path}
        for name in sorted(hosts | self.dead):
            restored = self._practice.gpmirror("lab", "restore", name)
            assert restored.returncode == 0, restored.stderr
        self.dead.clear()
        clear_faults(self.lab.state)

    def rest(self) -> None:
        """Wait until nothing works on it any more, and every acting primary answers."""
        self.until(lambda: not self.at_work(), lambda: f"at work: {self._lines()}", 120)
        self.struck.clear()
        self.check_rows()

    def _lines(self) -> list[bytes]:
        return [_read(pid, "cmdline") for pid in self.at_work()]

    def sessions_of(self, host: str) -> set[int]:
        """The processes that serve SSH connections to a host; not what they started."""
        pid = int((self.host(host).folder / "sshd.pid").read_text(encoding="ascii"))
        family = descendants({pid}) - {pid}
        return {one for one in family if _read(one, "comm").startswith(b"sshd")}
