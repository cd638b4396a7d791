"""Other work on the cluster: utilities, their locks, copies that still run."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from gpmirror.preflight.facts import LockFile, Process
from gpmirror.preflight.programs import COPIERS, UTILITIES, program_of

_SHOWN = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One thing that stands in the way: what and where; the next action. `pid` None: no process."""

    pid: int | None
    what: str
    remedy: str

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
    directory: str | None,
    segments: Collection[str],
) -> list[Work]:
    """What is at work on the coordinator's host; `directory` is the coordinator's, `segments` are
    those of segments on the same host.
    """
    found = [*_utilities(host, processes, directory), *_copies(host, processes, segments)]
    running = {process.pid: program_of(process.arguments) for process in processes}
    told = {work.pid for work in found}
    left = (lock for lock in locks if not (lock.alive and lock.pid in told))
    return [*found, *(_lock(host, lock, running.get(lock.pid or 0)) for lock in left)]


def _utilities(host: str, processes: Iterable[Process], directory: str | None) -> Iterator[Work]:
    """Utilities of this cluster; those of a cluster with another directory are its own business."""
    for process in processes:
        program = program_of(process.arguments)
        if program in UTILITIES and _is_ours(process.cluster, directory):
            yield Work(
                pid=process.pid,
                what=f"{program} runs on {host} (pid {process.pid}: {_line(process)})",
                remedy="wait until it ends",
            )


def _is_ours(cluster: str | None, directory: str | None) -> bool:
    """A utility that does not say which cluster it serves may serve this one."""
    return cluster is None or directory is None or cluster.rstrip("/") == directory.rstrip("/")


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


def _lock(host: str, lock: LockFile, program: str | None) -> Work:
    name = lock.path.rpartition("/")[2]
    if not name.endswith(".lock"):
        return Work(
            pid=lock.pid if lock.alive else None,
            what=f"gpexpand is under way on {host}: {lock.path} is there",
            remedy="finish it, or undo it with `gpexpand -r`",
        )
    utility = name.removesuffix(".lock")
    removal = f"make sure that no {utility} runs, then `rm -r {lock.path}` on {host}"
    if lock.alive and program is not None:
        return Work(
            pid=lock.pid,
            what=f"{lock.path} on {host} is held by {program} (pid {lock.pid})",
            remedy="wait until it ends",
        )
    owner = "names no process" if lock.pid is None else f"was left by pid {lock.pid}, "
    if lock.pid is not None:
        owner += "which is another program now" if lock.alive else "which does not run any more"
    return Work(
        pid=None,
        what=f"{lock.path} on {host} {owner}; with it {utility} does nothing and may still exit 0",
        remedy=removal,
    )
