"""Nobody else at work: utilities that run, the locks they hold, programs in the way."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from shlex import quote

from gpmirror.errors import NotReady
from gpmirror.model.dialect import DIALECTS, DialectName, has
from gpmirror.model.observed import Observed
from gpmirror.model.segment import Segment
from gpmirror.native.fields import lines_of
from gpmirror.plan.hazards import DEAD_LOCK
from gpmirror.plan.model import Action, Plan
from gpmirror.preflight import shell
from gpmirror.preflight.facts import LockFile, Process, number_of, text_of
from gpmirror.preflight.model import Finding, Visit, bad, ok, unknown
from gpmirror.preflight.reading import read_locks, read_processes, sorted_lines
from gpmirror.preflight.script import (
    COPIERS,
    UTILITIES,
    locks_text,
    processes_text,
    program_of,
    word,
)
from gpmirror.values import dataclass

# --- Other work on the cluster: utilities, their locks, copies that still run.


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


# --- Competing work on the coordinator's host: utilities that run, and locks that they hold or left.


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


# --- The checks that nobody else is at work on the cluster, and that nothing stands in for work.


def judge_competing(visit: Visit) -> list[Finding]:
    """Utilities and locks on the coordinator's host; copies into planned directories anywhere."""
    facts = visit.facts
    if facts.processes is None:
        return [unknown("the processes (/proc) cannot be listed", "look with `ps`")]
    found = [
        bad(work.what, work.remedy)
        if work.dead is None
        else bad(work.what, "remove it by hand, or let the run do so", override=DEAD_LOCK)
        for work in _work(visit)
    ]
    if facts.coordinator_found is False:
        directory = visit.asked.coordinator
        found.append(
            unknown(
                f"the coordinator's directory {directory} cannot be entered, so its locks were "
                "not looked at",
                f"check that {visit.host} is the coordinator's host: `ls {quote(directory or '')}`",
            )
        )
    return found or [ok("no other work was found")]


def _work(visit: Visit) -> Iterator[Work]:
    facts, directory = visit.facts, visit.asked.coordinator
    processes = facts.processes or ()
    told: set[int] = set()
    if directory is not None:
        known = local_directories(visit.survey.observed)
        runs = runs_of(visit.survey.plan, visit.survey.observed)
        row = visit.survey.observed.coordinator
        port = None if row is None else row.port
        for work in work_among(visit.host, processes, facts.locks, port, known, runs):
            told |= {work.pid} if work.pid is not None else set()
            yield work
    for landing in visit.asked.landings:
        for process in writers(processes, landing.path):
            if process.pid not in told and not landing.in_place:
                told.add(process.pid)
                yield copy_work(visit.host, process)


def judge_backup_mode(visit: Visit) -> list[Finding]:
    """Acting primaries in backup mode. gprecoverseg takes one for a sign of a differential recovery
    under way, leaves the content out and ends with 0; one that was cut off leaves its primary so for
    good (Greengage 6.27.1, recorded; 7.0.0, source).
    """
    observed = visit.survey.observed
    # only releases with differential recovery mind
    if not has(observed.dialect.backup_mode, observed.server_version):
        return []
    treated = {
        change.content
        for change in visit.survey.plan.changes
        if change.action in {Action.RECOVER, Action.MOVE}
    }
    acting = {row.content: row for row in observed.segments if row.is_acting_primary}
    mine = [(source.content, server) for source, server in visit.sources()]
    found = [
        _in_backup_mode(visit, acting[content])
        for content, server in mine
        if content in treated and server.backup_mode
    ]
    return found or ([ok("no primary is in backup mode")] if treated & {c for c, _ in mine} else [])


def _in_backup_mode(visit: Visit, primary: Segment) -> Finding:
    content = primary.content
    copying = [
        f"{process.pid} on {host}"
        for host, asked in visit.survey.questions.items()
        if host in visit.survey.facts
        for landing in asked.landings
        if landing.content == content
        for process in writers(visit.survey.facts[host].processes or (), landing.path)
    ]
    where = f"content {content}: its primary {primary.address}:{primary.port} is in backup mode"
    if copying:
        return bad(
            f"{where}: a differential recovery of it is running (process {', '.join(copying)})",
            "wait until it ends",
        )
    setting = visit.survey.observed.dialect.utility_role
    command = (
        f"PGOPTIONS='-c {setting}=utility' psql -h {primary.address} -p {primary.port} "
        "-d postgres -c 'SELECT pg_stop_backup()'"
    )
    return bad(
        f"{where}, and nothing copies: gprecoverseg takes that for a differential recovery, leaves "
        "the content out and ends with exit 0",
        "a recovery that was cut off left it so, unless a backup of yours is running: then wait; "
        f"else end it in the shell of the Greenplum administrator: {command}",
    )
