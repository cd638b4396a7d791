"""The cheapest flow of mirrors to hosts under limits, exactly, with the prices that prove it.

A network: the contents of one primary host that have the same hosts to go to are one source (a
`Batch`); from it an arc to each host, one more for each content that is there already, cheaper by
what its move would cost; from each host three arcs to the sink: up to `lo` mirrors are rewarded, up
to `hi` free, beyond charged. A limit of mirrors between two hosts, or of a rack's on a host, is a
node on the way with one arc out of it. FlowLimits nest, so the cheapest flow is whole.

Most arcs carry nothing: the solver sees few of them, and then those that its own prices show to be
cheaper than what it found, until there are none. So its answer holds for all.
"""

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import field
from itertools import chain, groupby
from typing import TypeVar

from gpmirror.values import dataclass

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class ToPlace:
    """A content to place: on which host its mirror is now (None: it has none, or none that counts),
    and what it costs if it goes elsewhere.
    """

    content: int
    home: int | None
    cost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Contents of one primary host that may go to the hosts `open`; `bars_host` excepts their
    primary's own, `bars_rack` those of its rack.
    """

    primary: int
    open: frozenset[int]
    pieces: tuple[ToPlace, ...]
    bars_host: bool = True
    bars_rack: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowTask:
    """Hosts are numbers. `rack` is None for a host in no rack; `lo` and `hi` are the bands. `order`
    are all hosts, those of different racks in turn: who takes them in this order spreads.
    """

    rack: Sequence[str | None]
    lo: Sequence[int]
    hi: Sequence[int]
    order: Sequence[int]
    batches: Sequence[Batch]
    same_rack: int
    outside: int
    unplaced: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowLimits:
    """Most mirrors of one primary host, and of the hosts of one other rack, on each host; None: any."""

    pair: Sequence[int] | None = None
    rack: Sequence[int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """The cheapest flow: its cost, each content's host (None: not placed), and the prices of hosts,
    of pairs (primary host, host) and of (rack, host), 0 left out.
    """

    cost: int
    hosts: Mapping[int, int | None]
    host_prices: Mapping[int, int]
    pair_prices: Mapping[tuple[int, int], int]
    rack_prices: Mapping[tuple[str, int], int]


def solve(task: FlowTask, limits: FlowLimits) -> Solved:
    """The cheapest way to place all pieces."""
    network = _Network(task, limits)
    network.begin()
    while True:
        network.run()
        if not network.widen():
            return network.solved()


@dataclass(slots=True)
class _Network:
    """What the solver sees, in arcs by number: tail, head, capacity, cost, flow."""

    task: FlowTask
    limits: FlowLimits
    tails: list[int] = field(default_factory=list)
    heads: list[int] = field(default_factory=list)
    room: list[int] = field(default_factory=list)
    costs: list[int] = field(default_factory=list)
    flow: list[int] = field(default_factory=list)
    depth: list[int] = field(default_factory=list)
    host_nodes: dict[int, int] = field(default_factory=dict)
    pair_nodes: dict[tuple[int, int], int] = field(default_factory=dict)
    rack_nodes: dict[tuple[str, int], int] = field(default_factory=dict)
    tight: dict[tuple[int, int], tuple[int, int, int]] = field(default_factory=dict)
    """(primary, host) of a limit that one batch alone runs into: the limit, the batch, and what the
    first content beyond it would cost. It needs no node: its arcs have no more room.
    """
    lone: frozenset[int] = frozenset()
    columns: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    """(batch, host) -> its arcs: those of contents that are there, dearest first, then the open one."""
    supply: dict[int, int] = field(default_factory=dict)
    rack_supply: dict[str, int] = field(default_factory=dict)
    nodes: int = 0

    # --- The start: who stays, and a hand of hosts for those who cannot.

    def begin(self) -> None:
        """Sources, sink, hosts; an arc for each content that may stay, and a few dealt ones."""
        task = self.task
        self.nodes = len(task.batches) + 1  # batch b is node b, the sink comes after them
        for batch in task.batches:
            self.supply[batch.primary] = self.supply.get(batch.primary, 0) + len(batch.pieces)
            rack = task.rack[batch.primary]
            if rack is not None:
                self.rack_supply[rack] = self.rack_supply.get(rack, 0) + len(batch.pieces)
        counts = Counter(batch.primary for batch in task.batches)
        self.lone = frozenset(primary for primary, count in counts.items() if count == 1)
        for number, batch in enumerate(task.batches):
            self._arc(number, self._sink, len(batch.pieces), task.unplaced)
        stays = [self._stays(batch) for batch in task.batches]
        for number, hosts in enumerate(stays):
            for host in hosts:
                self._column(number, host)
        self._deal(stays)

    @property
    def _sink(self) -> int:
        return len(self.task.batches)

    def _stays(self, batch: Batch) -> dict[int, int]:
        """How many contents of the batch each host holds that may stay there."""
        found: dict[int, int] = {}
        for piece in batch.pieces:
            if piece.home is not None and self._allows(batch, piece.home):
                found[piece.home] = found.get(piece.home, 0) + 1
        return found

    def _deal(self, stays: Sequence[Mapping[int, int]]) -> None:
        """Each batch gets some of the hosts with room, in turn, so that all rooms are dealt once."""
        task = self.task
        left = dict(zip(range(len(task.hi)), task.hi, strict=True))
        for hosts in stays:
            for host, count in hosts.items():
                left[host] -= count
        hand = deque(host for host in task.order if left[host] > 0)
        for number, (batch, hosts) in enumerate(zip(task.batches, stays, strict=True)):
            homeless = len(batch.pieces) - sum(hosts.values())
            self._take(number, homeless, hand, left)
            # one more than it needs, so that the first prices say something of every batch
            self._take(number, 1, deque(hand), {})

    def _take(self, number: int, count: int, hand: deque[int], left: dict[int, int]) -> None:
        batch = self.task.batches[number]
        passed: list[int] = []
        while count and hand:
            host = hand.popleft()
            if (number, host) in self.columns or not self._allows(batch, host):
                passed.append(host)
                continue
            self._column(number, host)
            count -= 1
            left[host] = left.get(host, 0) - 1
            if left[host] > 0:
                hand.append(host)
        hand.extendleft(reversed(passed))

    # --- What an arc may be, and how it gets to the sink.

    def _allows(self, batch: Batch, host: int) -> bool:
        if host not in batch.open or (batch.bars_host and host == batch.primary):
            return False
        if batch.bars_rack and self._shares_rack(batch, host):
            return False
        return self._has_room(batch, host)

    def _has_room(self, batch: Batch, host: int) -> bool:
        limits = self.limits
        if limits.pair is not None and limits.pair[host] == 0 and host != batch.primary:
            return False
        return limits.rack is None or limits.rack[host] > 0 or not self._crosses(batch, host)

    def _shares_rack(self, batch: Batch, host: int) -> bool:
        rack = self.task.rack[batch.primary]
        return rack is not None and rack == self.task.rack[host]

    def _crosses(self, batch: Batch, host: int) -> bool:
        """Whether the host survives the loss of the primary's rack."""
        rack = self.task.rack[batch.primary]
        return rack is not None and rack != self.task.rack[host]

    def _column(self, number: int, host: int) -> None:
        batch = self.task.batches[number]
        head = self._way(batch, host)
        base = self.task.same_rack if self._shares_rack(batch, host) else 0
        saved = sorted((one.cost for one in batch.pieces if one.home == host), reverse=True)
        most = len(batch.pieces)
        tight = self._is_tight(batch, host) and batch.primary in self.lone
        if tight:
            most = self._most(batch, host)
            beyond = base - (saved[most] if most < len(saved) else 0)
            self.tight[batch.primary, host] = (most, number, beyond)
        found = [
            self._arc(number, head, len(list(same)), base - cost)
            for cost, same in groupby(saved[:most])
        ]
        # an arc for those that come from elsewhere, the last of the column
        found.append(
            self._arc(number, head, most if not tight else max(0, most - len(saved)), base)
        )
        self.columns[number, host] = found

    def _most(self, batch: Batch, host: int) -> int:
        pair = self.limits.pair
        return self.supply[batch.primary] if pair is None else pair[host]

    def _is_tight(self, batch: Batch, host: int) -> bool:
        return self._most(batch, host) < self.supply[batch.primary] and host != batch.primary

    def _way(self, batch: Batch, host: int) -> int:
        """The node that an arc to the host ends in: the host's, or that of a limit before it."""
        task, limits = self.task, self.limits
        found = self.host_nodes.get(host)
        if found is None:
            found = self._node()
            self.host_nodes[host] = found
            lo, hi = task.lo[host], task.hi[host]
            total = sum(self.supply.values())
            for room, cost in ((lo, -task.outside), (hi - lo, 0), (total, task.outside)):
                if room:
                    self._arc(found, self._sink, room, cost)
        rack = task.rack[batch.primary]
        if limits.rack is not None and rack is not None and self._crosses(batch, host):
            most = limits.rack[host]
            if most < self.rack_supply[rack]:
                found = self._limit(self.rack_nodes, (rack, host), found, most)
        if self._is_tight(batch, host) and batch.primary not in self.lone:
            key = (batch.primary, host)
            found = self._limit(self.pair_nodes, key, found, self._most(batch, host))
        return found

    def _limit(self, nodes: dict[Key, int], key: Key, after: int, most: int) -> int:
        found = nodes.get(key)
        if found is None:
            found = nodes[key] = self._node()
            self._arc(found, after, most, 0)
        return found

    def _node(self) -> int:
        self.nodes += 1
        return self.nodes - 1

    def _arc(self, tail: int, head: int, room: int, cost: int) -> int:
        self.tails.append(tail)
        self.heads.append(head)
        self.room.append(room)
        self.costs.append(cost)
        return len(self.tails) - 1

    # --- A run of the solver, and the prices of its answer.

    def run(self) -> None:
        """The cheapest flow over the arcs so far, and each node's depth: the least cost of getting
        there in what the flow leaves open.
        """
        import networkx as nx  # half a second: only balanced pays for it

        graph = nx.MultiDiGraph()
        for number, batch in enumerate(self.task.batches):
            graph.add_node(number, demand=-len(batch.pieces))
        graph.add_node(self._sink, demand=sum(self.supply.values()))
        graph.add_edges_from(
            (tail, head, key, {"capacity": room, "weight": cost})
            for key, (tail, head, room, cost) in enumerate(
                zip(self.tails, self.heads, self.room, self.costs, strict=True)
            )
        )
        _, found = nx.network_simplex(graph)
        self.flow = [
            found[tail][head][key]
            for key, (tail, head) in enumerate(zip(self.tails, self.heads, strict=True))
        ]
        self._find_depths()

    def _find_depths(self) -> None:
        """Depths that no arc with room undercuts; they begin where the last ones ended."""
        ways: list[list[tuple[int, int]]] = [[] for _ in range(self.nodes)]
        for tail, head, room, cost, flow in zip(
            self.tails, self.heads, self.room, self.costs, self.flow, strict=True
        ):
            if flow < room:
                ways[tail].append((head, cost))
            if flow:
                ways[head].append((tail, -cost))
        depth = self.depth
        depth.extend([0] * (self.nodes - len(depth)))
        waiting = deque(range(self.nodes))
        queued = [True] * self.nodes
        while waiting:
            node = waiting.popleft()
            queued[node] = False
            here = depth[node]
            for other, cost in ways[node]:
                if here + cost < depth[other]:
                    depth[other] = here + cost
                    if not queued[other]:
                        queued[other] = True
                        waiting.append(other)

    # --- More arcs: those that the prices show to be cheaper than what was found.

    def widen(self) -> bool:
        """Add arcs that would make the flow cheaper; whether there were any."""
        before = len(self.columns)
        deepest: dict[frozenset[int], tuple[list[int], list[int]]] = {}
        for number, batch in enumerate(self.task.batches):
            if batch.open not in deepest:
                hosts = sorted(batch.open, key=lambda host: (-self._host_depth(host), host))
                deepest[batch.open] = (hosts, [-self._host_depth(host) for host in hosts])
            hosts, keys = deepest[batch.open]
            self._widen(number, batch, hosts[: bisect_left(keys, -self.depth[number])])
        return len(self.columns) > before

    def _widen(self, number: int, batch: Batch, hosts: Sequence[int]) -> None:
        """Each batch begins at another host: all cannot go to one."""
        most = len(batch.pieces) + 3
        turn = number * most % len(hosts) if hosts else 0
        taken = 0
        for host in chain(hosts[turn:], hosts[:turn]):
            if (number, host) in self.columns or not self._allows(batch, host):
                continue
            base = self.task.same_rack if self._shares_rack(batch, host) else 0
            if self.depth[number] + base < self._depth_before(batch, host):
                self._column(number, host)
                taken += 1
                if taken == most:
                    return

    def _host_depth(self, host: int) -> int:
        """How dear the sink is from the host on, as far as its band can make it."""
        task, sink = self.task, self.depth[self._sink]
        least = -task.outside if task.lo[host] else 0
        node = self.host_nodes.get(host)
        if node is None or node >= len(self.depth):  # nobody goes there yet
            return sink - (least if task.hi[host] else task.outside)
        return sink - min(task.outside, max(least, sink - self.depth[node]))

    def _rack_depth(self, key: tuple[str, int]) -> int:
        node, after = self.rack_nodes.get(key), self._host_depth(key[1])
        return after if node is None or node >= len(self.depth) else min(self.depth[node], after)

    def _depth_before(self, batch: Batch, host: int) -> int:
        """The depth that an arc to the host leads to: of the limit before it, if one is there."""
        rack = self.task.rack[batch.primary]
        after = self._host_depth(host) if rack is None else self._rack_depth((rack, host))
        node = self.pair_nodes.get((batch.primary, host))
        return after if node is None or node >= len(self.depth) else min(self.depth[node], after)

    # --- The answer.

    def solved(self) -> Solved:
        """Cost, hosts and prices."""
        task = self.task
        cost = sum(flow * cost for flow, cost in zip(self.flow, self.costs, strict=True))
        cost += sum(piece.cost for batch in task.batches for piece in batch.pieces)
        cost += task.outside * sum(task.lo)
        return Solved(
            cost=cost,
            hosts=self._hosts(),
            host_prices=_without_zero(self._host_prices()),
            pair_prices=_without_zero(self._pair_prices()),
            rack_prices=_without_zero(self._rack_prices()),
        )

    def _host_prices(self) -> dict[int, int]:
        sink = self.depth[self._sink]
        return {host: sink - self._host_depth(host) for host in range(len(self.task.hi))}

    def _rack_prices(self) -> dict[tuple[str, int], int]:
        return {key: self._host_depth(key[1]) - self._rack_depth(key) for key in self.rack_nodes}

    def _pair_prices(self) -> dict[tuple[int, int], int]:
        found = {}
        for (primary, host), node in self.pair_nodes.items():
            rack = self.task.rack[primary]
            after = self._host_depth(host) if rack is None else self._rack_depth((rack, host))
            found[primary, host] = max(0, after - self.depth[node])
        for (primary, host), (most, number, beyond) in self.tight.items():
            if sum(self.flow[arc] for arc in self.columns[number, host]) == most:
                rack = self.task.rack[primary]
                after = self._host_depth(host) if rack is None else self._rack_depth((rack, host))
                found[primary, host] = max(0, after - self.depth[number] - beyond)
        return found

    def _hosts(self) -> dict[int, int | None]:
        """Each content's host: of those that may stay the dearest stay, the rest go in order."""
        found: dict[int, int | None] = {}
        open_: dict[int, list[int]] = {}
        for (number, host), arcs in sorted(self.columns.items()):
            batch = self.task.batches[number]
            staying = sum(self.flow[arc] for arc in arcs[:-1])
            here = sorted((p for p in batch.pieces if p.home == host), key=lambda p: -p.cost)
            found.update((piece.content, host) for piece in here[:staying])
            open_.setdefault(number, []).extend([host] * self.flow[arcs[-1]])
        for number, batch in enumerate(self.task.batches):
            places = iter(open_.get(number, ()))
            for piece in batch.pieces:
                if piece.content not in found:
                    found[piece.content] = next(places, None)
        return found


def _without_zero(prices: Mapping[Key, int]) -> dict[Key, int]:
    return {key: price for key, price in prices.items() if price}
