"""Directory roots of each host, in the turn in which its mirrors use them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

Turn = tuple[int, str]
"""A mirror's index on its host, which decides its root, and the root it has."""

_LONGEST_CYCLE = 64


def roots_by_host(turns: Mapping[str, Sequence[Turn]]) -> dict[str, tuple[str, ...]]:
    """Roots for every host that has any. Hosts whose mirrors fit a commoner list share that."""
    cycles = {host: _cycle(found) for host, found in turns.items()}
    counted = Counter(cycles.values())
    own = {
        host: cycle if _is_meant(cycle, len(turns[host]), counted[cycle]) else ()
        for host, cycle in cycles.items()
    }
    if len(turns) == 1:
        own = cycles
    common = _by_frequency(cycle for cycle in own.values() if cycle)
    chosen: dict[str, tuple[str, ...]] = {}
    for host, found in turns.items():
        fitting = (cycle for cycle in common if _follows(found, cycle))
        chosen[host] = next(fitting, ()) or own[host] or _any_list(found, common)
    return chosen


def _is_meant(cycle: Sequence[str], mirrors: int, hosts: int) -> bool:
    """Whether an order of roots is no accident: each root once, gone through twice, or used by
    several hosts.
    """
    return len(set(cycle)) == len(cycle) or mirrors >= 2 * len(cycle) or hosts > 1


def _by_frequency(cycles: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The commonest first; of equals the one with more roots, which says more."""
    counted = Counter(cycles)
    return sorted(counted, key=lambda cycle: (-counted[cycle], -len(cycle), cycle))[:8]


def _follows(turns: Iterable[Turn], cycle: Sequence[str]) -> bool:
    return all(index >= 0 and cycle[index % len(cycle)] == root for index, root in turns)


def _cycle(turns: Sequence[Turn]) -> tuple[str, ...]:
    """The shortest list of roots that the mirrors use in turn; empty where there is none."""
    for length in range(1, min(len(turns), _LONGEST_CYCLE) + 1):
        found = {index % length: root for index, root in turns}
        cycle = tuple(found.get(place, "") for place in range(length))
        if all(cycle) and _follows(turns, cycle):
            return cycle
    return ()


def _any_list(turns: Sequence[Turn], common: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Without an order to go by: the roots as they appear, or a common list that has them all."""
    roots = tuple(dict.fromkeys(root for _, root in turns))
    return next((cycle for cycle in common if set(roots) <= set(cycle)), roots)
