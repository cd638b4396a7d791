"""A practice cluster under attack: the program started, watched through its journal, and hit."""

import fcntl
import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gpmirror.lab.faults import clear_faults
from gpmirror.lab.layout import LabHost
from gpmirror.lab.programs import give
from tests.labs import Practice

SECONDS = 90.0
MARKS = (pytest.mark.e2e, pytest.mark.postgres, pytest.mark.ssh, pytest.mark.slow)

AHEAD = ("sdw1", "sdw2", "sdw3")
BACK = AHEAD[::-1]
GROUP = ("sdw2", "sdw3", "sdw1")
"""Where mirrors are along the ring, by content."""
BACKWARDS = ("sdw3", "sdw1", "sdw2")

Ended = subprocess.CompletedProcess[str]
Row = tuple[int, str, str, str, int]
"""content, mode, status, hostname, port of a mirror."""


def eventually(holds: Callable[[], Any], what: str, seconds: float = SECONDS) -> Any:
    """What it says once it is true."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.02)
    return found


class Running:
    """The program at work. Its output lies in files, so that it never waits for us."""

    def __init__(self, site: "Site", words: tuple[str, ...], more: Mapping[str, str]) -> None:
        number = len(list(site.folder.glob("*.out")))
        self._files = [site.folder / f"{number}.{name}" for name in ("out", "err")]
        with self._files[0].open("wb") as out, self._files[1].open("wb") as err:
            self.process = subprocess.Popen(
                site.argv(*words),
                cwd=site.folder,
                env=site.environment() | dict(more),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        """All it wrote so far, to both streams."""
        return "".join(file.read_text(encoding="utf-8") for file in self._files)

    def wait_for(self, words: str) -> None:
        """Until it has said that."""
        eventually(lambda: words in self.said or self._gone(words), words)

    def interrupt(self, number: int = signal.SIGINT) -> None:
        """A signal, as from the terminal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def end(self, seconds: float = SECONDS) -> Ended:
        """How it ended."""
        self.process.wait(seconds)
        out, err = (file.read_text(encoding="utf-8") for file in self._files)
        return Ended(self.process.args, self.process.returncode, out, err)

    def _gone(self, words: str) -> bool:
        assert self.process.poll() is None, f"ended without {words!r}:\n{self.said}"
        return False


class Site:
    """One test's place: a folder with its own spec and its own state, on a shared lab."""

    def __init__(self, practice: Practice, folder: Path) -> None:
        self.practice = practice
        self.folder = folder
        self.lab = practice.lab
        self.wanted: tuple[str, ...] = GROUP
        self._running: list[Running] = []
        self.write_spec()

    # --- the program ----------------------------------------------------------------------------

    def argv(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "gpmirror", *words]

    def environment(self) -> dict[str, str]:
        own = {"HOME": str(self.folder), "XDG_STATE_HOME": str(self.folder / "state")}
        return self.practice.environment() | own

    def start(self, *words: str, more: Mapping[str, str] | None = None) -> Running:
        running = Running(self, words, more or {})
        self._running.append(running)
        return running

    def gpmirror(self, *words: str, more: Mapping[str, str] | None = None) -> Ended:
        return self.start(*words, more=more).end()

    def clear(self) -> None:
        """Nothing of this test goes on."""
        for running in self._running:
            if running.process.poll() is None:
                running.kill()

    # --- its input ------------------------------------------------------------------------------

    def write_spec(
        self,
        *,
        ring: Sequence[str] = AHEAD,
        offset: int = 1000,
        root: str = "mirror",
        config: str = "",
        more: str = "",
    ) -> None:
        """Group along the ring, everything else as the lab is unless it is given."""
        hosts = "".join(
            f"  - {{name: {name}, roots: [{json.dumps(str(self.host(name).data / root))}]}}\n"
            for name in ring
        )
        lab = self.lab
        address = f"{{host: {lab.coordinator.ip}, port: {lab.coordinator_port}, user: {lab.user}}}"
        (self.folder / "gpmirror.yaml").write_text(
            "apiVersion: gpmirror/v1\n"
            f"cluster: {{name: practice, coordinator: {address}}}\n"
            f"ssh: {{config: {json.dumps(config or str(lab.ssh_config))}}}\n"
            f"hosts:\n{hosts}mirrors: {{strategy: group, ports: {{offset: {offset}}}}}\n{more}",
            encoding="utf-8",
        )

    def root(self, host: str) -> str:
        return str(self.host(host).data / "mirror")

    def plan(self, name: str = "plan.json") -> dict[str, Any]:
        done = self.gpmirror("plan", "-o", name, "--quiet")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads((self.folder / name).read_text(encoding="utf-8"))
        return found

    # --- what it leaves -------------------------------------------------------------------------

    @property
    def state(self) -> Path:
        return self.folder / "state" / "gpmirror" / "runs"

    def runs(self) -> list[Path]:
        """Runs on this machine, oldest first."""
        return sorted(self.state.iterdir()) if self.state.exists() else []

    @property
    def run(self) -> str:
        """The name of the latest run."""
        return self.runs()[-1].name

    def records(self, run: str | None = None) -> list[dict[str, Any]]:
        file = self.state / (run or self.run) / "journal.jsonl"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        return [json.loads(line) for line in lines if line.endswith("}")]

    def begun(self, step: str, state: str = "begin") -> bool:
        """Whether the latest run's journal holds a step."""
        wanted = {"step": step, "state": state}
        return bool(self.runs()) and any(
            {key: record.get(key) for key in wanted} == wanted for record in self.records()
        )

    def wait_step(self, running: Running, step: str, state: str = "begin") -> None:
        """Until the latest run has come to a step."""

        def there() -> bool:
            if self.begun(step, state):
                return True
            assert running.process.poll() is None, f"ended before {step}:\n{running.said}"
            return False

        eventually(there, f"{step} {state}")

    def wait_native(self, running: Running, name: str) -> None:
        """Until the latest run's utility really runs on the coordinator's host."""
        eventually(lambda: self.is_native(name) or _alive(running), name)

    def is_native(self, name: str) -> bool:
        """Whether the latest run has started a utility."""
        top = self.host("mdw").home / ".gpmirror" / "runs"
        return bool(self.runs()) and (top / self.run / f"{name}.pid").exists()

    def far_files(self) -> list[Path]:
        """Everything in run directories on the coordinator's host."""
        top = self.host("mdw").home / ".gpmirror" / "runs"
        return sorted(top.glob("*/*")) if top.exists() else []

    def far_runs(self) -> list[str]:
        top = self.host("mdw").home / ".gpmirror" / "runs"
        return sorted(path.name for path in top.iterdir()) if top.exists() else []

    def starts(self, utility: str) -> int:
        """How often a utility was started in earnest since the lab was new, by its own logs."""
        logs = sorted((self.host("mdw").home / "gpAdminLogs").glob(f"{utility}_*.log"))
        lines = [line for log in logs for line in log.read_text(encoding="utf-8").splitlines()]
        return sum(f":-Starting {utility} " in line and " -o " not in line for line in lines)

    # --- the cluster ----------------------------------------------------------------------------

    def host(self, name: str) -> LabHost:
        return self.lab.host_of(name)

    def sql(self, statement: str) -> list[Any]:
        return self.practice.sql(statement)

    def mirrors(self) -> list[Row]:
        rows = self.sql(
            "SELECT content, mode::text, status::text, hostname, port FROM gp_segment_configuration"
            " WHERE content >= 0 AND role = 'm' ORDER BY content"
        )
        return [tuple(row) for row in rows]

    def catalog(self) -> list[Any]:
        """Every row, but for what the prober writes."""
        return self.sql(
            "SELECT dbid, content, role::text, preferred_role::text, hostname, address, port,"
            " datadir FROM gp_segment_configuration ORDER BY dbid"
        )

    def in_sync(self, where: tuple[str, ...]) -> bool:
        """Whether content i has its mirror up, in sync, on the i-th of these hosts."""
        found = [(mode, status, host) for _, mode, status, host, _ in self.mirrors()]
        return found == [("s", "u", host) for host in where]

    def order(self, command: str, host: str) -> None:
        """`kill` or `restore` a host."""
        practice = self.practice
        give(command, practice.state, practice._account, practice._python, {"host": host})

    def sessions(self) -> list[int]:
        """The program's sessions on the coordinator."""
        rows = self.sql("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'gpmirror%'")
        return [pid for (pid,) in rows]

    def end_sessions(self) -> int:
        """Terminate them; how many there were."""
        pids = self.sessions()
        for pid in pids:
            self.sql(f"SELECT pg_terminate_backend({pid})")
        return len(pids)


@contextmanager
def site_on(practice: Practice, folder: Path) -> Iterator[Site]:
    """A test's place; faults and processes of it are gone afterwards."""
    site = Site(practice, folder)
    try:
        yield site
    finally:
        site.clear()
        clear_faults(practice.state)


@dataclass
class Screen:
    """The program on a terminal of its own; `text` is all it wrote."""

    process: "subprocess.Popen[bytes]"
    master: int
    text: str = ""

    def wait_for(self, words: str) -> None:
        """Until the terminal has shown it."""

        def there() -> bool:
            self._read()
            assert words in self.text or self.process.poll() is None, self.text
            return words in self.text

        eventually(there, words)

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def end(self, seconds: float = SECONDS) -> int:
        """Its exit status; everything is read."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self.text
            self._read()
        self._read()
        return self.process.returncode

    def _read(self) -> None:
        while select.select([self.master], [], [], 0.02)[0]:
            try:
                data = os.read(self.master, 1 << 16)
            except OSError:  # the other end is closed
                break
            if not data:
                break
            self.text += data.decode("utf-8", "replace")


@contextmanager
def terminal(site: Site, *words: str) -> Iterator[Screen]:
    """The program in a terminal, as its session's leader: typed Ctrl-C reaches it."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        site.argv(*words),
        cwd=site.folder,
        env=site.environment() | {"TERM": "xterm", "COLUMNS": "120"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 no threads here
    )
    os.close(slave)
    screen = Screen(process, master)
    try:
        yield screen
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(master)


def children(pid: int) -> list[int]:
    """Processes started by one, and by those."""
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split():
        found += [int(child), *children(int(child))]
    return found


def ssh_sessions(site: Site, host: str) -> list[int]:
    """The SSH server's processes that serve connections to a host."""
    pid = int((site.host(host).folder / "sshd.pid").read_text(encoding="ascii"))
    return [
        int(child)
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    ]


def _alive(running: Running) -> bool:
    assert running.process.poll() is None, running.said
    return False
