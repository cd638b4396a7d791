"""The fewest groups for items of which some must be kept apart and some share a room: exact, or a
grouping with a proven lower bound beside it.

Without rooms this is graph colouring. A room makes it more: several items that may well be together
two by two can be too many at once. Everything counts steps, never time: the same input gives the
same answer on every machine.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, pairwise

from gpmirror.values import dataclass

EFFORT = 2_400_000
"""Steps spent on one problem, a step being a look at one item: about a second."""

_FEW = 100
"""Problems with at most so many items get twice as many."""

_MOST_SEARCHED = 400
"""Parts with more items get a grouping and bounds, no search: it goes as deep as there are items."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """Groups of item numbers, and a number of groups below which there is no way."""

    groups: tuple[tuple[int, ...], ...]
    bound: int


def fewest_groups(
    apart: Sequence[int],
    takes: Sequence[Mapping[str, int]],
    room: Mapping[str, int],
    *,
    effort: int | None = None,
) -> Grouping:
    """Put every item into one group. `apart` holds for each item a bit mask of those that must not be
    in its group, both ways; `takes` how much it takes of which room, `room` how much of it one group
    may take. An item alone must fit.
    """
    if effort is None:
        effort = EFFORT if len(apart) > _FEW else 2 * EFFORT
    total: Counter[str] = Counter()
    for taken in takes:
        total.update(taken)
    tight = {place: most for place, most in room.items() if total[place] > most}
    kept = _with_pairs(apart, takes, tight)
    merged: list[list[int]] = []
    bound = 0
    for members in _parts(kept, takes, tight):
        part = _part(members, kept, takes, tight)
        found = _grouped(part, effort * len(members) // len(apart))
        bound = max(bound, found.bound)
        # parts have nothing to do with one another: the largest group goes to the smallest so far
        merged += [[] for _ in range(len(found.groups) - len(merged))]
        merged.sort(key=len)
        by_size = sorted(found.groups, key=len, reverse=True)
        for target, group in zip(merged, by_size, strict=False):
            target += [members[item] for item in group]
    groups = sorted(tuple(sorted(group)) for group in merged)
    return Grouping(groups=tuple(groups), bound=bound)


# --- The problem cut into parts that do not touch one another.


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Items numbered from 0. `users` are those that take of a room, each with how much."""

    apart: tuple[int, ...]
    takes: tuple[Mapping[str, int], ...]
    room: Mapping[str, int]
    users: Mapping[str, tuple[tuple[int, int], ...]]

    @property
    def count(self) -> int:
        return len(self.apart)


def _with_pairs(
    apart: Sequence[int], takes: Sequence[Mapping[str, int]], room: Mapping[str, int]
) -> list[int]:
    """Two items that are too many for a room are kept apart like any other two."""
    kept = list(apart)
    for place, users in _users(takes, room).items():
        for at, (one, much) in enumerate(users):
            for other, more in users[at + 1 :]:
                if much + more > room[place]:
                    kept[one] |= 1 << other
                    kept[other] |= 1 << one
    return kept


def _users(
    takes: Sequence[Mapping[str, int]], room: Mapping[str, int]
) -> dict[str, tuple[tuple[int, int], ...]]:
    found: dict[str, list[tuple[int, int]]] = {}
    for item, taken in enumerate(takes):
        for place, amount in taken.items():
            if place in room:
                found.setdefault(place, []).append((item, amount))
    return {place: tuple(found[place]) for place in sorted(found)}


def _parts(
    apart: Sequence[int], takes: Sequence[Mapping[str, int]], room: Mapping[str, int]
) -> Iterator[list[int]]:
    """Items that are kept apart or share a room, directly or through others."""
    near = list(apart)
    for users in _users(takes, room).values():
        together = sum(1 << item for item, _ in users)
        for item, _ in users:
            near[item] |= together
    left = (1 << len(near)) - 1
    while left:
        part, edge = 0, left & -left
        while edge:
            part |= edge
            beyond = 0
            for item in _bits(edge):
                beyond |= near[item]
            edge = beyond & ~part
        left &= ~part
        yield list(_bits(part))


def _part(
    members: Sequence[int],
    apart: Sequence[int],
    takes: Sequence[Mapping[str, int]],
    room: Mapping[str, int],
) -> _Part:
    number = {item: at for at, item in enumerate(members)}
    mine = tuple({p: n for p, n in takes[item].items() if p in room} for item in members)
    users = _users(mine, room)
    return _Part(
        apart=tuple(sum(1 << number[other] for other in _bits(apart[item])) for item in members),
        takes=mine,
        room={place: room[place] for place in users},
        users=users,
    )


def _bits(mask: int) -> Iterator[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


# --- Bounds from below: a clique, a room that fills up, the largest group there can be.


def _grouped(part: _Part, effort: int) -> Grouping:
    """Bounds first, each with a share of the steps, and what one leaves goes to the next; then fewer
    groups by search, by trial, and a better bound by search again.
    """
    clique = _Clique(part.apart, effort // 4)
    largest = _largest_group(part, effort // 4)
    steps = effort // 2 + max(clique.steps, 0) + max(largest.steps, 0)
    greedy = _Search(part, part.count, clique.members, steps=0)
    greedy.fill()
    groups = min(greedy.groups(), _in_turn(part), key=len)
    lower = max(clique.size, _fullest_room(part), -(-part.count // largest.at_most))
    for way, share in ((_fewer, 4), (_squeezed, 3), (_raised, 1)):
        if len(groups) > lower:
            groups, lower, left = way(part, clique.members, groups, lower, steps // share)
            steps = steps - steps // share + max(left, 0)
    return Grouping(groups=tuple(tuple(group) for group in groups), bound=lower)


_Found = tuple[list[list[int]], int, int]
"""Groups, the bound, and the steps that are left."""


def _fewer(
    part: _Part, clique: Sequence[int], groups: list[list[int]], lower: int, steps: int
) -> _Found:
    """Fewer groups, one by one, until there is a proof that there are none or no steps are left."""
    while len(groups) > lower and steps > 0 and part.count <= _MOST_SEARCHED:
        search = _Search(part, len(groups) - 1, clique, steps=steps)
        found, steps = search.run(), search.steps
        if found:
            groups = search.groups()
        elif not search.gave_up:
            lower = len(groups)
    return groups, lower, steps


def _squeezed(
    part: _Part, clique: Sequence[int], groups: list[list[int]], lower: int, steps: int
) -> _Found:
    """Fewer groups, one by one, as far as trials find them."""
    del clique
    while len(groups) > lower and steps > 0:
        squeeze = _Squeeze(part, groups, steps=steps)
        groups, steps = squeeze.run() or groups, squeeze.steps
    return groups, lower, steps


def _raised(
    part: _Part, clique: Sequence[int], groups: list[list[int]], lower: int, steps: int
) -> _Found:
    """A higher bound, one by one: a proof that so few groups cannot be."""
    while len(groups) > lower and steps > 0 and part.count <= _MOST_SEARCHED:
        search = _Search(part, lower, clique, steps=steps)
        found, steps = search.run(), search.steps
        if found:
            groups = search.groups()
        elif not search.gave_up:
            lower += 1
    return groups, lower, steps


def _in_turn(part: _Part) -> list[list[int]]:
    """Items in their order cut into runs of equal length, the first of each run in one group, the
    second in another: on a ring where everybody is near its next neighbours nothing needs fewer.
    """
    for runs in range(part.count, 1, -1):
        cuts = [part.count * run // runs for run in range(runs + 1)]
        longest = max(end - begin for begin, end in pairwise(cuts))
        groups = [
            [begin + at for begin, end in pairwise(cuts) if begin + at < end]
            for at in range(longest)
        ]
        if all(_fits(part, group) for group in groups):
            return groups
    return [[item] for item in range(part.count)]


def _fits(part: _Part, group: Sequence[int]) -> bool:
    together = sum(1 << item for item in group)
    if any(part.apart[item] & together for item in group):
        return False
    taken = _taken_by(part, group)
    return all(much <= part.room[place] for place, much in taken.items())


def _fullest_room(part: _Part) -> int:
    """In how many groups the users of one room must be, and whoever is kept apart from all of them."""
    most = 1
    for place, users in part.users.items():
        amounts = sorted(amount for _, amount in users)
        fitting = sum(total <= part.room[place] for total in accumulate(amounts))
        needed = max(-(-sum(amounts) // part.room[place]), -(-len(amounts) // fitting))
        beside = (1 << part.count) - 1
        for item, _ in users:
            beside &= part.apart[item]
        others = 0
        while beside:  # a clique of these
            others += 1
            beside &= part.apart[(beside & -beside).bit_length() - 1]
        most = max(most, needed + others)
    return most


def _largest_group(part: _Part, steps: int) -> "_Clique":
    """The most that one group can hold, as far as two by two tell: a clique of those that may be
    together.
    """
    every = (1 << part.count) - 1
    return _Clique([every & ~mask & ~(1 << item) for item, mask in enumerate(part.apart)], steps)


class _Clique:
    """The largest clique of a graph, by branch and bound over greedy colourings; `at_most` is its size
    where the search came to its end, else a bound from above.
    """

    def __init__(self, near: Sequence[int], steps: int) -> None:
        self._near = near
        self.steps = steps
        self._best = 0
        self.size = 0
        every = (1 << len(near)) - 1
        self.at_most = self._coloured(every)[-1][1]
        if len(near) > _MOST_SEARCHED:
            self._grow(every)
            return
        self._search(0, 0, every)
        if self.steps > 0:
            self.at_most = self.size

    @property
    def members(self) -> list[int]:
        """The largest one that was found."""
        return list(_bits(self._best))

    def _search(self, chosen: int, size: int, candidates: int) -> None:
        for item, colour in reversed(self._coloured(candidates)):
            if size + colour <= self.size or self.steps <= 0:
                return
            rest = candidates & self._near[item]
            if rest:
                self._search(chosen | 1 << item, size + 1, rest)
            elif size + 1 > self.size:
                self._best, self.size = chosen | 1 << item, size + 1
            candidates &= ~(1 << item)

    def _grow(self, candidates: int) -> None:
        while candidates:
            item = max(_bits(candidates), key=lambda i: (self._near[i] & candidates).bit_count())
            self._best, self.size = self._best | 1 << item, self.size + 1
            candidates &= self._near[item]

    def _coloured(self, candidates: int) -> list[tuple[int, int]]:
        """Items with the number of a greedy colour, ascending: no clique among those up to one of them
        is larger than its number.
        """
        found: list[tuple[int, int]] = []
        colour = 0
        while candidates:
            colour += 1
            free = candidates
            while free:
                lowest = free & -free
                item = lowest.bit_length() - 1
                candidates ^= lowest
                free &= ~(lowest | self._near[item])
                found.append((item, colour))
        self.steps -= len(found)
        return found


# --- A group fewer by trial: whoever has no group is put into one, and pushes out who cannot stay.


class _Squeeze:
    """A local search for one group less (tabu search over partial colourings). Groups hold at every
    moment; who was pushed out of a group does not return to it at once. It proves nothing.
    """

    def __init__(self, part: _Part, groups: list[list[int]], *, steps: int) -> None:
        kept = sorted(groups, key=len, reverse=True)[:-1]
        self._part = part
        self._groups = [sum(1 << item for item in group) for group in kept]
        self._taken = [_taken_by(part, group) for group in kept]
        self._out = set(range(part.count)) - {item for group in kept for item in group}
        self._barred: dict[tuple[int, int], int] = {}
        self._number = 1
        self.steps = steps

    def run(self) -> list[list[int]] | None:
        """The groups; None: no steps are left."""
        turn = 0
        while self._out and self.steps > 0 and self._groups:
            turn += 1
            item, group, pushed = self._best(turn)
            self._out.remove(item)
            self._groups[group] |= 1 << item
            self._taken[group].update(self._part.takes[item])
            for other in _bits(pushed):
                self._out.add(other)
                self._groups[group] ^= 1 << other
                self._taken[group].subtract(self._part.takes[other])
                self._barred[other, group] = turn + len(self._out) + 3 + self._drawn(8)
        if self._out:
            return None
        return [list(_bits(group)) for group in self._groups if group]

    def _best(self, turn: int) -> tuple[int, int, int]:
        """Whom to put where, and who leaves: the fewest, and of these one drawn."""
        best: list[tuple[int, int, int]] = []
        fewest = self._part.count + 1
        for item in sorted(self._out):
            for group in range(len(self._groups)):
                self.steps -= 1
                if self._barred.get((item, group), 0) > turn:
                    continue
                pushed = self._pushed(item, group)
                count = pushed.bit_count()
                if count < fewest:
                    fewest, best = count, []
                if count == fewest:
                    best.append((item, group, pushed))
        if best:
            return best[self._drawn(len(best))]
        item, group = min(self._out), self._drawn(len(self._groups))
        return item, group, self._pushed(item, group)

    def _pushed(self, item: int, group: int) -> int:
        """Who cannot stay in a group that this one joins."""
        part, members = self._part, self._groups[group]
        pushed = part.apart[item] & members
        for place, amount in part.takes[item].items():
            over = self._taken[group][place] + amount - part.room[place]
            self.steps -= 1
            if over <= 0:
                continue
            self.steps -= len(part.users[place])
            mine = [one for one in part.users[place] if members >> one[0] & 1]
            over -= sum(much for other, much in mine if pushed >> other & 1)
            for other, much in sorted(mine, key=lambda one: (-one[1], one[0])):
                if over > 0 and not pushed >> other & 1:
                    pushed |= 1 << other
                    over -= much
        return pushed

    def _drawn(self, below: int) -> int:
        """A number that looks drawn and is the same every time (Lehmer's generator)."""
        self._number = self._number * 48_271 % 2_147_483_647
        return self._number % below


def _taken_by(part: _Part, group: Sequence[int]) -> Counter[str]:
    taken: Counter[str] = Counter()
    for item in group:
        taken.update(part.takes[item])
    return taken


# --- The search: always the item next that has the fewest groups left (DSATUR).


class _Search:
    """Items into `limit` groups. `fill` opens a group wherever none is free, without looking back;
    `run` looks at every way, as long as there are steps.
    """

    def __init__(self, part: _Part, limit: int, clique: Sequence[int], *, steps: int) -> None:
        self._part = part
        self._limit = limit
        self._left = (1 << part.count) - 1
        self._open = [self._left] * limit  # by group: items that may still join it
        self._options = [limit] * part.count
        self._group = [0] * part.count
        self._taken: list[Counter[str]] = [Counter() for _ in range(limit)]
        self._clique = clique
        self.steps = steps
        self.gave_up = False

    def fill(self) -> None:
        """The first group that is free for each."""
        for item in self._beginning():
            self._put(item, self._clique.index(item))
        while self._left:
            item = self._next()
            group = next(n for n in range(self._limit) if self._open[n] >> item & 1)
            self._put(item, group)

    def run(self) -> bool:
        """Whether all fit; False is a proof unless it `gave_up`."""
        for item in self._beginning():
            group = self._clique.index(item)
            if group >= self._limit:
                return False
            _, sound = self._put(item, group)
            if not sound:
                return False
        return self._go(len(self._clique))

    def groups(self) -> list[list[int]]:
        """The groups that were found."""
        found: dict[int, list[int]] = {}
        for item, group in enumerate(self._group):
            found.setdefault(group, []).append(item)
        return [found[group] for group in sorted(found)]

    def _beginning(self) -> list[int]:
        """The members of the clique are in groups of their own whatever else happens."""
        return list(self._clique)

    def _go(self, used: int) -> bool:
        if not self._left:
            return True
        if self.steps <= 0:
            self.gave_up = True
            return False
        self.steps -= self._left.bit_count()
        item = self._next()
        for group in range(min(used + 1, self._limit)):  # empty groups are all alike
            if not self._open[group] >> item & 1:
                continue
            gone, sound = self._put(item, group)
            if sound and self._go(max(used, group + 1)):
                return True
            self._take_back(item, group, gone)
            if self.gave_up:
                return False
        return False

    def _next(self) -> int:
        options, apart, left = self._options, self._part.apart, self._left
        fewest = min(options[item] for item in _bits(left))
        tied = [item for item in _bits(left) if options[item] == fewest]
        return max(tied, key=lambda item: (apart[item] & left).bit_count())

    def _put(self, item: int, group: int) -> tuple[int, bool]:
        """Whom the group is closed to from now on, and whether each of them has another left."""
        part = self._part
        self._left &= ~(1 << item)
        self._group[item] = group
        shut = part.apart[item]
        taken = self._taken[group]
        for place, amount in part.takes[item].items():
            taken[place] += amount
            free = part.room[place] - taken[place]
            self.steps -= len(part.users[place])
            for other, much in part.users[place]:
                if much > free:
                    shut |= 1 << other
        gone = shut & self._open[group] & self._left
        self._open[group] &= ~gone
        sound = True
        for other in _bits(gone):
            self._options[other] -= 1
            sound = sound and self._options[other] > 0
        return gone, sound

    def _take_back(self, item: int, group: int, gone: int) -> None:
        self._left |= 1 << item
        self._open[group] |= gone
        for other in _bits(gone):
            self._options[other] += 1
        for place, amount in self._part.takes[item].items():
            self._taken[group][place] -= amount
