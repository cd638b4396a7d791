"""`gpmirror snapshot`: the live catalog as a file that can be planned over later."""

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from gpmirror.cli.console import Console
from gpmirror.cli.wiring import SPEC_VARIABLE, live_catalog, spec_if_any

if TYPE_CHECKING:
    from gpmirror.model.observed import Observed
    from gpmirror.spec.model import Spec


def command(
    ctx: typer.Context,
    spec: Annotated[
        str | None,
        typer.Argument(
            metavar="SPEC",
            envvar=SPEC_VARIABLE,
            help="Where the coordinator is; default gpmirror.yaml here or above, else PGHOST etc.",
        ),
    ] = None,
    *,
    hosts: Annotated[
        bool, typer.Option("--hosts", help="Look at down copies' directories too.")
    ] = False,
    sizes: Annotated[
        bool, typer.Option("--sizes", help="Measure the size of every segment too.")
    ] = False,
    output: Annotated[
        str | None, typer.Option("-o", metavar="FILE", help="Write to this file, not to stdout.")
    ] = None,
    via_ssh: Annotated[
        bool, typer.Option("--via-ssh", help="Reach the live catalog through SSH.")
    ] = False,
) -> None:
    """Save the live catalog as a snapshot for `--catalog`."""
    from gpmirror.adapters.files import write_output
    from gpmirror.adapters.operator import utc_now
    from gpmirror.catalog import snapshot_text
    from gpmirror.run.context import with_sizes
    from gpmirror.run.look import read_catalog_now

    console: Console = ctx.obj
    wanted = spec_if_any(spec, console)
    taken = utc_now()
    with live_catalog(wanted, via_ssh=via_ssh, environment=os.environ) as server:
        knowledge, observed = read_catalog_now(server)
        observed = with_sizes(observed, server) if sizes else observed
    if hosts:
        observed = _with_copies(wanted, observed, console)
    observed = replace(_with_names(wanted, observed), taken=taken)
    console.talk(f"catalog: {knowledge}")
    for note in observed.notes:
        console.talk(f"note: {note}")
    if output is None:
        console.data(snapshot_text(observed))
        return
    write_output(output, snapshot_text(observed), force=True)
    console.talk(f"written: {output}")


def _with_names(spec: "Spec | None", observed: "Observed") -> "Observed":
    """Which hostnames and addresses share an IP on the coordinator's host, where lines of native
    files can depend on it: a plan over the snapshot is then the one over the live catalog.
    """
    from gpmirror.run.look import candidate_pairs, relate_names

    row = observed.coordinator
    pairs = candidate_pairs(observed, () if spec is None else spec.hosts)
    if not pairs or row is None:
        return observed
    from gpmirror.adapters.ssh import open_hosts
    from gpmirror.spec.model import SshOptions

    with open_hosts(SshOptions() if spec is None else spec.ssh) as lines:
        return relate_names(observed, lines, row.hostname, pairs)


def _with_copies(spec: "Spec | None", observed: "Observed", console: Console) -> "Observed":
    from gpmirror.adapters.ssh import open_hosts
    from gpmirror.run.look import inspect_copies
    from gpmirror.spec.model import SshOptions

    with open_hosts(SshOptions() if spec is None else spec.ssh) as lines:
        found = inspect_copies(observed, lines, () if spec is None else spec.hosts)
    count = len(found.copies)
    console.talk(f"{count} down {'copy' if count == 1 else 'copies'} inspected")
    return found
