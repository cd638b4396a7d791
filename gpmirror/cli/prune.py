"""`gpmirror prune`: delete the directories that a run's moves left behind."""

from typing import Annotated

import typer

from gpmirror.cli import completion
from gpmirror.cli.console import Console
from gpmirror.cli.options import ViaSsh, Yes
from gpmirror.errors import ExitCode, Usage


def command(
    ctx: typer.Context,
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            autocompletion=completion.runs,
            help="Run whose leftover directories to delete.",
        ),
    ],
    *,
    yes: Yes = False,
    via_ssh: ViaSsh = False,
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", metavar="X", help="Allow connection-from-plan."),
    ] = None,
) -> ExitCode:
    """Delete old directories of moved mirrors and cut-off copies, after proof that they are unused."""
    from gpmirror.cli.connection import ALLOW
    from gpmirror.cli.failures import visible
    from gpmirror.cli.live_run import Manner, open_live, running
    from gpmirror.cli.recorded import caught_up, recorded, site_of_run
    from gpmirror.workflow.prune import prune
    from gpmirror.workflow.running import Wishes

    for name in allow or ():
        if name != ALLOW:
            raise Usage(f"--allow {name}: prune takes {ALLOW} alone", hint="leave it out")
    console: Console = ctx.obj
    folder, standing, plan = recorded(run, via_ssh=via_ssh)
    manner = Manner(console=console, json=False, assume_yes=yes)
    spec = site_of_run(standing.run, plan, console, allow=tuple(allow or ()), assume_yes=yes)
    with (
        open_live(spec, via_ssh=via_ssh) as live,
        running(standing.run, folder, plan, live, Wishes(), manner) as work,
    ):
        outcome = prune(work, caught_up(standing.run, live))
    kept = (f"  kept {one}" for one in outcome.next_actions)
    console.page(visible("\n".join((outcome.summary, *kept))))
    return outcome.code
