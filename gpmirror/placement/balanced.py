"""Strategy balanced: the layout that no other one beats, and the proof.

`question.py` says what a layout costs, `flow.py` finds the cheapest; here the worst loads are lowered
at that cost, and what was found becomes the layout of a spec with its certificate.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import zip_longest

from gpmirror.diagnostics import Diagnostic, Severity
from gpmirror.errors import Infeasible
from gpmirror.model.certificate import (
    Certificate,
    HostPrice,
    LeastCost,
    PairPrice,
    RackPrice,
    Ratio,
)
from gpmirror.model.observed import Observed
from gpmirror.model.text import counted
from gpmirror.placement.crowding import crowding
from gpmirror.placement.flow import FlowTask, Solved, solve
from gpmirror.placement.hosts import HostMap
from gpmirror.placement.model import Balanced, Target
from gpmirror.placement.question import (
    BalanceQuestion,
    HostByContent,
    Loads,
    ask_for,
    batches,
    crowded,
    host_load,
    keeps_rules,
    least,
    limits,
    may_go,
    measure,
    most_under,
    rack_load,
)
from gpmirror.placement.strategies import BALANCED, BALANCED_NEAR
from gpmirror.spec.model import Spec
from gpmirror.values import dataclass

# --- The answer: the least cost, then the lowest loads at that cost, each with its proof.


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The best layout, as hosts by content, and what proves it."""

    hosts: Mapping[int, str]
    certificate: Certificate


def answer(question: BalanceQuestion) -> Answer | None:
    """The best layout; None: there is none that keeps what must be kept."""
    search = _Search(question)
    if not search.begin():
        return None
    search.lower_hosts()
    if question.has_racks:
        search.lower_racks()
    levels, cost = measure(question, search.placed)
    return Answer(
        hosts={content: question.names[host] for content, host in search.placed.items()},
        certificate=Certificate(
            minimise=question.minimise,
            weights=question.costs,
            levels=levels,
            cost=cost,
            fixed=tuple(question.fixed.values()),
            bounds=tuple(search.bounds),
        ),
    )


class _Search:
    """From the least cost to the lowest loads; `placed` is the best layout so far."""

    def __init__(self, question: BalanceQuestion) -> None:
        self.question = question
        self.placed: HostByContent = {}
        self.bounds: list[LeastCost] = []
        self._task = _task(question)
        self._cost = 0
        self._loads = Loads()

    def begin(self) -> bool:
        """The least cost; whether every content has a place."""
        solved = self._as_it_stands() or self._solve(self._loads)
        if None in solved.hosts.values():
            return False
        self._cost = solved.cost
        self._take(solved)
        self.bounds.append(_bound(self.question, self._loads, solved))
        return True

    def _as_it_stands(self) -> Solved | None:
        """The layout of the catalog where it costs nothing: none is cheaper, without any price."""
        hosts = {one: host for one, host in self.question.home.items() if host is not None}
        if not keeps_rules(self.question, hosts) or measure(self.question, hosts)[1]:
            return None
        return Solved(cost=0, hosts=hosts, host_prices={}, pair_prices={}, rack_prices={})

    def lower_hosts(self) -> None:
        """The lowest worst load after the loss of a host."""
        found = self._lower(
            host_load,
            lambda load: Loads(host_at_most=load),
            lambda load: Loads(host_below=load),
        )
        self._loads = Loads(host_at_most=found)

    def lower_racks(self) -> None:
        """The same of a rack, without a higher load after the loss of a host."""
        before = self._loads
        self._lower(
            rack_load,
            lambda load: replace(before, rack_at_most=load),
            lambda load: replace(before, rack_below=load),
        )

    def _lower(
        self,
        worst: Callable[[BalanceQuestion, HostByContent], Fraction | None],
        at_most: Callable[[Fraction], Loads],
        below: Callable[[Fraction], Loads],
    ) -> Fraction | None:
        """Halve the loads that are possible; the greatest that is not gives the proof."""
        best = worst(self.question, self.placed)
        if best is None:
            return None
        standing = self._standing(below(best))
        if standing is not None:
            self.bounds.append(standing)
            return best
        ladder = self._ladder(best)
        refused: dict[int, Solved] = {}
        high = len(ladder)
        low = max(
            _first(ladder, lambda load: self._has_room(at_most(load))),
            _first(ladder, lambda load: not self._is_crowded(at_most(load))),
        )
        probe = low
        while low < high:
            solved = self._solve(at_most(ladder[probe]))
            if solved.cost == self._cost:
                self._take(solved)
                best = worst(self.question, self.placed) or best
                high = bisect_left(ladder, best)
            else:
                refused[probe] = solved
                low = probe + 1
            probe = (low + high) // 2
        self.bounds.append(
            self._crowding(below(best))
            or _bound(self.question, below(best), refused.get(high - 1) or self._solve(below(best)))
        )
        return best

    def _ladder(self, best: Fraction) -> list[Fraction]:
        """All loads below `best` that a host can have, each once, ascending."""
        question = self.question
        steps: set[Fraction] = set()
        for host in {own: host for host, own in enumerate(question.own)}.values():
            most = most_under(question, host, None, best)
            steps.update(question.load(host, gained) for gained in range(1, most + 1))
        return sorted(steps)

    def _is_crowded(self, loads: Loads) -> bool:
        """Whether so few hosts may take mirrors at all under these loads that their bands alone cost
        more than the layout.
        """
        question, under = self.question, limits(self.question, loads)
        if under.pair is None:
            return False
        left_out = sum(low for low, most in zip(question.lo, under.pair, strict=True) if not most)
        room = sum(high for high, most in zip(question.hi, under.pair, strict=True) if most)
        beyond = max(0, len(question.primary) - room)
        return (left_out + beyond) * question.costs.outside > self._cost

    def _crowding(self, loads: Loads) -> LeastCost | None:
        """The proof of that, which needs no flow; None: there is none."""
        if not self._is_crowded(loads):
            return None
        question, pair = self.question, limits(self.question, loads).pair or ()
        outside = question.costs.outside
        room = sum(high for high, most in zip(question.hi, pair, strict=True) if most)
        price = outside if len(question.primary) > room else 0
        prices = {
            host: price if most else -outside if question.lo[host] else 0
            for host, most in enumerate(pair)
        }
        bare = Solved(cost=0, hosts={}, host_prices=prices, pair_prices={}, rack_prices={})
        bound = _bound(question, loads, bare)
        return bound if bound.least > self._cost else None

    def _standing(self, loads: Loads) -> LeastCost | None:
        """The proof, without a flow, that a layout in which nothing moves and every host holds its share
        is the only one so cheap: a pair of hosts, or a rack and a host, has more mirrors than the
        loads allow, and each beyond would have to move. None: it is not such a layout.
        """
        if self._cost:
            return None
        question, under = self.question, limits(self.question, loads)
        pairs: Counter[tuple[int, int]] = Counter()
        racks: Counter[tuple[str, int]] = Counter()
        for content, host in self.placed.items():
            primary = question.primary[content]
            if question.home[content] is None:
                continue
            rack = question.racks[primary]
            pairs[primary, host] += primary != host
            if rack is not None and rack != question.racks[host]:
                racks[rack, host] += 1
        full_pairs = [
            one for one in sorted(pairs) if under.pair and pairs[one] > under.pair[one[1]]
        ]
        full_racks = [
            one for one in sorted(racks) if under.rack and racks[one] > under.rack[one[1]]
        ]
        bare = Solved(
            cost=0,
            hosts={},
            host_prices={},
            pair_prices=dict.fromkeys(full_pairs[:1], 1),
            rack_prices={} if full_pairs else dict.fromkeys(full_racks[:1], 1),
        )
        bound = _bound(question, loads, bare)
        return bound if bound.least > self._cost else None

    def _has_room(self, loads: Loads) -> bool:
        under = limits(self.question, loads)
        if under.rack is not None:
            return True
        if under.pair is None:
            return True
        takers = [(host, most) for host, most in enumerate(under.pair) if most]
        for batch in self._task.batches:
            left = len(batch.pieces) if batch.bars_host else 0
            for host, most in takers:
                if left <= 0:
                    break
                if host in batch.open and may_go(self.question, batch, host):
                    left -= most
            if left > 0:
                return False
        return True

    def _solve(self, loads: Loads) -> Solved:
        return solve(self._task, limits(self.question, loads))

    def _take(self, solved: Solved) -> None:
        self.placed = {content: host for content, host in solved.hosts.items() if host is not None}


def _task(question: BalanceQuestion) -> FlowTask:
    return FlowTask(
        rack=question.racks if question.has_racks else [None] * len(question.names),
        lo=question.lo,
        hi=question.hi,
        order=_in_turn(question.racks),
        batches=batches(question),
        same_rack=question.costs.same_rack,
        outside=question.costs.outside,
        unplaced=question.costs.unplaced,
    )


def _in_turn(racks: Sequence[str | None]) -> list[int]:
    """The hosts, those of the racks in turn."""
    lists: dict[str | None, list[int]] = {}
    for host, rack in enumerate(racks):
        lists.setdefault(rack, []).append(host)
    turns = zip_longest(*lists.values())
    return [host for turn in turns for host in turn if host is not None]


def _first(ladder: Sequence[Fraction], holds: Callable[[Fraction], bool]) -> int:
    """The first step for which something holds that holds for all after it."""
    return bisect_left(ladder, x=True, key=holds)


def _bound(question: BalanceQuestion, loads: Loads, solved: Solved) -> LeastCost:
    """The bound that the solver's prices give, summed up apart from the solver."""
    names = question.names
    bound = LeastCost(
        host_at_most=_ratio(loads.host_at_most),
        host_below=_ratio(loads.host_below),
        rack_below=_ratio(loads.rack_below),
        hosts=tuple(
            HostPrice(host=names[host], price=price)
            for host, price in sorted(solved.host_prices.items())
            if price
        ),
        pairs=tuple(
            PairPrice(primary=names[primary], host=names[host], price=price)
            for (primary, host), price in sorted(solved.pair_prices.items())
        ),
        racks=tuple(
            RackPrice(rack=rack, host=names[host], price=price)
            for (rack, host), price in sorted(solved.rack_prices.items())
        ),
        least=0,
    )
    return replace(bound, least=least(question, bound))


def _ratio(load: Fraction | None) -> Ratio | None:
    return None if load is None else load.as_integer_ratio()


# --- A spec's layout.


def balance(spec: Spec, observed: Observed, hosts: HostMap, lifted: Collection[str]) -> Balanced:
    """The balanced layout of a spec. Raises Infeasible (GPM-P107)."""
    question = ask_for(spec, observed, hosts, lifted)
    troubles = list(crowded(question))
    if troubles:
        held = tuple(one for one in spec.protect if one.name not in lifted)
        raise Infeasible(crowding(replace(spec, protect=held), question, troubles))
    found = answer(question)
    assert found is not None  # noqa: S101 - nothing is crowded
    line = spec.place_of("mirrors", "strategy")
    rule = BALANCED_NEAR if found.certificate.levels.outside else BALANCED
    warnings = [*_off_share(spec, question, found)]
    if spec.minimise != question.minimise:
        warnings.append(_moves_instead(spec))
    return Balanced(
        targets={
            content: Target(host, rule.of(host), line) for content, host in found.hosts.items()
        },
        certificate=found.certificate,
        warnings=tuple(warnings),
    )


_HOSTS_SHOWN = 4


def _off_share(spec: Spec, question: BalanceQuestion, found: Answer) -> Iterator[Diagnostic]:
    """That hosts hold more or less than their shares, with the figures."""
    held = Counter(found.hosts.values())
    off = [
        host
        for host, name in enumerate(question.names)
        if not question.lo[host] <= held[name] <= question.hi[host]
    ]
    if not off:
        return
    told = "; ".join(
        _off(question, host, held[question.names[host]]) for host in off[:_HOSTS_SHOWN]
    )
    more = (
        f"; and {counted(len(off) - _HOSTS_SHOWN, 'host')} more" if len(off) > _HOSTS_SHOWN else ""
    )
    yield Diagnostic(
        code="GPM-P205",
        severity=Severity.WARNING,
        message=f"not every host can hold its share{_because(spec, question, found)}, and no layout comes "
        f"nearer: {told}{more}",
        place=spec.place_of("mirrors", "strategy"),
        hint="change weights or pins, unless that is meant",
    )


def _because(spec: Spec, question: BalanceQuestion, found: Answer) -> str:
    """What of the spec keeps hosts from their shares: each rule without which they come nearer, or all
    together where none does alone; empty: nothing of these.
    """
    outside = found.certificate.levels.outside

    def helps(changed: BalanceQuestion) -> bool:
        search = _Search(changed)
        return search.begin() and measure(changed, search.placed)[0].outside < outside

    rules = list(_rules(spec, question))
    told = [text for text, without in rules if helps(without(question))]
    if not told and len(rules) > 1:
        free = question
        for _, without in rules:
            free = without(free)
        told = [text for text, _ in rules] if helps(free) else []
    return f" because of {' and '.join(told)}" if told else ""


def _rules(
    spec: Spec, question: BalanceQuestion
) -> Iterator[tuple[str, Callable[[BalanceQuestion], BalanceQuestion]]]:
    """Rules that come before shares, with their lines, and the question without each."""
    if question.limit is not None:
        at = spec.place_of("policy", "max_load_factor").line_text
        yield f"max_load_factor {question.limit} ({at})", lambda q: replace(q, limit=None)
    if question.has_racks:
        survive = next((one for one in spec.policy.survive if one.of == "rack"), None)
        where = f" ({survive.place.line_text})" if question.keeps_racks and survive else ""
        yield f"racks kept apart{where}", _without_racks
    for rule, told in (("pin", "pins"), ("protect", "protections")):
        first = next((one for one in question.fixed.values() if one.rule == rule), None)
        if first is not None:
            yield f"{told} (the first in {first.source})", partial(_unfixed, rule)


def _without_racks(question: BalanceQuestion) -> BalanceQuestion:
    return replace(question, racks=(None,) * len(question.names), keeps_racks=False)


def _unfixed(rule: str, question: BalanceQuestion) -> BalanceQuestion:
    """The question without pins, or without protections."""
    left = {content: one for content, one in question.fixed.items() if one.rule != rule}
    barred = question.barred if rule == "pin" else frozenset()
    return replace(question, fixed=left, barred=barred)


def _off(question: BalanceQuestion, host: int, held: int) -> str:
    """One host's figures and, where it is one of these, the reason."""
    name, lo, hi = question.names[host], question.lo[host], question.hi[host]
    share = str(lo) if lo == hi else f"{lo} to {hi}"
    text = f"{name} holds {counted(held, 'mirror')}, its share is {share}"
    fixed = [one for one in question.fixed.values() if one.host == name]
    others = len(question.primary) - question.own[host]
    if held > hi and len(fixed) > hi:
        return f"{text} ({len(fixed)} are pinned or protected, the first in {fixed[0].source})"
    if held < lo and others < lo:
        return f"{text} (only {others} primaries are on other hosts)"
    return text


def _moves_instead(spec: Spec) -> Diagnostic:
    return Diagnostic(
        code="GPM-P206",
        severity=Severity.WARNING,
        message="minimise: bytes needs the size of every segment, and the catalog does not tell them: "
        "moves are counted",
        place=spec.place_of("mirrors", "minimise"),
        hint="plan over the live catalog or a snapshot of it, or write `minimise: moves`",
    )
