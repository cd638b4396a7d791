"""Slots that are in the way: who must leave first, who takes a temporary slot, what is done instead."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from gpmirror.model.claims import on_disk
from gpmirror.model.segment import MAX_PORT, Slot
from gpmirror.plan.classify import blocked_by, told
from gpmirror.plan.model import Action, Change
from gpmirror.plan.state import Key, keys_of
from gpmirror.values import dataclass

# --- Who stands in whose way: slots that must be freed before another copy can take them.


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


# --- Free slots on a host, for copies that must step aside for a while.


_LOWEST_PORT = 1024
"""Ports below belong to the system."""

_SUFFIX = ".gpmirror-temporary"


class TemporarySlots:
    """Gives each temporary slot once. `taken` is everything in use at any time of the plan, `held`
    what the copies hold now, by content.
    """

    def __init__(self, taken: Iterable[Key], held: Mapping[Key, int]) -> None:
        self._held = held
        self._taken: set[Key] = set()
        self._ports: dict[str, set[int]] = {}
        self._take(taken)

    def slot(self, item: Relocation) -> Slot | None:
        """A free slot on the wanted host: ports above (else below) all that are in use there; the
        final directory itself unless another copy holds it now or only an empty one will do, else
        one beside it. None when the host has no free port.
        """
        wanted = item.to
        ports = self._free_ports(wanted.host, len(wanted.ports))
        if ports is None:
            return None
        replication = ports[1] if wanted.replication_port is not None else None
        aside = replace(wanted, port=ports[0], replication_port=replication)
        paths = wanted.directories
        holders = {self._held.get(on_disk(wanted.host, path), item.content) for path in paths}
        overwritten = holders <= {item.content} and not _needs_empty(wanted)
        found = aside if overwritten else self._beside(aside)
        self._take(keys_of(found))
        return found

    def _take(self, keys: Iterable[Key]) -> None:
        for host, what in keys:
            self._taken.add((host, what))
            if isinstance(what, int):
                self._ports.setdefault(host, set()).add(what)

    def _free_ports(self, host: str, count: int) -> list[int] | None:
        busy = self._ports.get(host, set())
        above = range(max(busy, default=_LOWEST_PORT - 1) + 1, MAX_PORT + 1)
        below = range(min(busy, default=_LOWEST_PORT) - 1, _LOWEST_PORT - 1, -1)
        free = [*above[:count], *below[:count]][:count]
        return free if len(free) == count else None

    def _beside(self, aside: Slot) -> Slot:
        number = 0
        while any(
            on_disk(aside.host, path + _suffix(number)) in self._taken for path in aside.directories
        ):
            number += 1
        return replace(
            aside,
            directory=None if aside.directory is None else aside.directory + _suffix(number),
            filespaces=tuple((name, path + _suffix(number)) for name, path in aside.filespaces),
        )


def _needs_empty(to: Slot) -> bool:
    """Whether gprecoverseg moves a mirror into an empty directory only: with file replication it stops
    the mirror, then refuses even its own old directory, and leaves the content single (5.8.1).
    """
    return to.replication_port is not None


def _suffix(number: int) -> str:
    return f"{_SUFFIX}{number or ''}"


# --- What is done instead of a change whose new slot this plan cannot free: protection comes first.


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What keeps a new slot from being free, and what a person can do about it."""

    what: str
    way: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """`in_place` recovers down copies where they were, those on hosts that still get mirrors; `free`
    gives slots on the hosts where the others are to come back.
    """

    in_place: Mapping[int, Change]
    free: TemporarySlots

    def instead(self, change: Change, obstacle: Obstacle) -> Change:
        """A copy that lives stays where it is. One that is down comes back all the same, and moves
        when a later plan finds the slot free.
        """
        if change.action is not Action.RECOVER or change.from_ is None or change.to is None:
            return blocked_by(change, f"{obstacle.what}: {obstacle.way}")
        in_place = self.in_place.get(change.content)
        if in_place is not None:
            return replace(in_place, reason=_reason(in_place.reason, change, obstacle))
        moving = Relocation(content=change.content, from_=change.from_, to=change.to)
        aside = self.free.slot(moving)
        if aside is None:
            crowded = no_free_port(change)
            return blocked_by(change, f"{obstacle.what}, and {crowded.what}: {crowded.way}")
        return replace(change, to=aside, reason=_reason(change.reason, change, obstacle))


def no_free_port(change: Change) -> Obstacle:
    """Why there is no temporary slot."""
    host = "" if change.to is None else change.to.host
    return Obstacle(f"no free port for a temporary slot on {host}", "free one, then plan again")


def _reason(reason: str, change: Change, obstacle: Obstacle) -> str:
    wanted = "" if change.to is None else told(change.to)
    return f"{reason}; to {wanted} in a later plan: {obstacle.what}"


# --- Changes that wait for a slot which this plan does not free: they do without it.


def without_held_slots(
    changes: Sequence[Change],
    mirrors: Mapping[int, Slot],
    fixed: Mapping[Key, str],
    fallback: Fallback,
) -> list[Change]:
    """The changes, to a fixed point: what blocks one may be that another does something else."""
    held = occupants(mirrors.items())
    result = list(changes)
    while True:
        leaving = {change.content: change.action for change in result if relocates(change)}
        reasons = [_obstacle(change, held, leaving, fixed) for change in result]
        if not any(reasons):
            return result
        result = [
            fallback.instead(change, reason) if reason else change
            for change, reason in zip(result, reasons, strict=True)
        ]


def relocates(change: Change) -> bool:
    """Whether a copy leaves one slot for another."""
    return (
        change.action in {Action.MOVE, Action.RECOVER}
        and change.to is not None
        and change.to != change.from_
    )


def _obstacle(
    change: Change,
    held: Mapping[Key, int],
    leaving: Mapping[int, Action],
    fixed: Mapping[Key, str],
) -> Obstacle | None:
    if change.action is Action.BLOCKED or change.to is None or change.to == change.from_:
        return None
    own = keys_of(change.from_) if change.from_ is not None else ()
    for key in keys_of(change.to):
        if key in own:
            if isinstance(key[1], str) and _needs_empty(change.to):
                return Obstacle(
                    f"{_kind(key)} on {key[0]} holds the mirror itself, and gprecoverseg of this "
                    "release moves a mirror into an empty directory only",
                    "keep its ports and address, or give it another directory",
                )
            continue
        if key in fixed:
            return Obstacle(
                f"{_kind(key)} on {key[0]} is held by {fixed[key]}",
                "change the spec, or plan again once it is free (a primary that acts there since a "
                "failover goes back with `gpmirror apply --rebalance`)",
            )
        holder = held.get(key, change.content)
        if holder == change.content:
            continue
        if holder not in leaving:
            return Obstacle(
                f"{_kind(key)} on {key[0]} is held by the mirror of content {holder}, "
                "which this plan does not move",
                "change the spec, or plan again without a selection and once that content can move",
            )
        if isinstance(key[1], str) and leaving[holder] is Action.RECOVER:
            return Obstacle(
                f"{_kind(key)} on {key[0]} is left full by the recovery of content {holder}",
                "empty it when that is done, then plan again",
            )
    return None


def _kind(key: Key) -> str:
    return f"port {key[1]}" if isinstance(key[1], int) else f"directory {key[1]}"


# --- Temporary slots: how copies that wait for each other around get out of each other's way.


def temporary_slots(
    changes: Sequence[Change],
    mirrors: Mapping[int, Slot],
    free: TemporarySlots,
    longest: int,
) -> dict[int, Slot | None]:
    """Temporary slots by content: for the cheapest member of each cycle, for every `longest`-th
    member of a chain (each waits for the one before), and for copies that are recovered (before any
    move) into a slot that only a move frees. None: no free port there.
    """
    moving = [
        Relocation(content=change.content, from_=change.from_, to=change.to)
        for change in changes
        if relocates(change) and change.from_ is not None and change.to is not None
    ]
    held = occupants(mirrors.items())
    chosen = _choose(moving, changes, held, longest)
    return {item.content: free.slot(item) for item in moving if item.content in chosen}


def _choose(
    moving: Sequence[Relocation],
    changes: Sequence[Change],
    held: Mapping[Key, int],
    longest: int,
) -> set[int]:
    waits = needs(moving, held)
    recovering = {change.content for change in changes if change.action is Action.RECOVER}
    early = {c for c, blockers in waits.items() if c in recovering and blockers - recovering}
    rest = {c: blockers for c, blockers in waits.items() if c not in early}
    cost = {change.content: change.size or 0 for change in changes}
    breakers = set(cycle_breakers(rest, cost))
    chains = {c: blockers for c, blockers in rest.items() if c not in breakers}
    return early | breakers | cuts(chains, longest)


def without_temporary_slots(
    changes: Sequence[Change], temporary: Mapping[int, Slot | None], fallback: Fallback
) -> list[Change]:
    """Changes that need a temporary slot where there is none do without their new slot."""
    return [
        fallback.instead(change, no_free_port(change))
        if change.to is not None and temporary.get(change.content, change.to) is None
        else change
        for change in changes
    ]
