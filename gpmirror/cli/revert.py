"""`gpmirror revert`: the way back from a run, as a plan."""

import os
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from gpmirror.cli import completion
from gpmirror.cli.completion import ViaSsh
from gpmirror.cli.console import Console
from gpmirror.cli.renderings import (
    Outputs,
    PlanFormat,
    check_outputs,
    chosen_format,
    show_plan,
    write_outputs,
)
from gpmirror.errors import ExitCode

if TYPE_CHECKING:
    from gpmirror.plan.model import Plan
    from gpmirror.run.record import RunRecord


def command(
    ctx: typer.Context,
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            autocompletion=completion.runs,
            help="The run to go back from (the start of its name will do).",
        ),
    ],
    *,
    out: Annotated[
        str | None, typer.Option("-o", "--out", metavar="PLAN", help="Write the plan file.")
    ] = None,
    form: Annotated[PlanFormat, typer.Option("--format", help="What to print.")] = PlanFormat.HUMAN,
    as_json: Annotated[bool, typer.Option("--json", help="As `--format json`.")] = False,
    via_ssh: ViaSsh = False,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            "--allow",
            metavar="X",
            autocompletion=completion.allowances,
            help="Allow a hazard or guard:NAME; repeatable.",
        ),
    ] = None,
    unprotect: Annotated[
        list[str] | None,
        typer.Option(
            "--unprotect", metavar="X", help="Lift a protection, content:0 or host:H; repeatable."
        ),
    ] = None,
) -> ExitCode:
    """Plan the way back from a run: every mirror that it moved returns to its old place."""
    from gpmirror.cli.live_run import first_recorded, site_of_run
    from gpmirror.cli.wiring import live_catalog, plan_over
    from gpmirror.plan.hazards import check_allow
    from gpmirror.plan.remaining import plan_back, to_set_aside
    from gpmirror.plan.request import Request

    console: Console = ctx.obj
    form = chosen_format(form, as_json=as_json)
    outputs = Outputs(plan=out, json=None, md=None, native=None)
    check_outputs(outputs, [], form)
    check_allow(allow or ())
    standing, plan = first_recorded(run, via_ssh=via_ssh, console=console)
    request = Request(allow=tuple(allow or ()), unprotect=tuple(unprotect or ()))
    spec = site_of_run(standing.run, plan, console, allow=request.allow)
    with live_catalog(spec, via_ssh=via_ssh, environment=os.environ) as server:
        back, _ = plan_over(server, spec, lambda seen: plan_back(plan, seen, standing.run, request))
    write_outputs(back, outputs, console)
    show_plan(back, form, console, outputs=outputs)
    if not standing.run.startswith(run):
        console.talk(
            f"run {run} did the rest of run {standing.run}: this is the way back from both"
        )
    console.talk("\n".join((*to_set_aside(back), _remark(back, standing, out))))
    return ExitCode.OK


def _remark(back: "Plan", standing: "RunRecord", out: str | None) -> str:
    from gpmirror.plan.remaining import enters_old_directory, leaves_directories

    run = standing.run
    if any(enters_old_directory(change) for change in back.changes):
        if standing.was_pruned:
            return (
                f"run {standing.run} was pruned; `gpmirror preflight` with this plan tells whether an "
                "old directory is still in the way"
            )
        return f"the old directories must be out of the way first: `gpmirror prune {standing.run}`"
    if back.waves:
        file = "PLAN" if out is None else quote(out)
        prune = (
            f", and `gpmirror prune {run}` at the end" if leaves_directories(back.changes) else ""
        )
        return f"then `gpmirror apply {file}`{prune}"
    if back.summary.blocked:
        from gpmirror.model.text import counted

        stay = counted(back.summary.blocked, "content")
        return f"{stay} that run {run} moved cannot go back now"
    return f"nothing to do: every mirror that run {run} moved stands at its old place"
