"""`gpmirror prune`: delete the directories that a run's moves left behind."""

from typing import Annotated

import typer

from gpmirror.cli import completion
from gpmirror.cli.console import Console
from gpmirror.errors import ExitCode


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
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    via_ssh: Annotated[
        bool, typer.Option("--via-ssh", help="Reach the coordinator's database through SSH.")
    ] = False,
) -> ExitCode:
    """Delete old directories of moved mirrors and cut-off copies, after proof that they are unused."""
    from gpmirror.cli.failures import visible
    from gpmirror.cli.live_run import Manner, open_live, running
    from gpmirror.cli.recorded import caught_up, recorded, spec_of_run
    from gpmirror.workflow.prune import prune
    from gpmirror.workflow.running import Wishes

    console: Console = ctx.obj
    folder, standing, plan = recorded(run, via_ssh=via_ssh)
    manner = Manner(console=console, json=False, assume_yes=yes)
    with (
        open_live(spec_of_run(standing.run, plan), via_ssh=via_ssh) as live,
        running(standing.run, folder, plan, live, Wishes(), manner) as work,
    ):
        outcome = prune(work, caught_up(standing.run, live))
    kept = (f"  kept {one}" for one in outcome.next_actions)
    console.page(visible("\n".join((outcome.summary, *kept))))
    return outcome.code
