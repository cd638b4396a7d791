"""`gpmirror plan`: what would change, in which waves, at what risk."""

from typing import TYPE_CHECKING, Annotated

import typer

from gpmirror.cli.catalog_input import saved_catalog
from gpmirror.cli.console import Console
from gpmirror.cli.renderings import Outputs, PlanFormat, check_outputs, rendered, write_outputs
from gpmirror.errors import ExitCode

if TYPE_CHECKING:
    from gpmirror.plan.model import Plan
    from gpmirror.plan.request import Request


def command(
    ctx: typer.Context,
    spec: Annotated[
        str, typer.Argument(metavar="SPEC", help="The spec, - for stdin.")
    ] = "gpmirror.yaml",
    *,
    catalog: Annotated[
        str | None,
        typer.Option("--catalog", metavar="FILE", help="A snapshot or psql's output, - for stdin."),
    ] = None,
    table: Annotated[
        int | None,
        typer.Option("--table", metavar="N", min=1, help="Which of several tables in the catalog."),
    ] = None,
    out: Annotated[
        str | None, typer.Option("-o", "--out", metavar="PLAN", help="Write the plan file.")
    ] = None,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit 2 if anything differs.")
    ] = False,
    form: Annotated[PlanFormat, typer.Option("--format", help="What to print.")] = PlanFormat.HUMAN,
    out_json: Annotated[
        str | None, typer.Option("--out-json", metavar="FILE", help="Write the plan file, as -o.")
    ] = None,
    out_md: Annotated[
        str | None, typer.Option("--out-md", metavar="FILE", help="Write Markdown for review.")
    ] = None,
    out_native: Annotated[
        str | None,
        typer.Option("--out-native", metavar="DIR", help="Write the native files and commands."),
    ] = None,
    content: Annotated[
        list[str] | None,
        typer.Option("--content", metavar="3,7-9", help="Only these contents; repeatable."),
    ] = None,
    host: Annotated[
        list[str] | None,
        typer.Option("--host", metavar="H", help="Only to or from this host; repeatable."),
    ] = None,
    rebalance: Annotated[
        bool, typer.Option("--rebalance", help="Return switched roles too.")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Recover by full copies, not incrementally.")
    ] = False,
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", metavar="X", help="Allow a hazard or guard:NAME; repeatable."),
    ] = None,
    unprotect: Annotated[
        list[str] | None,
        typer.Option(
            "--unprotect", metavar="X", help="Lift a protection, content:0 or host:H; repeatable."
        ),
    ] = None,
) -> ExitCode:
    """Show what would change, in which waves and at what risk."""
    console: Console = ctx.obj
    source = saved_catalog(catalog, spec)
    outputs = Outputs(plan=out, json=out_json, md=out_md, native=out_native)
    check_outputs(outputs, [spec, source])
    request = request_from(content, host, allow, unprotect, rebalance=rebalance, full=full)
    plan = planned(spec, source, table, request)
    write_outputs(plan, outputs, console)
    console.data(rendered(plan, form, console))
    differs = detailed_exitcode and plan.summary.differs
    return ExitCode.DIFFERENCES if differs else ExitCode.OK


def planned(spec: str, catalog: str, table: int | None, request: "Request") -> "Plan":
    """The plan from two files. Raises what reading and planning raise."""
    from gpmirror.adapters.files import read_input
    from gpmirror.workflow.plan import read_and_plan

    return read_and_plan(
        read_input(spec), spec, read_input(catalog), catalog, table=table, request=request
    )


def request_from(
    content: list[str] | None,
    host: list[str] | None,
    allow: list[str] | None,
    unprotect: list[str] | None,
    *,
    rebalance: bool,
    full: bool,
) -> "Request":
    """The request that the flags spell. Raises InvalidInput: contents that cannot be read."""
    from gpmirror.plan.request import Request, parse_contents

    return Request(
        contents=parse_contents(",".join(content)) if content else None,
        hosts=frozenset(host) if host else None,
        full=full,
        rebalance=rebalance,
        allow=tuple(allow or ()),
        unprotect=tuple(unprotect or ()),
    )
