"""`gpmirror maintenance`: which hosts may be down together, in the fewest groups."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from gpmirror.cli.console import Console
from gpmirror.cli.wiring import (
    CATALOG_VARIABLE,
    SPEC_VARIABLE,
    chosen_catalog,
    live_catalog,
    saved_as_of,
    spec_if_any,
    spec_name_if_any,
)
from gpmirror.errors import Usage
from gpmirror.simulate.maintenance import Unit

if TYPE_CHECKING:
    from gpmirror.render.stopping import AsOf
    from gpmirror.run.status import Reading
    from gpmirror.spec.model import Spec


def command(
    ctx: typer.Context,
    spec: Annotated[
        str | None,
        typer.Argument(
            metavar="SPEC",
            envvar=SPEC_VARIABLE,
            help="Racks, policy and where the coordinator is; default gpmirror.yaml if it is there, "
            "else the catalog alone tells.",
        ),
    ] = None,
    *,
    catalog: Annotated[
        str | None,
        typer.Option(
            "--catalog",
            metavar="FILE",
            envvar=CATALOG_VARIABLE,
            help="A snapshot or psql's output, - for stdin; left out: the live catalog.",
        ),
    ] = None,
    table: Annotated[
        int | None,
        typer.Option("--table", metavar="N", min=1, help="Which of several tables in the catalog."),
    ] = None,
    unit: Annotated[
        Unit | None,
        typer.Option(
            "--by",
            help="Group hosts, or whole racks; left out: whole racks where each can be down as a "
            "whole and the policy names racks or no more groups are needed.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    script: Annotated[
        bool,
        typer.Option("--script", help="Print a POSIX shell script that takes group after group."),
    ] = False,
    via_ssh: Annotated[
        bool, typer.Option("--via-ssh", help="Reach the live catalog through SSH.")
    ] = False,
) -> None:
    """Say which hosts may be down together: the fewest groups that lose no content."""
    from gpmirror.render.stopping import groups_human, groups_json, groups_script
    from gpmirror.run.status import maintenance_groups

    console: Console = ctx.obj
    if as_json and script:
        raise Usage("--json and --script exclude each other", hint="leave one of them out")
    catalog = chosen_catalog(ctx, catalog, spec or "", table=table, via_ssh=via_ssh)
    wanted = spec_if_any(spec)
    reading, as_of = _reading(catalog, wanted, table, via_ssh=via_ssh)
    groups = maintenance_groups(reading, wanted, unit)
    cluster = None if wanted is None else wanted.cluster
    if as_json:
        console.data(groups_json(groups, cluster=cluster, as_of=as_of))
    elif script:
        console.data(groups_script(groups, spec=spec_name_if_any(spec), cluster=cluster))
    else:
        console.page(
            groups_human(
                groups, cluster=cluster, as_of=as_of, width=console.width, color=console.color
            )
        )
    if (as_json or script) and groups.found.left_out:
        from gpmirror.model.text import hosts_named

        console.talk(f"in no group: {hosts_named(one.host for one in groups.found.left_out)}")


def _reading(
    catalog: str | None, spec: "Spec | None", table: int | None, *, via_ssh: bool
) -> "tuple[Reading, AsOf | None]":
    from gpmirror.run.status import read_status

    if catalog is not None:
        return saved_as_of(catalog, spec, table=table)
    with live_catalog(spec, via_ssh=via_ssh, environment=os.environ) as server:
        return read_status(server), None
