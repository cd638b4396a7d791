"""When import says `strategy: balanced`: where it needs fewer pins than any strategy on a ring."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from random import Random

from hypothesis import given, settings

from gpmirror.infer import infer_spec
from gpmirror.infer.facts import gather
from gpmirror.infer.fit import is_proved, proved
from gpmirror.infer.rings import by_shares
from gpmirror.model.observed import Observed
from gpmirror.spec.model import Pin, Strategy
from tests.clusters import PLACE, coordinator, host, observed, planned, row, spec
from tests.strategies import RANDOMS


def cluster(homes: Sequence[int], targets: Sequence[int]) -> Observed:
    """Primaries and mirrors on hosts by number, ports as import counts them."""
    position: Counter[int] = Counter()
    taken: Counter[int] = Counter()
    rows = [coordinator()]
    for content, (home, target) in enumerate(zip(homes, targets, strict=True)):
        rows.append(row(content + 2, content, "p", f"sdw{home + 1}", 6000 + position[home]))
        port = 7000 + taken[target]
        rows.append(row(content + 2 + len(homes), content, "m", f"sdw{target + 1}", port))
        position[home] += 1
        taken[target] += 1
    return observed(rows)


def evenly(random: Random, hosts: int, per_host: int) -> Observed:
    """As many mirrors on each host, on no ring."""
    homes = [number for number in range(hosts) for _ in range(per_host)]
    targets = homes[:]
    while any(home == target for home, target in zip(homes, targets, strict=True)):
        random.shuffle(targets)
    return cluster(homes, targets)


SCATTERED = ([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3], [3, 1, 1, 3, 3, 0, 0, 1, 0, 2, 2, 2])
"""Three mirrors a host, but on no ring."""


def test_even_shares_need_no_pin() -> None:
    inferred = infer_spec(cluster(*SCATTERED), name="x")
    assert (inferred.strategy, inferred.pins) == (Strategy.BALANCED, 0)
    lines = inferred.text.splitlines()
    assert "# Balanced without pins: every host holds a fair share of the mirrors." in lines
    (beaten,) = (line for line in lines if "the next best strategy, would need" in line)
    assert beaten.split()[1] in {"Group,", "Spread,", "Block,"}
    assert "hosts:" in lines  # whose order says nothing
    assert inferred.plan is not None
    assert is_proved(inferred.plan)
    assert inferred.plan.certificate is not None


def test_hosts_of_mirrors_only_share_alone() -> None:
    """Hosts with primaries take no mirror: weight 0."""
    homes = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]
    inferred = infer_spec(cluster(homes, [3, 4, 4, 5, 5, 3, 5, 4, 4, 3, 3, 5]), name="x")
    assert (inferred.strategy, inferred.pins) == (Strategy.BALANCED, 0)
    assert [one.weight for one in inferred.spec.hosts] == [0, 0, 0, 1, 1, 1]


def test_a_ring_with_as_few_pins_wins() -> None:
    homes = [0, 0, 1, 1, 2, 2, 3, 3]
    group = infer_spec(cluster(homes, [1, 1, 2, 2, 3, 3, 0, 0]), name="x")
    assert (group.strategy, group.pins) == (Strategy.GROUP, 0)
    spread = infer_spec(cluster(homes, [1, 2, 2, 3, 3, 0, 0, 1]), name="x")
    assert (spread.strategy, spread.pins) == (Strategy.SPREAD, 0)


def test_a_ring_with_fewer_pins_wins() -> None:
    """One mirror astray makes a host hold more than its share: balanced would pin all of that host."""
    homes = [number for number in range(5) for _ in range(3)]
    targets = [(home + 1) % 5 for home in homes]
    targets[0] = 3
    facts = gather(cluster(homes, targets))
    even = by_shares(facts, may_drain=False)
    assert even is None or len(even.off) > 1
    inferred = infer_spec(facts.observed, name="x")
    assert (inferred.strategy, [pin.content for pin in inferred.spec.pins]) == (Strategy.GROUP, [0])


def test_a_host_over_its_share_is_pinned() -> None:
    """Eight hosts of three mirrors without a ring, but one that took a mirror of another."""
    random = Random(3)
    seen = evenly(random, 8, 3)
    homes = {one.content: int(one.hostname[3:]) - 1 for one, _ in seen.pairs().values()}
    targets = {c: int(m.hostname[3:]) - 1 for c, (_, m) in seen.pairs().items() if m is not None}
    astray = next(c for c in sorted(targets) if targets[c] != 7 and homes[c] != 7)
    targets[astray] = 7
    inferred = infer_spec(
        cluster([homes[c] for c in sorted(homes)], [targets[c] for c in sorted(targets)]), name="x"
    )
    assert inferred.strategy is Strategy.BALANCED
    pinned = {pin.content for pin in inferred.spec.pins}
    assert pinned == {content for content, target in targets.items() if target == 7}
    assert "# Balanced with 4 pins: apart from pinned mirrors, hosts hold fair shares." in (
        inferred.text.splitlines()
    )


def test_catalogs_with_a_content_without_mirror_are_left_alone() -> None:
    seen = cluster(*SCATTERED)
    rows = [one for one in seen.segments if one.content or one.is_preferred_primary]
    assert by_shares(gather(observed(rows)), may_drain=True) is None


@given(RANDOMS)
@settings(max_examples=40)
def test_every_even_layout_comes_back_without_pins_and_plans_to_nothing(random: Random) -> None:
    seen = evenly(Random(random.getrandbits(32)), random.randint(3, 7), random.randint(2, 4))
    inferred = infer_spec(seen, name="x")
    assert inferred.pins == 0
    assert inferred.plan is not None
    assert not inferred.plan.summary.differs
    assert proved(inferred.text, seen) is not None


@given(RANDOMS)
@settings(max_examples=25)
def test_pins_are_as_few_as_an_exhaustive_search_finds(random: Random) -> None:
    hosts, contents = random.randint(2, 4), random.randint(2, 6)
    homes = [random.randrange(hosts) for _ in range(contents)]
    targets = [random.choice([one for one in range(hosts) if one != home]) for home in homes]
    seen = cluster(homes, targets)
    facts = gather(seen)
    found = by_shares(facts, may_drain=False)
    bare = facts.hosts.keys() - facts.mirrors.keys()
    drains = (
        {frozenset[str](), frozenset(bare)} if bare >= facts.primaries.keys() else {frozenset()}
    )

    def keeps(pinned: Sequence[int], drained: frozenset[str]) -> bool:
        pins = tuple(Pin(content=one, host=f"sdw{targets[one] + 1}", place=PLACE) for one in pinned)
        hosts = [host(name, weight=int(name not in drained)) for name in sorted(facts.hosts)]
        return is_proved(planned(spec(hosts, "balanced", pins=pins), seen))

    fewest = next(
        number
        for number in range(contents + 1)
        if any(
            keeps(pinned, drained)
            for drained in drains
            for pinned in combinations(range(contents), number)
        )
    )
    if found is None:
        assert fewest * 2 > contents
    else:
        assert len(found.off) == fewest
        assert keeps(sorted(found.off), found.drained)


def test_the_order_of_rows_does_not_matter() -> None:
    seen = evenly(Random(1), 6, 3)
    turned = observed(reversed(seen.segments))
    assert infer_spec(turned, name="x").text == infer_spec(seen, name="x").text
