"""A practice cluster for tests: real SSH servers, real PostgreSQL, taken down whatever happens.

`practice_cluster(...)` is a context manager; tests that follow each other share a lab through the
fixture `shared_labs`, and `reset()` makes it new again within two seconds or so. A process has one
shared lab at a time, which ends with the last test that uses it; all processes of a run together
have at most four labs.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

import psycopg
import pytest

from gpmirror.lab.account import Account, lab_account
from gpmirror.lab.layout import Lab, read_lab
from gpmirror.lab.programs import Python, find_python, give

REPOSITORY = Path(__file__).parent.parent
_SECONDS = 60.0
MOST_LABS = 4
"""At a time, of all processes that test this checkout: each lab is a dozen servers."""
_LIMITS = Path("/sys/fs/cgroup")
_LAB_BYTES = 2**30
"""What a lab with all its mirrors, copied twice over, takes."""


class Practice:
    """A lab that is up, and what a user does to it."""

    def __init__(self, folder: Path, account: Account, python: Python) -> None:
        self.folder = folder
        self.spec = folder / "work" / "gpmirror.yaml"
        self.touched = False
        self._account = account
        self._python = python

    @property
    def state(self) -> Path:
        """The lab's state folder."""
        return self.folder / "state" / "gpmirror" / "lab"

    @property
    def lab(self) -> Lab:
        """The lab as `lab.json` has it now."""
        return read_lab(self.state)

    def gpmirror(self, *words: str, seconds: float = 120) -> "subprocess.CompletedProcess[str]":
        """Run the program in the lab's work folder."""
        return subprocess.run(
            [sys.executable, "-m", "gpmirror", *words],
            cwd=self.spec.parent,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def environment(self) -> dict[str, str]:
        """What leads the program to this lab."""
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "HOME": str(self.folder / "work"),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "PYTHONPATH": str(REPOSITORY),
        }

    def reset(self) -> None:
        """Back to primaries without mirrors; data, logs and faults are gone."""
        give("reset", self.state, self._account, self._python, {})
        self.touched = False

    def sql(self, statement: str, **address: Any) -> list[Any]:
        """Rows from the coordinator, or from another server by host=, port=."""
        where: dict[str, Any] = self.lab.conninfo(connect_timeout=10)
        with psycopg.connect(**(where | address), autocommit=True) as server:
            cursor = server.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def ssh(self, host: str, script: str) -> "subprocess.CompletedProcess[str]":
        """Run a script on a host of the lab."""
        return subprocess.run(
            ["ssh", "-F", str(self.lab.ssh_config), host, script],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def wait(self, holds: Callable[[], bool], seconds: float = _SECONDS) -> None:
        """Wait until something holds; a server that is just away counts as not yet."""
        deadline = time.monotonic() + seconds
        while True:
            with contextlib.suppress(psycopg.OperationalError):
                if holds():
                    return
            assert time.monotonic() < deadline, "it does not come true"
            time.sleep(0.05)


@contextlib.contextmanager
def practice_cluster(
    dialect: str = "gp6",
    hosts: int = 4,
    primaries: int = 2,
    addresses: int = 1,
    release: str = "",
    spare: int = 0,
    uneven: bool = False,
) -> Iterator[Practice]:
    """A lab of its own in a folder of its own; nothing of it is left afterwards."""
    with lab_folder() as practice:
        like = ["--release", release] if release else ["--dialect", dialect]
        shape = {"hosts": hosts, "primaries": primaries, "addresses": addresses, "spare": spare}
        words = [word for name, n in shape.items() for word in (f"--{name}", str(n))]
        built = practice.gpmirror("lab", "up", *like, *words, *["--uneven"][: int(uneven)])
        assert built.returncode == 0, built.stderr
        yield practice


@contextlib.contextmanager
def lab_folder() -> Iterator[Practice]:
    """A place for a lab that is not up yet. The lab's account can reach it, unlike pytest's own."""
    LABS.end()  # who waits for a place holds none that others wait for
    with _place():
        yield from _lab_folder()


def _lab_folder() -> Iterator[Practice]:
    account = lab_account({})
    folder = Path(tempfile.mkdtemp(prefix="gpmirror-", dir=quick_folder()))
    folder.chmod(0o755)
    state = folder / "state" / "gpmirror" / "lab"
    practice = Practice(folder, account, find_python(account, state))
    practice.spec.parent.mkdir()
    try:
        yield practice
    finally:
        down = practice.gpmirror("lab", "down")
        shutil.rmtree(folder, ignore_errors=True)
        assert down.returncode == 0, down.stderr


def quick_folder(room: int = MOST_LABS * _LAB_BYTES) -> Path:
    """Where short-lived servers live: in memory where that has room, because each reset of a lab
    writes thousands of files, which a disk takes ten times as long for; else on the disk. Both are
    open to every account, unlike pytest's own folders.
    """
    memory = Path("/dev/shm")
    with contextlib.suppress(OSError):
        found = os.statvfs(memory)
        usable = not found.f_flag & os.ST_NOEXEC and os.access(memory, os.W_OK)
        if usable and found.f_bavail * found.f_frsize >= room and _free_memory() >= 2 * room:
            return memory
    return Path("/var/tmp")


def _free_memory() -> int:
    """Bytes that programs can still take, of the machine and of what a container may have."""
    text = Path("/proc/meminfo").read_text(encoding="ascii")
    free = next(
        int(line.split()[1]) * 1024
        for line in text.splitlines()
        if line.startswith("MemAvailable:")
    )
    with contextlib.suppress(OSError, ValueError):  # no such limit
        most, now = (int((_LIMITS / f"memory.{word}").read_text()) for word in ("max", "current"))
        free = min(free, most - now)
    return free


@contextlib.contextmanager
def _place() -> Iterator[None]:
    """One of the places for labs; waits until another test gives one back. A process that dies
    gives its own back, too.
    """
    mine = hashlib.sha256(str(REPOSITORY).encode()).hexdigest()[:8]
    places = Path(tempfile.gettempdir()) / f"gpmirror-test-labs-{os.geteuid()}-{mine}"
    places.mkdir(exist_ok=True)
    with _locked(places):
        yield


def _locked(places: Path) -> TextIO:
    """The open file of a place that is free, locked until it is closed."""
    while True:
        for number in range(MOST_LABS):
            file = (places / str(number)).open("w")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
            else:
                return file
        time.sleep(0.2)


class SharedLabs:
    """The lab that the tests of this process share: one at a time, of the shape asked for last."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._shape: dict[str, Any] | None = None
        self._practice: Practice | None = None

    def __call__(self, **shape: Any) -> Practice:
        """A lab of this shape: the one that is up, or a new one after that has ended."""
        if self._practice is None or self._shape != shape:
            self.end()
            practice = self._stack.enter_context(practice_cluster(**shape))
            self._practice, self._shape = practice, shape
        return self._practice

    def end(self) -> None:
        """Take it down, if there is one."""
        self._practice = None
        self._stack.close()


LABS = SharedLabs()
_LEAD_TO_LABS = {"shared_labs", "any_cluster", "cluster", "stage", "practice"}


def end_unless_used(item: pytest.Item, following: pytest.Item | None) -> None:
    """After a test: end the shared lab, unless the next one may use it."""
    names = set() if following is None else set(getattr(following, "fixturenames", ()))
    if not names & _LEAD_TO_LABS:
        LABS.end()


@pytest.fixture(scope="session")
def shared_labs() -> Iterator[SharedLabs]:
    """A lab of any shape; see `SharedLabs`."""
    yield LABS
    LABS.end()


@pytest.fixture
def practice(shared_labs: SharedLabs) -> Practice:
    """The shared 4 x 2 lab of generation 6, without mirrors."""
    found = shared_labs(dialect="gp6", hosts=4, primaries=2, addresses=1)
    found.reset()
    return found
