"""Orders in which the hosts may stand: the ring is not in the catalog and must be found."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from gpmirror.cluster.hostlist import natural
from gpmirror.infer.model import Facts


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
