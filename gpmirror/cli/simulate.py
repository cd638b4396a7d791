"""`gpmirror simulate`: what is lost, and who carries the load, when hosts or racks fail."""

from typing import Annotated

import typer

from gpmirror.cli.console import Console
from gpmirror.errors import Usage


def command(
    ctx: typer.Context,
    subject: Annotated[
        str,
        typer.Argument(metavar="FILE", help="A spec, plan, snapshot or catalog text, - for stdin."),
    ] = "gpmirror.yaml",
    *,
    catalog: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="With a spec: the catalog that tells the primaries."),
    ] = None,
    table: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Which of several tables in the catalog."),
    ] = None,
    lose: Annotated[
        list[str] | None,
        typer.Option(metavar="host:H|rack:R", help="Lose this; repeatable, then all together."),
    ] = None,
    k: Annotated[
        int,
        typer.Option("--k", metavar="1|2", min=1, max=2, help="2: list pairs of hosts lost too."),
    ] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what the loss of hosts or racks would lose, and who carries the load."""
    from gpmirror.adapters.files import read_input
    from gpmirror.workflow.simulate import (
        Input,
        Question,
        moments_of,
        simulated_json,
        simulated_text,
    )

    console: Console = ctx.obj
    if subject == "-" and catalog == "-":
        raise Usage("spec and catalog cannot both come from stdin", hint="name a file for one")
    given = Input(data=read_input(subject), name=subject)
    saved = None if catalog is None else Input(data=read_input(catalog), name=catalog)
    moments = moments_of(given, saved, table)
    question = Question(targets=tuple(lose or ()), lists_pairs=k > 1)
    console.data((simulated_json if as_json else simulated_text)(moments, question))
