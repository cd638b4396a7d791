"""The ring of hosts and the strategies that walk it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

from gpmirror.diagnostics import Place
from gpmirror.model.segment import Segment
from gpmirror.placement.model import RuleText, Target, Unplaced
from gpmirror.spec.model import Host, Pin, Spec, Strategy
from gpmirror.values import dataclass

Primaries = Mapping[str, Sequence[Segment]]
"""A host's preferred primaries by port, then content; hosts in ring order."""

Placement = Target | Unplaced
"""Where a mirror goes, or why it cannot be placed."""

GROUP_NEXT = RuleText(
    "group: next host after {}", "group: all mirrors of a host go on the next host"
)
GROUP_NTH = RuleText(
    "group: host {} of those with primaries",
    "group: the n-th host with primaries has its mirrors on the n-th host without",
)
SPREAD_KTH = RuleText(
    "spread: primary {} of {}, {} on", "spread: the k-th primary of a host goes k hosts further"
)
BLOCK_KTH = RuleText(
    "block {}: primary {} of {}, {} on",
    "block: the primaries of a host go to the other hosts of its block in turn",
)
ONLY_HOST = RuleText(
    "the only host (allow_same_host)", "on the primary's own host, the only one (allow_same_host)"
)
# that there are no fewer moves is the proof's to say, which stands with the plan or does not
BALANCED = RuleText("balanced: {} takes its share", "balanced: each host takes its share")
BALANCED_NEAR = RuleText(
    "balanced: {} comes as near its share as can be",
    "balanced: each host comes as near its share as can be",
)
RULES = (GROUP_NEXT, GROUP_NTH, SPREAD_KTH, BLOCK_KTH, BALANCED, BALANCED_NEAR, ONLY_HOST)
"""Every wording of a placing rule; a test draws from all strategies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """Hosts in ring order, and for each host with primaries its index among those.

    `targets`: the hosts that may hold mirrors. `drained`: every host with primaries has weight 0,
    so that the others form the ring. `pins`: by content, those with a host. `line`: the strategy's.
    """

    spec: Spec
    index: Mapping[str, int]
    sources: Mapping[str, int]
    targets: Sequence[str]
    drained: bool
    pins: Mapping[int, Pin]
    line: Place

    def after(self, name: str, hosts: Sequence[Host] | None = None) -> Iterator[str]:
        """The other hosts that may hold mirrors, walking on from `name` and around."""
        ring = self.spec.hosts if hosts is None else hosts
        start = self.index[name] if hosts is None else self.index[name] - self.index[ring[0].name]
        for step in range(1, len(ring)):
            host = ring[(start + step) % len(ring)]
            if host.weight > 0:
                yield host.name


def make_ring(spec: Spec, primaries: Primaries) -> Ring:
    """The ring of `spec.hosts`."""
    index = {host.name: number for number, host in enumerate(spec.hosts)}
    return Ring(
        spec=spec,
        index=index,
        sources={name: number for number, name in enumerate(primaries)},
        targets=[host.name for host in spec.hosts if host.weight > 0],
        drained=all(spec.hosts[index[name]].weight == 0 for name in primaries),
        pins={pin.content: pin for pin in spec.pins if pin.host is not None},
        line=spec.place_of("mirrors", "strategy"),
    )


def group(ring: Ring, host: str, count: int) -> list[Placement]:
    """All mirrors of a ring host on the next host."""
    if ring.drained:
        names = ring.targets
        found = names[ring.sources[host] % len(names)] if names else None
        rule = GROUP_NTH.of(ring.sources[host] + 1)
    else:
        found = next(ring.after(host), None)
        rule = GROUP_NEXT.of(host)
    return [_target(ring, host, found, rule)] * count


def spread(ring: Ring, host: str, count: int) -> list[Placement]:
    """The k-th primary's mirror k hosts on."""
    others = _spread_targets(ring, host, count)
    if not others:
        return [_target(ring, host, None, f"spread: no host but {host}", count=count)] * count
    return [
        Target(others[k], SPREAD_KTH.of(k + 1, host, k + 1), ring.line)
        if k < len(others)
        else Unplaced(code="GPM-P101", host=host, count=count, room=len(others))
        for k in range(count)
    ]


def block(ring: Ring, host: str, count: int) -> list[Placement]:
    """As spread, but around and around inside a block of consecutive hosts."""
    size = ring.spec.block_size or len(ring.spec.hosts)
    first = ring.index[host] // size * size
    members = ring.spec.hosts[first : first + size]
    others = list(islice(ring.after(host, members), count))
    if not others:
        within = members if len(ring.spec.hosts) > 1 else ()
        return [_target(ring, host, None, f"block: no target beside {host}", within)] * count
    number = first // size + 1
    return [
        Target(
            others[k % len(others)],
            BLOCK_KTH.of(number, k + 1, host, k % len(others) + 1),
            ring.line,
        )
        for k in range(count)
    ]


def pinned(ring: Ring, host: str, count: int) -> list[Placement]:
    """Nowhere: only pins place."""
    del ring
    return [Unplaced(code="GPM-P106", host=host)] * count


STRATEGIES: dict[Strategy, Callable[[Ring, str, int], list[Placement]]] = {
    Strategy.GROUP: group,
    Strategy.SPREAD: spread,
    Strategy.BLOCK: block,
    Strategy.PINNED: pinned,
}
"""Those that walk the ring, a host at a time; balanced looks at all contents at once."""


def on_ring(ring: Ring, home: str, rows: Sequence[Segment]) -> list[Placement]:
    """Where the mirrors of a host's preferred primaries go: by their pins, else by the strategy."""
    placed = STRATEGIES[ring.spec.strategy](ring, home, len(rows))
    return [
        found if (pin := ring.pins.get(row.content)) is None else by_pin(ring.spec, home, pin)
        for row, found in zip(rows, placed, strict=True)
    ]


def by_pin(spec: Spec, home: str, pin: Pin) -> Placement:
    """Where a pin with a host puts a mirror."""
    assert pin.host is not None  # noqa: S101 - only pins with a host get here
    if pin.host == home and not spec.allow_same_host:
        return Unplaced(code="GPM-P104", host=home)
    reason = f" ({pin.reason})" if pin.reason else ""
    return Target(pin.host, f"pinned{reason}", pin.place)


def check_blocks(ring: Ring) -> list[Unplaced]:
    """A finding where block_size leaves one host alone in the last block."""
    size, total = ring.spec.block_size, len(ring.spec.hosts)
    if ring.spec.strategy is not Strategy.BLOCK or size is None or total == 1:
        return []
    return [_alone(ring.spec.hosts[-1].name)] if total % size == 1 else []


def _alone(host: str) -> Unplaced:
    return Unplaced(code="GPM-P103", host=host)


def _spread_targets(ring: Ring, host: str, count: int) -> list[str]:
    if not ring.drained:
        return list(islice(ring.after(host), count))
    names, start = ring.targets, ring.sources[host]
    return [names[(start + k) % len(names)] for k in range(min(count, len(names)))]


def _target(
    ring: Ring,
    host: str,
    found: str | None,
    rule: str,
    members: Sequence[Host] = (),
    count: int = 0,
) -> Placement:
    """`members`: the hosts of the block, where the ring is cut into blocks; `count`: so many other
    hosts are needed, where one is not enough.
    """
    if found is not None:
        return Target(found, rule, ring.line)
    own = ring.spec.hosts[ring.index[host]]
    if ring.spec.allow_same_host and own.weight > 0:
        return Target(host, ONLY_HOST.of(), ring.line)
    if len(members) == 1 < len(ring.spec.hosts):
        return _alone(host)
    block = tuple(one.name for one in members)
    return Unplaced(code="GPM-P102", host=host, count=count, block=block)
