"""`gpmirror simulate`: what is lost, and who carries the load, when hosts or racks fail."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from gpmirror.cli import completion
from gpmirror.cli.console import Console
from gpmirror.cli.many import OFFLINE_HELP, is_offline, snapshot_of
from gpmirror.cli.wiring import (
    CATALOG_VARIABLE,
    SPEC_VARIABLE,
    catalog_bytes,
    chosen_catalog,
    default_spec,
    is_from_environment,
    observed_for,
    reached,
)
from gpmirror.errors import Usage

if TYPE_CHECKING:
    from gpmirror.run.simulate import Input, Moment


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
    offline: Annotated[bool, typer.Option("--offline", help=OFFLINE_HELP)] = False,
    catalog: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            envvar=CATALOG_VARIABLE,
            help="With a spec: the catalog to take the primaries from; left out: the live one.",
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
    from gpmirror.adapters.files import read_input
    from gpmirror.inputs import InputKind, kind_of
    from gpmirror.run.simulate import Input, Question, simulated_json, simulated_text

    console: Console = ctx.obj
    subject = default_spec(console) if subject is None else subject
    if subject == "-" and catalog == "-":
        raise Usage("spec and catalog cannot both come from stdin", hint="name a file for one")
    given = Input(data=read_input(subject), name=subject)
    if kind_of(given.data) is InputKind.SPEC:
        offline = is_offline(ctx, asked=offline, catalog=catalog, via_ssh=via_ssh)
    elif offline:
        raise Usage(
            f"--offline looks beside a spec, and {subject} is a {kind_of(given.data).value}",
            hint="leave --offline out",
        )
    if offline and kind_of(given.data) is InputKind.SPEC:
        chosen_catalog(ctx, None, subject, table=table, via_ssh=via_ssh)
        moments = _offline(given, console.talk if as_json else console.page)
    else:
        moments = _moments(ctx, given, catalog, table, via_ssh=via_ssh)
    question = Question(targets=tuple(lose or ()), lists_pairs=k > 1)
    if as_json:
        console.data(simulated_json(moments, question))
    else:
        console.page(simulated_text(moments, question))


def _moments(
    ctx: typer.Context, given: "Input", catalog: str | None, table: int | None, *, via_ssh: bool
) -> "tuple[Moment, ...]":
    from gpmirror.inputs import InputKind, kind_of
    from gpmirror.run.simulate import Input, desired_moment, moments_of

    if kind_of(given.data) is InputKind.SPEC:
        catalog = chosen_catalog(ctx, catalog, given.name, table=table, via_ssh=via_ssh)
    elif is_from_environment(ctx, "catalog"):
        catalog = None  # what holds its own catalog needs none
    if catalog is not None or kind_of(given.data) is not InputKind.SPEC:
        if via_ssh:
            raise Usage("--via-ssh: no live catalog is read here", hint="leave it out")
        saved = None if catalog is None else Input(data=catalog_bytes(catalog), name=catalog)
        return moments_of(given, saved, table)
    from gpmirror.spec import load

    spec = reached(load(given.data, given.name))
    return (desired_moment(spec, observed_for(None, spec, via_ssh=via_ssh)),)


def _offline(given: "Input", say: Callable[[str], None]) -> "tuple[Moment, ...]":
    """A spec over the snapshot beside it: `say` is told its date first."""
    from gpmirror.layouts import snapshot_text
    from gpmirror.run.simulate import desired_moment
    from gpmirror.spec import load

    spec = load(given.data, given.name)
    file = snapshot_of(given.name, spec)
    seen = observed_for(file, spec)
    say(snapshot_text(file, seen.taken))
    return (desired_moment(spec, seen),)
