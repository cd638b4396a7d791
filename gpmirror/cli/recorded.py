"""A recorded run for a command: from this machine's journal, else from the coordinator's host."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from gpmirror.cli.connection import accept_connection, reached
from gpmirror.cli.console import Console
from gpmirror.errors import Failure, GpmirrorError

if TYPE_CHECKING:
    from pathlib import Path

    from gpmirror.adapters.runs import Agreed
    from gpmirror.cli.live_run import Live
    from gpmirror.journal.standing import Standing
    from gpmirror.plan.model import Plan
    from gpmirror.spec.model import Site, Spec


def recorded(name: str, *, via_ssh: bool) -> "tuple[Path, Standing, Plan]":
    """A run's folder, where it stands, and its plan; the start of its name will do. One that this
    machine does not know is copied from the run directory on the coordinator's host, which the spec
    here names.

    Raises Failure: nobody knows it, or its folder holds another plan than the one that it was begun
    with; InvalidInput: its plan was changed.
    """
    from gpmirror.adapters.runs import check_name, read_run, runs_folder, whole_name
    from gpmirror.plan.planfile import read_plan
    from gpmirror.workflow.resume import check_own_plan

    folder = runs_folder(os.environ)
    check_name(folder, name)
    name = whole_name(folder, name)
    if not (folder / name).is_dir():
        _fetch(folder, name, via_ssh=via_ssh)
    standing, data = read_run(folder, name)
    plan = read_plan(data, f"{name}/plan.json")
    check_own_plan(standing, plan)
    return folder / name, standing, plan


def agreed_to(name: str, plan: "Plan") -> "Agreed | None":
    """The yes that the operator of this machine gave to a run, None: there is none on record."""
    from gpmirror.adapters.runs import read_agreed, runs_folder
    from gpmirror.plan.planfile import plan_id

    return read_agreed(runs_folder(os.environ), name, plan_id(plan))


def site_of_run(
    name: str,
    plan: "Plan",
    console: Console,
    *,
    allow: tuple[str, ...] = (),
    assume_yes: bool = False,
) -> "Site":
    """What a recorded run's plan tells of its spec, and how the cluster is reached: as the operator
    confirmed when the run began here; as the spec of this folder or the environment says, where
    another machine began it or it was not reached as its plan says. Where nobody knows, it is asked
    as for a plan file: a run folder may be a copy from anywhere. Raises as `accept_connection`.
    """
    from gpmirror.adapters.runs import is_reached_otherwise, runs_folder
    from gpmirror.cli.catalog_input import own_spec
    from gpmirror.plan.replan import site_of
    from gpmirror.spec.model import CoordinatorAddress, SshOptions

    spec, agreed, own = site_of(plan), agreed_to(name, plan), own_spec()
    otherwise = agreed is not None and not agreed.as_planned
    if otherwise or is_reached_otherwise(runs_folder(os.environ), name):
        spec = replace(
            spec,
            coordinator=own.coordinator if own else CoordinatorAddress(),
            ssh=own.ssh if own else SshOptions(),
        )
    elif agreed is None:
        accept_connection(
            plan.settings, f"{name}/plan.json", allow, console, own=own, assume_yes=assume_yes
        )
    return reached(spec)


def caught_up(name: str, live: "Live") -> "Standing":
    """Where a run of this machine stands, with what other machines wrote when they took it up. The
    records are kept here. Raises Failure: the coordinator's host does not answer.
    """
    from gpmirror.adapters.runs import add_records, read_journal, read_run, runs_folder
    from gpmirror.journal.joining import missing
    from gpmirror.workflow.far_runs import far_journal
    from gpmirror.workflow.proving import believed

    folder = runs_folder(os.environ)
    far = far_journal(live.hosts, live.coordinator, name)
    lines = missing(read_journal(folder, name), far)
    if lines:
        add_records(folder, name, lines)
    standing, _ = read_run(folder, name)
    return believed(standing, _earlier_plans(standing, live)) if standing.clearing else standing


def _earlier_plans(standing: "Standing", live: "Live") -> "Iterator[Plan]":
    """The plans of the runs whose rest this one does, as far as anybody has them."""
    from gpmirror.adapters.runs import read_run, runs_folder
    from gpmirror.journal.standing import read_standing
    from gpmirror.plan.planfile import read_plan
    from gpmirror.workflow.far_runs import far_files
    from gpmirror.workflow.resume import check_own_plan

    folder, known, name = runs_folder(os.environ), {standing.run}, standing.continues
    with suppress(GpmirrorError):
        while name is not None and name not in known:
            known.add(name)
            try:
                earlier, data = read_run(folder, name)
            except Failure:
                journal, text = far_files(live.hosts, live.coordinator, name)
                earlier, data = read_standing(journal, name), text.encode()
            plan = read_plan(data, f"{name}/plan.json")
            check_own_plan(earlier, plan)
            yield plan
            name = earlier.continues


def first_recorded(name: str, *, via_ssh: bool) -> "tuple[Standing, Plan]":
    """The run that this one continues, and the one that that one continues, down to the first: its
    plan is the whole. Raises as `recorded`.
    """
    _, standing, plan = recorded(name, via_ssh=via_ssh)
    known = {standing.run}
    while standing.continues is not None and standing.continues not in known:
        known.add(standing.continues)
        _, standing, plan = recorded(standing.continues, via_ssh=via_ssh)
    return standing, plan


def _fetch(folder: "Path", name: str, *, via_ssh: bool) -> None:
    from gpmirror.adapters.runs import keep_run
    from gpmirror.cli.live_run import open_live
    from gpmirror.workflow.far_runs import far_files

    with open_live(_spec(folder, name), via_ssh=via_ssh) as live:
        journal, plan = far_files(live.hosts, live.coordinator, name)
    keep_run(folder, name, journal, plan)


def _spec(folder: "Path", name: str) -> "Spec":
    from gpmirror.cli.catalog_input import DEFAULT_SPEC, spec_if_any

    found = spec_if_any(None)
    if found is None:
        raise Failure(
            f"no run {name} in {folder}, and no {DEFAULT_SPEC} here that names the coordinator "
            "whose host may know it",
            hint="`gpmirror runs` lists the runs of this machine; else go where the spec is",
        )
    return found
