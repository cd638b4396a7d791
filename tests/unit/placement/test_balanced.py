"""Strategy balanced against a search through all layouts, against another algorithm, and on clusters."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import ceil, floor, inf, prod
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from gpmirror.audit.verdict import audit
from gpmirror.errors import Infeasible
from gpmirror.model.certificate import FixedMirror, HostPrice
from gpmirror.model.observed import Observed
from gpmirror.model.segment import Segment
from gpmirror.placement.balanced import answer
from gpmirror.placement.question import (
    BalanceQuestion,
    batches,
    doubts,
    feasible,
    fraction,
    host_load,
    least,
    measure,
    rack_load,
)
from gpmirror.plan.planfile import plan_text, read_plan
from gpmirror.plan.remaining import plan_back, plan_what_is_left
from gpmirror.plan.request import Request
from gpmirror.spec.model import Host, Pin, Policy, Protection, Spec, Survive
from tests.clusters import (
    PLACE,
    coordinator,
    host,
    mirrorless,
    observed,
    placed,
    planned,
    row,
    spec,
)
from tests.strategies import applied

# --- Random questions, and the answer of a search through every layout.


def question(random: Random, hosts: int, most: int) -> BalanceQuestion:
    """Hosts, racks, weights, pins and protections at random; up to `most` primaries a host."""
    count = random.randint(2, hosts)
    names = tuple(f"sdw{number + 1}" for number in range(count))
    weights = [random.choice([0, 1, 1, 1, 2]) for _ in names]
    weights[0] = weights[0] or int(not any(weights))
    kinds: list[str | None] = [*"abc"[: random.choice([0, 1, 2, 3])]] or [None]
    racks = tuple(random.choice([*kinds * 5, None]) for _ in names)
    primary = dict(
        enumerate(at for at in range(count) for _ in range(random.randint(0, most)))
    ) or {0: 0}
    share = random.choice([0.0, 0.15, 1.0])
    bare = frozenset(content for content in primary if random.random() < share)
    home = {
        content: None
        if content in bare or random.random() < 0.05
        else random.choice([other for other in range(count) if other != own])
        for content, own in primary.items()
    }
    barred = frozenset([random.randrange(count)] if random.random() < 0.15 else ())
    by_bytes = random.random() < 0.4
    sizes = {content: random.choice([0, 1, 1, 5, 1000]) for content in primary}
    return BalanceQuestion(
        names=names,
        racks=racks,
        weights=tuple(weights),
        primary=primary,
        home=home,
        bare=bare,
        fixed=dict(_fixed(random, names, primary, home, barred)),
        barred=barred,
        keeps_racks=len(set(racks) - {None}) > 1 and random.random() < 0.4,
        allows_same_host=random.random() < 0.2,
        limit=random.choice([None, None, 1.34, 1.5, 2.0]),
        size={
            content: 0
            if home[content] is None
            else (sizes[content] * (len(primary) + 1) + 1 if by_bytes else 1)
            for content in primary
        },
        bytes=sizes if by_bytes else None,
    )


def _fixed(
    random: Random,
    names: Sequence[str],
    primary: dict[int, int],
    home: dict[int, int | None],
    barred: frozenset[int],
) -> Iterator[tuple[int, FixedMirror]]:
    for content, own in primary.items():
        stands, lot = home[content], random.random()
        if lot < 0.1:
            other = random.choice([at for at in range(len(names)) if at != own])
            yield content, FixedMirror(content=content, host=names[other], rule="pin", source="x:1")
        elif stands is not None and (stands in barred or lot < 0.18):
            kept = FixedMirror(content=content, host=names[stands], rule="protect", source="x:2")
            yield content, kept


def allowed(asked: BalanceQuestion, content: int) -> list[int]:
    """The rules once more, from their text."""
    own, racks = asked.primary[content], asked.racks

    def together(other: int) -> bool:
        return racks[other] is not None and racks[other] == racks[own]

    free = [
        at
        for at, weight in enumerate(asked.weights)
        if weight and at != own and not (asked.keeps_racks and together(at))
    ]
    fixed = asked.fixed.get(content)
    if fixed is not None:
        at = asked.names.index(fixed.host)
        if fixed.rule == "protect" and not asked.weights[at]:
            return []
        if fixed.rule == "protect" and at == own and not asked.allows_same_host:
            return []
        beside = fixed.rule == "protect" and at == own and not free
        return [at] if beside or not (asked.keeps_racks and together(at)) else []
    found = [at for at in free if content in asked.bare or at not in asked.barred]
    alone = not found and asked.allows_same_host and asked.weights[own] > 0
    return [own] if alone else found


Score = tuple[int, int, int, Fraction, Fraction]


def score(asked: BalanceQuestion, layout: dict[int, int]) -> Score | None:
    """The levels of a layout, counted here anew; None: a load is beyond the policy's."""
    total, racks = len(layout), asked.racks
    own, held = Counter(asked.primary.values()), Counter(layout.values())
    pairs = Counter((asked.primary[c], at) for c, at in layout.items() if at != asked.primary[c])
    by_rack = Counter((racks[asked.primary[c]], at) for c, at in layout.items())

    def load(at: int, more: int) -> Fraction:
        return Fraction(own[at] + more, own[at]) if own[at] else Fraction(more * len(own), total)

    for (_, at), more in pairs.items():
        after = own[at] + more
        if asked.limit and (after / own[at] if own[at] else after * len(own) / total) > asked.limit:
            return None
    two = len(set(racks) - {None}) > 1
    weight = sum(asked.weights)
    shares = [Fraction(total * one, weight) for one in asked.weights]
    return (
        sum(
            two and racks[at] is not None and racks[at] == racks[asked.primary[c]]
            for c, at in layout.items()
        ),
        sum(
            max(0, held[at] - -(-share // 1), share // 1 - held[at])
            for at, share in enumerate(shares)
        ),
        sum(asked.size[c] for c, at in layout.items() if asked.home[c] not in {None, at}),
        max((load(at, more) for (_, at), more in pairs.items()), default=Fraction(0)),
        max(
            (
                load(at, more)
                for (rack, at), more in by_rack.items()
                if two and rack is not None and rack != racks[at]
            ),
            default=Fraction(0),
        ),
    )


def best(asked: BalanceQuestion) -> Score | None:
    """The best score of all layouts; None: no layout keeps the rules."""
    contents = list(asked.primary)
    scores = (
        score(asked, dict(zip(contents, layout, strict=True)))
        for layout in product(*(allowed(asked, content) for content in contents))
    )
    return min((found for found in scores if found is not None), default=None)


def check(asked: BalanceQuestion) -> None:
    """The answer is the best there is, and its certificate holds."""
    found, wanted = answer(asked), best(asked)
    assert feasible(asked) == (wanted is not None)
    if found is None:
        assert wanted is None
        return
    layout = {content: asked.names.index(name) for content, name in found.hosts.items()}
    assert score(asked, layout) == wanted
    assert all(at in allowed(asked, content) for content, at in layout.items())
    assert doubts(asked, layout, found.certificate) == []
    first, *more = found.certificate.bounds
    assert first.least == found.certificate.cost
    assert all(one.least > found.certificate.cost for one in more)


def check_seeds(seeds: range, hosts: int, most: int) -> None:
    for seed in seeds:
        asked = question(Random(seed), hosts, most)
        if prod(len(allowed(asked, content)) for content in asked.primary) <= 60_000:
            check(asked)


@pytest.mark.parametrize("part", range(4))
def test_no_layout_of_small_clusters_is_better(part: int) -> None:
    check_seeds(range(part * 50, part * 50 + 50), 4, 3)


@pytest.mark.long
@pytest.mark.parametrize("part", range(4))
def test_no_layout_of_more_small_clusters_is_better(part: int) -> None:
    check_seeds(range(10_000 + part * 200, 10_200 + part * 200), 4, 3)


# --- Larger ones against another solver: the same question as an integer program.

Caps = Callable[[int], int]
"""The most mirrors that a host may hold of one other host's (or rack's) primaries."""


def least_cost(asked: BalanceQuestion, of_host: Caps, of_rack: Caps) -> int | None:
    """The least cost of any layout under these limits, as HiGHS finds it; None: there is none."""
    ways = [(content, at) for content in asked.primary for at in allowed(asked, content)]
    hosts, count = range(len(asked.names)), len(ways)
    rows: list[tuple[dict[int, float], float, float]] = [
        ({at: 1 for at, way in enumerate(ways) if way[0] == content}, 1, 1)
        for content in asked.primary
    ]
    for taker in hosts:
        held: dict[int, float] = {at: 1 for at, way in enumerate(ways) if way[1] == taker}
        share = Fraction(len(asked.primary) * asked.weights[taker], sum(asked.weights))
        rows.append((held | {count + taker: 1}, floor(share), inf))  # as many are missing
        rows.append((held | {count + taker: -1}, -inf, ceil(share)))  # or too many
    racks = [rack for rack in asked.racks if rack is not None]
    for taker in hosts:
        for other in set(hosts) - {taker}:
            row = {
                at: 1.0 for at, (c, h) in enumerate(ways) if (asked.primary[c], h) == (other, taker)
            }
            rows.append((row, 0, of_host(taker)))
        for rack in set(racks) - {asked.racks[taker]}:
            row = {
                at: 1.0
                for at, (c, h) in enumerate(ways)
                if h == taker and asked.racks[asked.primary[c]] == rack
            }
            rows.append((row, 0, of_rack(taker)))
    matrix = np.zeros((len(rows), count + len(hosts)))
    for number, (row, _, _) in enumerate(rows):
        for at, factor in row.items():
            matrix[number, at] = factor
    prices = [_price(asked, content, at) for content, at in ways]
    found = milp(
        [*prices, *[asked.costs.outside] * len(hosts)],
        constraints=LinearConstraint(matrix, [row[1] for row in rows], [row[2] for row in rows]),
        integrality=np.ones(count + len(hosts)),
        bounds=Bounds(0, [1] * count + [len(asked.primary)] * len(hosts)),
        options={"mip_rel_gap": 0},
    )
    return None if found.x is None else round(found.fun)


def _price(asked: BalanceQuestion, content: int, host: int) -> int:
    home = asked.home[content]
    beside = asked.shares_rack(asked.primary[content], host)
    return (asked.costs.same_rack if beside else 0) + (
        asked.size[content] if home not in {None, host} else 0
    )


def caps(asked: BalanceQuestion, limit: float | Fraction | None, *, below: bool = False) -> Caps:
    """The most mirrors that keep a host's load at a limit, or below it."""

    def most(host: int) -> int:
        total = len(asked.primary)
        if limit is None:
            return total
        exact = Fraction(str(limit))
        kept = [
            gained
            for gained in range(1, total + 1)
            if asked.load(host, gained) < exact or (not below and asked.load(host, gained) == exact)
        ]
        return max(kept, default=0)

    return most


@pytest.mark.parametrize("seed", range(120))
def test_larger_clusters_cost_what_another_solver_finds(seed: int) -> None:
    """Its cost, and that no layout of that cost loads hosts, then racks, less."""
    asked = question(Random(500 + seed), 7, 5)
    policy, free = caps(asked, asked.limit), caps(asked, None)
    found = answer(asked)
    least = least_cost(asked, policy, free)
    if found is None:
        assert least is None
        return
    cost, levels = found.certificate.cost, found.certificate.levels
    assert cost == least
    if (host := fraction(levels.host_load)) is not None:
        less = caps(asked, host, below=True)
        better = least_cost(asked, lambda at: min(policy(at), less(at)), free)
        assert better is None or better > cost
        held = caps(asked, host)
        if (rack := fraction(levels.rack_load)) is not None:
            fewer = caps(asked, rack, below=True)
            better = least_cost(asked, lambda at: min(policy(at), held(at)), fewer)
            assert better is None or better > cost
    layout = {content: asked.names.index(name) for content, name in found.hosts.items()}
    assert doubts(asked, layout, found.certificate) == []


# --- The certificate: any prices bound from below, and a false claim is found.


@given(st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_no_prices_prove_more_than_is_true(random: Random) -> None:
    asked = question(random, 5, 3)
    found = answer(asked)
    if found is None:
        return
    for bound in found.certificate.bounds[:1]:
        high = asked.costs.outside
        prices = tuple(
            HostPrice(host=name, price=random.randint(-high if asked.lo[at] else 0, high))
            for at, name in enumerate(asked.names)
        )
        assert least(asked, replace(bound, hosts=prices)) <= found.certificate.cost


def test_a_false_claim_is_found() -> None:
    asked = next(
        one
        for seed in range(100)
        for one in [question(Random(seed), 4, 3)]
        if one.has_racks
        if (told := answer(one)) and told.certificate.levels.rack_load
        if told.certificate.fixed and told.certificate.levels.moves
    )
    found = answer(asked)
    assert found is not None
    layout = {content: asked.names.index(name) for content, name in found.hosts.items()}
    true = found.certificate
    levels, first, last = true.levels, true.bounds[0], true.bounds[-1]
    false = {
        "levels": replace(true, levels=replace(levels, moves=levels.moves - 1)),
        "cost": replace(true, cost=true.cost - 1),
        "weights": replace(true, weights=replace(true.weights, outside=1)),
        "fixed": replace(true, fixed=()),
        "bounds[0]": replace(true, bounds=(replace(first, least=0), *true.bounds[1:])),
        "bounds": replace(true, bounds=true.bounds[:-1]),
        "bounds[2]": replace(true, bounds=(*true.bounds[:-1], replace(last, least=10**30))),
    }
    for key, certificate in false.items():
        assert key in doubts(asked, layout, certificate)
    stranger = replace(first, hosts=(HostPrice(host="nobody", price=1),))
    assert doubts(asked, layout, replace(true, bounds=(stranger, *true.bounds[1:]))) == ["bounds"]
    elsewhere = {**layout, next(iter(true.fixed)).content: 0, len(layout): 0}
    assert "rules" in doubts(asked, elsewhere, true)


def test_levels_are_those_that_a_simulation_tells() -> None:
    asked = question(Random(3), 4, 3)
    layout = {content: allowed(asked, content)[0] for content in asked.primary}
    levels, _ = measure(asked, layout)
    host, rack = host_load(asked, layout), rack_load(asked, layout)
    assert levels.host_load == (None if host is None else host.as_integer_ratio())
    assert rack is None or levels.rack_load in {None, rack.as_integer_ratio()}
    assert sum(len(batch.pieces) for batch in batches(asked)) == len(layout)


# --- On clusters: specs, second plans, hosts that come and go.

HOSTS = ["sdw1", "sdw2", "sdw3", "sdw4"]


def moves(wanted: Spec, seen: Observed) -> int:
    """How many mirrors change their host."""
    certificate = placed(wanted, seen).certificate
    assert certificate is not None
    return certificate.levels.moves


def held(wanted: Spec, seen: Observed) -> Counter[str]:
    return Counter(one.mirror.host for one in placed(wanted, seen).contents)


def rebalance_cases() -> list[dict[str, Any]]:
    path = Path(__file__).parents[2] / "fixtures" / "rebalance.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("case", rebalance_cases(), ids=lambda case: str(case["name"]))
def test_never_more_moves_than_the_true_minimum(case: dict[str, Any]) -> None:
    """The inputs on which Greengage's ggrebalance was measured (7.4, its own tests and made ones)."""
    primaries, mirrors = case["primaries"], case["mirrors"]
    ports: Counter[str] = Counter()
    rows = [coordinator()]
    for content, (one, other) in enumerate(zip(primaries, mirrors, strict=True)):
        rows.append(row(2 + content, content, "p", one, 6000 + ports[one]))
        rows.append(row(9000 + content, content, "m", other, 7000 + ports[other]))
        ports.update((one, other))
    leaving = set(case["leaving"])
    names = sorted({*primaries, *mirrors})
    hosts = [host(name, weight=int(name not in leaving)) for name in names]
    wanted, seen = spec(hosts, "balanced"), observed(rows)
    found = placed(wanted, seen)
    certificate = found.certificate
    assert certificate is not None
    assert certificate.levels.moves == case["minimum"]
    counts = Counter(one.mirror.host for one in found.contents)
    left = [counts[name] for name in names if name not in leaving]
    assert max(left) - min(left) <= 1
    assert not leaving & counts.keys()
    assert all(one.mirror.host != one.primary_slot.host for one in found.contents)


@pytest.mark.parametrize("seed", range(12))
def test_a_second_plan_is_empty_and_one_host_more_takes_its_share(seed: int) -> None:
    random = Random(seed)
    count, per_host = random.randint(3, 7), random.randint(1, 5)
    names = [f"sdw{number + 1}" for number in range(count)]
    bare = mirrorless(names, per_host)
    wanted = spec(names, "balanced")
    now = applied(bare, placed(wanted, bare))
    assert not planned(wanted, now).summary.differs
    more = spec([*names, "sdw99"], "balanced")
    share = count * per_host // (count + 1)
    assert moves(more, now) == share
    after = applied(bare, placed(more, now))
    assert not planned(more, after).summary.differs
    gone = spec([*names, host("sdw99", weight=0)], "balanced")
    assert moves(gone, after) == share  # exactly what it held


@pytest.mark.parametrize("apart", [False, True], ids=["one host takes mirrors", "one rack does"])
def test_what_is_protected_beside_its_primary_stays(*, apart: bool) -> None:
    """The spec accepts it there, and the second plan finds it there."""
    others = [host("sdw2", weight=0)]
    if apart:
        others = [host("sdw2", rack="a"), host("sdw3", rack="b", weight=0)]
    hosts = [host("sdw1", rack="a" if apart else None), *others]
    wanted = replace(
        spec(
            hosts,
            "balanced",
            policy=Policy(survive=(Survive(count=1, of="rack", place=PLACE),) if apart else ()),
        ),
        allow_same_host=True,
        protect=(Protection(content=0, place=PLACE),),
    )
    bare = mirrorless([one.name for one in hosts], 2)
    again = planned(wanted, applied(bare, placed(wanted, bare)))
    assert not again.summary.differs
    assert audit(plan_text(again).encode(), "plan.json").holds
    with pytest.raises(Infeasible):
        planned(replace(wanted, allow_same_host=False), applied(bare, placed(wanted, bare)))


def test_the_order_of_hosts_and_rows_does_not_matter() -> None:
    seen = mirrorless(HOSTS, 3)
    first = {one.content: one.mirror.host for one in placed(spec(HOSTS, "balanced"), seen).contents}
    turned = observed(reversed(seen.segments))
    for names in (HOSTS[::-1], ["sdw3", "sdw1", "sdw4", "sdw2"]):
        again = placed(spec(names, "balanced"), turned)
        assert {one.content: one.mirror.host for one in again.contents} == first


@given(st.integers(3, 9), st.integers(1, 6), st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_first_mirrors_are_at_least_as_good_as_spread_and_block(
    count: int, per_host: int, racks: int
) -> None:
    names = [f"sdw{number + 1}" for number in range(count)]
    hosts = [
        host(name, rack=f"r{number % racks}" if racks else None)
        for number, name in enumerate(names)
    ]
    seen = mirrorless(names, per_host)
    figures = {}
    for strategy, size in (("balanced", None), ("spread", None), ("block", count), ("group", None)):
        try:
            found = placed(spec(hosts, strategy, block_size=size), seen)
        except Infeasible:
            continue
        layout = {one.content: names.index(one.mirror.host) for one in found.contents}
        own = [names.index(one.primary_slot.host) for one in found.contents]
        asked = BalanceQuestion(
            names=tuple(names),
            racks=tuple(one.rack for one in hosts),
            weights=(1,) * count,
            primary=dict(enumerate(own)),
            home=dict.fromkeys(layout),
            bare=frozenset(layout),
            fixed={},
            barred=frozenset(),
            keeps_racks=False,
            allows_same_host=False,
            limit=None,
            size=dict.fromkeys(layout, 0),
            bytes=None,
        )
        figures[strategy] = score(asked, layout)
    assert figures["balanced"] == min(one for one in figures.values() if one is not None)


# --- What a spec says: weights, pins, protections, racks, loads, bytes.


def mirrored_on(targets: dict[int, str], per_host: int = 2) -> Observed:
    """Four hosts with primaries, mirrors where the test says."""
    bare = mirrorless(HOSTS, per_host)
    rows = [
        row(100 + content, content, "m", name, 7000 + content) for content, name in targets.items()
    ]
    return observed([*bare.segments, *rows])


def test_shares_are_by_weight() -> None:
    hosts = [host(name, weight=weight) for name, weight in zip(HOSTS, (1, 2, 3, 0), strict=True)]
    assert held(spec(hosts, "balanced"), mirrorless(HOSTS, 3)) == {"sdw1": 2, "sdw2": 4, "sdw3": 6}


def test_a_share_out_of_reach_is_told_with_figures() -> None:
    hosts = [host("sdw1"), host("sdw2", weight=2)]
    found = placed(spec(hosts, "balanced"), mirrorless(["sdw1", "sdw2"], 3))
    (warning,) = found.warnings
    assert warning.code == "GPM-P205"
    assert "sdw1 holds 3 mirrors, its share is 2" in warning.message
    assert "sdw2 holds 3 mirrors, its share is 4 (only 3 primaries are on other hosts)" in (
        warning.message
    )


def test_what_keeps_hosts_from_their_shares_is_named() -> None:
    """Only what does: a load limit that costs nobody its share is no cause."""
    hosts = [host("sdw1"), host("sdw2"), host("sdw3", weight=4)]
    seen = mirrorless(["sdw1", "sdw2", "sdw3"], 2)
    limited = spec(hosts, "balanced", policy=Policy(max_load_factor=1.5))
    (warning,) = placed(limited, seen).warnings
    assert warning.message.startswith(
        "not every host can hold its share because of max_load_factor 1.5 ("
    )
    assert "), and no layout comes nearer: " in warning.message
    pins = tuple(Pin(content=n, host="sdw2", place=PLACE) for n in (0, 1))
    pinned = spec(["sdw1", "sdw2", "sdw3", "sdw4"], "balanced", pins=pins)
    few = mirrorless(["sdw1", "sdw3"], 2)
    (warning,) = placed(pinned, few).warnings
    assert " because of pins (the first in " in warning.message
    assert "max_load_factor" not in warning.message
    raced = [host(name, rack=rack) for name, rack in zip(HOSTS, "aaab", strict=True)]
    (warning,) = placed(spec(raced, "balanced"), mirrorless(HOSTS, 2)).warnings
    assert " because of racks kept apart, and no layout" in warning.message
    own = [host("sdw1"), host("sdw2", weight=2)]
    (warning,) = placed(spec(own, "balanced"), mirrorless(["sdw1", "sdw2"], 3)).warnings
    assert "because of" not in warning.message


def test_no_host_is_said_to_take_a_share_that_it_cannot_hold() -> None:
    hosts = [host("sdw1"), host("sdw2", weight=2)]
    found = placed(spec(hosts, "balanced"), mirrorless(["sdw1", "sdw2"], 3))
    assert {one.rule for one in found.contents} == {
        f"balanced: {name} comes as near its share as can be" for name in ("sdw1", "sdw2")
    }
    fair = placed(spec(HOSTS, "balanced"), mirrorless(HOSTS, 2))
    assert {one.rule for one in fair.contents} == {f"balanced: {n} takes its share" for n in HOSTS}


def test_pins_and_protections_stand() -> None:
    seen = mirrored_on(
        dict(enumerate(["sdw2", "sdw2", "sdw1", "sdw1", "sdw2", "sdw2", "sdw2", "sdw2"]))
    )
    pinned = Pin(content=4, host="sdw1", place=PLACE)
    kept = Protection(content=0, place=PLACE), Protection(host="sdw1", place=PLACE)
    wanted = spec(HOSTS, "balanced", pins=(pinned,), protect=kept)
    found = placed(wanted, seen)
    layout = {one.content: one.mirror.host for one in found.contents}
    assert (layout[0], layout[2], layout[3], layout[4]) == ("sdw2", "sdw1", "sdw1", "sdw1")
    assert [layout[c] for c in (1, 5, 6, 7)].count("sdw1") == 0  # nothing moves to it either
    assert found.certificate is not None
    assert [(one.content, one.rule) for one in found.certificate.fixed] == [
        (0, "protect"),
        (2, "protect"),
        (3, "protect"),
        (4, "pin"),
    ]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("host:sdw2", Protection(host="sdw2", place=PLACE)),
        ("content:0", Protection(content=0, place=PLACE)),
    ],
)
def test_what_is_unprotected_counts_no_more(name: str, kept: Protection) -> None:
    """Five mirrors on one host, fair would be two: whatever stands in their way costs moves."""
    seen = mirrored_on(
        dict(enumerate(["sdw2", "sdw3", "sdw1", "sdw4", "sdw2", "sdw2", "sdw2", "sdw2"]))
    )
    fewest = moves(spec(HOSTS, "balanced"), seen)
    others = tuple(Protection(content=content, place=PLACE) for content in (4, 5))
    wanted = spec(HOSTS, "balanced", protect=(kept, *others))
    free = placed(wanted, seen, (name, "content:4", "content:5"))
    assert free.certificate is not None
    assert (free.certificate.fixed, free.certificate.levels.moves) == ((), fewest)
    request = Request(unprotect=(name, "content:4", "content:5"), allow=("guard:moves_percent",))
    plan = planned(wanted, seen, request)
    assert len(plan.changes) == fewest
    read = read_plan(plan_text(plan).encode(), "p.json")
    found = audit(plan_text(read).encode(), "p.json")
    assert found.holds, found
    held = placed(wanted, seen).certificate
    assert held is not None
    assert {one.content for one in held.fixed} >= {0, 4, 5}


def racked(*names: str) -> list[Host]:
    return [host(name, rack="ab"[number % 2]) for number, name in enumerate(names)]


def test_racks_are_kept_apart_and_a_pin_that_joins_them_is_no_layout() -> None:
    both = Policy(survive=(Survive(count=1, of="rack", place=PLACE),))
    wanted = spec(racked(*HOSTS), "balanced", policy=both)
    for one in placed(wanted, mirrorless(HOSTS, 3)).contents:
        assert int(one.mirror.host[3:]) % 2 != int(one.primary_slot.host[3:]) % 2
    joined = replace(wanted, pins=(Pin(content=0, host="sdw3", place=PLACE),))
    with pytest.raises(Infeasible) as caught:
        placed(joined, mirrorless(HOSTS, 3))
    assert [found.code for found in caught.value.diagnostics] == ["GPM-P107"]


def test_a_load_limit_spreads_or_is_refused() -> None:
    wanted = spec(HOSTS, "balanced", policy=Policy(max_load_factor=1.5))
    pairs = Counter(
        (one.primary_slot.host, one.mirror.host)
        for one in placed(wanted, mirrorless(HOSTS, 2)).contents
    )
    assert set(pairs.values()) == {1}
    tight = replace(wanted, policy=Policy(max_load_factor=1.2))
    with pytest.raises(Infeasible) as caught:
        placed(tight, mirrorless(HOSTS, 2))
    (first, *_) = caught.value.diagnostics
    assert "0 places for 2 mirrors each of sdw" in first.message
    assert "under max_load_factor 1.2" in first.message


def test_bytes_are_kept_low_where_sizes_are_known() -> None:
    # sdw2 holds two too many; the cheapest two of its eight move
    seen = mirrored_on(
        dict(enumerate(["sdw2", "sdw2", "sdw1", "sdw1", "sdw2", "sdw2", "sdw2", "sdw2"]))
    )
    sizes = {content: 1000 - content for content in range(8)}
    known = replace(seen, sizes=sizes)
    found = placed(spec(HOSTS, "balanced", minimise="bytes"), known)
    assert found.certificate is not None
    assert (found.certificate.levels.moves, found.certificate.levels.bytes) == (
        4,
        993 + 994 + 995 + 996,
    )
    unknown = placed(spec(HOSTS, "balanced", minimise="bytes"), replace(seen, sizes={0: 5}))
    assert unknown.certificate is not None
    assert unknown.certificate.levels.bytes is None
    assert [one.code for one in unknown.warnings] == ["GPM-P206"]


def test_the_rest_of_a_plan_keeps_its_targets_and_the_way_back_leads_back() -> None:
    bare = mirrorless(HOSTS, 3)
    first = spec(HOSTS, "balanced")
    now = applied(bare, placed(first, bare))
    more = spec([*HOSTS, "sdw5"], "balanced")
    plan = read_plan(plan_text(planned(more, now)).encode(), "p.json")
    assert len(plan.changes) == 2
    assert plan.certificate is not None
    after = applied(bare, placed(more, now))
    done = plan.changes[0].content

    def moved(item: Segment) -> bool:
        return item.content == done and not item.is_preferred_primary

    rows = [item for item in now.segments if not moved(item)]
    half = observed([*rows, *filter(moved, after.segments)])
    rest = plan_what_is_left(plan, half)
    assert [(one.content, one.to) for one in rest.changes] == [
        (one.content, one.to) for one in plan.changes[1:]
    ]
    assert rest.certificate is None  # the proof was about the whole layout
    assert {one.reason for one in rest.changes} == {"as the plan has it"}
    assert audit(plan_text(rest).encode(), "rest.json").holds
    back = plan_back(plan, after, "run-1", Request())
    assert {one.content for one in back.changes} == {one.content for one in plan.changes}


@pytest.mark.parametrize("racks", [False, True])
def test_a_layout_that_may_stand_is_proved_without_a_flow(
    monkeypatch: pytest.MonkeyPatch, *, racks: bool
) -> None:
    hosts = [host(f"sdw{n + 1}", rack="ab"[n % 2] if racks else None) for n in range(6)]
    bare = mirrorless([one.name for one in hosts], 3)
    seen = applied(bare, placed(spec(hosts, "group"), bare))
    monkeypatch.setattr("gpmirror.placement.balanced.solve", None)
    plan = planned(spec(hosts, "balanced"), seen)
    assert not plan.summary.differs
    assert plan.certificate is not None
    assert plan.certificate.levels.host_load == (2, 1)
    assert plan.certificate.levels.rack_load == ((2, 1) if racks else None)
    assert [bound.least for bound in plan.certificate.bounds] == [0, *([1] * (1 + racks))]
