"""Ports, directories and addresses of placed mirrors: what stays, then what is new."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field

from gpmirror.model.observed import Observed
from gpmirror.model.segment import MAX_PORT, Segment, Slot
from gpmirror.placement.hosts import DirectoryTemplate, HostMap, mirror_address
from gpmirror.placement.model import Target
from gpmirror.spec.model import Bases, Host, Offset, Pin, Spec
from gpmirror.values import dataclass

# --- Ports as numbers with their arithmetic, so that an illegal one can explain itself.


EPHEMERAL = range(32768, 61000)
"""The usual net.ipv4.ip_local_port_range of Linux; an outgoing connection may hold such a port."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A computed port: base + index + times x offset, or a given number (times 0, index 0)."""

    base: int
    index: int = 0
    times: int = 0
    offset: int = 0

    @property
    def value(self) -> int:
        """The port."""
        return self.base + self.index + self.times * self.offset

    @property
    def is_legal(self) -> bool:
        """Whether TCP knows it."""
        return 1 <= self.value <= MAX_PORT

    def arithmetic(self) -> str:
        """`40000 + 3 x 10000 = 70000`, leaving out what adds nothing."""
        if not self.index and not self.times:
            return str(self.value)
        parts = [str(self.base)]
        if self.index:
            parts.append(str(self.index))
        if self.times == 1:
            parts.append(str(self.offset))
        elif self.times:
            parts.append(f"{self.times} x {self.offset}")
        return f"{' + '.join(parts)} = {self.value}".replace("+ -", "- ")


# --- How mirrors get their ports and their turn among the directory roots.
#
# Offset: as gpaddmirrors (4.3 to 7, Cloudberry, Greengage): lowest preferred-primary port of the
# target host + index on the target + offset; the replication port twice the offset away. Bases: as
# gpinitsystem: own primary's port shifted by the difference of the bases; replication ports and roots
# by the primary's position on its host.


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a new mirror gets: port, replication port (4.3, 5), index of its directory root."""

    port: Figure
    replication: Figure | None
    root: int


@dataclass(slots=True, kw_only=True)
class Numbering:
    """Port arithmetic. `lowest` is the lowest preferred-primary port by host, `cluster_lowest` of
    all; `fixed` are ports by host that no mirror may take (bases step over them).
    """

    ports: Offset | Bases
    replicated: bool
    lowest: Mapping[str, int]
    cluster_lowest: int
    fixed: Mapping[str, set[int]]
    _held: dict[str, set[int]] = field(default_factory=dict)
    _next: dict[str, int] = field(default_factory=dict)

    def base(self, host: str) -> int:
        """The number that indices of a host count from."""
        return self.lowest.get(host, self.cluster_lowest)

    def floor(self, host: str) -> int:
        """The lowest port that a mirror already there may keep."""
        match self.ports:
            case Offset(offset):
                return self.base(host) + offset
            case Bases(mirror_base=base):
                return base

    def hold(self, host: str, ports: Iterable[int]) -> None:
        """Mark ports as taken by mirrors that stay, and by pins."""
        self._held.setdefault(host, set()).update(ports)

    def assign(self, host: str, primary: Segment, position: int, given: int | None) -> Numbers:
        """Numbers for a new mirror on `host`; `given` is a pinned port."""
        match self.ports:
            case Offset(offset):
                return self._by_offset(host, offset, given)
            case Bases():
                return self._by_bases(self.ports, host, primary, position, given)

    def primary_replication(self, host: str, position: int) -> Figure | None:
        """What the spec computes for a primary's replication port (4.3, 5)."""
        if not self.replicated:
            return None
        match self.ports:
            case Offset(offset):
                return Figure(self.base(host), position, 3, offset)
            case Bases(replication_base=base):
                return None if base is None else Figure(base, position)

    def _by_offset(self, host: str, offset: int, given: int | None) -> Numbers:
        base, held = self.base(host), self._held.setdefault(host, set())
        if given is None:
            index = self._next.get(host, 0)
            while base + index + offset in held:
                index += 1
            self._next[host] = index + 1
            held.add(base + index + offset)
            port = Figure(base, index, 1, offset)
        else:
            index, port = given - base - offset, Figure(given)
        replication = Figure(base, index, 2, offset) if self.replicated else None
        return Numbers(port, replication, index)

    def _by_bases(
        self, bases: Bases, host: str, primary: Segment, position: int, given: int | None
    ) -> Numbers:
        shift = bases.mirror_base - self.cluster_lowest
        port = given if given is not None else self._free(host, primary.port + shift, bases)
        replication = None
        if self.replicated and bases.mirror_replication_base is not None:
            wanted = bases.mirror_replication_base
            replication = Figure(self._free_from(host, wanted + position, wanted))
        return Numbers(Figure(port), replication, position)

    def _free(self, host: str, wanted: int, bases: Bases) -> int:
        return self._free_from(host, wanted, bases.mirror_base)

    def _free_from(self, host: str, wanted: int, lowest: int) -> int:
        held, fixed = self._held.setdefault(host, set()), self.fixed.get(host, set())
        port = wanted
        if port in held or port in fixed:
            port = lowest
            while (port in held or port in fixed) and port <= MAX_PORT:
                port += 1
        held.add(port)
        return port


# --- Bases to write into a spec whose ports do not work out.


_COMMON = (50_000, 41_000, 51_000)
"""What the sample files of gpinitsystem (4.3, 5) count from: mirrors, replication, mirrors' own."""
_STEP = 1000
_MOST = 1000


def ports_line(bases: Bases) -> str:
    """`ports: {mirror_base: 50000, ...}`, ready to paste into a spec."""
    keys = ("mirror_base", "replication_base", "mirror_replication_base")
    found = zip(keys, _three(bases), strict=True)
    return f"ports: {{{', '.join(f'{key}: {port}' for key, port in found if port is not None)}}}"


def free_bases(
    observed: Observed, pins: Iterable[Pin] = (), given: Bases | None = None
) -> Bases | None:
    """Bases that fit this catalog: those of `given` that work out, else what the catalog's copies count from, else
    free ports. None where there is no room for them.
    """
    segments = [row for row in observed.segments if row.content >= 0]
    primaries = [row for row in segments if row.is_preferred_primary]
    mirrors = [row for row in segments if not row.is_preferred_primary]
    if not primaries:
        return None
    lowest, highest = min(row.port for row in primaries), max(row.port for row in primaries)
    room = min(len(primaries), _MOST)
    widths = (max(room, highest - lowest + 1), room, room)
    seen = (_least(mirrors), _least(primaries, own=False), _least(mirrors, own=False))
    bases = [
        base if base is not None and base + width - 1 <= MAX_PORT else least
        for base, least, width in zip(_three(given), seen, widths, strict=True)
    ]
    held = [port for row in observed.segments for port in (row.port, row.replication_port)]
    held += [port for pin in pins for port in (pin.port, pin.replication_port)]
    used = [range(port, port + 1) for port in set(held) if port is not None]
    used += [
        range(base, base + width)
        for base, width in zip(bases, widths, strict=True)
        if base is not None
    ]
    for at in range(3 if observed.dialect.has_replication_ports else 1):
        base = bases[at] or _free_base(lowest, _COMMON[at], widths[at], used)
        if base is None:
            return None
        bases[at] = base
        used.append(range(base, base + widths[at]))
    mirror_base, *replication = bases
    assert mirror_base is not None  # noqa: S101 - found or returned above
    return Bases(
        mirror_base=mirror_base,
        replication_base=replication[0],
        mirror_replication_base=replication[1],
    )


def _three(bases: Bases | None) -> tuple[int | None, int | None, int | None]:
    if bases is None:
        return (None, None, None)
    return (bases.mirror_base, bases.replication_base, bases.mirror_replication_base)


def _least(rows: Iterable[Segment], *, own: bool = True) -> int | None:
    ports = (row.port if own else row.replication_port for row in rows)
    return min((port for port in ports if port is not None), default=None)


def _free_base(lowest: int, common: int, width: int, used: Sequence[range]) -> int | None:
    """The usual base where primaries have ephemeral ports too, else the next free thousand."""
    after = (lowest // _STEP + 1) * _STEP
    tried = [common] if lowest in EPHEMERAL else []
    tried += [*range(after, MAX_PORT, _STEP), *range(2 * _STEP, after, _STEP)]
    fits = (
        base
        for base in tried
        if base + width - 1 <= MAX_PORT
        and all(ports.stop <= base or base + width <= ports.start for ports in used)
    )
    return next(fits, None)


# --- Ports, directories and addresses of placed mirrors: what stays, then what is new.
#
# A mirror that is already on its desired host keeps port, address and directory where they agree
# with the spec; it holds its index. New mirrors take the lowest free index of their host in native
# order. So adding a host or a content renumbers nothing.


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotRequest:
    """One content to place: its preferred primary, its mirror row if any, its target, its pin."""

    primary: Segment
    mirror: Segment | None
    target: Target
    pin: Pin | None
    position: int
    """Index of the primary among its host's preferred primaries, from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenSlot:
    """A mirror's slot and the arithmetic behind its ports (None where they were kept)."""

    slot: Slot
    port: Figure | None = None
    replication: Figure | None = None


@dataclass(slots=True, kw_only=True)
class SlotChooser:
    """Chooses slots for requests; remembers what is held on each host."""

    spec: Spec
    observed: Observed
    hosts: HostMap
    template: DirectoryTemplate
    numbering: Numbering
    pins: Mapping[int, Pin] = field(default_factory=dict)
    _targets: Mapping[str, Host] = field(init=False)

    def __post_init__(self) -> None:
        """Index the hosts that have roots."""
        self._targets = {host.name: host for host in self.spec.hosts}

    def choose(self, requests: Sequence[SlotRequest]) -> list[ChosenSlot]:
        """A slot for each request, in the order given (native order)."""
        kept = [self._kept(request) for request in requests]
        for request, slot in zip(requests, kept, strict=True):
            if slot is not None:
                self.numbering.hold(slot.host, slot.ports)
            elif request.pin is not None and request.pin.port is not None:
                self.numbering.hold(request.target.host, (request.pin.port,))
        return [
            self._new(request) if slot is None else ChosenSlot(slot=slot)
            for request, slot in zip(requests, kept, strict=True)
        ]

    def _kept(self, request: SlotRequest) -> Slot | None:
        row = request.mirror
        if row is None or self.hosts.home_of(row) != request.target.host:
            return None
        if not (self._keeps_port(request, row) and self._keeps_directory(request, row)):
            return None
        pin = request.pin
        pinned_address = pin.address if pin else None
        return Slot(
            host=request.target.host,
            address=pinned_address or self._kept_address(request, row),
            port=row.port,
            directory=row.directory,
            replication_port=row.replication_port,
            filespaces=row.filespaces,
        )

    def _kept_address(self, request: SlotRequest, row: Segment) -> str:
        if self.hosts.host_of(row) == request.target.host:
            return row.address
        return self._address(request)

    def _keeps_port(self, request: SlotRequest, row: Segment) -> bool:
        pin = request.pin
        if pin and pin.replication_port not in {None, row.replication_port}:
            return False
        if pin and pin.port is not None:
            return row.port == pin.port
        return row.port >= self.numbering.floor(request.target.host)

    def _keeps_directory(self, request: SlotRequest, row: Segment) -> bool:
        pin, host = request.pin, self._host(request)
        content = row.content
        if pin and pin.directory is not None:
            fits = row.directory in {None, pin.directory}
        else:
            fits = self.template.fits(row.directory, host.roots, content, host.name)
        if not row.filespaces or (pin and pin.filespaces == row.filespaces):
            return fits
        roots = dict(host.filespace_roots)
        return fits and all(
            self.template.fits(path, roots.get(name, ()), content, host.name)
            for name, path in row.filespaces
        )

    def _new(self, request: SlotRequest) -> ChosenSlot:
        pin, host = request.pin, self._host(request)
        given = pin.port if pin else None
        numbers = self.numbering.assign(host.name, request.primary, request.position, given)
        replication = numbers.replication
        if pin and pin.replication_port is not None:
            replication = Figure(pin.replication_port)
        slot = Slot(
            host=host.name,
            address=self._address(request),
            port=numbers.port.value,
            directory=self._directory(request, numbers.root),
            replication_port=replication.value if replication else None,
            filespaces=self._filespaces(request, numbers.root),
        )
        return ChosenSlot(slot=slot, port=numbers.port, replication=replication)

    def _directory(self, request: SlotRequest, root: int) -> str:
        if request.pin and request.pin.directory is not None:
            return request.pin.directory
        host = self._host(request)
        path = host.roots[root % len(host.roots)]
        return self.template.path(path, request.primary.content, host.name)

    def _filespaces(self, request: SlotRequest, root: int) -> tuple[tuple[str, str], ...]:
        if request.pin and request.pin.filespaces:
            return request.pin.filespaces
        host = self._host(request)
        return tuple(
            (name, self.template.path(roots[root % len(roots)], request.primary.content, host.name))
            for name, roots in host.filespace_roots
        )

    def _address(self, request: SlotRequest) -> str:
        if request.pin and request.pin.address is not None:
            return request.pin.address
        home = self.hosts.home_of(request.primary)
        assert home is not None  # noqa: S101 - map_hosts refuses unclaimed primaries
        return mirror_address(request.primary, self.hosts.hosts[home], self._host(request))

    def _host(self, request: SlotRequest) -> Host:
        return self._targets[request.target.host]
