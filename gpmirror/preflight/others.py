"""The check that nobody else is at work on the cluster."""

from collections.abc import Iterator

from gpmirror.plan.hazards import DEAD_LOCK
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
                f"check that {visit.host} is the coordinator's host: `ls {directory}`",
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
        for work in work_among(visit.host, processes, facts.locks, directory, known, runs):
            told |= {work.pid} if work.pid is not None else set()
            yield work
    for landing in visit.asked.landings:
        for process in writers(processes, landing.path):
            if process.pid not in told and not landing.in_place:
                told.add(process.pid)
                yield copy_work(visit.host, process)
