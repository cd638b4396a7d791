"""The one place where adapters are opened and joined: specs, catalogs, and how a cluster is reached."""

import gc
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from gpmirror.cli.console import Console, visible
from gpmirror.errors import (
    ConnectionLost,
    Declined,
    DiagnosedError,
    GpmirrorError,
    Unsafe,
    Usage,
)

if TYPE_CHECKING:
    from gpmirror.adapters.server import CatalogSession
    from gpmirror.adapters.ssh import SshHosts
    from gpmirror.model.observed import Observed
    from gpmirror.plan.model import Plan
    from gpmirror.render.stopping import AsOf
    from gpmirror.run.status import Reading
    from gpmirror.spec.model import CoordinatorAddress, Site, Spec, SshOptions


# --- The one place where adapters are opened and joined for commands that look at a live cluster.


@contextmanager
def live_catalog(
    spec: "Site | None", *, via_ssh: bool, environment: Mapping[str, str]
) -> "Iterator[CatalogSession]":
    """A session on the coordinator that `spec` names, filled up from PG* variables; closed at the
    end. `via_ssh` goes through a tunnel to the coordinator's host.

    Raises:
        ConnectionLost: nobody answers, or the login is refused.
        InvalidInput: no coordinator, or not of the family that the spec names.
        Usage: a tunnel is asked for and no host named.
    """
    from gpmirror.adapters.server import connect
    from gpmirror.spec.model import CoordinatorAddress, SshOptions

    address = CoordinatorAddress() if spec is None else spec.coordinator
    ssh = SshOptions() if spec is None else spec.ssh
    dialect = None if spec is None else spec.dialect
    with ExitStack() as stack:
        stack.enter_context(_collecting())
        through = stack.enter_context(_tunnel(address, ssh, environment)) if via_ssh else None
        server = connect(address, environment, dialect=dialect, through=through)
        stack.callback(server.close)
        yield server


def plan_over(
    server: "CatalogSession", spec: "Site", plan_from: "Callable[[Observed], Plan]"
) -> "tuple[Plan, Observed]":
    """The plan that `plan_from` makes over the live catalog, and that catalog: down copies are looked
    at on their hosts, names on the coordinator's where lines depend on them, sizes are measured where something is copied whole.
    """
    from gpmirror.run.context import measured
    from gpmirror.run.look import observe

    plan, seen = _inspected(observe(server), spec, plan_from)
    return measured(plan, seen, server, plan_from), seen


def _inspected(
    observed: "Observed", spec: "Site", plan_from: "Callable[[Observed], Plan]"
) -> "tuple[Plan, Observed]":
    from gpmirror.run.look import inspected, needs_hosts

    plan = plan_from(observed)
    if not needs_hosts(plan, observed):
        return plan, observed  # no host is asked, no SSH is loaded
    from gpmirror.adapters.ssh import open_hosts

    with open_hosts(spec.ssh, at_once=spec.apply.hosts_at_once) as hosts:
        return inspected(observed, hosts, spec.hosts, plan_from)


@contextmanager
def _collecting() -> Iterator[None]:
    """Garbage is collected: unlike other commands, one with a session may last for days."""
    before = gc.isenabled()
    gc.enable()
    try:
        yield
    finally:
        if not before:
            gc.disable()


@contextmanager
def _tunnel(
    address: "CoordinatorAddress", ssh: "SshOptions", environment: Mapping[str, str]
) -> Iterator[tuple[str, int]]:
    """The near end of a tunnel to the coordinator's host."""
    from gpmirror.adapters.server_address import host_of, port_of
    from gpmirror.adapters.ssh import open_hosts

    host, port = host_of(address, environment), port_of(address, environment)
    if host is None or host.startswith("/"):
        raise Usage(
            "--via-ssh needs the coordinator's host",
            hint="set `cluster.coordinator.host` in the spec, or PGHOST",
        )
    hosts = open_hosts(ssh)
    try:
        yield _near_end(hosts, host, port)
    finally:
        hosts.close()


def _near_end(hosts: "SshHosts", host: str, port: int) -> tuple[str, int]:
    """A name that only the SSH configuration knows means nothing on the host itself."""
    try:
        return hosts.tunnel(host, (host, port))
    except ConnectionLost as error:
        try:
            return hosts.tunnel(host, ("localhost", port))
        except ConnectionLost:
            raise error from None


# --- How a cluster is reached is the operator's: what a plan file says of it counts as a proposal.


if TYPE_CHECKING:
    from gpmirror.plan.model import Settings
    from gpmirror.spec.model import Site

    Reached = TypeVar("Reached", bound=Site)

ALLOW = "connection-from-plan"
"""What --allow takes on the command line; in a plan file it allows nothing."""

IGNORE_VARIABLE = "GPMIRROR_IGNORE_SPEC_CONNECTION"
"""Set to anything but 0 or nothing: as --ignore-spec-connection."""

_IGNORED: ContextVar[bool] = ContextVar("ignored", default=False)

_SSH_CONFIG = "~/.ssh/config"


@contextmanager
def spec_connection(*, ignored: bool) -> Iterator[None]:
    """Whether what files say of the connection counts in the command inside."""
    token = _IGNORED.set(ignored)
    try:
        yield
    finally:
        _IGNORED.reset(token)


def is_ignored(environment: Mapping[str, str]) -> bool:
    """Whether the environment asks for it."""
    return environment.get(IGNORE_VARIABLE, "") not in {"", "0"}


def reached(spec: "Reached") -> "Reached":
    """The spec with its own word on the connection, or without it where that is not to count: a spec
    out of a pull request would decide what is started and who gets the password.
    """
    if not _IGNORED.get():
        return spec
    from gpmirror.spec.model import CoordinatorAddress, SshOptions

    return replace(spec, coordinator=CoordinatorAddress(), ssh=SshOptions())


def program_to_tell(site: "Site", cluster: str) -> tuple[str, ...]:
    """Program and arguments that are told how a run goes: those of the spec that is applied, and for a
    plan file those of the spec of this folder, if it is of the same cluster. None where a spec has no
    word on what is started.
    """
    from gpmirror.spec.model import Spec

    spec = site if isinstance(site, Spec) else own_spec()
    if _IGNORED.get() or spec is None or spec.cluster != cluster:
        return ()
    return spec.notify


def accept_connection(
    settings: "Settings",
    name: str,
    allow: tuple[str, ...],
    console: Console,
    *,
    own: "Site | None",
    assume_yes: bool,
) -> None:
    """See that the operator knows how the plan file `name` wants the cluster reached;
    `own` is the spec of this folder, or above it.

    What equals the operator's own environment or the spec in this folder needs no word. The rest is
    asked on a terminal. Raises Unsafe (4): nobody can be asked, or `--yes` is all that was said;
    Declined (8): the answer was not yes.
    """
    if _IGNORED.get() or ALLOW in allow:
        return
    found = foreign(settings, own, os.environ)
    if not found:
        return
    told = visible("\n".join(f"  {key}: {value}" for key, value in found))
    message = (
        f"plan file {name} says how the cluster is reached, and neither your environment nor a "
        f"spec in this folder or above it says the same:\n{told}"
    )
    if assume_yes or not can_be_asked():
        raise Unsafe(
            message,
            hint=f"if you trust it, add: --allow {ALLOW}; else run this where the spec is, or set "
            "PGHOST, PGPORT, PGUSER and PGDATABASE",
        )
    from gpmirror.adapters.operator import TerminalOperator

    operator = TerminalOperator(assume_yes=False, say=console.alarm)
    if not operator.confirm(f"{message}\nConnect like that? Only 'yes' is accepted:"):
        raise Declined("not connected: the answer was not yes", hint="nothing was changed")


def can_be_asked() -> bool:
    """Whether somebody sits at the terminal."""
    return sys.stdin is not None and sys.stdin.isatty()


def foreign(
    settings: "Settings", own: "Site | None", environment: Mapping[str, str]
) -> list[tuple[str, str]]:
    """What the plan says of the connection that the operator does not: keys of the spec, values."""
    import getpass

    said, ssh = settings.coordinator, settings.ssh
    known = {
        "cluster.coordinator.host": {*_set(environment, "PGHOST", "PGHOSTADDR"), *_this_machine()},
        "cluster.coordinator.port": {*_set(environment, "PGPORT")} or {"5432"},
        "cluster.coordinator.database": {*_set(environment, "PGDATABASE")} or {"postgres"},
        "cluster.coordinator.user": {*_set(environment, "PGUSER"), getpass.getuser()},
        "ssh.user": {getpass.getuser()},
        "ssh.config": {_SSH_CONFIG, os.path.expanduser(_SSH_CONFIG)},  # noqa: PTH111 - as text
    }
    wanted = {
        "cluster.coordinator.host": said.host,
        "cluster.coordinator.port": said.port,
        "cluster.coordinator.database": said.database,
        "cluster.coordinator.user": said.user,
        "ssh.user": ssh.user,
        "ssh.config": ssh.config,
    }
    if own is not None:
        at, via = own.coordinator, own.ssh
        mine = (at.host, at.port, at.database, at.user, via.user, via.config)
        for key, value in zip(wanted, mine, strict=True):
            known[key].add(str(value))
    return [
        (key, str(value))
        for key, value in wanted.items()
        if value is not None and str(value) not in known[key]
    ]


def _set(environment: Mapping[str, str], *names: str) -> Iterator[str]:
    yield from (environment[name] for name in names if environment.get(name))


def _this_machine() -> set[str]:
    """Names of the machine that this runs on: to connect to it gives nothing away."""
    import socket

    name = socket.gethostname()
    return {"localhost", "127.0.0.1", "::1", name, name.partition(".")[0]}


# --- Which spec and catalog a command reads: named, from the environment, or the live catalog.


DEFAULT_SPEC = "gpmirror.yaml"
SPEC_VARIABLE = "GPMIRROR_SPEC"
"""The spec where none is named."""

CATALOG_VARIABLE = "GPMIRROR_CATALOG"
"""The catalog where none is named; of the commands that can only read."""


def default_spec(console: Console | None = None) -> str:
    """The spec where none is named: the environment's, else the one of this folder, else the nearest
    above it up to the root of its git repository, which the console tells. Where there is none, who
    reads it says where it was sought.

    Raises Unreadable: the nearest is not ours.
    """
    named = os.environ.get(SPEC_VARIABLE)
    if named or os.path.lexists(DEFAULT_SPEC):
        return named or DEFAULT_SPEC
    from gpmirror.adapters.files import spec_above

    above = spec_above()
    if above is not None and console is not None:
        console.talk(f"using {above}")
    return above or DEFAULT_SPEC


def read_spec(file: str) -> "Spec":
    """The spec in a file, - for stdin. Raises Unreadable: also a file of another kind, with the
    command that takes it; InvalidInput.
    """
    from gpmirror.spec import load

    return load(spec_bytes(file), file)


def spec_bytes(file: str) -> bytes:
    """What a spec file holds. Raises Unreadable: also a file of another kind."""
    from gpmirror.adapters.files import read_input
    from gpmirror.inputs import InputKind, check_kind

    data = read_input(file)
    check_kind(data, file, InputKind.SPEC)
    return data


def catalog_bytes(file: str) -> bytes:
    """What a saved catalog holds. Raises Unreadable: also a plan file; whatever else is no catalog
    is named by the reader, with the line that shows it.
    """
    from gpmirror.adapters.files import read_input
    from gpmirror.inputs import InputKind, check_kind

    data = read_input(file)
    check_kind(
        data, file, InputKind.CATALOG, also=set(InputKind) - {InputKind.PLAN, InputKind.JOURNAL}
    )
    return data


def read_plan_file(file: str) -> "Plan":
    """The plan in a file, - for stdin. Raises Unreadable: also a file of another kind;
    InvalidInput: it is none that may be believed.
    """
    from gpmirror.adapters.files import read_input
    from gpmirror.inputs import InputKind, check_kind
    from gpmirror.plan.planfile import read_plan

    data = read_input(file)
    check_kind(data, file, InputKind.PLAN)
    return read_plan(data, file)


def chosen_catalog(
    ctx: typer.Context,
    catalog: str | None,
    spec: str,
    *,
    table: int | None = None,
    via_ssh: bool = False,
) -> str | None:
    """The saved catalog to read, None: the live one. One that the environment names is told, so
    that nobody takes it for the live one, and gives way to `--via-ssh`.

    Raises Usage: stdin is wanted twice, or a flag belongs to the other kind of catalog.
    """
    if catalog is not None and is_from_environment(ctx, "catalog"):
        if via_ssh:
            catalog = None
        else:
            ctx.obj.talk(f"catalog: {catalog}, as {CATALOG_VARIABLE} says")
    if catalog == "-" and spec == "-":
        raise Usage("spec and catalog cannot both come from stdin", hint="name a file for one")
    if catalog is None and table is not None:
        raise Usage("--table picks a table of a saved catalog", hint="add `--catalog FILE`")
    if catalog is not None and via_ssh:
        raise Usage(
            f"--via-ssh reads the live catalog, and --catalog names {catalog}",
            hint="leave one of them out",
        )
    return catalog


def is_from_environment(ctx: typer.Context, name: str) -> bool:
    """Whether the value of a parameter was taken from its variable."""
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "ENVIRONMENT"


def observed_for(
    catalog: str | None, spec: "Spec | None", *, table: int | None = None, via_ssh: bool = False
) -> "Observed":
    """The observed cluster: of the file `catalog`, else of the coordinator that `spec` names.

    Raises what reading raises.
    """
    if catalog is None:
        from gpmirror.run.look import observe

        with live_catalog(spec, via_ssh=via_ssh, environment=os.environ) as server:
            return observe(server)
    from gpmirror.catalog import read_catalog

    dialect = None if spec is None else spec.dialect
    return read_catalog(catalog_bytes(catalog), catalog, dialect=dialect, table=table)


def spec_if_any(name: str | None, console: Console | None = None) -> "Spec | None":
    """The named spec, else that of `default_spec` if it is there, else None: PG* variables must do."""
    file = spec_name_if_any(name, console)
    return None if file is None else reached(read_spec(file))


def spec_name_if_any(name: str | None, console: Console | None = None) -> str | None:
    """The file of `spec_if_any`."""
    file = name or default_spec(console)
    return None if file == DEFAULT_SPEC and name is None and not Path(file).exists() else file


def saved_as_of(catalog: str, spec: "Spec | None", *, table: int | None) -> "tuple[Reading, AsOf]":
    """A saved catalog as a reading, and of when it is. Raises as reading does."""
    from gpmirror.adapters.files import written_at
    from gpmirror.render.stopping import AsOf
    from gpmirror.run.status import saved_reading

    reading = saved_reading(observed_for(catalog, spec, table=table))
    name = "standard input" if catalog == "-" else catalog
    return reading, AsOf(file=name, written=written_at(catalog), taken=reading.observed.taken)


def wait_seconds(wait: str | None, example: str) -> int | None:
    """How long `--wait` says. Raises Usage: it is no time."""
    from gpmirror.spec.document import seconds_of

    try:
        return None if wait is None else seconds_of(wait)
    except ValueError as error:
        raise Usage(
            f"--wait {wait!r:.40} {error}", hint=f"for example `--wait {example}`"
        ) from None


def own_spec(console: Console | None = None) -> "Spec | None":
    """The spec of `default_spec`, if there is one that can be read. One that cannot be counts as none:
    a plan file needs no spec, and whoever has none is asked more. The console tells why.
    """
    try:
        file = spec_name_if_any(None)
        found = None if file is None else reached(read_spec(file))
    except GpmirrorError as error:
        if console is not None:
            console.alarm(visible(f"warning: spec ignored: {in_one_line(error)}"))
        return None
    if console is not None and file not in {None, DEFAULT_SPEC, os.environ.get(SPEC_VARIABLE)}:
        console.talk(f"using {file}")
    return found


def in_one_line(error: GpmirrorError) -> str:
    """What is wrong with a spec: the first finding with its place, and how many more there are."""
    if not isinstance(error, DiagnosedError) or not error.diagnostics:
        return error.message
    from gpmirror.model.text import counted

    first, *more = error.diagnostics
    where = "" if first.place is None else f"{first.place}: "
    rest = f", and {counted(len(more), 'more finding')}" if more else ""
    text = f"{where}{first.message} ({first.code}){rest}; `gpmirror validate` shows all"
    return " ".join(text.split())
