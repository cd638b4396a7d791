"""Ports, directories and addresses of placed mirrors: what stays, then what is new.

A mirror that is already on its desired host keeps port, address and directory where they agree
with the spec; it holds its index. New mirrors take the lowest free index of their host in native
order. So adding a host or a content renumbers nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gpmirror.cluster.observed import Observed
from gpmirror.cluster.segment import Segment, Slot
from gpmirror.placement.figures import Figure
from gpmirror.placement.hosts import HostMap
from gpmirror.placement.model import Target
from gpmirror.placement.names import DirectoryTemplate, mirror_address
from gpmirror.placement.numbering import Numbering
from gpmirror.spec.model import Host, Pin, Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One content to place: its preferred primary, its mirror row if any, its target, its pin."""

    primary: Segment
    mirror: Segment | None
    target: Target
    pin: Pin | None
    position: int
    """Index of the primary among its host's preferred primaries, from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
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

    def choose(self, requests: Sequence[Request]) -> list[Chosen]:
        """A slot for each request, in the order given (native order)."""
        kept = [self._kept(request) for request in requests]
        for request, slot in zip(requests, kept, strict=True):
            if slot is not None:
                self.numbering.hold(slot.host, slot.ports)
            elif request.pin is not None and request.pin.port is not None:
                self.numbering.hold(request.target.host, (request.pin.port,))
        return [
            self._new(request) if slot is None else Chosen(slot=slot)
            for request, slot in zip(requests, kept, strict=True)
        ]

    def _kept(self, request: Request) -> Slot | None:
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

    def _kept_address(self, request: Request, row: Segment) -> str:
        if self.hosts.host_of(row) == request.target.host:
            return row.address
        return self._address(request)

    def _keeps_port(self, request: Request, row: Segment) -> bool:
        pin = request.pin
        if pin and pin.replication_port not in {None, row.replication_port}:
            return False
        if pin and pin.port is not None:
            return row.port == pin.port
        return row.port >= self.numbering.floor(request.target.host)

    def _keeps_directory(self, request: Request, row: Segment) -> bool:
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

    def _new(self, request: Request) -> Chosen:
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
        return Chosen(slot=slot, port=numbers.port, replication=replication)

    def _directory(self, request: Request, root: int) -> str:
        if request.pin and request.pin.directory is not None:
            return request.pin.directory
        host = self._host(request)
        path = host.roots[root % len(host.roots)]
        return self.template.path(path, request.primary.content, host.name)

    def _filespaces(self, request: Request, root: int) -> tuple[tuple[str, str], ...]:
        if request.pin and request.pin.filespaces:
            return request.pin.filespaces
        host = self._host(request)
        return tuple(
            (name, self.template.path(roots[root % len(roots)], request.primary.content, host.name))
            for name, roots in host.filespace_roots
        )

    def _address(self, request: Request) -> str:
        if request.pin and request.pin.address is not None:
            return request.pin.address
        home = self.hosts.home_of(request.primary)
        assert home is not None  # noqa: S101 - map_hosts refuses unclaimed primaries
        return mirror_address(request.primary, self.hosts.hosts[home], self._host(request))

    def _host(self, request: Request) -> Host:
        return self._targets[request.target.host]
