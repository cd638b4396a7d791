"""Orders in which the hosts may stand, and the strategy that then puts most mirrors where they are."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product

from gpmirror.infer.facts import Arrangement, Facts, probe_spec
from gpmirror.model.names import entry_count, natural
from gpmirror.placement.model import Target
from gpmirror.placement.question import share
from gpmirror.placement.strategies import STRATEGIES, make_ring
from gpmirror.spec.model import Spec, Strategy

# --- Orders in which the hosts may stand: the ring is not in the catalog and must be found.


def candidate_rings(facts: Facts) -> list[tuple[str, ...]]:
    """Orders worth trying, the plainest first, each once."""
    names = list(facts.hosts)
    rings = [tuple(sorted(names, key=natural)), tuple(names), tuple(sorted(names))]
    if facts.target:
        for successors in (_of_first_primaries(facts), _of_most_mirrors(facts)):
            walks = list(_walks(successors, names, facts))
            rings += [*walks, *(_by_island(ring, facts) for ring in walks)]
        rings.append(_sources_then_targets(facts))
    return list(dict.fromkeys(rings))


def _of_first_primaries(facts: Facts) -> dict[str, str]:
    """Host -> where its first primary's mirror is: the next host, under every strategy."""
    found = {}
    for host, rows in facts.primaries.items():
        placed = [facts.target[row.content] for row in rows if row.content in facts.target]
        if placed:
            found[host] = placed[0]
    return found


def _of_most_mirrors(facts: Facts) -> dict[str, str]:
    found = {}
    for host, rows in facts.primaries.items():
        placed = Counter(facts.target[row.content] for row in rows if row.content in facts.target)
        if placed:
            found[host] = min(placed, key=lambda name: (-placed[name], natural(name)))
    return found


def _walks(
    successors: Mapping[str, str], names: Sequence[str], facts: Facts
) -> Iterable[tuple[str, ...]]:
    """The ring walked from host to host. Hosts without mirrors have no predecessor that could
    tell their place: they stand before their successor.
    """
    for order in (names, sorted(names, key=natural)):
        bare = [name for name in order if name not in facts.mirrors]
        paths = _paths(successors, [name for name in order if name in facts.mirrors])
        for arranged in (paths, sorted(paths, key=len, reverse=True)):
            ring = [name for path in arranged for name in path]
            yield _with_bare(ring, bare, successors)


def _paths(successors: Mapping[str, str], names: Sequence[str]) -> list[list[str]]:
    led = {successors[name] for name in names if name in successors}
    seen: set[str] = set()
    paths: list[list[str]] = []
    for start in [*(name for name in names if name not in led), *names]:
        path: list[str] = []
        name: str | None = start
        while name is not None and name not in seen:
            seen.add(name)
            path.append(name)
            name = successors.get(name)
        if path:
            paths.append(path)
    return paths


def _with_bare(
    ring: Sequence[str], bare: Iterable[str], successors: Mapping[str, str]
) -> tuple[str, ...]:
    before: dict[str | None, list[str]] = {}
    for name in bare:
        before.setdefault(successors.get(name), []).append(name)
    result = [one for name in ring for one in (*before.pop(name, ()), name)]
    return (*result, *(name for left in before.values() for name in left))


def _by_island(ring: Sequence[str], facts: Facts) -> tuple[str, ...]:
    """The ring with hosts that mirror among themselves side by side, the largest circle first: a
    block shows as such even where its hosts do not follow each other around.
    """
    island = {name: [name] for name in ring}
    for content, target in facts.target.items():
        one, other = island[facts.home[content]], island[target]
        if one is not other:
            one, other = sorted((one, other), key=len)
            other += one
            island.update(dict.fromkeys(one, other))
    place = {name: number for number, name in enumerate(ring)}
    islands = {id(found): found for found in island.values()}
    first = {key: min(place[name] for name in found) for key, found in islands.items()}
    return tuple(
        sorted(
            ring,
            key=lambda name: (-len(island[name]), first[id(island[name])], place[name]),
        )
    )


def _sources_then_targets(facts: Facts) -> tuple[str, ...]:
    """Hosts with primaries, then the others as mirrors first appear on them, in native order."""
    sources = sorted(facts.primaries, key=natural)
    rows = (row for name in sources for row in facts.primaries[name])
    targets = [facts.target[row.content] for row in rows if row.content in facts.target]
    return tuple(dict.fromkeys([*sources, *targets, *facts.hosts]))


# --- Which ring and strategy put most mirrors where the catalog has them, judged by hosts alone.


_TRY_ALL_SIZES = 24
_SIZES_TRIED = 3
_SAMPLE = 300
_STRIDE = 7919
_ORDER = tuple(Strategy)
_APART = {Strategy.BLOCK, Strategy.BALANCED, Strategy.PINNED}
"""Those with a size, which is tried apart, and those that do not walk the ring."""


def arrangements(facts: Facts) -> list[Arrangement]:
    """Arrangements by number of contents they leave to pins, then simplicity; pinned comes last."""
    found = [
        arrangement
        for ring in candidate_rings(facts)
        for drained in _drained(facts)
        for arrangement in _on_ring(facts, ring, drained)
    ]
    found.sort(key=_simplicity)
    drained = _drained(facts)[0]
    ring = min(candidate_rings(facts), key=entry_count)
    return [*found, _pinned(facts, ring, drained)]


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
    no pin will place, or where more than half of them would need a pin.
    """
    most = len(facts.target) // 2
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
        if len(off) > most:
            return None
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


# --- Strategy balanced asks how many mirrors a host holds, not which: counting tells what it would move.


_MOST_WITH_PINS = 1_500


def by_shares(facts: Facts, *, may_drain: bool) -> Arrangement | None:
    """Strategy balanced with the fewest pins under which not moving anything is its optimum; None
    where it is not worth a try: more than half of the mirrors would be pinned, or any of very many.

    Hosts have weight 1. Those without a mirror have 0 where that saves pins, and no host with
    primaries holds a mirror or the caller says that they may.
    """
    if len(facts.target) < len(facts.home):
        return None  # those without a mirror would fill up shares, one way or another
    apart = not facts.primaries.keys() & facts.mirrors.keys()
    drains = sorted(_drained(facts), key=len) if may_drain or apart else [frozenset[str]()]
    ring = min(candidate_rings(facts), key=entry_count)
    found = [
        Arrangement(
            ring=ring,
            strategy=Strategy.BALANCED,
            block_size=None,
            drained=drained,
            off=_held(facts, drained),
        )
        for drained in drains
    ]
    best = min(found, key=lambda one: len(one.off))
    # the proof of a layout off its shares takes minutes of a large cluster; on its shares none of time
    most = len(facts.target) // 2 if len(facts.target) <= _MOST_WITH_PINS else 0
    return best if len(best.off) <= most else None


def _held(facts: Facts, drained: frozenset[str]) -> frozenset[int]:
    """The fewest contents to pin so that no chain of moves brings hosts nearer to their shares.

    A chain helps that begins on a host with too many mirrors and ends on one that may take one more,
    or begins on one that can spare one and ends on one with too few. Pins have to cut either kind:
    the mirrors on this side of the cut that could go to the other. Nearly every mirror may go nearly
    everywhere, so that only two cuts can be small: close around where chains begin, or around their
    end where that is a single host, which takes no mirror of its own primaries.
    """
    takers = [name for name in facts.hosts if name not in drained]
    held = {name: len(facts.mirrors.get(name, ())) for name in takers}
    low, high = share(len(facts.home), 1, len(takers))
    chains = [
        ([one for one in takers if held[one] > high], [one for one in takers if held[one] < high]),
        ([one for one in takers if held[one] > low], [one for one in takers if held[one] < low]),
    ]
    cuts = [
        [_leaving(facts, set(near), takers) for near in _near(begins, ends, takers)]
        for begins, ends in chains
        if begins and ends
    ]
    # Mirrors beside their primaries: balanced never puts one there while another host takes it.
    beside = frozenset(
        content
        for content, host in facts.target.items()
        if facts.home[content] == host and (len(takers) > 1 or takers[0] != host)
    )
    return min((beside.union(*chosen) for chosen in product(*cuts)), key=len)


def _near(
    begins: Sequence[str], ends: Sequence[str], takers: Sequence[str]
) -> Iterator[Sequence[str]]:
    """The hosts on this side of either cut."""
    yield begins
    if len(ends) == 1:
        yield [name for name in takers if name not in ends]


def _leaving(facts: Facts, inside: Collection[str], takers: Sequence[str]) -> frozenset[int]:
    """Contents whose mirrors stand inside and may go to a host outside."""
    outside = [name for name in takers if name not in inside]
    only = outside[0] if len(outside) == 1 else None
    return frozenset(
        content
        for content, host in facts.target.items()
        if host in inside and facts.home[content] != only
    )
