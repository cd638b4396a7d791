"""Reaching the practice hosts, and what a utility asks of them."""

import json
import shlex
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any, Literal, TypeVar

from gpmirror.errors import Failure
from gpmirror.lab.layout import Lab, LabHost
from gpmirror.values import dataclass

# --- What a utility asks of a segment host, as JSON on a command line.


Action = Literal["empty", "make", "port", "stop", "copy", "resync"]
Step = Literal["", "setup", "copy", "start", "mirroring"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One copy to make, start or stop on the host that gets it.

    `source` is (IP, port) of the acting primary. `full` copies everything, else the directory is
    brought up to date; `overwrite` allows a directory with something in it. `seconds` is what the
    copy takes at least. `fault` is the step that fails on purpose. `log` is the file the copy
    reports to.
    """

    content: int
    dbid: int
    directory: str
    port: int
    source: tuple[str, int]
    full: bool = True
    overwrite: bool = False
    seconds: float = 0.0
    fault: Step = ""
    log: str = ""
    filespaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a task ended: `failed` is the step that did not work; `said` is what the step said."""

    dbid: int
    failed: Step = ""
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What one host is asked to do, `at_once` tasks at a time."""

    action: Action
    state: str
    host: str
    at_once: int
    tasks: tuple[Task, ...]


def write_request(request: Request) -> str:
    """One line of JSON."""
    return json.dumps(asdict(request))


def read_request(text: str) -> Request:
    """What `write_request` wrote."""
    fields = json.loads(text)
    tasks = tuple(_task(found) for found in fields.pop("tasks"))
    return Request(tasks=tasks, **fields)


def _task(fields: dict[str, Any]) -> Task:
    lists = {name: tuple(fields[name]) for name in ("source", "filespaces")}
    return Task(**{**fields, **lists})


def write_outcomes(outcomes: Sequence[Outcome]) -> str:
    """One line of JSON."""
    return json.dumps([asdict(outcome) for outcome in outcomes])


def read_outcomes(text: str) -> list[Outcome]:
    """What `write_outcomes` wrote. Raises ValueError."""
    return [Outcome(**fields) for fields in json.loads(text)]


# --- Reaching the practice hosts: the OpenSSH client with the lab's own configuration.


A = TypeVar("A")
B = TypeVar("B")


class Remote:
    """Runs commands on hosts by name, address name or IP."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def host(self, address: str) -> LabHost | None:
        """The practice host an address belongs to."""
        try:
            return self._lab.host_of(address)
        except Failure:
            return None

    def run(self, address: str, command: str) -> subprocess.CompletedProcess[str]:
        """A shell command on a host; an address of no host ends as OpenSSH ends it."""
        host = self.host(address)
        argv = ["ssh", "-F", str(self._lab.ssh_config), "-n", "-o", "BatchMode=yes"]
        argv += ["-o", "ConnectTimeout=5", host.name if host else address, command]
        return subprocess.run(argv, capture_output=True, text=True, check=False)

    def reaches(self, address: str) -> bool:
        """Whether a session can be opened."""
        return self.run(address, "true").returncode == 0

    def answers(self, name: str) -> bool:
        """Whether a name answers as this host's own `ssh` finds it, settings of the user included."""
        host = self.host(name)
        argv = ["ssh", "-n", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5"]
        argv += [host.name if host else name, "true"]
        return subprocess.run(argv, capture_output=True, check=False).returncode == 0

    def ask(self, address: str, request: Request) -> list[Outcome]:
        """The outcomes of a request, every step failed where the host gave no answer."""
        python = shlex.quote(str(self._lab.python))
        path = shlex.quote(self._lab.python_path)
        module = "gpmirror.lab.utilities.gpsegrecovery"
        words = shlex.quote(write_request(request))
        done = self.run(address, f"PYTHONPATH={path} exec {python} -m {module} {words}")
        try:
            return read_outcomes(done.stdout)
        except ValueError:
            step: Step = "setup" if request.action == "empty" else "copy"
            said = done.stderr.strip()
            return [Outcome(dbid=t.dbid, failed=step, said=said) for t in request.tasks]


def in_parallel(work: Callable[[A], B], items: Sequence[A], at_once: int) -> list[B]:
    """`work` on every item, results in the items' order."""
    if not items:
        return []
    with ThreadPoolExecutor(max_workers=max(1, min(at_once, len(items)))) as pool:
        return list(pool.map(work, items))
