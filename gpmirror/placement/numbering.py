"""How mirrors get their ports and their turn among the directory roots.

Offset: as gpaddmirrors (4.3 to 7, Cloudberry, Greengage): lowest preferred-primary port of the
target host + index on the target + offset; the replication port twice the offset away. Bases: as
gpinitsystem: own primary's port shifted by the difference of the bases; replication ports and roots
by the primary's position on its host.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gpmirror.cluster.segment import Segment
from gpmirror.placement.figures import MAX_PORT, Figure
from gpmirror.spec.model import Bases, Offset


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
