"""`gpmirror ok-to-stop`: whether hosts may be stopped now, as an exit code and in words."""

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from gpmirror.adapters.operator import SystemClock, utc_now
from gpmirror.cli import completion
from gpmirror.cli.console import Console
from gpmirror.cli.wiring import (
    SPEC_VARIABLE,
    chosen_catalog,
    live_catalog,
    saved_as_of,
    spec_if_any,
    wait_seconds,
)
from gpmirror.errors import ConnectionLost, ExitCode, Failure, Usage

if TYPE_CHECKING:
    from gpmirror.run.status import Reading, StopAnswer
    from gpmirror.spec.model import Spec

_EVERY = 2.0
"""Seconds between two looks."""


def command(
    ctx: typer.Context,
    hosts: Annotated[
        list[str],
        typer.Argument(
            metavar="HOST",
            autocompletion=completion.hosts,
            help="The hosts to be stopped together: names or addresses, ranges as 'sdw[1-4]'.",
        ),
    ],
    *,
    spec: Annotated[
        str | None,
        typer.Option(
            "--spec",
            metavar="SPEC",
            envvar=SPEC_VARIABLE,
            help="Where the coordinator is and what hosts are called; default gpmirror.yaml here or "
            "above, else PGHOST etc.",
        ),
    ] = None,
    catalog: Annotated[
        str | None,
        typer.Option(
            "--catalog",
            metavar="FILE",
            help="Judge a snapshot or psql's output, - for stdin, instead of the live catalog.",
        ),
    ] = None,
    table: Annotated[
        int | None,
        typer.Option("--table", metavar="N", min=1, help="Which of several tables in the catalog."),
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            "--allow",
            metavar="coordinator",
            autocompletion=completion.stop_allowances,
            help="Allow that the coordinator's host is among them.",
        ),
    ] = None,
    wait: Annotated[
        str | None,
        typer.Option("--wait", metavar="30m", help="Ask until the answer is yes, up to this long."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    via_ssh: Annotated[
        bool, typer.Option("--via-ssh", help="Reach the live catalog through SSH.")
    ] = False,
) -> ExitCode:
    """Say whether hosts may be stopped now without losing a segment; exit 4 if not.

    It reserves nothing: two jobs may both get yes, so let one job at a time stop hosts.
    """
    from gpmirror.render.stopping import stop_human, stop_json
    from gpmirror.run.status import answer_stop

    console: Console = ctx.obj
    seconds = wait_seconds(wait, "30m")
    words = _expanded(hosts)
    allowed = _allowed(allow or [])
    catalog = chosen_catalog(ctx, catalog, spec or "", table=table, via_ssh=via_ssh)
    if catalog is not None and seconds is not None:
        raise Usage(
            f"--wait asks again and again, and {catalog} stays as it is",
            hint="leave --wait or --catalog out",
        )
    wanted = spec_if_any(spec, console)

    def answer(reading: "Reading") -> "StopAnswer":
        return answer_stop(reading, wanted, words, allowed=allowed)

    if catalog is None:
        found = _live(console, wanted, answer, seconds, via_ssh=via_ssh)
        as_of = None
    else:
        reading, as_of = saved_as_of(catalog, wanted, table=table)
        found = answer(reading)
    code = ExitCode.OK if found.is_ok else ExitCode.UNSAFE
    if as_json:
        cluster = None if wanted is None else wanted.cluster
        console.data(stop_json(found, cluster=cluster, as_of=as_of, code=code))
    else:
        console.page(
            stop_human(found, hosts=words, as_of=as_of, width=console.width, color=console.color)
        )
    return code


def _expanded(words: list[str]) -> list[str]:
    """Host names with ranges written out. Raises Usage: a range that names no hosts."""
    from gpmirror.spec.hosts import RangeError, host_names

    found: list[str] = []
    for word in words:
        try:
            found += host_names(word)
        except RangeError as error:
            raise Usage(f"host {word[:60]!r} {error}", hint=error.hint) from None
    return found


def _allowed(names: list[str]) -> bool:
    from gpmirror.run.status import COORDINATOR

    for name in names:
        if name != COORDINATOR:
            raise Usage(
                f"--allow {name!r:.40} allows nothing here",
                hint=f"`--allow {COORDINATOR}` is all that there is: a content that would be lost is "
                "never allowed",
            )
    return bool(names)


def _live(
    console: Console,
    spec: "Spec | None",
    answer: "Callable[[Reading], StopAnswer]",
    seconds: int | None,
    *,
    via_ssh: bool,
) -> "StopAnswer":
    """The answer now, or the last one of those that were waited for. Raises as the catalog does."""
    from gpmirror.run.status import read_status, until_ok

    with live_catalog(spec, via_ssh=via_ssh, environment=os.environ) as server:
        if seconds is None:
            return answer(read_status(server))
        looks = until_ok(server, SystemClock(), answer, seconds=seconds, every=_EVERY)
        return _followed(console, looks)


def _followed(console: Console, looks: "Iterable[StopAnswer | Failure]") -> "StopAnswer":
    """The last answer; what changes on the way is told on stderr. Raises Failure: the last look was
    none.
    """
    from gpmirror.render.stopping import waiting_text

    told = ""
    last: StopAnswer | Failure = ConnectionLost("the coordinator was not read")
    for last in looks:
        text = f"{last.message}; trying again" if isinstance(last, Failure) else waiting_text(last)
        if text != told:
            console.talk(f"{utc_now()} {text}")
            told = text
    if isinstance(last, Failure):
        raise last
    return last
