"""May these hosts be stopped now: which contents would be lost and why, and who takes over; and which
may be down together: the fewest maintenance groups of a layout.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import pairwise, permutations

from gpmirror.diagnostics import Diagnostic
from gpmirror.errors import InvalidInput
from gpmirror.model.content import Content
from gpmirror.model.layout import Layout, Pair
from gpmirror.model.names import natural
from gpmirror.model.text import hosts_named, named
from gpmirror.simulate.codes import AMBIGUOUS_HOST, NO_WHOLE_RACKS
from gpmirror.simulate.grouping import Grouping, fewest_groups
from gpmirror.simulate.loss import Copies, Loss, copies_of, lose, lose_from, quoted, unknown_host
from gpmirror.values import dataclass


class WhyLost(StrEnum):
    """Why a content has no copy that can serve once the hosts are stopped."""

    BOTH_STOPPED = "both-stopped"
    """Both copies stand on the hosts."""
    OTHER_DOWN = "other-down"
    """The copy on the hosts is the only one that lives."""
    NOT_IN_SYNC = "not-in-sync"
    """The other copy lives and cannot take over yet."""
    NO_MIRROR = "no-mirror"
    """The catalog has no other copy."""
    NO_COPY = "no-copy"
    """No copy can serve now already, whatever is stopped."""

    @property
    def words(self) -> str:
        """For a sentence about one content or several."""
        return _WORDS[self]


_WORDS = {
    WhyLost.BOTH_STOPPED: "both copies stand on hosts to be stopped",
    WhyLost.OTHER_DOWN: "the other copy is down",
    WhyLost.NOT_IN_SYNC: "the other copy is not in sync yet",
    WhyLost.NO_MIRROR: "there is no other copy, the catalog has no mirror",
    WhyLost.NO_COPY: "already without a copy that can serve",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """What stopping `hosts` (in ring order) together does now. `lost` by content; `single` are
    contents that are left with one copy that can serve; `loss` tells who takes over.
    """

    hosts: tuple[str, ...]
    lost: Mapping[int, WhyLost]
    single: tuple[int, ...]
    loss: Loss

    @property
    def is_ok(self) -> bool:
        """Whether every content keeps a copy that can serve."""
        return not self.lost

    def lost_by_reason(self) -> dict[WhyLost, list[int]]:
        """The lost contents by reason, in the order of the reasons."""
        found = {why: [one for one, said in self.lost.items() if said is why] for why in WhyLost}
        return {why: contents for why, contents in found.items() if contents}


def stop(contents: Iterable[Content], hosts: Collection[str], ring: Sequence[str]) -> Stop:
    """Judge it. A copy of `contents` `lives` if it can serve: an acting primary that is up, another
    copy that is in sync, or one that is left and can take over. `ring` are all hosts in their order.

    Raises InvalidInput (GPM-P901): a host that is none of them.
    """
    listed = tuple(contents)
    stopped = frozenset(hosts)
    loss = lose(Layout(pairs=tuple(map(_pair, listed)), hosts=tuple(ring)), stopped)
    left = {one.number: [h for h in one.live_hosts if h not in stopped] for one in listed}
    return Stop(
        hosts=loss.lost,
        lost={one.number: _why(one) for one in listed if not left[one.number]},
        single=tuple(number for number, hosts in left.items() if len(hosts) == 1),
        loss=loss,
    )


def _pair(content: Content) -> Pair:
    """Who serves now, or takes over where nobody does, and who would take over from it."""
    acting, idle = content.acting, content.idle
    match content.live_hosts:
        case ():
            return Pair(content.number, acting.host, None, lives=False)
        case (alone,):
            return Pair(content.number, alone, None)
        case _:
            return Pair(content.number, acting.host, None if idle is None else idle.host)


def _why(content: Content) -> WhyLost:
    acting, idle = content.acting, content.idle
    match content.live_hosts:
        case ():
            return WhyLost.NO_COPY
        case (_, _):
            return WhyLost.BOTH_STOPPED
        case _ if idle is None:
            return WhyLost.NO_MIRROR
        case _:
            other = idle if acting.lives else acting
            return WhyLost.NOT_IN_SYNC if other.row.is_up else WhyLost.OTHER_DOWN


def named_hosts(words: Sequence[str], known: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """The hosts that names, addresses and hostnames stand for, each once. `known` holds the hosts of
    each name; a name of several is refused, but for a host's own.

    Raises InvalidInput with every name that is none (GPM-P901) or belongs to several (GPM-P904).
    """
    found: dict[str, None] = {}
    problems: list[Diagnostic] = []
    own = sorted({host for hosts in known.values() for host in hosts}, key=natural)
    for word in dict.fromkeys(words):
        hosts = known.get(word, ())
        if word in hosts:
            found[word] = None
        elif len(hosts) == 1:
            found.update(dict.fromkeys(hosts))
        elif hosts:
            problems.append(_ambiguous(word, hosts))
        else:
            problems.append(unknown_host(word, own, prefix="", of="cluster"))
    if problems:
        raise InvalidInput(problems)
    return tuple(found)


def _ambiguous(word: str, hosts: Collection[str]) -> Diagnostic:
    named = " and ".join(sorted(hosts, key=natural))
    return Diagnostic(
        code=AMBIGUOUS_HOST,
        message=f"{quoted(word)} is an address of several hosts: {named}",
        hint="name the host that you mean",
    )


# --- Which hosts may be down together: the fewest maintenance groups of a layout.
#
# A group loses no content (no two of its hosts hold both copies of one) and leaves no survivor with more
# than the load factor allows. It is judged on the layout, as if every mirror were in sync: before a
# group is stopped `ok-to-stop` judges what is so now.


_MOST_PERMUTED = 7
"""Up to so many groups every order is tried."""


class Unit(StrEnum):
    """What is put into groups as a whole."""

    HOST = "host"
    RACK = "rack"


class WhyLeftOut(StrEnum):
    """Why a host is in no group."""

    COORDINATOR = "coordinator"
    """The coordinator runs on it."""
    ALONE = "alone"
    """It holds every copy of some content."""
    OVERLOAD = "overload"
    """Alone already it leaves a survivor with more than the load factor allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A host that can be in no group. `contents` are those that it holds alone; `loss` is what its
    stop alone does.
    """

    host: str
    why: WhyLeftOut
    contents: tuple[int, ...]
    loss: Loss


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Hosts that may be down together, in ring order; `racks` where they are whole racks."""

    hosts: tuple[str, ...]
    racks: tuple[str, ...]
    loss: Loss


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """Groups in the order to take them. No way of grouping these hosts has fewer than `bound` groups.
    `by_host` is how many groups hosts one by one take, `by_rack` how many whole racks take, None
    where a rack cannot be down as a whole. `empty` are hosts that hold no segment.
    """

    groups: tuple[Group, ...]
    bound: int
    unit: Unit
    by_host: int
    by_rack: int | None
    left_out: tuple[LeftOut, ...]
    empty: tuple[str, ...]
    limit: float | None

    @property
    def is_proven(self) -> bool:
        """Whether it is proven that there are no fewer."""
        return len(self.groups) == self.bound


def maintenance(
    layout: Layout,
    *,
    coordinator: str | None,
    limit: float | None,
    survives_racks: bool,
    unit: Unit | None,
) -> Maintenance:
    """The groups. Hosts that hold segments are grouped, but for the coordinator's. Whole racks are the
    groups' parts where every rack can be down as a whole and that is what the policy asks for
    (`survives_racks`) or takes no more groups; `unit` decides otherwise.

    Raises InvalidInput (GPM-P905): whole racks are asked for and cannot be.
    """
    work = _Work(layout, limit)
    holders = [host for host in work.copies.hosts if work.segments[host]]
    left_out = tuple(
        found for host in holders if (found := _left_out(work, host, coordinator)) is not None
    )
    without = {one.host for one in left_out}
    hosts = [host for host in holders if host not in without]
    by_host = work.grouped([(host,) for host in hosts])
    racks = _racks(layout, hosts)
    problem = _rack_problem(work, layout, hosts, racks)
    by_rack = None if problem else work.grouped(list(racks.values()))
    if unit is Unit.RACK and problem:
        raise InvalidInput([problem])
    whole = by_rack is not None and (
        unit is Unit.RACK
        or (unit is None and (survives_racks or len(by_rack.groups) <= len(by_host.groups)))
    )
    groups = (
        _by_rack(work, racks, by_rack)
        if whole and by_rack is not None
        else _by_host(work, hosts, by_host)
    )
    return Maintenance(
        groups=_in_order(work, groups),
        bound=by_host.bound,
        unit=Unit.RACK if whole else Unit.HOST,
        by_host=len(by_host.groups),
        by_rack=None if by_rack is None else len(by_rack.groups),
        left_out=left_out,
        empty=tuple(h for h in layout.hosts if not work.segments[h] and h != coordinator),
        limit=limit,
    )


class _Work:
    """A layout with what grouping asks of it."""

    def __init__(self, layout: Layout, limit: float | None) -> None:
        self.copies = copies_of(layout)
        self.segments: Counter[str] = Counter()
        for pair in layout.pairs:
            self.segments[pair.primary] += 1
            if pair.mirror is not None:
                self.segments[pair.mirror] += 1
        self.room = {} if limit is None else _room(self.copies, limit)

    def grouped(self, units: Sequence[Sequence[str]]) -> Grouping:
        """Units in the fewest groups; each may be down alone."""
        number = {host: at for at, hosts in enumerate(units) for host in hosts}
        apart = [0] * len(units)
        for one, other in self.copies.linked_pairs():
            if one in number and other in number and number[one] != number[other]:
                apart[number[one]] |= 1 << number[other]
                apart[number[other]] |= 1 << number[one]
        return fewest_groups(apart, [self.lose(hosts).gains for hosts in units], self.room)

    def lose(self, hosts: Sequence[str], label: str | None = None) -> Loss:
        """These hosts down."""
        return lose_from(self.copies, hosts, label=label)

    def overloaded(self, loss: Loss) -> list[str]:
        """Survivors that would carry more than the limit allows."""
        return [
            host
            for host, gain in loss.gains.items()
            if host in self.room and gain > self.room[host]
        ]

    def shared(self, one: Group, other: Group) -> int:
        """How many contents have one copy in each."""
        heirs = self.copies.heirs
        ways = ((one, other), (other, one))
        return sum(
            len(heirs[host].get(heir, ())) for a, b in ways for host in a.hosts for heir in b.hosts
        )


def _room(copies: Copies, limit: float) -> dict[str, int]:
    """How many primaries each host may take over."""
    found = {}
    for host in copies.hosts:
        before = copies.primaries[host]
        least, most = 0, copies.total
        while least < most:  # the factor grows with the number
            middle = (least + most + 1) // 2
            if copies.load_factor(host, before + middle) <= limit:
                least = middle
            else:
                most = middle - 1
        found[host] = least
    return found


def _left_out(work: _Work, host: str, coordinator: str | None) -> LeftOut | None:
    loss = work.lose([host])
    if host == coordinator:
        why = WhyLeftOut.COORDINATOR
    elif loss.contents_lost:
        why = WhyLeftOut.ALONE
    elif work.overloaded(loss):
        why = WhyLeftOut.OVERLOAD
    else:
        return None
    return LeftOut(host=host, why=why, contents=loss.contents_lost, loss=loss)


def _by_host(work: _Work, hosts: Sequence[str], found: Grouping) -> list[Group]:
    groups = [[hosts[item] for item in group] for group in found.groups]
    return [Group(hosts=tuple(one), racks=(), loss=work.lose(one)) for one in groups]


def _by_rack(work: _Work, racks: Mapping[str, Sequence[str]], found: Grouping) -> list[Group]:
    names = list(racks)
    groups = []
    for items in found.groups:
        mine = tuple(names[item] for item in items)
        loss = work.lose([host for rack in mine for host in racks[rack]])
        groups.append(Group(hosts=loss.lost, racks=mine, loss=loss))
    return groups


def _racks(layout: Layout, hosts: Sequence[str]) -> dict[str, list[str]]:
    """Hosts by rack, racks in the order of their first host."""
    found: dict[str, list[str]] = {}
    for host in hosts:
        if host in layout.racks:
            found.setdefault(layout.racks[host], []).append(host)
    return found


def _rack_problem(
    work: _Work, layout: Layout, hosts: Sequence[str], racks: Mapping[str, Sequence[str]]
) -> Diagnostic | None:
    """Why whole racks cannot be groups."""
    bare = [host for host in hosts if host not in layout.racks]
    if len(racks) < 2:  # noqa: PLR2004 - one rack is all there is
        count = "no rack" if not racks else "one rack alone"
        return _no_racks(f"the hosts are in {count}", "give the hosts a `rack:` in the spec")
    if bare:
        return _no_racks(f"{hosts_named(bare)} in no rack", "give each host a `rack:` in the spec")
    for rack, members in racks.items():
        loss = work.lose(members)
        if loss.contents_lost:
            return _no_racks(
                f"without rack {rack} {named(loss.contents_lost)} would be lost: both copies "
                "stand in it",
                "`gpmirror plan` with `survive: [{any: 1, of: rack}]` says what keeps racks apart",
            )
        if over := work.overloaded(loss):
            return _no_racks(
                f"without rack {rack} {hosts_named(over)} would carry more than max_load_factor allows",
                "raise `policy.max_load_factor`",
            )
    return None


def _no_racks(message: str, hint: str) -> Diagnostic:
    return Diagnostic(
        code=NO_WHOLE_RACKS,
        message=f"whole racks cannot be groups: {message}",
        hint=f"{hint}, or leave `--by rack` out",
    )


def _in_order(work: _Work, groups: Sequence[Group]) -> tuple[Group, ...]:
    """Neighbours share as few contents as can be: what a group brings back has the longest time to be
    in sync before its other copy goes down.
    """
    count = len(groups)
    cost = [[work.shared(one, other) for other in groups] for one in groups]
    if count <= _MOST_PERMUTED:
        order = min(
            permutations(range(count)), key=lambda way: sum(cost[a][b] for a, b in pairwise(way))
        )
        return tuple(groups[at] for at in order)
    left = list(range(1, count))
    chain = [0]
    while left:
        chain.append(min(left, key=lambda at: (cost[chain[-1]][at], at)))
        left.remove(chain[-1])
    return tuple(groups[at] for at in chain)
