"""`gpmirror verify`: whether what a plan file claims is true."""

from typing import Annotated

import typer

from gpmirror.cli.console import Console
from gpmirror.errors import ExitCode


def command(
    ctx: typer.Context,
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="A plan file, - for stdin.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> ExitCode:
    """Prove every claim of a plan file with separate code; exit 3 if one is false.

    Nothing of the planner takes part: classes, waves, slots, native files, exposure, survival and
    hazards are derived anew from the catalog, the layout and the settings in the file.
    """
    console: Console = ctx.obj
    from gpmirror.adapters.files import read_input
    from gpmirror.audit.verdict import audit, audit_json, audit_text
    from gpmirror.inputs import InputKind, check_kind

    data = read_input(plan)
    check_kind(data, plan, InputKind.PLAN)
    found = audit(data, plan)
    if as_json:
        console.data(audit_json(found))
    else:
        console.page(audit_text(found))
    return ExitCode.OK if found.holds else ExitCode.INVALID
