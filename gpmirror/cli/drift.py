"""`gpmirror drift`: live clusters against the specs and snapshots of a repository."""

from typing import TYPE_CHECKING, Annotated

import typer

from gpmirror.cli.completion import ViaSsh
from gpmirror.cli.console import Console
from gpmirror.cli.many import SNAPSHOT, show_table, snapshot_of, try_each
from gpmirror.cli.plan import planned_live
from gpmirror.cli.wiring import default_spec, observed_for, reached, read_spec
from gpmirror.errors import ExitCode

if TYPE_CHECKING:
    from gpmirror.layouts import Drift, Tried
    from gpmirror.spec.model import Spec


def command(
    ctx: typer.Context,
    specs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SPEC",
            help="Specs; left out: GPMIRROR_SPEC, else gpmirror.yaml here or above. Several: one table, what drifted "
            "below it, and the worst exit code.",
        ),
    ] = None,
    *,
    via_ssh: ViaSsh = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> ExitCode:
    """Compare live clusters with the repository's specs and snapshots; exit 2 if they differ.

    Against the spec: what a plan would do now. Against the snapshot beside it, if there is one: rows
    of the catalog that came, went, moved, switched roles or changed their state.
    """
    from gpmirror.layouts import worst
    from gpmirror.render.compare import drifts_json

    console: Console = ctx.obj
    files = specs or [default_spec(console)]
    if len(files) == 1:
        # what fails here fails as in any other command
        (file,) = files
        rows = [_tried(file, _drift(file, console, via_ssh=via_ssh))]
    else:
        rows = try_each(files, lambda file: _drift(file, console, via_ssh=via_ssh), console, _code)
    if as_json:
        console.data(drifts_json(rows))
    else:
        _show(rows, console)
    return worst(rows)


def _tried(file: str, found: "Drift") -> "Tried[Drift]":
    from gpmirror.layouts import Tried

    return Tried(spec=file, exit_code=_code(found), found=found)


def _code(found: "Drift") -> ExitCode:
    return ExitCode.DIFFERENCES if found.differs else ExitCode.OK


def _drift(file: str, console: Console, *, via_ssh: bool) -> "Drift":
    """One cluster, read now. Raises what reading and planning raise."""
    from gpmirror.layouts import drift_of
    from gpmirror.plan.request import Request

    wanted = reached(read_spec(file))
    snapshot = _snapshot_if_any(file, wanted)
    saved = None if snapshot is None else observed_for(snapshot, wanted)
    plan, seen = planned_live(wanted, Request(), via_ssh=via_ssh)
    if seen.knowledge is not None:
        console.talk(f"{file}: catalog: {seen.knowledge}")
    return drift_of(plan, seen, snapshot, saved)


def _snapshot_if_any(file: str, spec: "Spec") -> str | None:
    """The snapshot beside a spec; one that the spec names has to be there."""
    from pathlib import Path

    if file == "-":
        return None
    if spec.snapshot is None and not Path(file).with_name(SNAPSHOT).exists():
        return None
    return snapshot_of(file, spec)


def _show(rows: "list[Tried[Drift]]", console: Console) -> None:
    """The table where there are several, then each cluster that drifted; one cluster in any case."""
    from gpmirror.render.compare import drift_human, drifts_table

    if len(rows) > 1:
        show_table(drifts_table(rows), console)
    for row in rows:
        if row.found is not None and (len(rows) == 1 or row.found.differs):
            text = drift_human(row.found, width=console.width, color=console.color)
            console.page(text if len(rows) == 1 else f"\n{text}")
