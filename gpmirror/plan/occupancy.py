"""Who stands in whose way: slots that must be freed before another copy can take them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gpmirror.cluster.claims import Claim, claims
from gpmirror.cluster.segment import Slot

Key = Claim
"""(host, port) or (host, directory)."""


def keys_of(slot: Slot) -> tuple[Key, ...]:
    """Everything a slot occupies on its host."""
    return claims(slot.host, slot)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relocation:
    """A copy that is to leave one slot for another."""

    content: int
    from_: Slot
    to: Slot


def occupants(slots: Iterable[tuple[int, Slot]]) -> dict[Key, int]:
    """Which content holds what now."""
    return {key: content for content, slot in slots for key in keys_of(slot)}


def needs(relocations: Iterable[Relocation], held: Mapping[Key, int]) -> dict[int, frozenset[int]]:
    """Content -> the other contents whose current slots it waits for."""
    return {
        item.content: frozenset(
            held[key] for key in keys_of(item.to) if key in held and held[key] != item.content
        )
        for item in relocations
    }


def cycle_breakers(waits: Mapping[int, frozenset[int]], cost: Mapping[int, int]) -> tuple[int, ...]:
    """Contents that must step aside so that the others can follow each other: of every cycle the
    cheapest member (then the lowest content id).
    """
    left = {content: set(blockers & waits.keys()) for content, blockers in waits.items()}
    wanted_by: dict[int, set[int]] = {}
    for content, blockers in left.items():
        for blocker in blockers:
            wanted_by.setdefault(blocker, set()).add(content)
    breakers: list[int] = []
    _release([content for content, blockers in left.items() if not blockers], left, wanted_by)
    for lowest in sorted(left):
        while lowest in left:
            chosen = min(_cycle_from(lowest, left), key=lambda c: (cost.get(c, 0), c))
            breakers.append(chosen)
            _release([chosen], left, wanted_by)
    return tuple(sorted(breakers))


def _release(free: list[int], left: dict[int, set[int]], wanted_by: dict[int, set[int]]) -> None:
    while free:
        content = free.pop()
        left.pop(content, None)
        for waiting in wanted_by.get(content, ()):
            if waiting in left:
                left[waiting].discard(content)
                if not left[waiting]:
                    free.append(waiting)


def _cycle_from(start: int, left: Mapping[int, set[int]]) -> list[int]:
    path: list[int] = []
    seen: dict[int, int] = {}
    node = start
    while node not in seen:
        seen[node] = len(path)
        path.append(node)
        node = min(left[node])
    return path[seen[node] :]


def cuts(waits: Mapping[int, frozenset[int]], most: int) -> frozenset[int]:
    """Contents that must step aside so that no chain of copies that wait for each other is longer
    than `most`. `waits` has no cycle.
    """
    waits = {content: blockers & waits.keys() for content, blockers in waits.items()}
    wanted_by: dict[int, list[int]] = {}
    for content, blockers in waits.items():
        for blocker in sorted(blockers):
            wanted_by.setdefault(blocker, []).append(content)
    missing = {content: len(blockers) for content, blockers in waits.items()}
    level = dict.fromkeys(waits, 0)
    ready = [content for content, count in missing.items() if not count]
    found: set[int] = set()
    for content in ready:  # grows while it runs
        if level[content] > most:
            found.add(content)
            level[content] = 0
        for waiting in wanted_by.get(content, ()):
            level[waiting] = max(level[waiting], level[content] + 1)
            missing[waiting] -= 1
            if not missing[waiting]:
                ready.append(waiting)
    return frozenset(found)
