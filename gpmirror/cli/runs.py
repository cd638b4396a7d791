"""`gpmirror runs`: the runs that this machine's journals know."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from gpmirror.cli import completion
from gpmirror.cli.console import Console, visible
from gpmirror.errors import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from gpmirror.render.run import RunRow, RunState
    from gpmirror.run.record import RunRecord


_STATES: "dict[int, RunState]" = {
    ExitCode.OK: "complete",
    ExitCode.INTERRUPTED: "interrupted",
    ExitCode.PARTIAL: "partial",
    ExitCode.UNVERIFIED: "partial",
}


def command(
    ctx: typer.Context,
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            autocompletion=completion.runs,
            help="Show this run (the start of its name will do) in full.",
        ),
    ] = None,
    *,
    every: Annotated[
        bool, typer.Option("--all", help="Also those that ended before they changed anything.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> ExitCode:
    """List the runs of this machine, newest first, or show one."""
    from gpmirror.adapters.runs import list_runs, read_run, runs_folder, whole_name
    from gpmirror.model.text import counted
    from gpmirror.render.run import runs_table

    console: Console = ctx.obj
    folder = runs_folder(os.environ)
    if run is None:
        found = list_runs(folder)
        shown = [one for one in found if every or not one.did_nothing]
        if as_json:
            console.data(_json(shown, folder))
            return ExitCode.OK
        rows = [_row(one) for one in shown]
        console.page(runs_table(rows, width=console.width, color=console.color))
        if len(shown) < len(found):
            hidden = counted(len(found) - len(shown), "run")
            console.talk(f"{hidden} that changed nothing: `gpmirror runs --all`")
        return ExitCode.OK
    run = whole_name(folder, run)
    standing, _ = read_run(folder, run)
    if as_json:
        console.data(_json([standing], folder))
        return ExitCode.OK
    console.page(runs_table([_row(standing)], width=console.width, color=console.color))
    console.page(visible(_story(standing, str(folder / run))))
    return ExitCode.OK


def _json(found: "list[RunRecord]", folder: "Path") -> str:
    from gpmirror.render.json import runs_json

    return runs_json((one, _state(one), str(folder / one.run)) for one in found)


def _row(found: "RunRecord") -> "RunRow":
    from gpmirror.render.run import RunRow

    return RunRow(
        run=found.run,
        started=found.started,
        cluster=found.cluster,
        state=_state(found),
        plan=found.plan_id,
        waves_done=len(found.waves_done),
        waves=found.waves or max((*found.native_begun, *found.waves_done), default=0),
    )


def _state(found: "RunRecord") -> "RunState":
    code = found.exit_code
    if code is None:
        return "detached" if "detach" in found.done else "unknown"
    if code in _STATES:
        return _STATES[code]
    return "failed" if found.changed_something or code == ExitCode.ERROR else "refused"


def _story(found: "RunRecord", folder: str) -> str:
    from gpmirror.model.text import counted, hosts_named

    lines = [f"by {found.by}, last heard of {found.last}", f"kept in {folder}"]
    if found.allow:
        lines.append(f"allowed for this run: {', '.join(sorted(found.allow))}")
    if found.continues:
        lines.append(f"does the rest of run {found.continues}")
    if found.continued_as:
        lines.append(f"goes on as run {found.continued_as}")
    if found.given_up:
        where = hosts_named({one.host for one in found.given_up})
        many = counted(len(found.given_up), "directory", "directories")
        lines.append(f"given up (`prune --forget`): {many} on {where}")
    undone = [name for name in found.begun if name not in found.done]
    if undone:
        lines.append(f"begun and not ended: {', '.join(undone)}")
    if found.summary:
        lines.append(found.summary)
    return "\n".join(lines)
