"""`gpmirror maintenance`: which hosts may be down together, in the fewest groups."""

import os
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, assert_never

import typer

from gpmirror.cli.console import Console
from gpmirror.cli.many import OFFLINE_HELP, is_offline, snapshot_of
from gpmirror.cli.wiring import (
    CATALOG_VARIABLE,
    DEFAULT_SPEC,
    SPEC_VARIABLE,
    chosen_catalog,
    live_catalog,
    reached,
    read_spec,
    saved_as_of,
    spec_name_if_any,
)
from gpmirror.errors import ExitCode, Usage
from gpmirror.simulate.stopping import Unit

if TYPE_CHECKING:
    from gpmirror.render.stopping import AsOf
    from gpmirror.run.status import Groups, Reading
    from gpmirror.spec.model import Spec


class GroupsFormat(StrEnum):
    """What `--format` takes."""

    HUMAN = "human"
    JSON = "json"
    SCRIPT = "script"
    SVG = "svg"


def command(
    ctx: typer.Context,
    spec: Annotated[
        str | None,
        typer.Argument(
            metavar="SPEC",
            envvar=SPEC_VARIABLE,
            help="The spec with racks, policy and where the coordinator is; default gpmirror.yaml here or above, "
            "else the catalog alone tells.",
        ),
    ] = None,
    *,
    offline: Annotated[bool, typer.Option("--offline", help=OFFLINE_HELP)] = False,
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
            help="What a group is made of. Left out: racks, if each can be down as a whole and that needs "
            "no more groups or the policy names racks; else hosts.",
        ),
    ] = None,
    form: Annotated[
        GroupsFormat, typer.Option("--format", help="What to print.")
    ] = GroupsFormat.HUMAN,
    as_json: Annotated[bool, typer.Option("--json", help="As `--format json`.")] = False,
    script: Annotated[
        bool,
        typer.Option(
            "--script",
            help="As `--format script`: a POSIX shell script that takes group after group.",
        ),
    ] = False,
    via_ssh: Annotated[
        bool, typer.Option("--via-ssh", help="Reach the live catalog through SSH.")
    ] = False,
) -> ExitCode:
    """Say which hosts may be down together: the fewest groups that lose no segment."""
    from gpmirror.run.status import maintenance_groups

    console: Console = ctx.obj
    form = _chosen(form, as_json=as_json, script=script)
    offline = is_offline(ctx, asked=offline, catalog=catalog, via_ssh=via_ssh)
    catalog = None if offline else catalog
    catalog = chosen_catalog(ctx, catalog, spec or "", table=table, via_ssh=via_ssh)
    name = spec_name_if_any(spec, console)
    if offline and name is None:
        name = DEFAULT_SPEC  # who reads it says where it was sought
    wanted = None if name is None else reached(read_spec(name))
    if offline and name is not None and wanted is not None:
        catalog = snapshot_of(name, wanted)
    reading, as_of = _reading(catalog, wanted, table, via_ssh=via_ssh)
    if offline and as_of is not None:
        from gpmirror.layouts import snapshot_text

        say = console.page if form is GroupsFormat.HUMAN else console.talk
        say(snapshot_text(as_of.file, as_of.taken))
    groups = maintenance_groups(reading, wanted, unit)
    # a script waits by itself, and a picture is of the layout
    is_answer = form in {GroupsFormat.HUMAN, GroupsFormat.JSON}
    code = ExitCode.UNSAFE if groups.awaited and is_answer else ExitCode.OK
    _show(groups, form, console, spec=wanted, name=name, as_of=as_of, code=code)
    if not is_answer and (wait := _not_now(groups)) is not None:
        console.talk(wait)
    if form is not GroupsFormat.HUMAN and groups.found.left_out:
        from gpmirror.model.text import hosts_named

        console.talk(f"in no group: {hosts_named(one.host for one in groups.found.left_out)}")
    return code


def _not_now(groups: "Groups") -> str | None:
    from gpmirror.render.stopping import not_now

    return not_now(groups)


def _chosen(form: GroupsFormat, *, as_json: bool, script: bool) -> GroupsFormat:
    """The one form asked for. Raises Usage: two."""
    if as_json and script:
        raise Usage("--json and --script exclude each other", hint="leave one of them out")
    flags = {GroupsFormat.JSON: as_json, GroupsFormat.SCRIPT: script}
    for wanted, is_given in flags.items():
        if is_given and form not in {GroupsFormat.HUMAN, wanted}:
            raise Usage(
                f"--{wanted.value} and --format {form.value} are two formats",
                hint="give one of them",
            )
    return next((wanted for wanted, is_given in flags.items() if is_given), form)


def _show(
    groups: "Groups",
    form: GroupsFormat,
    console: Console,
    *,
    spec: "Spec | None",
    name: str | None,
    as_of: "AsOf | None",
    code: ExitCode,
) -> None:
    from gpmirror.render.stopping import groups_human, groups_json, groups_script

    cluster = None if spec is None else spec.cluster
    match form:
        case GroupsFormat.HUMAN:
            width, color = console.width, console.color
            console.page(
                groups_human(groups, cluster=cluster, as_of=as_of, width=width, color=color)
            )
        case GroupsFormat.JSON:
            console.data(groups_json(groups, cluster=cluster, as_of=as_of, code=code))
        case GroupsFormat.SCRIPT:
            console.data(groups_script(groups, spec=name, cluster=cluster))
        case GroupsFormat.SVG:
            from gpmirror.render.svg import groups_svg

            hosts = () if spec is None else spec.hosts
            racks = {host.name: host.rack for host in hosts if host.rack is not None}
            console.data(groups_svg(groups, cluster=cluster, racks=racks))
        case _:
            assert_never(form)


def _reading(
    catalog: str | None, spec: "Spec | None", table: int | None, *, via_ssh: bool
) -> "tuple[Reading, AsOf | None]":
    from gpmirror.run.status import read_status

    if catalog is not None:
        return saved_as_of(catalog, spec, table=table)
    with live_catalog(spec, via_ssh=via_ssh, environment=os.environ) as server:
        return read_status(server), None
