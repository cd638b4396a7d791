"""`gpmirror import`: the smallest spec of a cluster as it is."""

from typing import TYPE_CHECKING, Annotated

import typer

from gpmirror.cli.console import Console
from gpmirror.errors import Usage

if TYPE_CHECKING:
    from gpmirror.infer import Inferred


def command(
    ctx: typer.Context,
    catalog: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Saved catalog, snapshot or native utility's file; - for stdin."
        ),
    ] = None,
    table: Annotated[
        int | None, typer.Option(metavar="N", help="Which of several catalog tables, from 1.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="X", help="The cluster's name; default: the file's.")
    ] = None,
    output: Annotated[
        str | None, typer.Option("-o", metavar="SPEC", help="Write to this file, not to stdout.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace SPEC if it exists.")] = False,
) -> None:
    """Write the smallest spec of a cluster as it is, proved by its own plan."""
    from gpmirror.adapters.files import read_input, write_output
    from gpmirror.workflow.importing import import_spec

    console: Console = ctx.obj
    file = _required(catalog)
    _check_name(name)
    inferred = import_spec(read_input(file), file, table=table, name=name)
    if output is None:
        console.data(inferred.text)
    else:
        write_output(output, inferred.text, force=force)
        console.data(f"Wrote {output}: {_gist(inferred)}.")
    console.talk("".join(f"note: {remark}\n" for remark in inferred.remarks))


def _required(catalog: str | None) -> str:
    if catalog is None:
        raise Usage(
            "import needs --catalog: reading a live catalog is not available in this version",
            hint='save it with `psql -X -c "SELECT * FROM gp_segment_configuration" -o FILE`, then '
            "`gpmirror import --catalog FILE`",
        )
    return catalog


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
