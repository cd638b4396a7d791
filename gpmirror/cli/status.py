"""`gpmirror status`: whether every content has two copies in sync, now or while one watches."""

import os
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from gpmirror.adapters.files import is_stream, read_input, write_output
from gpmirror.adapters.operator import SystemClock, utc_now
from gpmirror.cli.console import Console
from gpmirror.cli.many import refuse_for_many, show_table, try_each
from gpmirror.cli.wiring import live_catalog, spec_if_any, wait_seconds
from gpmirror.errors import ConnectionLost, ExitCode, Failure, Usage
from gpmirror.render.status import is_metrics, status_changes, status_human, status_metrics
from gpmirror.run.status import Reading
from gpmirror.values import dataclass

if TYPE_CHECKING:
    from gpmirror.adapters.server import CatalogSession
    from gpmirror.adapters.terminal import Screen
    from gpmirror.model.observed import Observed
    from gpmirror.run.status import Reading
    from gpmirror.spec.model import Spec


# --- `gpmirror status`: whether every content has two copies in sync, now or while one waits.


_EVERY = 2.0
"""Seconds between two looks."""


def command(
    ctx: typer.Context,
    specs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SPEC",
            help="Where the coordinator is; left out: GPMIRROR_SPEC, else gpmirror.yaml here or above, "
            "else PGHOST etc. Several: one table, and the worst exit code.",
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
    metrics: Annotated[
        str | None,
        typer.Option(
            "--metrics",
            metavar="FILE",
            help="Write the figures for Prometheus too (textfile collector).",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    via_ssh: Annotated[
        bool, typer.Option("--via-ssh", help="Reach the live catalog through SSH.")
    ] = False,
) -> ExitCode:
    """Say whether all copies are in sync; exit 2 if not.

    From 6 on the fault prober looks first: a failover that was due may happen then (see --no-probe).
    """
    console: Console = ctx.obj
    seconds = wait_seconds(wait, "2h")
    if watch and wait is not None:
        raise Usage("--wait and --watch exclude each other", hint="leave one of them out")
    if watch and hosts:
        raise Usage("--hosts looks once, and --watch again and again", hint="leave one of them out")
    if watch and metrics is not None:
        raise Usage("--metrics writes once, and --watch never ends", hint="leave one of them out")
    if specs and len(specs) > 1:
        refuse_for_many(
            specs, {"--watch": watch, "--metrics": metrics, "--wait": wait, "--hosts": hosts}
        )
        return _several(specs, console, probe=probe, via_ssh=via_ssh, as_json=as_json)
    wanted = spec_if_any(specs[0] if specs else None, console)
    figures = None if metrics is None else _Metrics.into(metrics, wanted)
    out = _Out(console=console, cluster=None if wanted is None else wanted.cluster, json=as_json)
    with figures or nullcontext():
        with live_catalog(wanted, via_ssh=via_ssh, environment=os.environ) as server:
            if watch:
                reading = _watched(server, out, probe=probe)
            elif seconds is not None:
                reading = _awaited(server, out, seconds, wanted, probe=probe)
            else:
                from gpmirror.run.status import read_status

                reading = _with_life(read_status(server, probe=probe), wanted)
        if hosts:
            reading = _with_copies(reading, wanted)
        if figures is not None:
            figures.reading = reading
    if not watch:
        (console.data if as_json else console.page)(out.text(reading))
    return _code(reading)


def _several(
    specs: list[str], console: Console, *, probe: bool, via_ssh: bool, as_json: bool
) -> ExitCode:
    """A row a cluster; the worst exit code."""
    from gpmirror.layouts import worst
    from gpmirror.render.compare import statuses_json, statuses_table
    from gpmirror.run.status import read_status

    def look(file: str) -> "tuple[str | None, Reading]":
        wanted = spec_if_any(file)
        with live_catalog(wanted, via_ssh=via_ssh, environment=os.environ) as server:
            reading = _with_life(read_status(server, probe=probe), wanted)
        return None if wanted is None else wanted.cluster, reading

    rows = try_each(specs, look, console, lambda one: _code(one[1]))
    if as_json:
        console.data(statuses_json(rows))
    else:
        show_table(statuses_table(rows), console)
    return worst(rows)


def _code(reading: "Reading") -> ExitCode:
    return ExitCode.OK if reading.is_sound else ExitCode.DIFFERENCES


@dataclass(slots=True, kw_only=True)
class _Metrics:
    """A file for Prometheus, written at the end: also where the catalog could not be read, since a
    file of yesterday would say that all is well.
    """

    file: str
    cluster: str | None
    reading: "Reading | None" = None

    @classmethod
    def into(cls, file: str, spec: "Spec | None") -> "_Metrics":
        """Raises Failure, before anything is read: the file is there, and holds something else."""
        path = Path(file)
        if path.is_file() and not is_stream(file):
            held = read_input(file).decode("utf-8", "replace")
            if held and not is_metrics(held):
                raise Failure(
                    f"cannot write {file}: it holds something else than figures of gpmirror",
                    hint="name another file, for example gpmirror.prom",
                )
        return cls(file=file, cluster=None if spec is None else spec.cluster)

    def __enter__(self) -> "_Metrics":
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        del rest
        if kind is not None and not issubclass(kind, Failure):
            return
        source = "" if self.reading is None else self.reading.observed.source
        text = status_metrics(self.reading, cluster=self.cluster or source, seconds=time.time())
        write_output(self.file, text, force=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Out:
    """How a reading is printed."""

    console: Console
    cluster: str | None
    json: bool

    def text(self, reading: "Reading") -> str:
        """The whole status."""
        if self.json:
            from gpmirror.render.json import status_json

            return status_json(reading, cluster=self.cluster)
        return status_human(
            reading, cluster=self.cluster, width=self.console.width, color=self.console.color
        )


def _with_copies(reading: "Reading", spec: "Spec | None") -> "Reading":
    """With a look at every copy on its host."""
    from gpmirror.adapters.ssh import open_hosts
    from gpmirror.run.preflight import look_at_copies
    from gpmirror.spec.model import SshOptions

    with open_hosts(SshOptions() if spec is None else spec.ssh) as lines:
        found = look_at_copies(reading.observed, lines, () if spec is None else spec.hosts)
    return replace(reading, copies=found)


def _with_life(reading: "Reading", spec: "Spec | None") -> "Reading":
    """With a look at mirrors that are called resynchronising; no SSH is loaded where there is none."""
    from gpmirror.run.status import with_life
    from gpmirror.verify import resynchronising

    if not resynchronising(reading.observed):
        return reading
    return with_life(reading, *_life(reading.observed, spec))


def _life(observed: "Observed", spec: "Spec | None") -> "tuple[dict[int, str], tuple[str, ...]]":
    from gpmirror.adapters.ssh import open_hosts
    from gpmirror.run.look import lifeless_mirrors
    from gpmirror.spec.model import SshOptions

    with open_hosts(SshOptions() if spec is None else spec.ssh) as lines:
        return lifeless_mirrors(observed, lines, () if spec is None else spec.hosts)


def _awaited(
    server: "CatalogSession", out: _Out, seconds: int, spec: "Spec | None", *, probe: bool
) -> "Reading":
    """The last reading; changes are told on stderr on the way. Raises Failure: the last look
    was none.
    """
    from gpmirror.run.status import until_synced

    looks = until_synced(
        server,
        SystemClock(),
        seconds=seconds,
        every=_EVERY,
        probe=probe,
        life=lambda observed: _life(observed, spec),
    )
    return follow(looks, Lines(write=out.console.talk))


def _watched(server: "CatalogSession", out: _Out, *, probe: bool) -> "Reading":
    """Shows readings until a person interrupts or the reader goes away; then the last one.

    Raises Failure or KeyboardInterrupt: there was none.
    """
    from gpmirror.run.status import readings

    looks = readings(server, SystemClock(), every=_EVERY, probe=probe)
    return until_interrupted(looks, view_of(out.console, out.cluster, json=out.json))


# --- How `gpmirror status` shows readings that follow each other: redrawn, as lines, as JSON.


class View(Protocol):
    """Shows one reading after the other, and that the connection was lost."""

    def show(self, before: Reading | None, now: Reading) -> None:
        """A reading; `before` is the one shown last."""
        ...

    def lost(self, error: Failure) -> None:
        """The connection was lost and is tried again; told once."""
        ...


class ReaderGone(Exception):
    """Whoever read our output has ended."""


def view_of(console: Console, cluster: str | None, *, json: bool) -> View:
    """Redrawn in place on a terminal, a line a change elsewhere, a document a change with JSON."""
    write = _Writer(console).write
    if json:
        return JsonLines(write=write, cluster=cluster)
    out = console.out
    if out is not None and out.isatty() and os.environ.get("TERM", "dumb") not in {"", "dumb"}:
        from gpmirror.adapters.terminal import Screen

        return Redrawn(screen=Screen(out), cluster=cluster, color=console.color)
    return Lines(write=write)


def follow(looks: "Iterable[Reading | Failure]", view: View) -> Reading:
    """Show all looks; the last one. Raises Failure: it was none."""
    return _followed(looks, view, [])


def until_interrupted(looks: "Iterable[Reading | Failure]", view: View) -> Reading:
    """Show looks until Ctrl-C or until nobody reads; the last reading.

    Raises KeyboardInterrupt: interrupted before the first.
    """
    seen: list[Reading] = []
    try:
        return _followed(looks, view, seen)
    except (KeyboardInterrupt, ReaderGone):
        if not seen:
            raise KeyboardInterrupt from None
        return seen[0]


def _followed(looks: "Iterable[Reading | Failure]", view: View, seen: list[Reading]) -> Reading:
    """`seen` holds the last reading, also when this is left by an exception."""
    error: Failure | None = None
    for found in looks:
        if isinstance(found, Failure):
            if error is None:
                view.lost(found)
            error = found
            continue
        error, before = None, seen[0] if seen else None
        seen[:] = [found]
        view.show(before, found)
    if error is not None or not seen:
        raise error or ConnectionLost("the coordinator was not read")
    return seen[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """A line a change, with the time."""

    write: Callable[[str], None]

    def show(self, before: Reading | None, now: Reading) -> None:
        """What changed since `before`."""
        for text in status_changes(before, now):
            self.write(f"{utc_now()} {text}")

    def lost(self, error: Failure) -> None:
        """One line."""
        self.write(f"{utc_now()} {error.message}; trying again")


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonLines:
    """A document on one line whenever something changed."""

    write: Callable[[str], None]
    cluster: str | None

    def show(self, before: Reading | None, now: Reading) -> None:
        """The reading, if it differs from `before`."""
        from gpmirror.render.json import status_json_line

        if status_changes(before, now):
            self.write(status_json_line(now, cluster=self.cluster))

    def lost(self, error: Failure) -> None:
        """Nothing: the next document tells."""


@dataclass(slots=True, kw_only=True)
class Redrawn:
    """The whole status in place."""

    screen: "Screen"
    cluster: str | None
    color: bool
    _drawn: list[str] = field(default_factory=list)

    def show(self, before: Reading | None, now: Reading) -> None:
        """As much as the window holds, the summary always."""
        del before
        width, height = self.screen.size
        text = status_human(now, cluster=self.cluster, width=width - 1, color=self.color)
        lines = text.splitlines()
        room = max(height - 1, 1)
        self._drawn = lines if len(lines) <= room else [*lines[: room - 1], lines[-1]]
        self.screen.draw(self._drawn)

    def lost(self, error: Failure) -> None:
        """A last line below what was known."""
        self.screen.draw([*self._drawn[:-1], f"{error.message}; trying again"])


@dataclass(frozen=True, slots=True)
class _Writer:
    """Lines to stdout that notice when nobody reads them any more."""

    console: Console

    def write(self, text: str) -> None:
        """Write a line. Raises ReaderGone."""
        out = self.console.out
        if out is None:
            return
        try:
            out.write(text if text.endswith("\n") else f"{text}\n")
            out.flush()
        except BrokenPipeError:
            from gpmirror.adapters.terminal import abandon

            abandon(out)
            raise ReaderGone from None
