"""`gpmirror prune`: delete the directories that a run's moves left behind."""

from typing import Annotated

import typer

from gpmirror.cli import completion
from gpmirror.cli.completion import ViaSsh, Yes
from gpmirror.cli.console import Console, visible
from gpmirror.errors import ExitCode, GpmirrorError, Usage


def command(
    ctx: typer.Context,
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            autocompletion=completion.runs,
            help="The run (the start of its name will do) whose leftover directories to delete. "
            "Left out: list the runs that left some.",
        ),
    ] = None,
    *,
    lost: Annotated[
        list[str] | None,
        typer.Option(
            "--forget",
            metavar="HOST",
            autocompletion=completion.hosts,
            help="Give up what the run left on this host, which never comes back: record that, ask no "
            "more for it, change nothing on any host. Repeatable.",
        ),
    ] = None,
    yes: Yes = False,
    via_ssh: ViaSsh = False,
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", metavar="X", help="Allow connection-from-plan."),
    ] = None,
) -> ExitCode:
    """Delete what moved mirrors and cut-off copies left, after proof that it is unused."""
    from gpmirror.cli.live_run import Manner, caught_up, open_live, recorded, running, site_of_run
    from gpmirror.cli.wiring import ALLOW
    from gpmirror.run.context import Wishes
    from gpmirror.run.forget import forget
    from gpmirror.run.prune import prune

    for name in allow or ():
        if name != ALLOW:
            raise Usage(f"--allow {name}: prune takes {ALLOW} alone", hint="leave it out")
    console: Console = ctx.obj
    if run is None:
        if lost:
            raise Usage(
                "--forget needs the run that left the directories",
                hint="`gpmirror prune` lists the runs that left some",
            )
        console.page(_candidates())
        return ExitCode.OK
    folder, standing, plan = recorded(run, via_ssh=via_ssh, console=console)
    manner = Manner(console=console, json=False, assume_yes=yes)
    spec = site_of_run(standing.run, plan, console, allow=tuple(allow or ()), assume_yes=yes)
    with (
        open_live(spec, via_ssh=via_ssh) as live,
        running(standing.run, folder, plan, live, Wishes(), manner) as work,
    ):
        standing = caught_up(standing.run, live)
        outcome = forget(work, standing, lost) if lost else prune(work, standing)
    kept = (f"  kept {one}" for one in outcome.next_actions)
    console.page(visible("\n".join((outcome.summary, *kept))))
    return outcome.code


def _candidates() -> str:
    """The runs of this machine that left directories and were not pruned; no host is asked."""
    import os
    from contextlib import suppress

    from gpmirror.adapters.runs import list_runs, read_run, runs_folder
    from gpmirror.model.names import natural, one_expression
    from gpmirror.model.text import counted
    from gpmirror.plan.planfile import read_plan
    from gpmirror.run.prune import left_behind

    lines = []
    folder = runs_folder(os.environ)
    for one in list_runs(folder):
        if one.was_pruned or not one.native_begun:
            continue
        with suppress(GpmirrorError):
            plan = read_plan(read_run(folder, one.run)[1], f"{one.run}/plan.json")
            spots = left_behind(plan, one) - {(gone.host, gone.path) for gone in one.given_up}
            if spots:
                hosts = one_expression(sorted({host for host, _ in spots}, key=natural))
                many = counted(len(spots), "directory", "directories")
                lines.append(f"{one.run}  {one.cluster}: {many} on {hosts}")
    if not lines:
        return "No run of this machine left directories that may go."
    return "\n".join(
        (
            "These runs left directories that may go:",
            *(f"  {one}" for one in lines),
            "`gpmirror prune RUN` looks at the hosts, lists what is proved unused, and asks.",
        )
    )
