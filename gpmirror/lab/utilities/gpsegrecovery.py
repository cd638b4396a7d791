"""The segment host's side: `python -m gpmirror.lab.utilities.gpsegrecovery REQUEST`.

Copies go on in a process of their own, so that neither the utility's end nor a lost session stops
them, as natively.
"""

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from gpmirror.lab.layout import Lab, LabHost, read_lab
from gpmirror.lab.utilities import copying
from gpmirror.lab.utilities.remote import (
    Action,
    Outcome,
    Request,
    Task,
    read_request,
    write_outcomes,
)

_Work = Callable[[Lab, LabHost, Task], Outcome]

_WORK: dict[Action, _Work] = {
    "empty": copying.check_empty,
    "make": copying.make_directory,
    "stop": copying.stop,
    "port": copying.check_port,
    "copy": copying.copy_and_start,
    "resync": copying.resynchronise,
}

_DETACHED: tuple[Action, ...] = ("copy", "resync")


def main() -> None:
    """Do what the request asks and print the outcomes as one line of JSON."""
    request = read_request(sys.argv[1])
    answer = _detached(request) if request.action in _DETACHED else _answer(request)
    sys.stdout.write(answer + "\n")


def _answer(request: Request) -> str:
    lab = read_lab(Path(request.state))
    host = lab.host_of(request.host)
    work = _WORK[request.action]

    def one(task: Task) -> Outcome:
        return work(lab, host, task)

    with ThreadPoolExecutor(max_workers=max(1, request.at_once)) as pool:
        return write_outcomes(list(pool.map(one, request.tasks)))


def _detached(request: Request) -> str:
    """The same in a session of its own; this process only waits for it, or on 5 not even that."""
    answer = Path(request.state) / "hosts" / f".gpsegrecovery.{os.getpid()}"
    child = os.fork()
    if child == 0:
        _leave_session()
        said = _answer(request)
        if request.action == "copy":
            answer.write_text(said, encoding="utf-8")
        os._exit(0)
    if request.action == "resync":
        return write_outcomes([Outcome(dbid=task.dbid) for task in request.tasks])
    os.waitpid(child, 0)
    text = answer.read_text(encoding="utf-8")
    answer.unlink()
    return text


def _leave_session() -> None:
    """No terminal, no pipe to the session that started it: those are gone when that dies."""
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)


if __name__ == "__main__":
    main()
