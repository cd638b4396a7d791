"""`gpmirror simulate`: what is lost, and who carries the load, when hosts or racks fail."""

from typing import TYPE_CHECKING, Annotated

import typer

from gpmirror.cli import completion
from gpmirror.cli.console import Console
from gpmirror.cli.wiring import (
    CATALOG_VARIABLE,
    SPEC_VARIABLE,
    catalog_bytes,
    chosen_catalog,
    default_spec,
    is_from_environment,
    observed_for,
)
from gpmirror.errors import Usage

if TYPE_CHECKING:
    from gpmirror.run.simulate import Moment


def command(
    ctx: typer.Context,
    subject: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE",
            envvar=SPEC_VARIABLE,
            help="A spec, plan, snapshot or catalog text, - for stdin; left out: gpmirror.yaml here or above.",
        ),
    ] = None,
    *,
    catalog: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            envvar=CATALOG_VARIABLE,
            help="With a spec: the catalog that tells the primaries; left out: the live one.",
        ),
    ] = None,
    via_ssh: Annotated[
        bool, typer.Option("--via-ssh", help="Reach the live catalog through SSH.")
    ] = False,
    table: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Which of several tables in the catalog."),
    ] = None,
    lose: Annotated[
        list[str] | None,
        typer.Option(
            metavar="host:H|rack:R",
            autocompletion=completion.losses,
            help="Simulate losing this host or rack; repeat to lose several at once.",
        ),
    ] = None,
    k: Annotated[
        int,
        typer.Option(
            "--k",
            metavar="1|2",
            min=1,
            max=2,
            help="2: also list the pairs of hosts whose loss loses data.",
        ),
    ] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what the loss of hosts or racks would lose, and who carries the load."""
    from gpmirror.run.simulate import Question, simulated_json, simulated_text

    console: Console = ctx.obj
    subject = default_spec(console) if subject is None else subject
    if subject == "-" and catalog == "-":
        raise Usage("spec and catalog cannot both come from stdin", hint="name a file for one")
    moments = _moments(ctx, subject, catalog, table, via_ssh=via_ssh)
    question = Question(targets=tuple(lose or ()), lists_pairs=k > 1)
    if as_json:
        console.data(simulated_json(moments, question))
    else:
        console.page(simulated_text(moments, question))


def _moments(
    ctx: typer.Context, subject: str, catalog: str | None, table: int | None, *, via_ssh: bool
) -> "tuple[Moment, ...]":
    from gpmirror.adapters.files import read_input
    from gpmirror.inputs import InputKind, kind_of
    from gpmirror.run.simulate import Input, desired_moment, moments_of

    given = Input(data=read_input(subject), name=subject)
    if kind_of(given.data) is InputKind.SPEC:
        catalog = chosen_catalog(ctx, catalog, subject, table=table, via_ssh=via_ssh)
    elif is_from_environment(ctx, "catalog"):
        catalog = None  # what holds its own catalog needs none
    if catalog is not None or kind_of(given.data) is not InputKind.SPEC:
        if via_ssh:
            raise Usage("--via-ssh: no live catalog is read here", hint="leave it out")
        saved = None if catalog is None else Input(data=catalog_bytes(catalog), name=catalog)
        return moments_of(given, saved, table)
    from gpmirror.spec import load

    spec = load(given.data, given.name)
    return (desired_moment(spec, observed_for(None, spec, via_ssh=via_ssh)),)
