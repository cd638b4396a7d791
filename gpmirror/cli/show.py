"""`gpmirror show`: a plan file in any form, without spec or cluster."""

from typing import Annotated

import typer

from gpmirror.cli.console import Console
from gpmirror.cli.renderings import VERBOSE_HELP, PlanFormat, chosen_format, show_plan
from gpmirror.cli.wiring import read_plan_file


def command(
    ctx: typer.Context,
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="A plan file, - for stdin.")],
    form: Annotated[PlanFormat, typer.Option("--format", help="What to print.")] = PlanFormat.HUMAN,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As `--format json`.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help=VERBOSE_HELP)] = False,
) -> None:
    """Print a plan file in any form; needs neither spec nor cluster."""
    console: Console = ctx.obj
    form = chosen_format(form, as_json=as_json)
    show_plan(read_plan_file(plan), form, console, verbose=verbose)
