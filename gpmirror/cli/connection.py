"""How a cluster is reached is the operator's: what a plan file says of it counts as a proposal."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from gpmirror.cli.console import Console
from gpmirror.cli.failures import visible
from gpmirror.errors import Declined, Unsafe

if TYPE_CHECKING:
    from gpmirror.plan.settings import Settings
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
    `own` is the spec of this folder.

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
        f"spec in this folder says the same:\n{told}"
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
