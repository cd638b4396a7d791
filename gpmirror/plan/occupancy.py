"""Who stands in whose way: slots that must be freed before another copy can take them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from gpmirror.cluster.segment import Slot
from gpmirror.placement.figures import MAX_PORT

Key = tuple[str, int | str]
"""(host, port) or (host, directory)."""


def keys_of(slot: Slot) -> tuple[Key, ...]:
    """Everything a slot occupies on its host."""
    return (
        *((slot.host, port) for port in slot.ports),
        *((slot.host, path) for path in slot.directories),
    )


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
    left = {content: set(blockers) & set(waits) for content, blockers in waits.items()}
    wanted_by: dict[int, set[int]] = {}
    for content, blockers in left.items():
        for blocker in blockers:
            wanted_by.setdefault(blocker, set()).add(content)
    breakers: list[int] = []
    free = [content for content, blockers in left.items() if not blockers]
    while True:
        _release(free, left, wanted_by)
        if not left:
            return tuple(sorted(breakers))
        chosen = min(_cycle_from(min(left), left), key=lambda c: (cost.get(c, 0), c))
        breakers.append(chosen)
        free = [chosen]


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


def temporary_slot(item: Relocation, taken: set[Key], held: Mapping[Key, int]) -> Slot | None:
    """A free slot on the wanted host: ports above (else below) all that are in use there; the
    final directory itself unless another copy holds it now, else one beside it. None when the host
    has no free port.
    """
    wanted = item.to
    busy = {port for host, port in taken if host == wanted.host and isinstance(port, int)}
    free = _free_ports(busy, len(wanted.ports))
    if free is None:
        return None
    replication = free[1] if wanted.replication_port is not None else None
    aside = replace(wanted, port=free[0], replication_port=replication)
    holders = {held.get((wanted.host, path), item.content) for path in wanted.directories}
    return aside if holders <= {item.content} else _beside(aside, taken)


def _beside(aside: Slot, used: set[Key]) -> Slot:
    suffix = next(
        f".gpmirror-temporary{number or ''}"
        for number in range(len(used) + 1)
        if not any(
            (aside.host, f"{path}.gpmirror-temporary{number or ''}") in used
            for path in aside.directories
        )
    )
    return replace(
        aside,
        directory=None if aside.directory is None else aside.directory + suffix,
        filespaces=tuple((name, path + suffix) for name, path in aside.filespaces),
    )


def _free_ports(busy: set[int], count: int) -> list[int] | None:
    above = range(max(busy, default=0) + 1, MAX_PORT + 1)
    below = range(min(busy, default=1) - 1, 1023, -1)
    free = [*list(above[:count]), *list(below[:count])][:count]
    return free if len(free) == count else None
