"""Reaching the practice hosts: the OpenSSH client with the lab's own configuration."""

import shlex
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from gpmirror.errors import Failure
from gpmirror.lab.layout import Lab, LabHost
from gpmirror.lab.utilities.tasks import Outcome, Request, Step, read_outcomes, write_request

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
