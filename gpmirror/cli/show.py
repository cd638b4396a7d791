"""`gpmirror show`: a plan file in any form, without spec or cluster."""

from typing import Annotated

import typer

from gpmirror.cli.console import Console
from gpmirror.cli.renderings import PlanFormat, show_plan


def command(
    ctx: typer.Context,
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="A plan file, - for stdin.")],
    form: Annotated[PlanFormat, typer.Option("--format", help="What to print.")] = PlanFormat.HUMAN,
) -> None:
    """Print a plan file in any form; needs neither spec nor cluster."""
    from gpmirror.adapters.files import read_input
    from gpmirror.plan.planfile import read_plan

    console: Console = ctx.obj
    show_plan(read_plan(read_input(plan), plan), form, console)
