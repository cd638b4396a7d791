"""Where the copies of all contents lie, indexed by host: what every failure question asks."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from gpmirror.cluster.hostlist import natural
from gpmirror.cluster.layout import Layout, Pair, only_host


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Copies:
    """A layout as failure sees it; hosts may also be racks, see `copies_by_rack`.

    `alone`: host -> contents with no copy elsewhere. `heirs`: host -> other host -> contents
    whose primary is on the first and whose mirror is on the second; `gains` counts these.
    `primaries`: host -> number of primaries before any loss. `rank`: host -> ring position.
    `primary_of`: content -> host of its primary. `total` primaries lie on `holders` hosts.
    `dead`: contents without any live copy, sorted: no loss takes them, nobody takes them over.
    """

    hosts: tuple[str, ...]
    rank: Mapping[str, int]
    primaries: Mapping[str, int]
    alone: Mapping[str, Sequence[int]]
    heirs: Mapping[str, Mapping[str, Sequence[int]]]
    gains: Mapping[str, Mapping[str, int]]
    primary_of: Mapping[int, str]
    total: int
    holders: int
    dead: tuple[int, ...] = ()

    def load_factor(self, host: str, after: int) -> float:
        """`after` primaries over the host's own number, or over the mean of the hosts that
        have primaries where it has none. One division, so that 11 over 10 is exactly 1.1.
        """
        before = self.primaries[host]
        return after / before if before else after * self.holders / self.total

    def contents_lost(self, lost: Collection[str]) -> tuple[int, ...]:
        """Contents without a copy outside the hosts `lost`, sorted."""
        gone: list[int] = []
        for host in lost:
            gone += self.alone[host]
            heirs = self.heirs[host]
            for heir in heirs.keys() & lost:
                gone += heirs[heir]
        return tuple(sorted(gone))

    def linked_pairs(self) -> set[tuple[str, str]]:
        """Pairs of hosts, each in name order, that hold both copies of some content."""
        return {_in_order(host, heir) for host, heirs in self.heirs.items() for heir in heirs}


def copies_of(layout: Layout) -> Copies:
    """Index a layout. Hosts that only the pairs name come last, in name order."""
    pairs = sorted(layout.pairs, key=_pair_key)
    hosts = _all_hosts(layout.hosts, pairs)
    counted = Counter(pair.primary for pair in pairs)
    alone: dict[str, list[int]] = {host: [] for host in hosts}
    heirs: dict[str, dict[str, list[int]]] = {host: {} for host in hosts}
    for pair in pairs:
        only = only_host(pair.live_hosts)
        if only is not None:
            alone[only].append(pair.content)
        elif pair.lives and pair.mirror is not None:
            heirs[pair.primary].setdefault(pair.mirror, []).append(pair.content)
    return Copies(
        hosts=hosts,
        rank={host: rank for rank, host in enumerate(hosts)},
        primaries={host: counted[host] for host in hosts},
        alone=alone,
        heirs=heirs,
        gains={host: _counts(found) for host, found in heirs.items()},
        primary_of={pair.content: pair.primary for pair in pairs},
        total=len(pairs),
        holders=len(counted),
        dead=tuple(pair.content for pair in pairs if not pair.lives),
    )


def copies_by_rack(layout: Layout) -> Copies:
    """The layout with racks for hosts: which contents live in one or two racks only.

    Hosts without a rack belong to none: a content with a copy there survives every rack loss
    and is left out.
    """
    racks = layout.racks
    pairs = tuple(
        Pair(pair.content, racks[pair.primary], racks[pair.mirror or pair.primary], pair.lives)
        for pair in layout.pairs
        if pair.primary in racks and (pair.mirror is None or pair.mirror in racks)
    )
    return copies_of(Layout(pairs=pairs, hosts=rack_names(layout)))


def rack_names(layout: Layout) -> tuple[str, ...]:
    """The racks of the layout's hosts, sorted."""
    return tuple(sorted({layout.racks[host] for host in layout.hosts if host in layout.racks}))


def _all_hosts(listed: Iterable[str], pairs: Iterable[Pair]) -> tuple[str, ...]:
    named = {pair.primary for pair in pairs}
    named.update(pair.mirror for pair in pairs if pair.mirror is not None)
    known = dict.fromkeys(listed)
    return (*known, *sorted(named.difference(known), key=natural))


def _counts(found: Mapping[str, Sequence[int]]) -> dict[str, int]:
    return {heir: len(contents) for heir, contents in found.items()}


def _pair_key(pair: Pair) -> tuple[int, str, str]:
    return (pair.content, pair.primary, pair.mirror or "")


def _in_order(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)
