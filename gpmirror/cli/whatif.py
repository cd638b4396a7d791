"""`gpmirror whatif`: what other strategies and other hosts would cost, and what they would survive."""

import os
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, assert_never

import typer

from gpmirror.cli import completion
from gpmirror.cli.console import Console
from gpmirror.cli.many import OFFLINE_HELP, is_offline, snapshot_of
from gpmirror.cli.wiring import (
    CATALOG_VARIABLE,
    SPEC_VARIABLE,
    chosen_catalog,
    default_spec,
    live_catalog,
    observed_for,
    reached,
    read_spec,
)
from gpmirror.errors import Usage

if TYPE_CHECKING:
    from gpmirror.spec.model import Spec, Strategy
    from gpmirror.whatif import Comparison, Question


class TableFormat(StrEnum):
    """What `--format` takes."""

    HUMAN = "human"
    JSON = "json"
    MD = "md"
    SVG = "svg"


def command(
    ctx: typer.Context,
    spec: Annotated[
        str | None,
        typer.Argument(
            metavar="SPEC",
            envvar=SPEC_VARIABLE,
            help="The spec, - for stdin; left out: gpmirror.yaml here or above.",
        ),
    ] = None,
    *,
    offline: Annotated[bool, typer.Option("--offline", help=OFFLINE_HELP)] = False,
    catalog: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            envvar=CATALOG_VARIABLE,
            help="A snapshot or psql's output, - for stdin; left out: the live catalog.",
        ),
    ] = None,
    via_ssh: Annotated[
        bool, typer.Option("--via-ssh", help="Reach the live catalog through SSH.")
    ] = False,
    table: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Which of several tables in the catalog."),
    ] = None,
    add_host: Annotated[
        list[str] | None,
        typer.Option(
            "--add-host",
            metavar="H[:WEIGHT[:RACK]]",
            help="As if this host were listed last in the spec. Takes ranges; may be repeated.",
        ),
    ] = None,
    remove_host: Annotated[
        list[str] | None,
        typer.Option(
            "--remove-host",
            metavar="H",
            autocompletion=completion.hosts,
            help="As if this host held no mirrors; its primaries stay. Takes ranges; may be repeated.",
        ),
    ] = None,
    strategy: Annotated[
        list[str] | None,
        typer.Option(
            "--strategy",
            metavar="S",
            autocompletion=completion.strategies,
            help="Only this strategy; repeatable. Left out: all.",
        ),
    ] = None,
    form: Annotated[
        TableFormat, typer.Option("--format", help="What to print.")
    ] = TableFormat.HUMAN,
    as_json: Annotated[bool, typer.Option("--json", help="As `--format json`.")] = False,
) -> None:
    """Compare strategies, and hosts that come or go: what each would cost and survive."""
    from gpmirror.whatif import Question

    console: Console = ctx.obj
    if as_json and form not in {TableFormat.HUMAN, TableFormat.JSON}:
        raise Usage(f"--json and --format {form.value} are two formats", hint="give one of them")
    form = TableFormat.JSON if as_json else form
    spec = default_spec(console) if spec is None else spec
    offline = is_offline(ctx, asked=offline, catalog=catalog, via_ssh=via_ssh)
    catalog = None if offline else catalog
    catalog = chosen_catalog(ctx, catalog, spec, table=table, via_ssh=via_ssh)
    question = Question(
        add=tuple(add_host or ()),
        remove=tuple(remove_host or ()),
        strategies=_strategies(strategy or []),
    )
    wanted = reached(read_spec(spec))
    if offline:
        say = console.page if form is TableFormat.HUMAN else console.talk
        found = _compared_offline(wanted, snapshot_of(spec, wanted), question, say)
    else:
        found = _compared(wanted, catalog, question, table=table, via_ssh=via_ssh)
    _show(found, form, console)


def _strategies(names: list[str]) -> "tuple[Strategy, ...]":
    from difflib import get_close_matches

    from gpmirror.spec.model import Strategy

    known = [one.value for one in Strategy]
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            listed = f"one of {', '.join(known)}"
            hint = f"did you mean {near[0]}?" if near else listed
            raise Usage(f"--strategy {name}: no such strategy", hint=hint)
    return tuple(Strategy(name) for name in names)


def _compared(
    spec: "Spec", catalog: str | None, question: "Question", *, table: int | None, via_ssh: bool
) -> "Comparison":
    """The rows over a saved catalog, or over the live one, which is asked for sizes where that helps."""
    from gpmirror.whatif import compare

    if catalog is not None:
        return compare(spec, observed_for(catalog, spec, table=table), question)
    from gpmirror.run.context import with_sizes
    from gpmirror.run.look import observe

    with live_catalog(spec, via_ssh=via_ssh, environment=os.environ) as server:
        seen = observe(server)
        found = compare(spec, seen, question)
        if found.sizes_are_missing:
            return compare(spec, with_sizes(seen, server), question)
        return found


def _compared_offline(
    spec: "Spec", snapshot: str, question: "Question", say: Callable[[str], None]
) -> "Comparison":
    """The rows over the snapshot beside the spec: `say` is told its date first."""
    from gpmirror.layouts import snapshot_text
    from gpmirror.whatif import compare

    seen = observed_for(snapshot, spec)
    say(snapshot_text(snapshot, seen.taken))
    return compare(spec, seen, question)


def _show(found: "Comparison", form: TableFormat, console: Console) -> None:
    from gpmirror.render.whatif import whatif_human, whatif_json, whatif_markdown

    match form:
        case TableFormat.HUMAN:
            console.page(whatif_human(found, width=console.width, color=console.color))
        case TableFormat.JSON:
            console.data(whatif_json(found))
        case TableFormat.MD:
            console.data(whatif_markdown(found))
        case TableFormat.SVG:
            from gpmirror.render.svg import whatif_svg

            console.data(whatif_svg(found))
        case _:
            assert_never(form)
