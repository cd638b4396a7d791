"""Runs as the coordinator's host knows them: what other machines did to this cluster."""

from contextlib import suppress
from dataclasses import replace

from gpmirror.boundary import Answered, Hosts, NoAnswer
from gpmirror.errors import Failure
from gpmirror.gputils.characters import lines_of
from gpmirror.gputils.detached import NOT_OURS, list_script, read_list, read_script
from gpmirror.journal.records import JOURNAL, PLAN
from gpmirror.journal.standing import Standing, read_standing
from gpmirror.plan.settings import RUN_NAME

_SECONDS = 60.0
_MOST_LATER = 50
"""So many of the latest runs are looked at."""


def far_files(hosts: Hosts, coordinator: str, run: str) -> tuple[str, str]:
    """Journal and plan of a run from its run directory. Raises Failure: that host has none."""
    texts = (_read(hosts, coordinator, read_script(run, name)) for name in (JOURNAL, PLAN))
    journal, plan = texts
    if journal is None or plan is None:
        raise Failure(
            f"no run {run} on {coordinator} either",
            hint="`gpmirror runs` lists the runs of this machine",
        )
    return journal, plan


def far_journal(hosts: Hosts, coordinator: str, run: str) -> str:
    """The journal in a run's directory, empty where there is none. Raises Failure: no answer."""
    return _read(hosts, coordinator, read_script(run, JOURNAL)) or ""


def later_runs(hosts: Hosts, coordinator: str, run: str) -> list[Standing]:
    """Where the runs stand that any machine began after this one: by the numbers that the
    coordinator's host gave them, by their names where one has none. Raises Failure: no answer.
    """
    listed = read_list(_read(hosts, coordinator, list_script()) or "")
    mine = listed.get(run)
    later = sorted(
        name
        for name, number in listed.items()
        if RUN_NAME.fullmatch(name)
        and (name > run if None in {mine, number} else (number or 0) > (mine or 0))
    )
    found = []
    for name in later[-_MOST_LATER:]:
        journal = far_journal(hosts, coordinator, name)
        with suppress(Failure):  # nothing that was begun in earnest has no journal
            # a journal bears its folder's name, and no other one is told
            found.append(replace(read_standing(journal, name), run=name))
    return found


def _read(hosts: Hosts, coordinator: str, script: str) -> str | None:
    match hosts.ask({coordinator: script}, seconds=_SECONDS)[coordinator]:
        case Answered(status=0, out=out):
            return out
        case Answered(err=err) if NOT_OURS in err:
            # silence would be taken for "there is no such run"
            line = next(line for line in lines_of(err) if NOT_OURS in line)
            words, _, hint = line.partition("; ")
            raise Failure(f"{coordinator}: {words}", hint=f"on {coordinator}, {hint}")
        case Answered():
            return None
        case NoAnswer() as silent:
            raise Failure(silent.message, hint=silent.hint)
