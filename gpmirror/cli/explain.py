"""`gpmirror explain`: why a mirror is where it is, what a host holds, what a name means."""

from typing import TYPE_CHECKING, Annotated

import typer

from gpmirror.cli import completion
from gpmirror.cli.console import Console
from gpmirror.cli.plan import planned_live
from gpmirror.cli.wiring import (
    CATALOG_VARIABLE,
    SPEC_VARIABLE,
    chosen_catalog,
    default_spec,
    observed_for,
    reached,
    read_spec,
)
from gpmirror.errors import Usage

if TYPE_CHECKING:
    from gpmirror.model.observed import Observed
    from gpmirror.plan.model import Plan
    from gpmirror.spec.model import Spec

_HINT = "`explain content 3`, `explain host sdw2`, `explain GPM-V012`, `explain space`"
_EXAMPLES = {"content": "content 3", "host": "host sdw2"}
_DIGITS = 9


def command(
    ctx: typer.Context,
    topic: Annotated[
        list[str],
        typer.Argument(
            metavar="content N [SPEC] | host H [SPEC] | NAME",
            autocompletion=completion.topics,
            help="What to explain. NAME: a code, hazard, guard, host check, exit code or a term such as "
            "wave.",
        ),
    ],
    spec: Annotated[
        str | None,
        typer.Option(
            "--spec",
            metavar="SPEC",
            envvar=SPEC_VARIABLE,
            help="The spec, for content and host; left out: gpmirror.yaml here or above.",
        ),
    ] = None,
    catalog: Annotated[
        str | None,
        typer.Option(
            "--catalog",
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
        typer.Option("--table", metavar="N", min=1, help="Which of several tables in the catalog."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say why a mirror is where it is, what a host holds, or what a name means."""
    console: Console = ctx.obj
    tell = console.data if as_json else console.page
    match topic:
        case [name]:
            tell(_name(name, as_json=as_json))
        case ["exit", name]:
            tell(_name(f"exit:{name}", as_json=as_json))
        case ["content", number, *more] if number.isascii() and number.isdigit():
            spec = _spec(more, spec, console)
            from gpmirror.render.explain import explain_content
            from gpmirror.render.json import content_json

            wanted, plan, observed = _planned(ctx, spec, catalog, table, via_ssh=via_ssh)
            content = int(number[:_DIGITS])
            if as_json:
                tell(content_json(plan, observed, content))
            else:
                why = _why_there(wanted, plan, observed, content)
                tell(explain_content(plan, observed, content, why))
        case ["host", name, *more] if not _is_term(" ".join(topic)):
            spec = _spec(more, spec, console)
            from gpmirror.render.explain import explain_host
            from gpmirror.render.json import host_json

            _, plan, observed = _planned(ctx, spec, catalog, table, via_ssh=via_ssh)
            tell((host_json if as_json else explain_host)(plan, observed, name))
        case [*words] if _is_term(" ".join(words)):
            tell(_name(" ".join(words), as_json=as_json))
        case _:
            raise Usage(f"cannot explain {' '.join(topic)}", hint=_HINT)


def _is_term(name: str) -> bool:
    """Whether the glossary knows it."""
    from gpmirror.render.explain import term_of

    return term_of(name) is not None


def _spec(more: list[str], spec: str | None, console: Console) -> str:
    """A spec behind the topic, as other commands take it, does for --spec."""
    if len(more) > 1:
        raise Usage(f"more than one spec: {' '.join(more)}", hint=_HINT)
    if more:
        return more[0]
    return default_spec(console) if spec is None else spec


def _name(name: str, *, as_json: bool) -> str:
    from gpmirror.render.explain import explain_name
    from gpmirror.render.json import explain_name_json

    if name == "exit":
        raise Usage("give an exit code, as in `explain exit 4`", hint=_HINT)
    term = "content ID" if name == "content" else name
    text = (explain_name_json if as_json else explain_name)(term)
    if name in _EXAMPLES and not as_json:
        text += f"For a {name} of the plan name it, as in `gpmirror explain {_EXAMPLES[name]}`.\n"
    return text


def _planned(
    ctx: typer.Context, spec: str, catalog: str | None, table: int | None, *, via_ssh: bool
) -> "tuple[Spec, Plan, Observed]":
    from gpmirror.plan.build import make_plan
    from gpmirror.plan.request import Request

    catalog = chosen_catalog(ctx, catalog, spec, table=table, via_ssh=via_ssh)
    wanted = reached(read_spec(spec))
    if catalog is None:
        return wanted, *planned_live(wanted, Request(), via_ssh=via_ssh)
    observed = observed_for(catalog, wanted, table=table)
    return wanted, make_plan(wanted, observed, Request()), observed


def _why_there(wanted: "Spec", plan: "Plan", observed: "Observed", content: int) -> str:
    """The rule that wants the mirror on its host, with its spec line; of one that changes the plan
    tells it.
    """
    if any(change.content == content for change in plan.changes):
        return ""
    from gpmirror.placement.place import place

    placed = place(wanted, observed).by_content().get(content)
    return "" if placed is None else f"{placed.rule} ({placed.source.line_text})"
