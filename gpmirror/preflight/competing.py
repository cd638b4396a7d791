"""Competing work on the coordinator's host: utilities that run, and locks that they hold or left."""

from collections.abc import Sequence
from shlex import quote

from gpmirror.cluster.observed import Observed
from gpmirror.cluster.segment import Segment
from gpmirror.errors import NotReady
from gpmirror.gputils.characters import lines_of
from gpmirror.plan.model import Plan
from gpmirror.preflight import shell
from gpmirror.preflight.encoding import number_of, text_of
from gpmirror.preflight.facts import LockFile
from gpmirror.preflight.processes import Runs, Work, work_among
from gpmirror.preflight.reading import read_locks, read_processes, sorted_lines
from gpmirror.preflight.script import locks_text, processes_text, word


def competing_script(observed: Observed) -> str:
    """A POSIX sh script for the coordinator's host that changes nothing. Its output says by itself
    which cluster was meant.
    """
    row = observed.coordinator
    told = "" if row is None else f"echo 'subject {word(row.hostname)} {row.port}'\n"
    known = "".join(f"echo 'known {word(path)}'\n" for path in local_directories(observed))
    return "".join(
        (
            shell.PRELUDE,
            told,
            known,
            processes_text(None if row is None else row.directory),
            locks_text(None if row is None else row.directory),
            f"echo '{shell.END}'\n",
        )
    )


def local_directories(observed: Observed) -> tuple[str, ...]:
    """The directories of segments on the coordinator's own host."""
    row = observed.coordinator
    return tuple(
        sorted(
            {
                other.directory
                for other in observed.segments
                if row is not None and other.directory and _is_segment_beside(other, row)
            }
        )
    )


def _is_segment_beside(other: Segment, coordinator: Segment) -> bool:
    return other.content >= 0 and other.hostname == coordinator.hostname


def runs_of(plan: Plan, observed: Observed) -> Runs:
    """What a plan is to run on a server."""
    utilities = {native.utility for wave in plan.waves for native in wave.native}
    return Runs(dialect=observed.dialect.name, utilities=frozenset(utilities))


def competing_work(output: str, runs: Runs) -> tuple[Work, ...]:
    """Each thing that stands in the way: subject, process, file, next action.

    Raises NotReady: the output is no answer, or the coordinator's directory is not there.
    """
    lines = output.split("\n")
    if shell.VERSION not in lines or shell.END not in lines:
        raise NotReady(
            "the coordinator's host gave no complete answer about competing work",
            hint="log in there and run `sh` to see what its shell prints",
        )
    found = sorted_lines(lines[lines.index(shell.VERSION) :])
    name, _, port = next(iter(found.get("subject", ())), "").partition(" ")
    host = text_of(name) or "the coordinator's host"
    state, _, directory = next(iter(found.get("coordinator", ())), "").partition(" ")
    if state == "no":
        raise NotReady(
            f"there is no coordinator directory {text_of(directory)} on {host}",
            hint="check that the name leads to the coordinator's own host and that the login user "
            "may enter the directory",
        )
    known = tuple(filter(None, map(text_of, found.get("known", ()))))
    processes, locks = read_processes(found) or (), read_locks(found)
    return tuple(work_among(host, processes, locks, number_of(port), known, runs))


def removal_script(locks: Sequence[LockFile]) -> str:
    """A script for the coordinator's host that removes dead locks: each only while all that proved
    it dead is still so. Prints `removed NUMBER` or `stays NUMBER`, in the order given.
    """
    folders = sorted({lock.path.rpartition("/")[0] for lock in locks})
    looks = "".join(f"\nc={quote(folder)}{shell.LOCKS}" for folder in folders)
    calls = "".join(
        f"u {number} {quote(lock.line)} {quote(lock.path)}\n" for number, lock in enumerate(locks)
    )
    return f"{shell.PRELUDE}o=$({looks})\n{shell.LOCKS_REMOVED}{calls}"


def read_removed(output: str, locks: Sequence[LockFile]) -> tuple[LockFile, ...]:
    """The locks that stay."""
    gone = {line.partition(" ")[2] for line in lines_of(output) if line.startswith("removed ")}
    return tuple(lock for number, lock in enumerate(locks) if str(number) not in gone)
