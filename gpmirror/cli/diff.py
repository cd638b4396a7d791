"""`gpmirror diff`: what differs between two plans, or between two saved catalogs."""

from typing import TYPE_CHECKING, Annotated

import typer

from gpmirror.cli.console import Console
from gpmirror.errors import ExitCode, Usage

if TYPE_CHECKING:
    from gpmirror.model.observed import Observed
    from gpmirror.plan.compare import ObservedDifference, PlanDifference
    from gpmirror.plan.model import Plan


def command(
    ctx: typer.Context,
    first: Annotated[str, typer.Argument(metavar="A", help="A plan, snapshot or catalog text.")],
    second: Annotated[str, typer.Argument(metavar="B", help="The same kind of file.")],
    table: Annotated[
        list[int] | None,
        typer.Option(
            "--table", metavar="N", min=1, help="Which of several tables; twice: for A and for B."
        ),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> ExitCode:
    """Compare two plans or two saved catalogs; exit 2 if they differ."""
    console: Console = ctx.obj
    if first == second == "-":
        raise Usage("A and B cannot both come from stdin", hint="name a file for one of them")
    tables = _tables(table or [])
    found = _compared(_read(first, tables[0]), _read(second, tables[1]), (first, second))
    if as_json:
        from gpmirror.render.json import difference_json

        console.data(difference_json(found, first, second))
    else:
        console.page(_text(found, (first, second), console))
    return ExitCode.DIFFERENCES if found.differs else ExitCode.OK


def _tables(given: list[int]) -> tuple[int | None, int | None]:
    match given:
        case []:
            return None, None
        case [both]:
            return both, both
        case [first, second]:
            return first, second
        case _:
            raise Usage("--table is given more than twice", hint="once for A, once for B")


def _read(file: str, table: int | None) -> "Plan | Observed":
    from gpmirror.adapters.files import read_input
    from gpmirror.catalog import read_catalog
    from gpmirror.inputs import InputKind, kind_of
    from gpmirror.plan.planfile import read_plan

    data = read_input(file)
    if kind_of(data) is InputKind.PLAN:
        return read_plan(data, file)
    return read_catalog(data, file, dialect=None, table=table)


def _compared(
    first: "Plan | Observed", second: "Plan | Observed", names: tuple[str, str]
) -> "PlanDifference | ObservedDifference":
    from gpmirror.model.observed import Observed
    from gpmirror.plan.compare import catalogs_differ, plans_differ
    from gpmirror.plan.model import Plan

    one, other = names
    match first, second:
        case Plan(), Plan():
            return plans_differ(first, second)
        case Observed(), Observed():
            return catalogs_differ(first, second)
        case _:
            plan = one if isinstance(first, Plan) else other
            catalog = other if plan == one else one
            raise Usage(
                f"{plan} is a plan and {catalog} is a catalog",
                hint="compare two plans, or two catalogs; `gpmirror plan` compares a spec with one",
            )


def _text(
    found: "PlanDifference | ObservedDifference", names: tuple[str, str], console: Console
) -> str:
    from gpmirror.plan.compare import PlanDifference
    from gpmirror.render.compare import difference_human, observed_difference_human

    first, second = names
    width, color = console.width, console.color
    if isinstance(found, PlanDifference):
        return difference_human(found, first=first, second=second, width=width, color=color)
    return observed_difference_human(found, first=first, second=second, width=width, color=color)
