"""`gpmirror import`: the smallest spec of a cluster as it is."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from gpmirror.cli.console import Console
from gpmirror.cli.wiring import CATALOG_VARIABLE, catalog_bytes, chosen_catalog, live_catalog
from gpmirror.errors import Usage

if TYPE_CHECKING:
    from gpmirror.infer import Inferred


def command(
    ctx: typer.Context,
    *,
    catalog: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            envvar=CATALOG_VARIABLE,
            help="Saved catalog, snapshot or native utility's file, - for stdin; left out: the "
            "live catalog.",
        ),
    ] = None,
    via_ssh: Annotated[
        bool, typer.Option("--via-ssh", help="Reach the live catalog through SSH.")
    ] = False,
    table: Annotated[
        int | None, typer.Option(metavar="N", help="Which of several catalog tables, from 1.")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="X", help="The cluster's name; default: the file's or the coordinator's."
        ),
    ] = None,
    output: Annotated[
        str | None, typer.Option("-o", metavar="SPEC", help="Write to this file, not to stdout.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace SPEC if it exists.")] = False,
) -> None:
    """Write the smallest spec that describes a cluster as it is, tried out with a plan."""
    from gpmirror.adapters.files import is_stdout, write_output

    console: Console = ctx.obj
    catalog = chosen_catalog(ctx, catalog, "", table=table, via_ssh=via_ssh)
    _check_name(name)
    if catalog is None:
        inferred = _imported_live(name, via_ssh=via_ssh)
    else:
        inferred = _imported(catalog, table, name)
    if output is None:
        console.data(inferred.text)
    else:
        write_output(output, inferred.text, force=force)
        tell = console.talk if is_stdout(output) else console.data
        tell(f"Wrote {output}: {_gist(inferred)}.")
    console.talk("".join(f"note: {remark}\n" for remark in inferred.remarks))


def _imported(catalog: str, table: int | None, name: str | None) -> "Inferred":
    from gpmirror.run.importing import import_spec

    return import_spec(catalog_bytes(catalog), catalog, table=table, name=name)


def _imported_live(name: str | None, *, via_ssh: bool) -> "Inferred":
    from gpmirror.adapters.server_address import named_by
    from gpmirror.run.importing import import_live
    from gpmirror.run.look import observe

    with live_catalog(None, via_ssh=via_ssh, environment=os.environ) as server:
        observed = observe(server)
        # the near end of a tunnel is gone when the spec is used
        used = named_by(os.environ, None if via_ssh else server.reached)
    return import_live(observed, used, name=name)


def _check_name(name: str | None) -> None:
    from re import fullmatch

    if name is not None and not fullmatch(r"[a-z0-9][a-z0-9._-]{0,62}", name):
        raise Usage(
            f"--name {name[:80]!r} is not a cluster name",
            hint="small letters, digits, `.`, `_` and `-`, a letter or digit first",
        )


def _gist(inferred: "Inferred") -> str:
    """The spec in a few words: `4 hosts, group, no pins`."""
    hosts, pins = len(inferred.spec.hosts), inferred.pins
    count = f"{pins} pin{'s' * (pins != 1)}" if pins else "no pins"
    return f"{hosts} host{'s' * (hosts != 1)}, {inferred.strategy.value}, {count}"
