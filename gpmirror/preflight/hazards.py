"""Dangers that only a look at the hosts can find: one machine under two names, ephemeral ports."""

from collections.abc import Collection, Iterator, Sequence

from gpmirror.cluster.counting import spans
from gpmirror.plan.hazards import HOST_HAZARDS
from gpmirror.plan.model import Hazard
from gpmirror.preflight.survey import Survey, Visit, visits

_SHOWN = 6


def live_hazards(found: Survey, allowed: Collection[str]) -> tuple[Hazard, ...]:
    """Every such hazard, sorted by name and then by text."""
    hazards = [*_ephemeral(found, allowed), *_same_machine(found, allowed)]
    return tuple(sorted(hazards, key=lambda hazard: (hazard.name, hazard.message)))


def _hazard(name: str, message: str, contents: Collection[int], allowed: Collection[str]) -> Hazard:
    assert name in HOST_HAZARDS  # noqa: S101 - a name outside the table could not be allowed
    return Hazard(
        name=name,
        message=message,
        flag=f"--allow {name}",
        contents=tuple(sorted(set(contents))),
        allowed=name in allowed,
    )


def _same_machine(found: Survey, allowed: Collection[str]) -> Iterator[Hazard]:
    """Two spec hosts that report one machine-id are one machine: its loss takes both."""
    listed = {host.name for host in found.plan.desired.hosts}
    machines: dict[str, list[str]] = {}
    for visit in visits(found):
        if visit.facts.machine and visit.host in listed:
            machines.setdefault(visit.facts.machine, []).append(visit.host)
    for machine, hosts in machines.items():
        if len(hosts) > 1:
            yield _hazard(
                "same-machine",
                f"{_some(hosts)} report one machine-id ({machine}): they are one machine, and its "
                "loss would take the copies on all of them; where they were cloned from one image, "
                "give each its own /etc/machine-id or set GPMIRROR_MACHINE_ID",
                _both_copies(found, frozenset(hosts)),
                allowed,
            )


def _both_copies(found: Survey, hosts: frozenset[str]) -> list[int]:
    return [
        planned.content
        for planned in found.plan.desired.contents
        if planned.mirror is not None and {planned.primary.host, planned.mirror.host} <= hosts
    ]


def _ephemeral(found: Survey, allowed: Collection[str]) -> Iterator[Hazard]:
    """New ports that the kernel may hand to outgoing connections; hosts with one remedy together."""
    groups: dict[tuple[int, int, str, tuple[int, ...]], list[Visit]] = {}
    for visit in visits(found):
        facts, ports = visit.facts, unreserved_ports(visit)
        if ports and facts.port_range is not None:
            key = (*facts.port_range, facts.reserved_ports or "", ports)
            groups.setdefault(key, []).append(visit)
    for (low, high, reserved, ports), members in groups.items():
        contents = [
            binding.content
            for visit in members
            for binding in visit.asked.bindings
            if binding.port in ports
        ]
        setting = ",".join(filter(None, (reserved, spans(ports))))
        yield _hazard(
            "ephemeral-port",
            f"{_some([visit.host for visit in members])}: port {spans(ports)} lies inside "
            f"ip_local_port_range ({low}-{high}) and is not reserved, so an outgoing connection "
            "may hold it when a mirror starts; reserve it: "
            f"`sysctl -w net.ipv4.ip_local_reserved_ports={setting}`, and in /etc/sysctl.d",
            contents,
            allowed,
        )


def unreserved_ports(visit: Visit) -> tuple[int, ...]:
    """New ports inside the host's range for outgoing connections that are not reserved."""
    span = visit.facts.port_range
    if span is None:
        return ()
    reserved = reserved_spans(visit.facts.reserved_ports or "")
    ports = {binding.port for binding in visit.asked.bindings if binding.new}
    return tuple(
        sorted(
            port
            for port in ports
            if span[0] <= port <= span[1] and not any(low <= port <= high for low, high in reserved)
        )
    )


def reserved_spans(text: str) -> list[tuple[int, int]]:
    """`7000-7003,8080` as inclusive pairs; what is no number is left out."""
    found = []
    for part in text.split(","):
        low, _, high = part.strip().partition("-")
        if low.isdigit() and (high.isdigit() or not high):
            found.append((int(low), int(high or low)))
    return found


def _some(hosts: Sequence[str]) -> str:
    rest = len(hosts) - _SHOWN
    return ", ".join(hosts[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
