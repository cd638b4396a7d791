"""`gpmirror resume`: take up a run that was cut off, stopped or detached."""

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from gpmirror.cli import completion
from gpmirror.cli.completion import Allow, Events, Unprotect, ViaSsh, Yes
from gpmirror.cli.console import Console, visible
from gpmirror.errors import (
    Detached,
    ExitCode,
    Failure,
    GpmirrorError,
    Partial,
    Unreadable,
    Unverified,
)

if TYPE_CHECKING:
    from gpmirror.cli.live_run import Live, Manner
    from gpmirror.plan.model import Plan
    from gpmirror.run.record import RunRecord
    from gpmirror.spec.model import Spec


def command(
    ctx: typer.Context,
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            autocompletion=completion.runs,
            help="The run (the start of its name will do); left out: the last unfinished one.",
        ),
    ] = None,
    *,
    yes: Yes = False,
    json: Events = False,
    via_ssh: ViaSsh = False,
    allow: Allow = None,
    unprotect: Unprotect = None,
) -> ExitCode:
    """Take up a run that was cut off: follow what still runs, then do what is left.

    It does not ask again what you confirmed on this machine when the run began.
    """
    from gpmirror.adapters.runs import list_runs, runs_folder
    from gpmirror.cli.live_run import Manner, open_live, recorded, site_of_run
    from gpmirror.plan.classify import protections_of
    from gpmirror.plan.hazards import check_allow, check_unprotect
    from gpmirror.preflight.checks import check_unchecked
    from gpmirror.run.resume import check_latest, check_resumable

    check_allow(allow or ())
    check_unchecked(allow or ())
    console: Console = ctx.obj
    _, standing, plan = recorded(run or _last_unfinished(), via_ssh=via_ssh, console=console)
    check_resumable(standing)
    check_latest(standing, _later(standing, list_runs(runs_folder(os.environ))))
    check_unprotect(unprotect or (), [one.name for one in protections_of(plan.settings.protect)])
    allowed = (*(allow or ()), *(f"protected:{name}" for name in unprotect or ()))
    manner = Manner(console=console, json=json, assume_yes=yes)
    try:
        spec = site_of_run(standing.run, plan, console, allow=allowed, assume_yes=yes)
        with open_live(spec, via_ssh=via_ssh) as live:
            return _resume(plan, standing, live, manner, allowed)
    except (Partial, Unverified, Detached) as error:
        if json:
            raise
        return error.exit_code  # its last words are said


def _resume(
    plan: "Plan", standing: "RunRecord", live: "Live", manner: "Manner", allow: tuple[str, ...]
) -> ExitCode:
    from gpmirror.adapters.runs import runs_folder
    from gpmirror.cli.live_run import agreed_to, caught_up, run_plan, running, who
    from gpmirror.render.run import preview
    from gpmirror.run.context import Wishes
    from gpmirror.run.gates import take_own_lock
    from gpmirror.run.prune import cleared_first
    from gpmirror.run.resume import check_latest, check_resumable, is_expected, later_runs, resume

    # who allowed a danger for the run allowed it for its rest; its journal may be anybody's word
    agreed = agreed_to(standing.run, plan)
    begun = () if agreed is None else agreed.allow
    wishes = Wishes(allow=tuple(sorted({*begun, *allow})), confirmed=agreed is not None)
    folder = runs_folder(os.environ) / standing.run
    with running(standing.run, folder, plan, live, wishes, manner) as run:
        # whoever else takes it up, or applies something, is done with it by now
        take_own_lock(run)
        standing = caught_up(standing.run, live)
        check_resumable(standing)
        check_latest(standing, later_runs(live.hosts, live.coordinator, standing.run))
        outcome = resume(run, standing, who())
    rest = outcome.remaining
    if rest is None:
        return outcome.code
    console = manner.console
    console.talk(f"{outcome.summary}; that is done as a run of its own")
    sure = manner.assume_yes or (agreed is not None and is_expected(plan, rest))
    # a question says what it is about, with --quiet too
    say = console.talk if sure else console.alarm
    say(
        preview(
            rest,
            rest_of=standing.run,
            server=live.not_of(plan),
            width=console.width,
            color=console.talk_color,
        )
    )
    if told := cleared_first(outcome.halves):
        console.alarm(visible(told))  # what is deleted is told with --quiet too
    manner = replace(manner, assume_yes=sure)
    wishes = replace(wishes, clear=tuple(one for one in outcome.halves if not one.keep))
    return run_plan(rest, live, wishes, manner, continues=standing.run).code


def _later(standing: "RunRecord", runs: "list[RunRecord]") -> "list[RunRecord]":
    """Runs of this machine, whose names tell its own clock; the coordinator's host knows better."""
    return [one for one in runs if one.run > standing.run]


def _last_unfinished() -> str:
    """Of the cluster whose spec is here, if there is one: nobody in its folder means another. Raises
    Failure: every run is complete, changed nothing, or is out of date; Unreadable: the spec here does
    not tell its cluster.
    """
    from gpmirror.adapters.runs import list_runs, runs_folder
    from gpmirror.run.resume import check_latest, check_resumable

    folder = runs_folder(os.environ)
    runs, own, others = list_runs(folder), _spec_here(), ""
    for standing in runs:
        try:
            check_resumable(standing)
            check_latest(standing, _later(standing, runs))
        except Failure:
            continue
        if own is None or own.cluster == standing.cluster:
            return standing.run
        others = others or f"; run {standing.run} is one of cluster {standing.cluster}: name it"
    of = "" if own is None else f" of cluster {own.cluster}"
    raise Failure(
        f"no run{of} in {folder} can be resumed: each is complete, changed nothing, or was followed "
        f"by one that changed its cluster{others}",
        hint="`gpmirror plan` shows what the spec still asks for; `gpmirror runs` lists the runs",
    )


def _spec_here() -> "Spec | None":
    """The spec that says of which cluster a run is meant. Raises Unreadable: it cannot be read, and a
    run of another cluster is not taken for want of it.
    """
    from gpmirror.cli.wiring import in_one_line, spec_if_any

    try:
        return spec_if_any(None)
    except GpmirrorError as error:
        raise Unreadable(
            f"no run is named, and the spec here does not tell which cluster is meant: "
            f"{in_one_line(error)}",
            hint="name the run: `gpmirror resume RUN`; `gpmirror runs` lists them",
        ) from error
