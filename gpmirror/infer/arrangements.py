"""Which ring and strategy put most mirrors where the catalog has them, judged by hosts alone."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from gpmirror.cluster.hostlist import entry_count
from gpmirror.infer.facts import probe_spec
from gpmirror.infer.model import Arrangement, Facts
from gpmirror.infer.rings import candidate_rings
from gpmirror.placement.model import Target
from gpmirror.placement.ring import STRATEGIES, make_ring
from gpmirror.spec.model import Spec, Strategy

_TRY_ALL_SIZES = 24
_SIZES_TRIED = 3
_SAMPLE = 300
_STRIDE = 7919
_ORDER = tuple(Strategy)
_APART = {Strategy.BLOCK, Strategy.PINNED}
"""Those with a size, which is tried apart, and those that place nothing by themselves."""


def arrangements(facts: Facts) -> list[Arrangement]:
    """Arrangements by number of contents they leave to pins, then simplicity; pinned comes last."""
    found = [
        arrangement
        for ring in candidate_rings(facts)
        for drained in _drained(facts)
        for arrangement in _on_ring(facts, ring, drained)
    ]
    found.sort(key=_simplicity)
    few = [one for one in found if len(one.off) * 2 <= len(facts.target)]
    drained = _drained(facts)[0]
    ring = min(candidate_rings(facts), key=entry_count)
    return [*few, _pinned(facts, ring, drained)]


def _simplicity(one: Arrangement) -> tuple[int, int, int]:
    return (len(one.off), _ORDER.index(one.strategy), entry_count(one.ring))


def _drained(facts: Facts) -> list[frozenset[str]]:
    """Hosts without mirrors take none; or they do, and pins keep the mirrors away."""
    bare = frozenset(facts.hosts) - frozenset(facts.mirrors)
    return [bare, frozenset()] if bare else [bare]


def _pinned(facts: Facts, ring: tuple[str, ...], drained: frozenset[str]) -> Arrangement:
    return Arrangement(
        ring=ring,
        strategy=Strategy.PINNED,
        block_size=None,
        drained=drained,
        off=frozenset(facts.home),
    )


def _on_ring(facts: Facts, ring: tuple[str, ...], drained: frozenset[str]) -> Iterator[Arrangement]:
    hosts = [replace(facts.hosts[name], weight=int(name not in drained)) for name in ring]
    probe = replace(probe_spec(hosts), allow_same_host=facts.same_host)
    sizes = [] if len(ring) < _FEWEST_IN_BLOCKS else _block_sizes(facts, ring)
    shapes: list[tuple[Strategy, int | None]] = [(one, None) for one in _ORDER if one not in _APART]
    for strategy, size in [*shapes, *((Strategy.BLOCK, size) for size in sizes)]:
        off = _off(facts, replace(probe, strategy=strategy, block_size=size))
        if off is not None:
            yield Arrangement(
                ring=ring, strategy=strategy, block_size=size, drained=drained, off=off
            )


_FEWEST_IN_BLOCKS = 3


def _off(facts: Facts, probe: Spec) -> frozenset[int] | None:
    """Contents that this spec places on another host; None where it cannot place one of them that
    no pin will place.
    """
    primaries = {
        host.name: facts.primaries[host.name]
        for host in probe.hosts
        if host.name in facts.primaries
    }
    ring, off = make_ring(probe, primaries), set()
    for host, rows in primaries.items():
        placed = STRATEGIES[probe.strategy](ring, host, len(rows))
        for row, found in zip(rows, placed, strict=True):
            wanted = facts.target.get(row.content)
            if wanted is None and not isinstance(found, Target):
                return None
            if wanted is not None and not (isinstance(found, Target) and found.host == wanted):
                off.add(row.content)
    return frozenset(off)


def _block_sizes(facts: Facts, ring: Sequence[str]) -> list[int]:
    """Block sizes worth trying: all on a short ring, else those that place a sample best."""
    sizes = [size for size in range(2, len(ring) + 1) if len(ring) % size != 1]
    if len(ring) <= _TRY_ALL_SIZES:
        return sizes
    sample = _sample(facts, ring)
    hits = {size: _hits(sample, size, len(ring)) for size in sizes}
    return sorted(sizes, key=lambda size: (-hits[size], size))[:_SIZES_TRIED]


def _sample(facts: Facts, ring: Sequence[str]) -> list[tuple[int, int, int]]:
    """(primary's place in the ring, its index on its host, mirror's place) of some contents."""
    place = {name: number for number, name in enumerate(ring)}
    found = [
        (place[host], index, place[facts.target[row.content]])
        for host, rows in facts.primaries.items()
        for index, row in enumerate(rows)
        if row.content in facts.target
    ]
    # a prime stride: a round one would meet the same index on every host
    return [found[number * _STRIDE % len(found)] for number in range(min(len(found), _SAMPLE))]


def _hits(sample: Iterable[tuple[int, int, int]], size: int, total: int) -> int:
    hits = 0
    for source, index, target in sample:
        first = source // size * size
        members = min(size, total - first)
        steps = 1 + index % (members - 1)
        hits += first + (source - first + steps) % members == target
    return hits
