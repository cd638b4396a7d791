"""Where mirrors go: (spec, observed primaries) -> the desired layout."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from gpmirror.diagnostics import Diagnostic
from gpmirror.errors import Infeasible, InvalidInput
from gpmirror.model.observed import Observed
from gpmirror.model.segment import Segment, Slot
from gpmirror.placement.checks import Planned, check_ports_and_directories
from gpmirror.placement.hosts import DirectoryTemplate, HostMap, map_hosts, name_contents, prefix_of
from gpmirror.placement.model import Balanced, Desired, Placed, Target, Unplaced
from gpmirror.placement.racks import rack_warnings
from gpmirror.placement.slots import (
    ChosenSlot,
    Numbering,
    SlotChooser,
    SlotRequest,
    free_bases,
    ports_line,
)
from gpmirror.placement.strategies import by_pin, check_blocks, make_ring, on_ring
from gpmirror.spec.model import Bases, Host, Spec, Strategy

# --- What spec and catalog must agree on before anything is placed: generation, filespaces, pins.


def check_agreement(spec: Spec, observed: Observed) -> None:
    """Raises InvalidInput with every contradiction between spec and catalog."""
    problems = [
        *_generation(spec, observed),
        *_filespaces(spec, observed),
        *_pins(spec, observed),
        *_roots(spec),
    ]
    if problems:
        raise InvalidInput(problems)


def _generation(spec: Spec, observed: Observed) -> list[Diagnostic]:
    ports, dialect = spec.ports, observed.dialect
    if not isinstance(ports, Bases):
        return []
    given = {ports.replication_base, ports.mirror_replication_base} - {None}
    if dialect.has_replication_ports and (
        ports.replication_base is None or ports.mirror_replication_base is None
    ):
        bases = free_bases(observed, spec.pins, ports)
        return [
            Diagnostic(
                code="GPM-P003",
                message=f"{dialect.title} needs replication ports, but `ports` gives only "
                "`mirror_base`",
                place=spec.place_of("mirrors", "ports"),
                hint=f"write `{ports_line(bases)}`, or use `offset`"
                if bases
                else "add `replication_base` and `mirror_replication_base`, or use `offset`",
            )
        ]
    if given and not dialect.has_replication_ports:
        return [
            Diagnostic(
                code="GPM-P003",
                message=f"{dialect.title} has no replication ports, but `ports` gives bases for "
                "them",
                place=spec.place_of("mirrors", "ports"),
                hint="leave out `replication_base` and `mirror_replication_base`",
            )
        ]
    return []


def _filespaces(spec: Spec, observed: Observed) -> list[Diagnostic]:
    problems: list[Diagnostic] = []
    known = set(observed.filespaces)
    for host in spec.hosts:
        if host.weight == 0:
            continue
        given = {name for name, _ in host.filespace_roots}
        problems += [_no_roots(host, name) for name in sorted(known - given)]
        if known or (given and observed.directories_known):
            problems += [_no_filespace(host, name) for name in sorted(given - known)]
    return problems


def _no_roots(host: Host, name: str) -> Diagnostic:
    return Diagnostic(
        code="GPM-P004",
        message=f"the catalog has filespace {name}, but host {host.name} has no roots for it",
        place=host.place,
        hint=f"write `roots: {{pg_system: [...], {name}: [...]}}`",
    )


def _no_filespace(host: Host, name: str) -> Diagnostic:
    return Diagnostic(
        code="GPM-P005",
        message=f"host {host.name} has roots for filespace {name}, which the catalog does not have",
        place=host.place,
        hint="remove it, or create the filespace with gpfilespace first",
    )


def _pins(spec: Spec, observed: Observed) -> list[Diagnostic]:
    contents = sorted({row.content for row in observed.segments if row.content >= 0})
    known = set(contents)
    named = [("pin", pin.content, pin.place) for pin in spec.pins]
    named += [
        ("protection", item.content, item.place)
        for item in spec.protect
        if item.content is not None
    ]
    return [
        Diagnostic(
            code="GPM-P006",
            message=f"{what} of content {content}: the catalog has no such content "
            f"(it has {name_contents(contents, 4)})",
            place=place,
            hint=f"remove the {what} or correct its content ID",
        )
        for what, content, place in named
        if content not in known
    ]


def _roots(spec: Spec) -> list[Diagnostic]:
    pinned = {pin.host for pin in spec.pins if pin.directory is None}
    return [
        Diagnostic(
            code="GPM-P007",
            message=f"a pin puts a mirror on {host.name}, which has no roots",
            place=host.place,
            hint="give the host `roots`, or the pin a `directory`",
        )
        for host in spec.hosts
        if not host.roots and host.name in pinned
    ]


# --- Where mirrors go: (spec, observed primaries) -> the desired layout.


def place(spec: Spec, observed: Observed, lifted: Collection[str] = ()) -> Desired:
    """The desired layout. Deterministic; the order of catalog rows does not matter. `lifted` names
    protections that do not hold for it.

    Raises InvalidInput where spec and catalog contradict each other (GPM-P00n) or ports and
    directories do not work out (GPM-P11n), and Infeasible where the hosts do not suffice for the
    strategy (GPM-P10n); every problem of a kind is reported at once.
    """
    hosts = map_hosts(spec, observed)
    check_agreement(spec, observed)
    primaries = _primaries(spec, observed, hosts)
    chosen = _targets(spec, observed, primaries, hosts, lifted)
    targets = chosen.targets
    prefix, warnings = prefix_of(spec, observed)
    numbering = _numbering(spec, observed, primaries, hosts)
    pairs = observed.pairs()
    pins = {pin.content: pin for pin in spec.pins}
    requests = [
        SlotRequest(
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
            *chosen.warnings,
            *port_warnings,
            *rack_warnings(spec, [item.placed for item in planned]),
        ),
        certificate=chosen.certificate,
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
    spec: Spec,
    observed: Observed,
    primaries: Mapping[str, Sequence[Segment]],
    hosts: HostMap,
    lifted: Collection[str],
) -> Balanced:
    if spec.strategy is not Strategy.BALANCED:
        return Balanced(
            targets=_on_the_ring(spec, primaries, lambda: _balances(spec, observed, hosts, lifted))
        )
    # only this strategy pays for loading what it needs
    from gpmirror.placement.balanced import balance
    from gpmirror.placement.conflict import Question, Trouble, told

    pins = make_ring(spec, primaries).pins
    pinned = {
        row.content: by_pin(spec, home, pins[row.content])
        for home, rows in primaries.items()
        for row in rows
        if row.content in pins
    }
    beside = [
        Trouble(content=content, why=why)
        for content, why in pinned.items()
        if isinstance(why, Unplaced)
    ]
    if beside:  # which a pin is alone to blame for, whatever the strategy
        asked = Question(spec=replace(spec, strategy=Strategy.GROUP), primaries=primaries)
        raise Infeasible(told(asked, beside))
    found = balance(spec, observed, hosts, lifted)
    wanted = {one: target for one, target in pinned.items() if isinstance(target, Target)}
    return replace(found, targets={**found.targets, **wanted})


def _balances(spec: Spec, observed: Observed, hosts: HostMap, lifted: Collection[str]) -> bool:
    """Whether strategy balanced has a place for all, but for pins that are wrong by themselves."""
    from gpmirror.placement.question import ask_for, feasible

    return feasible(ask_for(spec, observed, hosts, lifted))


def _on_the_ring(
    spec: Spec, primaries: Mapping[str, Sequence[Segment]], balances: Callable[[], bool]
) -> dict[int, Target]:
    ring = make_ring(spec, primaries)
    placed = {
        row.content: found
        for home, rows in primaries.items()
        for row, found in zip(rows, on_ring(ring, home, rows), strict=True)
    }
    targets = {content: one for content, one in placed.items() if isinstance(one, Target)}
    if len(targets) < len(placed) or check_blocks(ring):
        from gpmirror.placement.conflict import Question, told, troubles

        asked = Question(spec=spec, primaries=primaries, balances=balances)
        raise Infeasible(told(asked, troubles(ring, placed.items())))
    return targets


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
    spec: Spec, hosts: HostMap, numbering: Numbering, request: SlotRequest, chosen: ChosenSlot
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
        source=request.pin.place if request.pin else request.target.source,
    )
    return Planned(
        placed=placed,
        port=chosen.port,
        replication=chosen.replication,
        primary_replication=computed,
        adds=request.mirror is None,
        pin=request.pin,
    )


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
