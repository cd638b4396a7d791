"""Maintenance groups: known rings, racks, load limits, hosts that are in no group, and their order."""

from itertools import pairwise

import pytest

from gpmirror.errors import InvalidInput
from gpmirror.model.layout import Layout, Pair
from gpmirror.run.status import maintenance_groups, saved_reading
from gpmirror.simulate.grouping import fewest_groups
from gpmirror.simulate.stopping import Maintenance, Unit, WhyLeftOut, maintenance
from gpmirror.spec.model import Policy, Survive
from tests.clusters import PLACE, coordinator, host, observed, row, spec


def names(count: int) -> tuple[str, ...]:
    return tuple(f"sdw{number + 1}" for number in range(count))


def ring(count: int, primaries: int, *, step: int | None = None) -> Layout:
    """Each host's k-th primary is mirrored k hosts on; all `step` hosts on where that is given."""
    hosts = names(count)
    pairs = [
        Pair(at * primaries + k, hosts[at], hosts[(at + (step or k + 1)) % count])
        for at in range(count)
        for k in range(primaries)
    ]
    return Layout(pairs=tuple(pairs), hosts=hosts)


def found(layout: Layout, limit: float | None = None, **more: object) -> Maintenance:
    given: dict[str, object] = {"coordinator": "mdw", "survives_racks": False, "unit": None, **more}
    return maintenance(layout, limit=limit, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("hosts", "primaries", "step", "limit", "groups"),
    [
        (4, 2, 1, None, 2),
        (5, 2, 1, None, 3),  # an odd ring
        (4, 2, 1, 2.0, 2),
        (16, 4, None, None, 6),  # 16 = 5 x 3 + 1: no three of a group fit five apart each time
        (15, 4, None, None, 5),
        (60, 8, None, None, 10),
        (200, 8, None, None, 10),
        (3, 2, None, None, 3),
        (6, 3, 3, None, 2),
        (6, 3, 3, 2.0, 2),
    ],
)
def test_rings(
    hosts: int, primaries: int, step: int | None, limit: float | None, groups: int
) -> None:
    answer = found(ring(hosts, primaries, step=step), limit)
    assert (len(answer.groups), answer.bound, answer.is_proven) == (groups, groups, True)
    assert sorted(h for group in answer.groups for h in group.hosts) == sorted(names(hosts))


def test_the_load_makes_it_more_than_colours() -> None:
    """Three hosts are mirrored by one: no two of them hold a content together, all three may go at
    once, and not where the survivor may take over two alone.
    """
    pairs = [Pair(n, f"sdw{n}", "sdw9") for n in (1, 2, 3)]
    pairs += [Pair(10 + n, "sdw9", "sdw8") for n in range(2)]
    layout = Layout(pairs=tuple(pairs), hosts=("sdw1", "sdw2", "sdw3", "sdw8", "sdw9"))
    assert len(found(layout).groups) == 2
    limited = found(layout, 2.0)  # sdw9 carries 2, and 4 at most
    assert (len(limited.groups), limited.bound) == (3, 3)
    assert all(len({"sdw1", "sdw2", "sdw3"} & set(g.hosts)) <= 2 for g in limited.groups)
    out = {one.host: one.why for one in found(layout, 1.0).left_out}
    assert out == dict.fromkeys(["sdw9", "sdw1", "sdw2", "sdw3"], WhyLeftOut.OVERLOAD)


def test_a_host_that_holds_a_content_alone_is_in_no_group() -> None:
    layout = Layout(
        pairs=(Pair(0, "sdw1", "sdw2"), Pair(1, "sdw2", None), Pair(2, "sdw3", "sdw3")),
        hosts=("sdw1", "sdw2", "sdw3", "sdw4"),
    )
    answer = found(layout)
    assert [(one.host, one.why, one.contents) for one in answer.left_out] == [
        ("sdw2", WhyLeftOut.ALONE, (1,)),
        ("sdw3", WhyLeftOut.ALONE, (2,)),
    ]
    assert [group.hosts for group in answer.groups] == [("sdw1",)]
    assert answer.empty == ("sdw4",)


def test_a_host_whose_stop_alone_is_too_much_is_in_no_group() -> None:
    answer = found(ring(4, 2, step=1), 1.5)  # 2 -> 4 primaries
    assert {one.why for one in answer.left_out} == {WhyLeftOut.OVERLOAD}
    assert (answer.groups, answer.bound) == ((), 0)


def test_the_coordinators_host_is_in_no_group() -> None:
    answer = found(ring(4, 1, step=1), coordinator="sdw2")
    assert [(one.host, one.why) for one in answer.left_out] == [("sdw2", WhyLeftOut.COORDINATOR)]
    assert sorted(h for group in answer.groups for h in group.hosts) == ["sdw1", "sdw3", "sdw4"]


def test_no_segments_no_groups() -> None:
    answer = found(Layout(pairs=(), hosts=("sdw1",)))
    assert (answer.groups, answer.bound, answer.empty) == ((), 0, ("sdw1",))


# --- racks ----------------------------------------------------------------------------------------


def racked(count: int, racks: int, *, primaries: int = 1) -> Layout:
    """Racks of neighbours on a ring; every mirror is one rack on."""
    hosts = names(count)
    size = count // racks
    pairs = tuple(
        Pair(at * primaries + k, hosts[at], hosts[(at + size) % count])
        for at in range(count)
        for k in range(primaries)
    )
    return Layout(
        pairs=pairs,
        hosts=hosts,
        racks={host: "abcdef"[at // size] for at, host in enumerate(hosts)},
    )


def test_whole_racks_are_groups_where_they_take_no_more() -> None:
    answer = found(racked(8, 2))
    assert [(group.racks, group.hosts) for group in answer.groups] == [
        (("a",), names(8)[:4]),
        (("b",), names(8)[4:]),
    ]
    assert (answer.unit, answer.bound, answer.by_host, answer.by_rack) == (Unit.RACK, 2, 2, 2)


def test_racks_that_share_nothing_go_together() -> None:
    assert [group.racks for group in found(racked(8, 4)).groups] == [("a", "c"), ("b", "d")]


def three_racks() -> Layout:
    """Each rack has a copy in each other, and two groups of hosts would do."""
    hosts = names(6)
    homes = [(0, 2), (1, 4), (3, 5)]
    pairs = tuple(Pair(n, hosts[a], hosts[b]) for n, (a, b) in enumerate(homes))
    return Layout(pairs=pairs, hosts=hosts, racks=dict(zip(hosts, "aabbcc", strict=True)))


def test_racks_that_take_more_groups_only_where_the_policy_names_racks() -> None:
    by_host = found(three_racks())
    assert (by_host.unit, len(by_host.groups), by_host.by_rack) == (Unit.HOST, 2, 3)
    by_rack = found(three_racks(), survives_racks=True)
    assert (by_rack.unit, len(by_rack.groups), by_rack.bound) == (Unit.RACK, 3, 2)
    assert not by_rack.is_proven
    assert found(three_racks(), survives_racks=True, unit=Unit.HOST).unit is Unit.HOST
    assert found(three_racks(), unit=Unit.RACK).unit is Unit.RACK


@pytest.mark.parametrize(
    ("layout", "limit", "why"),
    [
        (ring(4, 1, step=1), None, "the hosts are in no rack"),
        (
            Layout(
                pairs=(Pair(0, "a1", "b1"), Pair(1, "c1", "b1")),
                hosts=("a1", "b1", "c1"),
                racks={"a1": "a", "b1": "b"},
            ),
            None,
            "host c1 in no rack",
        ),
        (
            Layout(
                pairs=(Pair(0, "a1", "a2"), Pair(1, "b1", "a2")),
                hosts=("a1", "a2", "b1"),
                racks={"a1": "a", "a2": "a", "b1": "b"},
            ),
            None,
            "without rack a content 0 would be lost",
        ),
        (
            Layout(
                pairs=(
                    Pair(0, "a1", "b1"),
                    Pair(1, "a2", "b1"),
                    Pair(2, "b1", "a1"),
                ),
                hosts=("a1", "a2", "b1"),
                racks={"a1": "a", "a2": "a", "b1": "b"},
            ),
            2.0,
            "without rack a host b1 would carry more",
        ),
    ],
)
def test_racks_that_cannot_be_down_as_a_whole(
    layout: Layout, limit: float | None, why: str
) -> None:
    assert found(layout, limit, survives_racks=True).unit is Unit.HOST
    with pytest.raises(InvalidInput, match="whole racks cannot be groups") as refused:
        found(layout, limit, unit=Unit.RACK)
    assert why in refused.value.message


# --- order ----------------------------------------------------------------------------------------


def test_groups_that_follow_each_other_share_little() -> None:
    """Four groups of which some pairs share many contents: those do not stand side by side."""
    hosts = names(4)
    shared = {(0, 1): 9, (0, 2): 1, (0, 3): 1, (1, 2): 1, (1, 3): 1, (2, 3): 9}
    pairs = [
        Pair(10 * at + n, hosts[a], hosts[b])
        for at, ((a, b), count) in enumerate(shared.items())
        for n in range(count)
    ]
    answer = found(Layout(pairs=tuple(pairs), hosts=hosts))
    order = [hosts.index(group.hosts[0]) for group in answer.groups]
    assert len(order) == 4
    costs = [shared[min(a, b), max(a, b)] for a, b in pairwise(order)]
    assert costs == [1, 1, 1]


def test_many_groups_have_an_order_too() -> None:
    hosts = names(9)
    pairs = [Pair(9 * a + b, hosts[a], hosts[b]) for a in range(9) for b in range(a)]
    answer = found(Layout(pairs=tuple(pairs), hosts=hosts))
    assert (len(answer.groups), answer.bound) == (9, 9)


# --- the solver where it cannot search to the end -------------------------------------------------


def test_large_problems_end_with_a_bound() -> None:
    """No randomness, no clock: the same twice, more items than are searched, groups that hold."""
    count = 450
    apart = [0] * count
    for one in range(count):
        for step in (1, 7, 31, 101):
            other = (one * 3 + step) % count
            if other != one:
                apart[one] |= 1 << other
                apart[other] |= 1 << one
    takes = [{"x": 1} if one % 50 == 0 else {} for one in range(count)]
    first = fewest_groups(apart, takes, {"x": 2})
    assert first == fewest_groups(apart, takes, {"x": 2})
    assert sorted(item for group in first.groups for item in group) == list(range(count))
    for group in first.groups:
        together = sum(1 << item for item in group)
        assert not any(apart[item] & together for item in group)
        assert sum(takes[item].get("x", 0) for item in group) <= 2
    assert 5 <= first.bound <= len(first.groups)  # nine that take of x, two a group


def scattered(count: int, primaries: int) -> Layout:
    """Mirrors as an optimiser spreads them: no ring to be seen, as many to everyone."""
    hosts = names(count)
    steps = [3, 7, 13, 19, 29, 37, 43, 53, 59, 61][:primaries]
    pairs = [
        Pair(at * primaries + k, hosts[at], hosts[(at * (1 if k % 2 else -1) + step) % count])
        for at in range(count)
        for k, step in enumerate(steps)
        if hosts[at] != hosts[(at * (1 if k % 2 else -1) + step) % count]
    ]
    return Layout(pairs=tuple(pairs), hosts=hosts)


@pytest.mark.parametrize("limit", [None, 2.0])
@pytest.mark.parametrize(("hosts", "primaries"), [(24, 4), (60, 6), (120, 8)])
def test_scattered_layouts(hosts: int, primaries: int, limit: float | None) -> None:
    answer = found(scattered(hosts, primaries), limit)
    assert answer.bound >= 2
    assert len(answer.groups) <= answer.bound + 3
    assert sorted(h for group in answer.groups for h in group.hosts) == sorted(names(hosts))
    for group in answer.groups:
        assert not group.loss.contents_lost
        assert limit is None or group.loss.worst_load_factor <= limit


def test_a_trial_finds_what_the_search_does_not_reach() -> None:
    """A group fewer than the first search has: the same every time, and it holds."""
    import random

    numbers = random.Random(2)
    count = 60
    apart = [0] * count
    takes: list[dict[str, int]] = [{} for _ in range(count)]
    for one in range(count):
        for other in numbers.sample([n for n in range(count) if n != one], 8):
            apart[one] |= 1 << other
            apart[other] |= 1 << one
            takes[one][f"h{other}"] = 1
    found_groups = fewest_groups(apart, takes, {})
    assert len(found_groups.groups) <= 7
    assert found_groups == fewest_groups(apart, takes, {})


def test_two_that_are_too_many_for_a_room_are_apart() -> None:
    """By volume 18 groups would do; two by two they exclude each other."""
    answer = fewest_groups([0] * 30, [{"x": 3}] * 30, {"x": 5}, effort=2000)
    assert (len(answer.groups), answer.bound) == (30, 30)


def test_volume_counts_where_pairs_fit() -> None:
    answer = fewest_groups([0] * 30, [{"x": 2}] * 30, {"x": 5}, effort=2000)
    assert (len(answer.groups), answer.bound) == (15, 15)
    beside = [1 << 30] * 30 + [(1 << 30) - 1]  # one that none of them may be with
    answer = fewest_groups(beside, [{"x": 1}] * 30 + [{}], {"x": 5}, effort=2000)
    assert (len(answer.groups), answer.bound) == (7, 7)


# --- what the spec says ---------------------------------------------------------------------------


def test_a_policy_that_names_racks_decides() -> None:
    """Of three racks that each share a content, though hosts would go in two groups."""
    layout = three_racks()
    rows = [coordinator()]
    for pair in layout.pairs:
        assert pair.mirror is not None
        rows.append(row(2 * pair.content + 2, pair.content, "p", pair.primary, 6000))
        rows.append(row(2 * pair.content + 3, pair.content, "m", pair.mirror, 7000))
    hosts = [host(name, rack=layout.racks[name]) for name in layout.hosts]
    reading = saved_reading(observed(rows))
    free = maintenance_groups(reading, spec(hosts), None)
    assert free.found.unit is Unit.HOST
    survive = (Survive(count=1, of="rack", place=PLACE),)
    bound = maintenance_groups(reading, spec(hosts, policy=Policy(survive=survive)), None)
    assert [group.racks for group in bound.found.groups] == [("a",), ("b",), ("c",)]


def test_a_replaced_host_is_still_the_one_that_rows_stand_on() -> None:
    rows = [coordinator(), row(2, 0, "p", "sdw1", 6000), row(3, 0, "m", "sdw9", 7000)]
    wanted = spec([host("sdw1"), host("sdw2", replaces="sdw9")])
    groups = maintenance_groups(saved_reading(observed(rows)), wanted, None).found
    assert [group.hosts for group in groups.groups] == [("sdw1",), ("sdw9",)]
    assert groups.empty == ("sdw2",)
