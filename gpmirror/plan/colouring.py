"""The fewest waves under the limits: edge colouring of a bipartite graph.

A relocation is an edge from its source host (the acting primary's) to its target host. A wave that
takes at most s edges of a source and t of a target is a colour class once each host is split into
copies; by König's theorem a bipartite graph needs exactly as many colours as its highest degree.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

Edge = tuple[str, str]
"""(source host, target host)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Most edges of one colour: in all, per source host, per target host."""

    total: int
    per_source: int
    per_target: int


def bound(edges: Sequence[Edge], limits: Limits) -> int:
    """The fewest colours any colouring under the limits can have; 0 without edges."""
    sources: dict[str, int] = {}
    targets: dict[str, int] = {}
    for source, target in edges:
        sources[source] = sources.get(source, 0) + 1
        targets[target] = targets.get(target, 0) + 1
    return max(
        _ceil(len(edges), limits.total),
        _ceil(max(sources.values(), default=0), limits.per_source),
        _ceil(max(targets.values(), default=0), limits.per_target),
    )


def colour(edges: Sequence[Edge], limits: Limits) -> list[int]:
    """A colour (0 .. bound-1) for each edge, in the order given: exactly `bound` colours, every
    class within the limits. Earlier edges get lower colours where the limits leave a choice.
    """
    colours = bound(edges, limits)
    state = _Colouring(edges=_split(edges, colours), colours=colours)
    for number in range(len(edges)):
        state.add(number)
    state.even_out(limits.total)
    return state.chosen


def _ceil(count: int, limit: int) -> int:
    return -(-count // limit)


def _split(edges: Sequence[Edge], colours: int) -> list[tuple[tuple[str, int], tuple[str, int]]]:
    """Copies of hosts, each with at most `colours` edges."""
    sources: dict[str, int] = {}
    targets: dict[str, int] = {}
    split = []
    for source, target in edges:
        s, t = sources.get(source, 0), targets.get(target, 0)
        sources[source], targets[target] = s + 1, t + 1
        split.append(((source, s // colours), (target, t // colours)))
    return split


@dataclass(slots=True, kw_only=True)
class _Colouring:
    """Edges coloured so far: which edge of each colour touches a vertex."""

    edges: Sequence[tuple[tuple[str, int], tuple[str, int]]]
    colours: int
    chosen: list[int] = field(default_factory=list)
    left: dict[tuple[str, int], dict[int, int]] = field(default_factory=dict)
    right: dict[tuple[str, int], dict[int, int]] = field(default_factory=dict)

    def add(self, number: int) -> None:
        """Colour the next edge, recolouring an alternating path where its ends disagree."""
        source, target = self.edges[number]
        at_source = self.left.setdefault(source, {})
        at_target = self.right.setdefault(target, {})
        both = next(
            (c for c in range(self.colours) if c not in at_source and c not in at_target), None
        )
        if both is None:
            both = next(c for c in range(self.colours) if c not in at_source)
            other = next(c for c in range(self.colours) if c not in at_target)
            self._flip(self._path(at_target[both], both, other, from_target=True), both, other)
        self.chosen.append(both)
        at_source[both] = at_target[both] = number

    def _path(self, start: int, first: int, second: int, *, from_target: bool) -> list[int]:
        """The alternating path that begins with edge `start` of colour `first` and leaves the
        vertex it came from for good.
        """
        path, edge, seek, on_left = [start], start, second, from_target
        while True:
            source, target = self.edges[edge]
            table = self.left[source] if on_left else self.right[target]
            following = table.get(seek)
            if following is None or following == start:
                return path
            path.append(following)
            edge, on_left = following, not on_left
            seek = first if seek == second else second

    def _flip(self, path: list[int], one: int, two: int) -> None:
        for edge in path:
            source, target = self.edges[edge]
            del self.left[source][self.chosen[edge]]
            del self.right[target][self.chosen[edge]]
        for edge in path:
            source, target = self.edges[edge]
            self.chosen[edge] = two if self.chosen[edge] == one else one
            self.left[source][self.chosen[edge]] = edge
            self.right[target][self.chosen[edge]] = edge

    def even_out(self, most: int) -> None:
        """Bring every class down to `most` edges by exchanging along odd alternating paths between
        a class above and a class below (always possible when the sum fits).
        """
        classes: list[list[int]] = [[] for _ in range(self.colours)]
        for edge, chosen in enumerate(self.chosen):
            classes[chosen].append(edge)
        biggest = [(-len(edges), number) for number, edges in enumerate(classes)]
        smallest = [(len(edges), number) for number, edges in enumerate(classes)]
        heapify(biggest)
        heapify(smallest)
        while biggest and -biggest[0][0] > most:
            big, small = heappop(biggest)[1], heappop(smallest)[1]
            path = self._surplus_path(classes[big], big, small)
            self._flip(path, big, small)
            for edge in path:
                to = self.chosen[edge]
                insort(classes[to], edge)
                left = classes[small if to == big else big]
                del left[bisect_left(left, edge)]
            for number in (big, small):
                heappush(biggest, (-len(classes[number]), number))
                heappush(smallest, (len(classes[number]), number))
            _drop_outdated(biggest, classes, -1)
            _drop_outdated(smallest, classes, 1)

    def _surplus_path(self, edges: Sequence[int], big: int, small: int) -> list[int]:
        """A maximal path of the two colours with one more edge of `big`; it begins and ends with
        `big`, so it starts at one of its `edges` whose one end has no `small`.
        """
        for edge in edges:
            source, target = self.edges[edge]
            if small not in self.left[source]:
                path = self._path(edge, big, small, from_target=False)
            elif small not in self.right[target]:
                path = self._path(edge, big, small, from_target=True)
            else:
                continue
            if len(path) % 2 == 1:
                return path
        raise AssertionError("a larger class always has a surplus path")  # pragma: no cover


def _drop_outdated(
    heap: list[tuple[int, int]], classes: Sequence[Sequence[int]], sign: int
) -> None:
    """Take off the top what was pushed before its class grew or shrank."""
    while heap and heap[0][0] != sign * len(classes[heap[0][1]]):
        heappop(heap)
