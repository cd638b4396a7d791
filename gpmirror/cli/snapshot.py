"""`gpmirror snapshot`: the live catalog as a file that can be planned over later."""

import os
from typing import Annotated

import typer

from gpmirror.cli.catalog_input import spec_if_any
from gpmirror.cli.console import Console
from gpmirror.errors import Usage


def command(
    ctx: typer.Context,
    spec: Annotated[
        str | None,
        typer.Argument(
            metavar="SPEC",
            help="Where the coordinator is; default gpmirror.yaml if it is there, else PGHOST etc.",
        ),
    ] = None,
    *,
    hosts: Annotated[
        bool, typer.Option("--hosts", help="Look at down copies' directories too.")
    ] = False,
    sizes: Annotated[bool, typer.Option("--sizes", help="Measure every content too.")] = False,
    output: Annotated[
        str | None, typer.Option("-o", metavar="FILE", help="Write to this file, not to stdout.")
    ] = None,
    via_ssh: Annotated[
        bool, typer.Option("--via-ssh", help="Reach the live catalog through SSH.")
    ] = False,
) -> None:
    """Save the live catalog as a snapshot for `--catalog`."""
    from gpmirror.adapters.files import write_output
    from gpmirror.catalog import snapshot_text
    from gpmirror.cli.wiring import live_catalog

    console: Console = ctx.obj
    if hosts:
        raise Usage(
            "--hosts is not available in this version",
            hint="leave it out: a snapshot without host facts plans incremental recoveries",
        )
    with live_catalog(spec_if_any(spec), via_ssh=via_ssh, environment=os.environ) as server:
        observed = server.observe(sizes=sizes)
    for note in observed.notes:
        console.talk(f"note: {note}")
    if output is None:
        console.data(snapshot_text(observed))
        return
    write_output(output, snapshot_text(observed), force=True)
    console.talk(f"written: {output}")
