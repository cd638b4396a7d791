"""`gpmirror revert`: the way back from a run, as a plan."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from gpmirror.cli.console import Console
from gpmirror.cli.renderings import Outputs, PlanFormat, check_outputs, rendered, write_outputs
from gpmirror.errors import ExitCode

if TYPE_CHECKING:
    from gpmirror.plan.model import Plan


def command(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run to go back from.")],
    *,
    out: Annotated[
        str | None, typer.Option("-o", "--out", metavar="PLAN", help="Write the plan file.")
    ] = None,
    form: Annotated[PlanFormat, typer.Option("--format", help="What to print.")] = PlanFormat.HUMAN,
    via_ssh: Annotated[
        bool, typer.Option("--via-ssh", help="Reach the coordinator's database through SSH.")
    ] = False,
) -> ExitCode:
    """Plan the way back from a run: every mirror that it moved returns to its old place."""
    from gpmirror.cli.recorded import recorded
    from gpmirror.cli.wiring import live_catalog
    from gpmirror.plan.back import plan_back
    from gpmirror.plan.replan import spec_of
    from gpmirror.workflow.observing import observe

    console: Console = ctx.obj
    outputs = Outputs(plan=out, json=None, md=None, native=None)
    check_outputs(outputs, [])
    _, _, plan = recorded(run, via_ssh=via_ssh)
    with live_catalog(spec_of(plan), via_ssh=via_ssh, environment=os.environ) as server:
        back = plan_back(plan, observe(server))
    write_outputs(back, outputs, console)
    console.data(rendered(back, form, console))
    console.talk(_remark(back, run))
    return ExitCode.OK


def _remark(back: "Plan", run: str) -> str:
    if back.waves:
        return f"the old directories must be out of the way first: `gpmirror prune {run}`"
    if back.summary.blocked:
        return f"{back.summary.blocked} contents that run {run} moved cannot go back now"
    return f"nothing to do: every mirror that run {run} moved stands at its old place"
