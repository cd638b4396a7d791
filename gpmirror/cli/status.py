"""`gpmirror status`: whether every content has two copies in sync, now or while one waits."""

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from gpmirror.cli.catalog_input import SPEC_VARIABLE, spec_if_any
from gpmirror.cli.console import Console
from gpmirror.errors import ExitCode, Usage

if TYPE_CHECKING:
    from gpmirror.adapters.server import Server
    from gpmirror.cluster.observed import Observed
    from gpmirror.spec.model import Spec
    from gpmirror.workflow.status import Reading

_EVERY = 2.0
"""Seconds between two looks."""


def command(
    ctx: typer.Context,
    spec: Annotated[
        str | None,
        typer.Argument(
            metavar="SPEC",
            envvar=SPEC_VARIABLE,
            help="Where the coordinator is; default gpmirror.yaml if it is there, else PGHOST etc.",
        ),
    ] = None,
    *,
    wait: Annotated[
        str | None,
        typer.Option(
            "--wait", metavar="2h", help="Wait up to this long for all mirrors to be in sync."
        ),
    ] = None,
    probe: Annotated[
        bool,
        typer.Option(
            "--probe/--no-probe",
            help="Have the server look first: a fault probe (6 and later), which may also make a "
            "failover happen that was due, or a query to every primary.",
        ),
    ] = True,
    hosts: Annotated[
        bool,
        typer.Option(
            "--hosts",
            help="Look at every copy on its host too: server, directory, port, dbid.",
        ),
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Refresh until interrupted (Ctrl-C).")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    via_ssh: Annotated[
        bool, typer.Option("--via-ssh", help="Reach the live catalog through SSH.")
    ] = False,
) -> ExitCode:
    """Say whether all copies are in sync; exit 2 if not."""
    from gpmirror.cli.wiring import live_catalog

    console: Console = ctx.obj
    seconds = _seconds(wait)
    if watch and wait is not None:
        raise Usage("--wait and --watch exclude each other", hint="leave one of them out")
    if watch and hosts:
        raise Usage("--hosts looks once, and --watch again and again", hint="leave one of them out")
    wanted = spec_if_any(spec)
    out = _Out(console=console, cluster=None if wanted is None else wanted.cluster, json=as_json)
    with live_catalog(wanted, via_ssh=via_ssh, environment=os.environ) as server:
        if watch:
            reading = _watched(server, out, probe=probe)
        elif seconds is not None:
            reading = _awaited(server, out, seconds, wanted, probe=probe)
        else:
            from gpmirror.workflow.status import read_status

            reading = _with_life(read_status(server, probe=probe), wanted)
    if hosts:
        reading = _with_copies(reading, wanted)
    if not watch:
        (console.data if as_json else console.page)(out.text(reading))
    return ExitCode.OK if reading.is_sound else ExitCode.DIFFERENCES


@dataclass(frozen=True, slots=True, kw_only=True)
class _Out:
    """How a reading is printed."""

    console: Console
    cluster: str | None
    json: bool

    def text(self, reading: "Reading") -> str:
        """The whole status."""
        if self.json:
            from gpmirror.render.status_json import status_json

            return status_json(reading, cluster=self.cluster)
        from gpmirror.render.status import status_human

        return status_human(
            reading, cluster=self.cluster, width=self.console.width, color=self.console.color
        )


def _seconds(wait: str | None) -> int | None:
    from gpmirror.spec.units import seconds_of

    try:
        return None if wait is None else seconds_of(wait)
    except ValueError as error:
        raise Usage(f"--wait {wait!r:.40} {error}", hint="for example `--wait 2h`") from None


def _with_copies(reading: "Reading", spec: "Spec | None") -> "Reading":
    """With a look at every copy on its host."""
    from gpmirror.adapters.ssh import open_hosts
    from gpmirror.spec.model import SshOptions
    from gpmirror.workflow.standing import look_at_copies

    with open_hosts(SshOptions() if spec is None else spec.ssh) as lines:
        found = look_at_copies(reading.observed, lines, () if spec is None else spec.hosts)
    return replace(reading, copies=found)


def _with_life(reading: "Reading", spec: "Spec | None") -> "Reading":
    """With a look at mirrors that are called resynchronising; no SSH is loaded where there is none."""
    from gpmirror.verify import resynchronising
    from gpmirror.workflow.status import with_life

    if not resynchronising(reading.observed):
        return reading
    return with_life(reading, *_life(reading.observed, spec))


def _life(observed: "Observed", spec: "Spec | None") -> "tuple[dict[int, str], tuple[str, ...]]":
    from gpmirror.adapters.ssh import open_hosts
    from gpmirror.spec.model import SshOptions
    from gpmirror.workflow.inspecting import lifeless_mirrors

    with open_hosts(SshOptions() if spec is None else spec.ssh) as lines:
        return lifeless_mirrors(observed, lines, () if spec is None else spec.hosts)


def _awaited(
    server: "Server", out: _Out, seconds: int, spec: "Spec | None", *, probe: bool
) -> "Reading":
    """The last reading; changes are told on stderr on the way. Raises Failure: the last look
    was none.
    """
    from gpmirror.adapters.clock import SystemClock
    from gpmirror.cli.status_views import Lines, follow
    from gpmirror.workflow.status import until_synced

    looks = until_synced(
        server,
        SystemClock(),
        seconds=seconds,
        every=_EVERY,
        probe=probe,
        life=lambda observed: _life(observed, spec),
    )
    return follow(looks, Lines(write=out.console.talk))


def _watched(server: "Server", out: _Out, *, probe: bool) -> "Reading":
    """Shows readings until a person interrupts or the reader goes away; then the last one.

    Raises Failure or KeyboardInterrupt: there was none.
    """
    from gpmirror.adapters.clock import SystemClock
    from gpmirror.cli.status_views import until_interrupted, view_of
    from gpmirror.workflow.status import readings

    looks = readings(server, SystemClock(), every=_EVERY, probe=probe)
    return until_interrupted(looks, view_of(out.console, out.cluster, json=out.json))
