"""The checks that nobody else is at work on the cluster, and that nothing stands in for work."""

from collections.abc import Iterator
from shlex import quote

from gpmirror.cluster.dialect import has
from gpmirror.cluster.observed import Observed
from gpmirror.cluster.segment import Segment
from gpmirror.plan.hazards import DEAD_LOCK
from gpmirror.plan.model import Action
from gpmirror.preflight.competing import local_directories, runs_of
from gpmirror.preflight.processes import Work, copy_work, work_among, writers
from gpmirror.preflight.survey import Finding, Visit, bad, ok, unknown


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
    if not _minds_backup_mode(observed):
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


def _minds_backup_mode(observed: Observed) -> bool:
    """Where differential recovery came."""
    return has(observed.dialect.backup_mode, observed.server_version)


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
