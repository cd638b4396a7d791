"""Where mirrors go: (spec, observed primaries) -> the desired layout."""

from collections.abc import Mapping, Sequence

from gpmirror.cluster.observed import Observed
from gpmirror.cluster.segment import Segment, Slot
from gpmirror.diagnostics import Diagnostic, Place
from gpmirror.errors import Infeasible
from gpmirror.placement.agreement import check_agreement
from gpmirror.placement.clashes import Planned, check_ports_and_directories
from gpmirror.placement.hosts import HostMap, map_hosts
from gpmirror.placement.model import Desired, Placed, Target
from gpmirror.placement.names import DirectoryTemplate, prefix_of
from gpmirror.placement.numbering import Numbering
from gpmirror.placement.racks import rack_warnings
from gpmirror.placement.ring import STRATEGIES, check_blocks, make_ring
from gpmirror.placement.slots import Chosen, Request, SlotChooser
from gpmirror.spec.model import Pin, Spec

__all__ = ["Desired", "Placed", "place"]


def place(spec: Spec, observed: Observed) -> Desired:
    """The desired layout. Deterministic; the order of catalog rows does not matter.

    Raises InvalidInput where spec and catalog contradict each other (GPM-P00n) or ports and
    directories do not work out (GPM-P11n), and Infeasible where the hosts do not suffice for the
    strategy (GPM-P10n); every problem of a kind is reported at once.
    """
    hosts = map_hosts(spec, observed)
    check_agreement(spec, observed)
    primaries = _primaries(spec, observed, hosts)
    targets = _targets(spec, primaries, hosts)
    prefix, warnings = prefix_of(spec, observed)
    numbering = _numbering(spec, observed, primaries, hosts)
    pairs = observed.pairs()
    pins = {pin.content: pin for pin in spec.pins}
    requests = [
        Request(
            primary=row,
            mirror=pairs[row.content][1],
            target=targets[row.content],
            pin=pins.get(row.content),
            position=position,
        )
        for rows in primaries.values()
        for position, row in enumerate(rows)
    ]
    chooser = SlotChooser(
        spec=spec,
        observed=observed,
        hosts=hosts,
        template=DirectoryTemplate(spec.directory, prefix),
        numbering=numbering,
    )
    planned = [
        _planned(spec, hosts, numbering, request, chosen)
        for request, chosen in zip(requests, chooser.choose(requests), strict=True)
    ]
    port_warnings = check_ports_and_directories(spec, observed, hosts, planned)
    return Desired(
        contents=tuple(item.placed for item in planned),
        hosts=hosts,
        warnings=(
            *warnings,
            *port_warnings,
            *rack_warnings(spec, [item.placed for item in planned]),
        ),
    )


def _primaries(spec: Spec, observed: Observed, hosts: HostMap) -> dict[str, list[Segment]]:
    found: dict[str, list[Segment]] = {host.name: [] for host in spec.hosts}
    for row in observed.segments:
        home = hosts.home_of(row)
        if row.content >= 0 and row.is_preferred_primary and home is not None:
            found[home].append(row)
    return {
        name: sorted(rows, key=lambda row: (row.port, row.content))
        for name, rows in found.items()
        if rows
    }


def _targets(
    spec: Spec, primaries: Mapping[str, Sequence[Segment]], hosts: HostMap
) -> dict[int, Target]:
    ring = make_ring(spec, primaries)
    pins = {pin.content: pin for pin in spec.pins if pin.host is not None}
    problems: list[Diagnostic] = check_blocks(ring)
    targets: dict[int, Target] = {}
    for host, rows in primaries.items():
        placed = STRATEGIES[spec.strategy](ring, host, len(rows))
        for row, found in zip(rows, placed, strict=True):
            pin = pins.get(row.content)
            choice = found if pin is None else _pinned_target(spec, hosts, row, pin)
            if isinstance(choice, Target):
                targets[row.content] = choice
            else:
                problems.append(choice)
    if problems:
        raise Infeasible(_once(problems))
    return targets


def _pinned_target(spec: Spec, hosts: HostMap, row: Segment, pin: Pin) -> Target | Diagnostic:
    assert pin.host is not None  # noqa: S101 - only pins with a host get here
    if pin.host == hosts.home_of(row) and not spec.allow_same_host:
        return Diagnostic(
            code="GPM-P104",
            message=(
                f"the pin of content {row.content} puts its mirror on {pin.host}, "
                "the host of its own primary: losing that host would lose both copies"
            ),
            place=pin.place,
            hint="pin it to another host, or accept it with `allow_same_host: true` "
            "under `mirrors`",
        )
    reason = f" ({pin.reason})" if pin.reason else ""
    return Target(pin.host, f"pinned{reason}", pin.place)


def _once(problems: Sequence[Diagnostic]) -> list[Diagnostic]:
    return list(dict.fromkeys(problems))


def _numbering(
    spec: Spec,
    observed: Observed,
    primaries: Mapping[str, Sequence[Segment]],
    hosts: HostMap,
) -> Numbering:
    fixed: dict[str, set[int]] = {}
    for row in observed.segments:
        if row.content < 0 or row.is_preferred_primary:
            home = hosts.home_of(row) or hosts.host_of(row)
            ports = fixed.setdefault(home, set())
            ports.add(row.port)
            if row.replication_port is not None:
                ports.add(row.replication_port)
    lowest = {name: rows[0].port for name, rows in primaries.items()}
    return Numbering(
        ports=spec.ports,
        replicated=observed.dialect.has_replication_ports,
        lowest=lowest,
        cluster_lowest=min(lowest.values(), default=0),
        fixed=fixed,
    )


def _planned(
    spec: Spec, hosts: HostMap, numbering: Numbering, request: Request, chosen: Chosen
) -> Planned:
    row = request.primary
    home = hosts.home_of(row) or hosts.host_of(row)
    computed = numbering.primary_replication(home, request.position)
    replication = row.replication_port
    if replication is None and computed is not None:
        replication = computed.value
    placed = Placed(
        content=row.content,
        primary=row,
        primary_slot=primary_slot(hosts, row, home, replication),
        mirror=chosen.slot,
        primary_replication_port=replication,
        allows_same_host=spec.allow_same_host,
        rule=request.target.rule,
        source=_source(request),
    )
    return Planned(
        placed=placed,
        port=chosen.port,
        replication=chosen.replication,
        primary_replication=computed,
        adds=request.mirror is None,
        pin=request.pin,
    )


def _source(request: Request) -> Place:
    return request.pin.place if request.pin else request.target.source


def primary_slot(hosts: HostMap, row: Segment, home: str, replication: int | None) -> Slot:
    """Where a preferred primary is to stand: where it stands, or on the host that replaces its own.
    `replication` is its replication port (4.3, 5).
    """
    address = row.address
    if hosts.host_of(row) != home:  # its host was replaced
        address = hosts.hosts[home].addresses[0]
    return Slot(
        host=home,
        address=address,
        port=row.port,
        directory=row.directory,
        replication_port=replication,
        filespaces=row.filespaces,
    )
