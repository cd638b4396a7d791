"""Other work on the cluster: utilities, their locks, copies that still run."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from shlex import quote

from gpmirror.cluster.dialect import DIALECTS, DialectName
from gpmirror.plan.hazards import DEAD_LOCK
from gpmirror.preflight.facts import LockFile, Process
from gpmirror.preflight.programs import COPIERS, UTILITIES, program_of

_SHOWN = 120

_STOPPED_BY = {
    "gprecoverseg": frozenset({"gprecoverseg", "gpmovemirrors"}),
    "gpmovemirrors": frozenset({"gpmovemirrors"}),
}
"""Which utilities a lock keeps from running; gpmovemirrors starts gprecoverseg. gpaddmirrors takes
none and looks at none (6.24.3, recorded; 5.8.1 and 7.0.0, source), gpstop's is its own business."""

_BY_PORT = frozenset({"gpbackup", "gprestore"})

_RESIZERS = ("gpexpand", "gpshrink")


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """The utilities that are to run, and of which family."""

    dialect: DialectName
    utilities: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One thing that stands in the way: what and where; the next action. `pid` None: no process.
    `dead` is the lock that a utility left and that is all there is of it.
    """

    pid: int | None
    what: str
    remedy: str
    dead: LockFile | None = None

    @property
    def sentence(self) -> str:
        """Both in one sentence."""
        return f"{self.what}: {self.remedy}"


def writers(processes: Iterable[Process], path: str) -> list[Process]:
    """Running copiers whose command line names the directory."""
    return [
        process
        for process in processes
        if program_of(process.arguments) in COPIERS
        and any(_names(argument, path) for argument in process.arguments)
    ]


def _names(argument: str, path: str) -> bool:
    """Whether the path stands in the argument as a whole, also inside JSON or `--pgdata=`."""
    at = argument.find(path)
    while at >= 0:
        after = argument[at + len(path) : at + len(path) + 1]
        if not (after.isalnum() or after in {"-", "_", "."}) or not after:
            return True
        at = argument.find(path, at + 1)
    return False


def work_among(
    host: str,
    processes: Sequence[Process],
    locks: Sequence[LockFile],
    port: int | None,
    segments: Collection[str],
    runs: Runs,
) -> list[Work]:
    """What is at work on the coordinator's host; `port` is the coordinator's, `segments` are the
    directories of segments on the same host. Locks that keep nothing of what `runs` from running are none
    of it.
    """
    found = [*_utilities(host, processes, port), *_copies(host, processes, segments)]
    running = {process.pid: program_of(process.arguments) for process in processes}
    told = {work.pid for work in found}
    left = (lock for lock in locks if not (lock.alive and lock.pid in told))
    told_locks = (_lock(host, lock, running.get(lock.pid or 0), runs) for lock in left)
    return [*found, *(work for work in told_locks if work is not None)]


def _utilities(host: str, processes: Iterable[Process], port: int | None) -> Iterator[Work]:
    """Utilities of this cluster; those of another one on the same machine are its own business."""
    for process in processes:
        program = program_of(process.arguments)
        if program in UTILITIES and _is_ours(process, program, port):
            yield Work(
                pid=process.pid,
                what=f"{program} runs on {host} (pid {process.pid}: {_line(process)})",
                remedy="wait until it ends",
            )


def _is_ours(process: Process, program: str, port: int | None) -> bool:
    """Mirroring utilities go by the coordinator's directory that they are given, backups by the port.
    One that does not say which cluster it serves may serve this one.
    """
    by_port = None if None in {process.port, port} else process.port == port
    told = (process.serves, by_port)
    if program in _BY_PORT:
        told = (by_port, process.serves)
    return next((found for found in told if found is not None), True)


def _copies(
    host: str, processes: Iterable[Process], directories: Collection[str]
) -> Iterator[Work]:
    """Copiers that write a directory of this cluster."""
    for process in processes:
        if program_of(process.arguments) not in COPIERS:
            continue
        if any(_names(word, path) for word in process.arguments for path in directories):
            yield copy_work(host, process)


def copy_work(host: str, process: Process) -> Work:
    """A copy that still runs."""
    return Work(
        pid=process.pid,
        what=f"a copy runs on {host} (pid {process.pid}: {_line(process)})",
        remedy="wait until it ends",
    )


def _line(process: Process) -> str:
    line = " ".join(process.arguments)
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."


def _lock(host: str, lock: LockFile, program: str | None, runs: Runs) -> Work | None:
    """None: it keeps none of the plan's utilities from running."""
    name = lock.path.rpartition("/")[2]
    if name.startswith(_RESIZERS):
        return _resizing(host, lock, name.partition(".")[0], program)
    utility = name.rpartition(".")[0]
    if lock.alive and program is not None:
        return Work(
            pid=lock.pid,
            what=f"{lock.path} on {host} is held by {program} (pid {lock.pid})",
            remedy="wait until it ends",
        )
    if runs.utilities.isdisjoint(_STOPPED_BY.get(utility, ())):
        return None
    if lock.is_dead and not lock.alive and DIALECTS[runs.dialect].removes_dead_locks:
        return None
    why = _whose(lock)
    if lock.is_dead:
        return Work(
            pid=None,
            what=f"{lock.path} on {host} {why}; with it {utility} does nothing and may still exit 0",
            remedy=f"`--allow {DEAD_LOCK}` removes it before the first wave",
            dead=lock,
        )
    effect = "does nothing and may still exit 0"
    if lock.pid is None:  # passed over where it is an empty folder (6.24.3, 7.0.0, recorded)
        effect = "may run beside another one, or fail"
    return Work(
        pid=None,
        what=f"{lock.path} on {host} {why}; with it {utility} {effect}",
        remedy=f"make sure that no {utility} runs, then `rm -r {quote(lock.path)}` on {host}",
    )


def _whose(lock: LockFile) -> str:
    if lock.pid is None:
        return "names no process"
    if not lock.alive:
        return f"was left by pid {lock.pid}, which does not run any more"
    if lock.is_dead:
        return (
            f"was left by pid {lock.pid}, which is another program now, started after it was left"
        )
    return f"names pid {lock.pid}, which is another program now, or one of another account"


def _resizing(host: str, lock: LockFile, utility: str, program: str | None) -> Work:
    """Gpexpand and gpshrink keep files until they are done, also while none of their processes runs."""
    undo = ", or undo it with `gpexpand -r`" if utility == "gpexpand" else ""
    return Work(
        pid=lock.pid if lock.alive and program is not None else None,
        what=f"{utility} is under way on {host}: {lock.path} is there",
        remedy=f"finish it{undo}",
    )
