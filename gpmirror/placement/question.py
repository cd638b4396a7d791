"""What strategy balanced asks of a layout: who may go where, what it costs, what bounds the cost.

The rules stand in `model/certificate.py`. Hosts are numbers here, in natural order of their names,
and contents stand in the order of their primaries: the order of a spec or catalog never matters.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field, replace
from fractions import Fraction
from itertools import chain

from gpmirror.diagnostics import Place
from gpmirror.model.certificate import (
    Certificate,
    CostWeights,
    FixedMirror,
    LeastCost,
    Levels,
    Ratio,
)
from gpmirror.model.names import natural
from gpmirror.model.observed import Observed
from gpmirror.placement.flow import Batch, FlowLimits, ToPlace
from gpmirror.placement.hosts import HostMap
from gpmirror.spec.model import Minimise, Pin, Protection, Site, Spec
from gpmirror.values import dataclass

# --- The question: who may go where, and what it costs.


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceQuestion:
    """A site and its contents in numbers. `primary` and `home` are hosts by content, `home` None
    where no mirror row tells one; `bare` are the contents without a mirror row. `barred` hosts take
    no mirror that moves. `size` is what a move costs by content, `bytes` the same in bytes (None:
    moves are counted). `limit` is the policy's load factor.
    """

    names: tuple[str, ...]
    racks: tuple[str | None, ...]
    weights: tuple[int, ...]
    primary: Mapping[int, int]
    home: Mapping[int, int | None]
    bare: frozenset[int]
    fixed: Mapping[int, FixedMirror]
    barred: frozenset[int]
    keeps_racks: bool
    allows_same_host: bool
    limit: float | None
    size: Mapping[int, int]
    bytes: Mapping[int, int] | None
    lo: tuple[int, ...] = field(init=False)
    hi: tuple[int, ...] = field(init=False)
    own: tuple[int, ...] = field(init=False)
    holders: int = field(init=False)
    costs: CostWeights = field(init=False)
    has_racks: bool = field(init=False)

    def __post_init__(self) -> None:
        """Bands, own primaries and weights follow from the rest."""
        total, weight = len(self.primary), sum(self.weights) or 1
        counted = Counter(self.primary.values())
        outside = 1 + sum(self.size.values())
        same_rack = outside * (2 * total + 1)
        bands = [share(total, one, weight) for one in self.weights]
        derived = {
            "lo": tuple(lo for lo, _ in bands),
            "hi": tuple(hi for _, hi in bands),
            "own": tuple(counted[host] for host in range(len(self.names))),
            "holders": len(counted),
            "costs": CostWeights(
                unplaced=same_rack * (total + 1), same_rack=same_rack, outside=outside
            ),
            "has_racks": len({rack for rack in self.racks if rack is not None}) > 1,
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    @property
    def minimise(self) -> Minimise:
        """What counts."""
        return "moves" if self.bytes is None else "bytes"

    def shares_rack(self, one: int, other: int) -> bool:
        """Whether two racks exist and both hosts stand in one."""
        return (
            self.has_racks and self.racks[one] is not None and self.racks[one] == self.racks[other]
        )

    def load(self, host: int, gained: int) -> Fraction:
        """The load of a host that takes over so many primaries."""
        if self.own[host]:
            return Fraction(self.own[host] + gained, self.own[host])
        return Fraction(gained * self.holders, len(self.primary))


def share(contents: int, weight: int, weights: int) -> tuple[int, int]:
    """The fewest and the most mirrors that are a fair share for a host of this weight among `weights`."""
    return contents * weight // weights, -(-contents * weight // weights)


def ask(
    site: Site,
    observed: Observed,
    hosts: HostMap,
    pins: Mapping[int, Pin],
    lifted: Collection[str] = (),
    minimise: Minimise = "moves",
) -> BalanceQuestion:
    """The question that a site and a catalog put. `pins` by content are those with a host; `lifted`
    are protections that do not count. Where a size is not known moves are counted.
    """
    names = sorted((host.name for host in site.hosts), key=natural)
    number = {name: at for at, name in enumerate(names)}
    by_name = {host.name: host for host in site.hosts}
    rows = sorted(
        (
            (number[own], row.port, row.content, mirror)
            for row, mirror in observed.pairs().values()
            if (own := hosts.home_of(row)) is not None
        ),
        key=lambda one: one[:3],
    )
    home = {
        content: None if mirror is None else number.get(hosts.home_of(mirror) or "")
        for _, _, content, mirror in rows
    }
    moving = {content: observed.sizes.get(content) for content in home if home[content] is not None}
    sizes = {content: size for content, size in moving.items() if size is not None}
    counts_bytes = minimise == "bytes" and len(sizes) == len(moving)
    protect = [one for one in site.protect if one.name not in lifted]
    racks = tuple(by_name[name].rack for name in names)
    return BalanceQuestion(
        names=tuple(names),
        racks=racks,
        weights=tuple(by_name[name].weight for name in names),
        primary={content: host for host, _, content, _ in rows},
        home=home,
        bare=frozenset(content for _, _, content, mirror in rows if mirror is None),
        fixed=_fixed(home, pins, _standing(observed, hosts, protect)),
        barred=frozenset(number[one.host] for one in protect if one.host in number),
        keeps_racks=any(rule.of == "rack" for rule in site.policy.survive)
        and len({rack for rack in racks if rack is not None}) > 1,
        allows_same_host=site.allow_same_host,
        limit=site.policy.max_load_factor,
        size={
            content: 0
            if home[content] is None
            else (sizes[content] * (len(rows) + 1) + 1 if counts_bytes else 1)
            for content in home
        },
        bytes={content: sizes.get(content, 0) for content in home} if counts_bytes else None,
    )


def ask_for(
    spec: Spec, observed: Observed, hosts: HostMap, lifted: Collection[str]
) -> BalanceQuestion:
    """The question that a spec puts, with its own pins."""
    pins = {pin.content: pin for pin in spec.pins if pin.host is not None}
    return ask(spec, observed, hosts, pins, lifted, spec.minimise)


def _fixed(
    home: Mapping[int, int | None],
    pins: Mapping[int, Pin],
    stood: Mapping[int, tuple[str, Place]],
) -> dict[int, FixedMirror]:
    """Contents with one host to go to; a pin wins over a protection."""
    found = {
        content: FixedMirror(content=content, host=host, rule="protect", source=place.line_text)
        for content, (host, place) in stood.items()
    }
    for content, pin in pins.items():
        if pin.host is not None and content in home:
            found[content] = FixedMirror(
                content=content, host=pin.host, rule="pin", source=pin.place.line_text
            )
    return dict(sorted(found.items()))


def _standing(
    observed: Observed, hosts: HostMap, protect: Sequence[Protection]
) -> dict[int, tuple[str, Place]]:
    """Mirrors that a protection forbids to leave their host, with the line."""
    found: dict[int, tuple[str, Place]] = {}
    for content, (_, mirror) in observed.pairs().items():
        if mirror is None:
            continue
        host = hosts.home_of(mirror) or hosts.host_of(mirror)
        for one in protect:
            if content == one.content or host == one.host:
                found.setdefault(content, (host, one.place))
    return found


def batches(question: BalanceQuestion, only: int | None = None) -> list[Batch]:
    """The contents by primary host, all or only this one, and by where they may go."""
    number = {name: at for at, name in enumerate(question.names)}
    takers = _takers(question)
    open_to = {True: takers, False: takers - question.barred}
    groups: dict[tuple[int, str | bool, str | None], list[ToPlace]] = {}
    for content, primary in question.primary.items():
        if only is not None and primary != only:
            continue
        fixed = question.fixed.get(content)
        kind: str | bool = content in question.bare if fixed is None else fixed.host
        rule = None if fixed is None else fixed.rule
        piece = ToPlace(content, question.home[content], question.size[content])
        groups.setdefault((primary, kind, rule), []).append(piece)
    found = []
    for (primary, kind, fixed_by), pieces in groups.items():
        if isinstance(kind, str):
            batch = Batch(
                primary=primary,
                open=_only(question, primary, number.get(kind), fixed_by),
                pieces=tuple(pieces),
                bars_host=False,
            )
        else:
            batch = _free(question, primary, open_to[kind], tuple(pieces))
        found.append(batch)
    return found


def _only(
    question: BalanceQuestion, primary: int, host: int | None, rule: str | None
) -> frozenset[int]:
    """The one host of a fixed content, unless a rule that is as hard forbids it. That a pin is beside
    its primary, or on a host without weight, is judged or meant elsewhere; a protected mirror may
    stay there where the spec accepts that and racks leave it no other place.
    """
    if host is None:
        return frozenset()
    if rule == "protect" and not question.weights[host]:
        return frozenset()
    if rule == "protect" and host == primary:
        free = _free(question, primary, _takers(question), ())
        is_alone = not free.bars_host
        stays = question.allows_same_host and (is_alone or not question.keeps_racks)
        return frozenset({host} if stays else ())
    if question.keeps_racks and question.shares_rack(primary, host):
        return frozenset()
    return frozenset({host})


def _takers(question: BalanceQuestion) -> frozenset[int]:
    return frozenset(host for host, weight in enumerate(question.weights) if weight)


def _free(
    question: BalanceQuestion, primary: int, takers: frozenset[int], pieces: tuple[ToPlace, ...]
) -> Batch:
    batch = Batch(primary=primary, open=takers, pieces=pieces, bars_rack=question.keeps_racks)
    alone = question.allows_same_host and question.weights[primary] > 0
    if alone and not any(may_go(question, batch, host) for host in takers):
        return replace(batch, open=frozenset({primary}), bars_host=False, bars_rack=False)
    return batch


def may_go(question: BalanceQuestion, batch: Batch, host: int) -> bool:
    """Whether a host of those open to the batch is not barred after all."""
    return not (batch.bars_host and host == batch.primary) and not (
        batch.bars_rack and question.shares_rack(batch.primary, host)
    )


# --- FlowLimits: how many mirrors a load allows.


@dataclass(frozen=True, slots=True, kw_only=True)
class Loads:
    """Loads that are not to be exceeded, or not to be reached (None: no such limit)."""

    host_at_most: Fraction | None = None
    host_below: Fraction | None = None
    rack_below: Fraction | None = None
    rack_at_most: Fraction | None = None


def limits(question: BalanceQuestion, loads: Loads) -> FlowLimits:
    """The most mirrors on each host of one primary host, and of one rack."""
    pair: list[int] | None = None
    if (question.limit, loads.host_at_most, loads.host_below) != (None, None, None):
        pair = [
            min(
                _by_policy(question, host),
                most_under(question, host, loads.host_at_most, loads.host_below),
            )
            for host in range(len(question.names))
        ]
    rack: list[int] | None = None
    if (loads.rack_at_most, loads.rack_below) != (None, None):
        rack = [
            most_under(question, host, loads.rack_at_most, loads.rack_below)
            for host in range(len(question.names))
        ]
    return FlowLimits(pair=pair, rack=rack)


def most_under(
    question: BalanceQuestion, host: int, at_most: Fraction | None, below: Fraction | None
) -> int:
    """The most mirrors that keep a load; all contents where there is no limit."""
    total = len(question.primary)
    scale = Fraction(question.own[host]) or Fraction(1) / question.load(host, 1)
    found = total
    if at_most is not None:
        found = min(found, int((at_most * scale - question.own[host]) // 1))
    if below is not None:
        found = min(found, int(-((question.own[host] - below * scale) // 1)) - 1)
    return max(found, 0)


def _by_policy(question: BalanceQuestion, host: int) -> int:
    """The most mirrors under `max_load_factor`, by the division that judges the policy."""
    total, limit, own = len(question.primary), question.limit, question.own[host]
    if limit is None:
        return total
    holders = question.holders
    most = min(total, int(limit * (own or total / holders)) - own + 1)
    while most > 0:
        after = own + most
        if (after / own if own else after * holders / total) <= limit:
            break
        most -= 1
    return max(most, 0)


# --- Whether there is any layout.


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowded:
    """Contents of one primary host that cannot all have a place: `room` is what the hosts that they
    may go to take of them at most, beside `taken` others of that primary host.
    """

    primary: str
    contents: tuple[int, ...]
    room: int
    taken: int


def feasible(question: BalanceQuestion) -> bool:
    """Whether some layout keeps what must be kept."""
    return next(crowded(question), None) is None


def crowded(question: BalanceQuestion, groups: Sequence[Batch] | None = None) -> Iterator[Crowded]:
    """Where it does not work out, of all or of these groups of contents, found as asked for. Limits are between pairs of
    hosts, and hosts themselves take any number, so each primary host is judged alone: the contents
    that have one host first, then those that move, then those that may go to more hosts still.
    """
    most = [_by_policy(question, host) for host in range(len(question.names))]
    used: dict[int, Counter[int]] = {}
    with_room: dict[frozenset[int], list[int]] = {}
    asked = batches(question) if groups is None else groups
    for batch in sorted(asked, key=lambda one: len(one.open)):
        left, taken = len(batch.pieces), used.setdefault(batch.primary, Counter())
        if batch.open not in with_room:
            with_room[batch.open] = sorted(host for host in batch.open if most[host])
        own = (batch.primary,) if batch.primary in batch.open and not most[batch.primary] else ()
        for host in chain(own, with_room[batch.open]):
            if not left:
                break
            if may_go(question, batch, host):
                free = max(0, most[host] - taken[host])
                more = left if host == batch.primary else min(left, free)
                taken[host] += more
                left -= more
        if left:
            yield Crowded(
                primary=question.names[batch.primary],
                contents=tuple(piece.content for piece in batch.pieces),
                room=len(batch.pieces) - left,
                taken=_taken(question, batch, taken) - (len(batch.pieces) - left),
            )


def _taken(question: BalanceQuestion, batch: Batch, taken: Mapping[int, int]) -> int:
    """The places that the batch's primary host has on the hosts that the batch may go to."""
    return sum(
        count
        for host, count in taken.items()
        if host in batch.open and may_go(question, batch, host)
    )


# --- A layout's figures.


HostByContent = Mapping[int, int]
"""Host by content."""


def measure(question: BalanceQuestion, placed: HostByContent) -> tuple[Levels, int]:
    """What a layout reaches, level by level, and what it costs."""
    held = Counter(placed.values())
    together = sum(question.shares_rack(question.primary[c], host) for c, host in placed.items())
    outside = sum(
        max(0, held[host] - question.hi[host], question.lo[host] - held[host])
        for host in range(len(question.names))
    )
    moving = [
        content
        for content, host in placed.items()
        if question.home[content] is not None and host != question.home[content]
    ]
    costs = question.costs
    cost = costs.same_rack * together + costs.outside * outside
    cost += sum(question.size[content] for content in moving)
    host = host_load(question, placed)
    rack = rack_load(question, placed) if question.has_racks else None
    levels = Levels(
        same_rack=together,
        outside=outside,
        bytes=None if question.bytes is None else sum(question.bytes[c] for c in moving),
        moves=len(moving),
        host_load=None if host is None else host.as_integer_ratio(),
        rack_load=None if rack is None else rack.as_integer_ratio(),
    )
    return levels, cost


def host_load(question: BalanceQuestion, placed: HostByContent) -> Fraction | None:
    """The worst load after the loss of any one host; None: nobody takes over."""
    pairs = Counter((question.primary[content], host) for content, host in placed.items())
    return max(
        (question.load(host, count) for (primary, host), count in pairs.items() if host != primary),
        default=None,
    )


def rack_load(question: BalanceQuestion, placed: HostByContent) -> Fraction | None:
    """The worst load after the loss of any one rack."""
    racks = question.racks
    pairs = Counter((racks[question.primary[content]], host) for content, host in placed.items())
    return max(
        (
            question.load(host, count)
            for (rack, host), count in pairs.items()
            if rack is not None and rack != racks[host]
        ),
        default=None,
    )


# --- A lower bound by prices.


def least(question: BalanceQuestion, bound: LeastCost) -> int:
    """What every layout under the bound's limits costs at least, by its prices alone. Raises
    ValueError: a price that proves nothing.
    """
    under = limits(
        question,
        Loads(
            host_at_most=fraction(bound.host_at_most),
            host_below=fraction(bound.host_below),
            rack_below=fraction(bound.rack_below),
        ),
    )
    prices = _prices(question, bound, under)
    total = sum(_cheapest(question, batch, under, prices) for batch in batches(question))
    for host, price in enumerate(prices.host):
        total -= price * (question.hi[host] if price >= 0 else question.lo[host])
    for (_, host), price in prices.pair.items():
        if price < 0 or under.pair is None:
            raise ValueError("a price of a pair without a limit")
        total -= price * under.pair[host]
    for (_, host), price in prices.rack.items():
        if price < 0 or under.rack is None:
            raise ValueError("a price of a rack without a limit")
        total -= price * under.rack[host]
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prices:
    """Prices in numbers, and the hosts of one price from the cheapest on."""

    host: tuple[int, ...]
    pair: Mapping[tuple[int, int], int]
    rack: Mapping[tuple[str, int], int]
    order: tuple[int, ...]


def _prices(question: BalanceQuestion, bound: LeastCost, under: FlowLimits) -> _Prices:
    number = {name: at for at, name in enumerate(question.names)}
    host = [0] * len(number)
    for one in bound.hosts:
        at = number[one.host]
        lowest = -question.costs.outside if question.lo[at] else 0
        if not lowest <= one.price <= question.costs.outside:
            raise ValueError("a price of a host beyond what its band can cost")
        host[at] = one.price
    return _Prices(
        host=tuple(host),
        pair={(number[one.primary], number[one.host]): one.price for one in bound.pairs},
        rack={(one.rack, number[one.host]): one.price for one in bound.racks},
        order=tuple(
            sorted(
                (at for at in range(len(host)) if under.pair is None or under.pair[at]),
                key=lambda at: (host[at], at),
            )
        ),
    )


def _cheapest(question: BalanceQuestion, batch: Batch, under: FlowLimits, prices: _Prices) -> int:
    """The sum of the least that each content of the batch costs."""
    elsewhere = question.costs.unplaced
    # an only host may be the primary's own, which no limit speaks of
    for host in prices.order if len(batch.open) > 1 else sorted(batch.open):
        if prices.host[host] >= elsewhere:
            break
        price = _price(question, batch, under, prices, host)
        if price is not None:
            elsewhere = min(elsewhere, price)
    total = 0
    homes: dict[int, int | None] = {}
    for piece in batch.pieces:
        least_here = elsewhere + piece.cost
        if piece.home is not None:
            if piece.home not in homes:
                homes[piece.home] = _price(question, batch, under, prices, piece.home)
            at_home = homes[piece.home]
            if at_home is not None:
                least_here = min(least_here, at_home)
        total += least_here
    return total


def _price(
    question: BalanceQuestion, batch: Batch, under: FlowLimits, prices: _Prices, host: int
) -> int | None:
    """What a content of the batch costs on the host but for its move; None: it may not go there."""
    if host not in batch.open or not may_go(question, batch, host):
        return None
    primary, rack = batch.primary, question.racks[batch.primary]
    if under.pair is not None and host != primary and under.pair[host] == 0:
        return None
    crosses = rack is not None and rack != question.racks[host]
    if under.rack is not None and crosses and under.rack[host] == 0:
        return None
    price = prices.host[host] + prices.pair.get((primary, host), 0)
    if crosses and rack is not None:
        price += prices.rack.get((rack, host), 0)
    return price + (question.costs.same_rack if question.shares_rack(primary, host) else 0)


def fraction(ratio: Ratio | None) -> Fraction | None:
    """A ratio as it stands in a certificate, to reckon with."""
    return None if ratio is None else Fraction(*ratio)


# --- A certificate that somebody hands over: whether all that it says holds.


def doubts(question: BalanceQuestion, placed: HostByContent, certificate: Certificate) -> list[str]:
    """What does not hold of a certificate, by its keys; nothing: it proves the layout."""
    try:
        return list(_doubts(question, placed, certificate))
    except (KeyError, ValueError, ZeroDivisionError):  # a host or a load that is none
        return ["bounds"]


def _doubts(
    question: BalanceQuestion, placed: HostByContent, certificate: Certificate
) -> Iterator[str]:
    told = [(one.content, one.host, one.rule) for one in certificate.fixed]
    if told != [(one.content, one.host, one.rule) for one in question.fixed.values()]:
        yield "fixed"
    if certificate.weights != question.costs:
        yield "weights"
    if not keeps_rules(question, placed):
        yield "rules"
        return
    levels, cost = measure(question, placed)
    if certificate.levels != levels:
        yield "levels"
    if certificate.cost != cost:
        yield "cost"
    if [_claim(one) for one in certificate.bounds] != _claims(levels):
        yield "bounds"
    for number, one in enumerate(certificate.bounds):
        found = least(question, one)
        if found != one.least or (found <= cost if number else found != cost):
            yield f"bounds[{number}]"


def keeps_rules(question: BalanceQuestion, placed: HostByContent) -> bool:
    """Whether each content is where it may go, and no load is beyond the policy's."""
    if placed.keys() != question.primary.keys():
        return False
    pairs: Counter[tuple[int, int]] = Counter()
    for batch in batches(question):
        for piece in batch.pieces:
            host = placed[piece.content]
            if host not in batch.open or not may_go(question, batch, host):
                return False
            pairs[batch.primary, host] += host != batch.primary
    most = [_by_policy(question, host) for host in range(len(question.names))]
    return all(count <= most[host] for (_, host), count in pairs.items())


ClaimedLoads = tuple[Ratio | None, Ratio | None, Ratio | None]


def _claim(bound: LeastCost) -> ClaimedLoads:
    return (bound.host_at_most, bound.host_below, bound.rack_below)


def _claims(levels: Levels) -> list[ClaimedLoads]:
    """The limits of the bounds that prove such levels."""
    found: list[ClaimedLoads] = [(None, None, None)]
    if levels.host_load is not None:
        found.append((None, levels.host_load, None))
    if levels.rack_load is not None:
        found.append((levels.host_load, None, levels.rack_load))
    return found
