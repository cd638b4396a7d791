"""Whether a balanced layout is the best possible, by the proof in the plan: weak duality.

Prices of hosts, pairs and racks give a lower bound of the cost of every layout, whoever found them.
So the bound is reckoned anew from the prices, the cost from the layout, and the two are compared; what
the figures mean stands at the top of `gpmirror/model/certificate.py`. Nothing is solved here.
"""

from bisect import insort
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import takewhile
from math import ceil, floor

from gpmirror.audit.claim import Claim, Falsehood, differ, told
from gpmirror.audit.ground import Ground
from gpmirror.model.certificate import Certificate, LeastCost, Levels, Ratio
from gpmirror.model.text import counted
from gpmirror.plan.model import Change, Plan, PlannedProtection
from gpmirror.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """What is to be placed: by content its primary's host, the host that its mirror belongs to now
    (None: none) and what it costs to leave that; by host its rack, primaries, and the fewest and most
    mirrors of its share. `barred` hosts take only what is theirs, and contents that are new.
    """

    primary: dict[int, str]
    home: dict[int, str | None]
    new: frozenset[int]
    size: dict[int, int]
    fixed: dict[int, str]
    rack: dict[str, str | None]
    own: Counter[str]
    band: dict[str, tuple[int, int]]
    open: frozenset[str]
    barred: frozenset[str]
    two_racks: bool
    apart: bool
    beside: bool
    factor: float | None

    def shares_rack(self, one: str, other: str) -> bool:
        """Whether both hosts stand in one rack where there are two."""
        rack = self.rack.get(one)
        return self.two_racks and rack is not None and rack == self.rack.get(other)

    def load(self, host: str, more: int) -> Fraction:
        """What the host then carries, over its own number of primaries, or the mean where it has none."""
        own = self.own[host]
        if own:
            return Fraction(own + more, own)
        return Fraction(more * len(self.own), len(self.primary))


def judge_certificate(ground: Ground, found: Certificate) -> Claim:
    """The claim that no layout is better."""
    levels = found.levels
    parts = [f"{counted(levels.moves, 'move')}"]
    if levels.same_rack:
        parts.insert(0, f"{counted(levels.same_rack, 'mirror')} in the rack of their primary")
    if levels.outside:
        parts.insert(0, f"{counted(levels.outside, 'mirror')} outside the shares")
    return Claim(
        name="certificate",
        said=f"{', '.join(parts)}: no layout has fewer{_given_told(found)}, and none of those a lower "
        "worst load",
        false=tuple(_judge(ground, found)),
    )


def judge_reasons(plan: Plan) -> Claim | None:
    """The claim of a plan without a proof that strategy balanced placed its mirrors; None: it makes none."""
    false = tuple(
        Falsehood(
            f"changes, content {change.content}, reason",
            change.reason,
            "the plan has no certificate, so nothing proves that no layout is better",
        )
        for change in plan.changes
        if _is_balanced(change)
    )
    if not false:
        return None
    said = "what strategy balanced places has its proof in the plan"
    return Claim(name="certificate", said=said, false=false)


_BALANCED = "balanced: "


def _is_balanced(change: Change) -> bool:
    """Whether the change is told to be what strategy balanced wants. What a pin's own words say is
    the spec's.
    """
    rules = takewhile(lambda part: not part.startswith("pinned"), change.reason.split("; "))
    return any(part.startswith(_BALANCED) for part in rules)


def _given_told(found: Certificate) -> str:
    """What the proof takes as given, in words: only the spec knows the pins."""
    rules: Counter[str] = Counter(one.rule for one in found.fixed)
    told = [
        f"{counted(rules[rule], 'mirror')} {words}"
        for rule, words in (("pin", "pinned by the spec"), ("protect", "protected"))
        if rules[rule]
    ]
    return f" (given: {', '.join(told)})" if told else ""


def _judge(ground: Ground, found: Certificate) -> Iterator[Falsehood]:
    wrong = list(_given(ground, found))
    yield from wrong
    if wrong:  # prices of hosts that do not exist prove nothing
        return
    question = _question(ground, found)
    yield from _weights(question, found)
    yield from _layout(ground, question, found)
    yield from _bounds(question, found)


# --- What the proof stands on: names that exist, contents that are fixed for a reason.


def _given(ground: Ground, found: Certificate) -> Iterator[Falsehood]:
    contents = [one.content for one in found.fixed]
    if contents != sorted(set(contents) & ground.wanted.keys()):
        yield Falsehood(
            "certificate.fixed", told(contents), "contents of the plan, each once, in order"
        )
        return
    for one in found.fixed:
        where = f"certificate.fixed, content {one.content}"
        mirror = ground.mirrors.get(one.content)
        yield from differ(f"{where}, host", one.host, None if mirror is None else mirror.host)
        if one.rule == "protect" and not _is_protected(ground, one.content):
            yield Falsehood(where, "protected", "nothing protects it")
    pinned = {one.content for one in found.fixed if one.rule == "pin"}
    for change in ground.plan.changes:
        if change.content in pinned and _is_balanced(change):
            where = f"changes, content {change.content}, reason"
            yield Falsehood(where, change.reason, "the certificate calls it pinned")
    loads = (found.levels.host_load, found.levels.rack_load)
    ratios = [
        *loads,
        *(r for b in found.bounds for r in (b.host_at_most, b.host_below, b.rack_below)),
    ]
    if any(ratio is not None and ratio[1] < 1 for ratio in ratios):
        yield Falsehood("certificate", "a ratio to nothing", "a ratio")
    if found.minimise == "bytes":
        unknown = ground.mirrors.keys() - ground.sizes.keys()
        unknown = {number for number in unknown if ground.standings[number].idle is not None}
        if unknown:
            yield Falsehood(
                "certificate.minimise", "bytes", f"the size of content {min(unknown)} is not known"
            )


def _is_protected(ground: Ground, content: int) -> bool:
    home = ground.homes.get(content)
    return home is not None and any(
        one.content == content or one.host == home for one in _protections(ground)
    )


def _protections(ground: Ground) -> Iterator[PlannedProtection]:
    """Those that the plan does not lift."""
    for one in ground.plan.settings.protect or ():
        name = f"content:{one.content}" if one.host is None else f"host:{one.host}"
        if f"unprotect:{name}" not in ground.plan.allowed:
            yield one


def _question(ground: Ground, found: Certificate) -> _Question:
    hosts = ground.hosts
    policy = ground.plan.settings.policy
    racks = {host.rack for host in hosts.values() if host.rack is not None}
    two_racks = len(racks) > 1
    primary = {number: one.primary.host for number, one in ground.wanted.items()}
    weight = sum(host.weight for host in hosts.values())
    band = {}
    for host in hosts.values():
        share = Fraction(len(primary) * host.weight, weight) if weight else Fraction(0)
        band[host.name] = (floor(share), ceil(share))
    contents = len(primary)
    sizes = {
        number: ground.sizes.get(number, 0) * (contents + 1) + 1 if found.minimise == "bytes" else 1
        for number in primary
    }
    return _Question(
        primary=primary,
        home={number: ground.homes.get(number) for number in primary},
        new=frozenset(n for n, one in ground.standings.items() if one.idle is None),
        size=sizes,
        fixed={one.content: one.host for one in found.fixed},
        rack={host.name: host.rack for host in hosts.values()},
        own=Counter(primary.values()),
        band=band,
        open=frozenset(host.name for host in hosts.values() if host.weight > 0),
        barred=frozenset(one.host for one in _protections(ground) if one.host is not None),
        two_racks=two_racks,
        apart=two_racks
        and policy is not None
        and any(loss.of == "rack" for loss in policy.survive),
        beside=ground.plan.settings.allow_same_host,
        factor=None if policy is None else policy.max_load_factor,
    )


def _weights(question: _Question, found: Certificate) -> Iterator[Falsehood]:
    """So large that a level counts before all that follow."""
    contents = len(question.primary)
    sizes = sum(size for n, size in question.size.items() if question.home[n] is not None)
    weights = found.weights
    for key, value, least in (
        ("outside", weights.outside, sizes),
        ("same_rack", weights.same_rack, weights.outside * 2 * contents),
        ("unplaced", weights.unplaced, weights.same_rack * contents),
    ):
        if value <= least:
            yield Falsehood(f"certificate.weights.{key}", told(value), f"more than {least}")


# --- What the wanted layout costs, level by level.


def _layout(ground: Ground, question: _Question, found: Certificate) -> Iterator[Falsehood]:
    placed = {number: slot.host for number, slot in ground.mirrors.items()}
    limits = _Limits(
        question,
        LeastCost(
            host_at_most=None,
            host_below=None,
            rack_below=None,
            hosts=(),
            pairs=(),
            racks=(),
            least=0,
        ),
    )
    for number, host in placed.items():
        if not limits.admits(number, host):
            yield Falsehood(
                f"desired.contents, mirror of content {number}",
                f"on {host}",
                "a host that it may go to",
            )
    for (primary, host), count in sorted(
        Counter((question.primary[n], h) for n, h in placed.items()).items()
    ):
        most = limits.of_host(host)
        if most is not None and primary != host and count > most:
            claimed = f"{count} mirrors of {primary} on {host}"
            yield Falsehood("desired.contents", claimed, f"at most {most} (max_load_factor)")
    moved = [n for n, host in placed.items() if question.home[n] not in {None, host}]
    mirrors = Counter(placed.values())
    same = sum(question.shares_rack(question.primary[n], host) for n, host in placed.items())
    outside = sum(
        max(0, mirrors[host] - most, least - mirrors[host])
        for host, (least, most) in question.band.items()
    )
    true = Levels(
        same_rack=same,
        outside=outside,
        bytes=sum(ground.sizes.get(n, 0) for n in moved) if found.minimise == "bytes" else None,
        moves=len(moved),
        host_load=_ratio(_host_loads(question, placed)),
        rack_load=_ratio(_rack_loads(question, placed)),
    )
    for key in Levels.__slots__:
        yield from differ(
            f"certificate.levels.{key}", getattr(found.levels, key), getattr(true, key)
        )
    cost = found.weights.same_rack * same + found.weights.outside * outside
    yield from differ("certificate.cost", found.cost, cost + sum(question.size[n] for n in moved))


def _ratio(loads: Iterable[Fraction]) -> Ratio | None:
    worst = max(loads, default=None)
    return None if worst is None else (worst.numerator, worst.denominator)


def _host_loads(question: _Question, placed: Mapping[int, str]) -> Iterator[Fraction]:
    """What hosts carry after the loss of any other."""
    gains = Counter((question.primary[number], host) for number, host in placed.items())
    for (lost, host), more in gains.items():
        if lost != host:
            yield question.load(host, more)


def _rack_loads(question: _Question, placed: Mapping[int, str]) -> Iterator[Fraction]:
    if not question.two_racks:
        return
    gains = Counter(
        (question.rack.get(question.primary[number]), host) for number, host in placed.items()
    )
    for (rack, host), more in gains.items():
        if rack is not None and rack != question.rack.get(host):
            yield question.load(host, more)


# --- Bounds: any prices prove one, and the sum is reckoned anew.


class _Limits:
    """How many mirrors of one host, or of one rack, a host may take under a bound's limits, and which
    hosts a content may go to then.
    """

    def __init__(self, question: _Question, bound: LeastCost) -> None:
        self._question = question
        self._bound = bound
        self._of_host: dict[str, int | None] = {h: self._host_limit(h) for h in question.own}
        self._of_host |= {h: self._host_limit(h) for h in question.rack}
        self._of_rack = {h: self._rack_limit(h) for h in question.rack}

    def of_host(self, host: str) -> int | None:
        """Most mirrors of any one other host; None: no limit."""
        return self._of_host[host]

    def of_rack(self, host: str) -> int | None:
        """Most mirrors of any one other rack."""
        return self._of_rack[host]

    def admits(self, content: int, host: str) -> bool:
        """Whether the content may go there."""
        question = self._question
        if content in question.fixed:
            return question.fixed[content] == host and self._has_room(content, host)
        if self._is_open(content, host):
            return self._has_room(content, host)
        primary = question.primary[content]
        if host != primary or not question.beside or host not in question.open:
            return False
        return not any(self._is_open(content, other) for other in question.open)

    def _is_open(self, content: int, host: str) -> bool:
        """Whether it may by rules other than limits of load."""
        question = self._question
        primary = question.primary[content]
        if host == primary or host not in question.open:
            return False
        if question.apart and question.shares_rack(primary, host):
            return False
        stays = content in question.new or question.home[content] == host
        return stays or host not in question.barred

    def _has_room(self, content: int, host: str) -> bool:
        question = self._question
        primary = question.primary[content]
        if primary != host and self._of_host.get(host) == 0:
            return False
        rack = question.rack.get(primary)
        crosses = question.two_racks and rack is not None and rack != question.rack.get(host)
        return not (crosses and self._of_rack.get(host) == 0)

    def _host_limit(self, host: str) -> int | None:
        found = [
            _most_within(self._question, host, self._bound.host_at_most),
            _most_below(self._question, host, self._bound.host_below),
            _most_by_factor(self._question, host),
        ]
        return min((one for one in found if one is not None), default=None)

    def _rack_limit(self, host: str) -> int | None:
        return _most_below(self._question, host, self._bound.rack_below)


def _room(question: _Question, host: str, load: Ratio) -> Fraction:
    """How many mirrors give this load, as a fraction."""
    own, ratio = question.own[host], Fraction(*load)
    if own:
        return own * (ratio - 1)
    return ratio * len(question.primary) / len(question.own)


def _most_within(question: _Question, host: str, load: Ratio | None) -> int | None:
    return None if load is None else max(0, floor(_room(question, host, load)))


def _most_below(question: _Question, host: str, load: Ratio | None) -> int | None:
    return None if load is None else max(0, ceil(_room(question, host, load)) - 1)


def _most_by_factor(question: _Question, host: str) -> int | None:
    """As the policy is judged: by a division of floats."""
    factor = question.factor
    if factor is None:
        return None
    own, holders, total = question.own[host], len(question.own), len(question.primary)
    most = min(total, max(0, floor((factor - 1) * own if own else factor * total / holders) + 2))
    while most > 0 and ((own + most) / own if own else most * holders / total) > factor:
        most -= 1
    return most


def _bounds(question: _Question, found: Certificate) -> Iterator[Falsehood]:
    for number, bound in enumerate(found.bounds):
        where = f"certificate.bounds[{number}]"
        wrong = list(_prices(question, found, bound, where))
        yield from wrong
        if not wrong:
            least = _Bound(question, found, bound).least()
            yield from differ(f"{where}.least", bound.least, least)
    first = found.bounds[0] if found.bounds else None
    if first is None or (first.host_at_most, first.host_below, first.rack_below) != (
        None,
        None,
        None,
    ):
        yield Falsehood(
            "certificate.bounds", "no bound of all layouts", "one without a limit, first"
        )
    elif first.least != found.cost:
        yield Falsehood(
            "certificate.bounds[0].least",
            told(first.least),
            f"the cost {found.cost}, else nothing proves that it is the least",
        )
    levels = found.levels
    if levels.host_load is not None:
        yield from _no_lower(found, (None, levels.host_load, None), levels.host_load)
    if levels.rack_load is not None:
        yield from _no_lower(found, (levels.host_load, None, levels.rack_load), levels.rack_load)


def _no_lower(
    found: Certificate, limits: tuple[Ratio | None, Ratio | None, Ratio | None], load: Ratio
) -> Iterator[Falsehood]:
    """A bound with these limits is to cost more than the layout does."""
    if not any(
        (one.host_at_most, one.host_below, one.rack_below) == limits and one.least > found.cost
        for one in found.bounds
    ):
        claimed = f"no layout of this cost has a worst load below {Fraction(*load)}"
        yield Falsehood("certificate.bounds", claimed, "no bound proves it")


def _prices(
    question: _Question, found: Certificate, bound: LeastCost, where: str
) -> Iterator[Falsehood]:
    """Prices that may stand in a proof."""
    limits = _Limits(question, bound)
    outside = found.weights.outside
    names = [one.host for one in bound.hosts]
    if len(set(names)) < len(names) or not set(names) <= question.band.keys():
        yield Falsehood(f"{where}.hosts", "prices of hosts", "hosts of the plan, each once")
        return
    for one in bound.hosts:
        least = -outside if question.band[one.host][0] else 0
        if not least <= one.price <= outside:
            yield Falsehood(f"{where}.hosts, {one.host}", told(one.price), f"{least} to {outside}")
    pairs = [(one.primary, one.host) for one in bound.pairs]
    racks = [(one.rack, one.host) for one in bound.racks]
    if len(set(pairs)) < len(pairs) or len(set(racks)) < len(racks):
        yield Falsehood(where, "a price twice", "each price once")
    for pair in bound.pairs:
        legal = pair.host in question.band and pair.primary != pair.host
        if not legal or pair.price < 0 or limits.of_host(pair.host) is None:
            claimed = f"{pair.primary} on {pair.host}: {pair.price}"
            yield Falsehood(f"{where}.pairs", claimed, "0 or more, of a pair with a limit")
    for one_rack in bound.racks:
        legal = one_rack.host in question.band and question.rack[one_rack.host] != one_rack.rack
        legal = legal and question.two_racks
        if not legal or one_rack.price < 0 or limits.of_rack(one_rack.host) is None:
            claimed = f"rack {one_rack.rack} on {one_rack.host}: {one_rack.price}"
            yield Falsehood(f"{where}.racks", claimed, "0 or more, of a rack with a limit")


class _Bound:
    """The sum that no layout under the limits costs less than."""

    def __init__(self, question: _Question, found: Certificate, bound: LeastCost) -> None:
        self._question = question
        self._found = found
        self._bound = bound
        self._limits = _Limits(question, bound)
        self._y = {one.host: one.price for one in bound.hosts}
        self._w: dict[str, dict[str, int]] = {}
        for pair in bound.pairs:
            self._w.setdefault(pair.primary, {})[pair.host] = pair.price
        self._z = {(one.rack, one.host): one.price for one in bound.racks}
        self._ranked: dict[tuple[str | None, bool], list[tuple[int, str]]] = {}
        self._two: dict[tuple[str, bool], list[tuple[int, str]]] = {}

    def least(self) -> int:
        """The bound."""
        question = self._question
        total = sum(self._cheapest(content) for content in question.primary)
        for host, price in self._y.items():
            least, most = question.band[host]
            total -= price * (most if price >= 0 else least)
        for pair in self._bound.pairs:
            total -= pair.price * (self._limits.of_host(pair.host) or 0)
        for rack in self._bound.racks:
            total -= rack.price * (self._limits.of_rack(rack.host) or 0)
        return total

    def _cheapest(self, content: int) -> int:
        """What the content costs at least, wherever it goes."""
        question = self._question
        home, size = question.home[content], question.size[content]
        leaving = 0 if home is None else size
        unplaced = self._found.weights.unplaced + leaving
        if content in question.fixed:
            host = question.fixed[content]
            if not self._limits.admits(content, host):
                return unplaced
            return min(unplaced, self._price(content, host) + (0 if host == home else leaving))
        costs = [unplaced]
        if home is not None and self._limits.admits(content, home):
            costs.append(self._price(content, home))
        others = [one for one in self._first_two(content) if one[1] != home]
        costs += [price + leaving for price, _ in others[:1]]
        primary = question.primary[content]
        if len(costs) == 1 and self._limits.admits(content, primary):
            costs.append(self._price(content, primary) + (0 if primary == home else leaving))
        return min(costs)

    def _price(self, content: int, host: str) -> int:
        primary = self._question.primary[content]
        more = self._w.get(primary, {}).get(host, 0)
        return self._without_pairs(self._question.rack.get(primary), host) + more

    def _without_pairs(self, rack: str | None, host: str) -> int:
        question = self._question
        price = self._y.get(host, 0)
        if rack is not None and question.two_racks:
            price += self._z.get((rack, host), 0)
            if question.rack.get(host) == rack:
                price += self._found.weights.same_rack
        return price

    def _first_two(self, content: int) -> list[tuple[int, str]]:
        """The two cheapest hosts that contents of this primary's host may go to, their home apart."""
        question = self._question
        primary, new = question.primary[content], content in question.new
        if (primary, new) not in self._two:
            extra = self._w.get(primary, {})
            found: list[tuple[int, str]] = []
            for price, host in self._in_order(question.rack.get(primary), new=new):
                if len(found) > 1 and price >= found[1][0]:
                    break
                if host != primary:
                    insort(found, (price + extra.get(host, 0), host))
            self._two[primary, new] = found[:2]
        return self._two[primary, new]

    def _in_order(self, rack: str | None, *, new: bool) -> list[tuple[int, str]]:
        """Hosts by price, for contents with their primary in the rack; those that are new may also go
        to hosts that are barred to others.
        """
        if (rack, new) not in self._ranked:
            question = self._question
            self._ranked[rack, new] = sorted(
                (self._without_pairs(rack, host), host)
                for host in question.open
                if (new or host not in question.barred) and self._takes(rack, host)
            )
        return self._ranked[rack, new]

    def _takes(self, rack: str | None, host: str) -> bool:
        question = self._question
        if self._limits.of_host(host) == 0:
            return False
        if rack is None or not question.two_racks:
            return True
        if question.rack.get(host) == rack:
            return not question.apart
        return self._limits.of_rack(host) != 0
