"""All single losses and pairs: closed forms, a naive count, and speed."""

from collections.abc import Callable
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpmirror.model.layout import Layout, Pair
from gpmirror.simulate import lose, survey

HOSTS = tuple(f"sdw{number}" for number in range(1, 6))


def group(count: int, each: int) -> Layout:
    return ring(count, each, lambda host, _: (host + 1) % count)


def spread(count: int, each: int) -> Layout:
    return ring(count, each, lambda host, index: (host + 1 + index) % count)


def block(count: int, each: int, size: int) -> Layout:
    def target(host: int, index: int) -> int:
        start = host - host % size
        return start + (host - start + 1 + index % (size - 1)) % size

    return ring(count, each, target)


def beside(count: int, each: int) -> Layout:
    return ring(count, each, lambda host, _: host)


def ring(count: int, each: int, target: Callable[[int, int], int]) -> Layout:
    names = [f"h{number:04}" for number in range(count)]
    return Layout(
        pairs=tuple(
            Pair(host * each + index, names[host], names[target(host, index)])
            for host in range(count)
            for index in range(each)
        ),
        hosts=tuple(names),
    )


@pytest.mark.parametrize("each", [1, 2, 6])
@pytest.mark.parametrize("count", [3, 4, 5, 9, 16])
def test_group_ring(count: int, each: int) -> None:
    found = survey(group(count, each))
    assert found.fatal_pair_count == count
    assert found.pair_count == count * (count - 1) // 2
    assert worst_factor(group(count, each)) == 2.0
    assert found.survives_any_host
    assert not found.survives_any_two_hosts
    # the best case: every other host of the ring
    layout = group(count, each)
    assert not lose(layout, layout.hosts[: 2 * (count // 2) : 2]).contents_lost


@pytest.mark.parametrize(("count", "each"), [(5, 2), (8, 3), (9, 4), (16, 4), (40, 8)])
def test_wide_spread(count: int, each: int) -> None:
    layout = spread(count, each)
    assert count > 2 * each
    assert survey(layout).fatal_pair_count == count * each
    assert worst_factor(layout) == pytest.approx(1 + 1 / each)
    assert all(len(loss.gains) == each for loss in survey(layout).hosts)
    assert not lose(layout, layout.hosts[:: each + 1][: count // (each + 1)]).contents_lost


@pytest.mark.parametrize(("count", "each"), [(5, 4), (6, 3), (7, 6), (9, 4), (4, 3)])
def test_narrow_spread_makes_every_pair_fatal(count: int, each: int) -> None:
    found = survey(spread(count, each))
    assert count <= 2 * each + 1
    assert found.fatal_pair_count == found.pair_count
    assert worst_factor(spread(count, each)) == pytest.approx(1 + 1 / each)


@pytest.mark.parametrize(
    ("count", "each", "size"), [(4, 1, 2), (8, 2, 2), (8, 3, 4), (12, 6, 4), (16, 14, 8)]
)
def test_blocks(count: int, each: int, size: int) -> None:
    layout = block(count, each, size)
    assert survey(layout).fatal_pair_count == count * (size - 1) // 2
    assert worst_factor(layout) == pytest.approx(size / (size - 1))
    assert all(len(loss.gains) == size - 1 for loss in survey(layout).hosts)
    assert not lose(layout, layout.hosts[::size]).contents_lost


@pytest.mark.parametrize("count", [1, 2, 5])
def test_mirrors_beside_primaries_survive_nothing(count: int) -> None:
    found = survey(beside(count, 2))
    assert all(loss.contents_lost for loss in found.hosts)
    assert found.fatal_pair_count == found.pair_count == len(found.fatal_pairs)
    assert not found.survives_any_host
    assert not found.survives_any_two_hosts
    assert found.worst_load_after_one_host is None


def worst_factor(layout: Layout) -> float:
    worst = survey(layout).worst_load_after_one_host
    assert worst is not None
    assert worst.after / worst.before == worst.factor
    return worst.factor


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    homes = draw(
        st.lists(st.tuples(st.sampled_from(HOSTS), st.none() | st.sampled_from(HOSTS)), max_size=8)
    )
    racks = draw(st.dictionaries(st.sampled_from(HOSTS), st.sampled_from("abc")))
    return Layout(
        pairs=tuple(Pair(content, *home) for content, home in enumerate(homes)),
        hosts=HOSTS,
        racks=racks,
    )


@given(layouts())
def test_pairs_are_those_that_lose_a_content(layout: Layout) -> None:
    found = survey(layout)
    naive = [pair for pair in combinations(sorted(HOSTS), 2) if lose(layout, pair).contents_lost]
    assert list(found.fatal_pairs) == naive
    assert found.fatal_pair_count == len(naive)
    assert [loss.lost for loss in found.fatal_pair_losses()] == naive
    assert found.survives_any_two_hosts == (found.survives_any_host and not naive)


@given(layouts())
def test_the_worst_pair_is_the_worst_of_all_that_are_tried(layout: Layout) -> None:
    every = [lose(layout, pair) for pair in combinations(HOSTS, 2)]
    worst = max(every, key=lambda loss: (len(loss.contents_lost), loss.worst_load_factor))
    assert survey(layout).worst_pair == worst


@given(layouts())
def test_singles_are_losses_of_one_host(layout: Layout) -> None:
    found = survey(layout)
    assert found.hosts == tuple(lose(layout, [host]) for host in HOSTS)
    assert found.survives_any_host == (not any(loss.contents_lost for loss in found.hosts))


@given(layouts())
def test_racks_are_their_hosts_lost_together(layout: Layout) -> None:
    found = survey(layout)
    assert [each.rack for each in found.racks] == sorted(set(layout.racks.values()))
    for each in found.racks:
        members = [host for host in HOSTS if layout.racks.get(host) == each.rack]
        assert each.loss == lose(layout, members, label=f"rack {each.rack}")
    fatal = any(each.loss.contents_lost for each in found.racks)
    assert found.survives_any_rack == (None if len(found.racks) < 2 else not fatal)


def test_one_fatal_host_makes_all_its_pairs_fatal() -> None:
    layout = Layout(
        pairs=(Pair(0, "a", "b"), Pair(1, "c", None), Pair(2, "d", "c")), hosts=tuple("abcde")
    )
    found = survey(layout)
    assert found.fatal_pairs == (("a", "b"), ("a", "c"), ("b", "c"), ("c", "d"), ("c", "e"))
    assert found.fatal_pair_count == 5


def test_an_empty_layout_has_nothing_to_lose() -> None:
    found = survey(Layout(pairs=(), hosts=()))
    assert found.survives_any_two_hosts
    assert found.survives_any_rack is None
    assert found.worst_load_after_one_host is None


def test_a_survey_of_1000_hosts_counts_its_pairs() -> None:
    layout = spread(1000, 8)
    found = survey(layout, pairs=False)
    assert (len(found.fatal_pairs), found.pair_count) == (8000, 499_500)
    assert found.worst_load_after_one_host is not None
