"""The one place where adapters are opened and joined for commands that look at a live cluster."""

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from gpmirror.errors import ConnectionLost, Usage

if TYPE_CHECKING:
    from gpmirror.adapters.server import Server
    from gpmirror.adapters.ssh import SshHosts
    from gpmirror.cluster.observed import Observed
    from gpmirror.plan.model import Plan
    from gpmirror.spec.model import CoordinatorAddress, Site, SshOptions


@contextmanager
def live_catalog(
    spec: "Site | None", *, via_ssh: bool, environment: Mapping[str, str]
) -> "Iterator[Server]":
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
    server: "Server", spec: "Site", plan_from: "Callable[[Observed], Plan]"
) -> "tuple[Plan, Observed]":
    """The plan that `plan_from` makes over the live catalog, and that catalog: down copies are looked
    at on their hosts, names on the coordinator's where lines depend on them, sizes are measured where something is copied whole.
    """
    from gpmirror.workflow.measuring import measured
    from gpmirror.workflow.observing import observe

    plan, seen = _inspected(observe(server), spec, plan_from)
    return measured(plan, seen, server, plan_from), seen


def _inspected(
    observed: "Observed", spec: "Site", plan_from: "Callable[[Observed], Plan]"
) -> "tuple[Plan, Observed]":
    from gpmirror.workflow.inspecting import inspected, needs_hosts

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
