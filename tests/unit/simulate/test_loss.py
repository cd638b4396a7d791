"""One set of lost hosts, against a naive count and by hand."""

import random
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpmirror.errors import InvalidInput
from gpmirror.model.layout import Layout, Pair
from gpmirror.simulate import lose, survey

NAMES = ("sdw1", "sdw10", "sdw2", "sdw3", "sdw4", "sdw5")


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    """Layouts with single copies, mirrors beside primaries, empty and mirror-only hosts."""
    count = draw(st.integers(1, len(NAMES)))
    hosts = tuple(draw(st.permutations(NAMES)))[:count]
    homes = draw(
        st.lists(st.tuples(st.sampled_from(hosts), st.none() | st.sampled_from(hosts)), max_size=14)
    )
    racks = draw(st.dictionaries(st.sampled_from(hosts), st.sampled_from("abc")))
    pairs = tuple(Pair(content, *home) for content, home in enumerate(homes))
    return Layout(pairs=pairs, hosts=hosts, racks=racks)


def naive_lost(layout: Layout, lost: set[str]) -> tuple[int, ...]:
    return tuple(
        pair.content for pair in layout.pairs if {pair.primary, pair.mirror or pair.primary} <= lost
    )


def naive_loads(layout: Layout, lost: set[str]) -> dict[str, tuple[int, int]]:
    before = dict.fromkeys(layout.hosts, 0)
    after = dict.fromkeys(layout.hosts, 0)
    for pair in layout.pairs:
        before[pair.primary] += 1
        serving = pair.primary if pair.primary not in lost else pair.mirror
        if serving is not None and serving not in lost:
            after[serving] += 1
    return {host: (before[host], after[host]) for host in layout.hosts if host not in lost}


def naive_factor(layout: Layout, lost: set[str]) -> float:
    holders = {pair.primary for pair in layout.pairs}
    mean = len(layout.pairs) / len(holders) if holders else 1.0
    factors = [
        after / (before or mean)
        for before, after in naive_loads(layout, lost).values()
        if after > before
    ]
    return max(factors, default=1.0)


@given(layouts(), st.sets(st.sampled_from(NAMES)))
def test_agrees_with_a_naive_count(layout: Layout, wished: set[str]) -> None:
    lost = wished & set(layout.hosts)
    loss = lose(layout, lost)
    assert loss.contents_lost == naive_lost(layout, lost)
    assert {load.host: (load.before, load.after) for load in loss.survivors} == naive_loads(
        layout, lost
    )
    assert loss.worst_load_factor == pytest.approx(naive_factor(layout, lost))
    assert all(load.after > load.before for load in loss.loads)


@given(layouts())
def test_the_worst_host_is_the_first_load(layout: Layout) -> None:
    for loss in survey(layout).fatal_pair_losses():
        loads = loss.loads
        assert loss.worst == (loads[0] if loads else None)
        assert loss.worst_host == (loads[0].host if loads else None)


@given(layouts(), st.randoms(use_true_random=False))
def test_order_of_input_never_matters(layout: Layout, chance: random.Random) -> None:
    rows = list(layout.pairs)
    chance.shuffle(rows)
    shuffled = Layout(pairs=tuple(rows), hosts=layout.hosts, racks=layout.racks)
    for lost in combinations(layout.hosts, min(2, len(layout.hosts))):
        expected, found = lose(layout, lost), lose(shuffled, tuple(reversed(lost)))
        assert found == expected
        assert found.loads == expected.loads
        assert found.label == expected.label


RING = Layout(
    pairs=(
        Pair(0, "sdw1", "sdw2"),
        Pair(1, "sdw1", "sdw3"),
        Pair(2, "sdw2", "sdw2"),
        Pair(3, "sdw3", None),
        Pair(4, "sdw1", "spare"),
    ),
    hosts=("sdw1", "sdw2", "sdw3", "spare"),
)


@pytest.mark.parametrize(
    ("lost", "contents"),
    [
        ((), ()),
        (("sdw1",), ()),
        (("sdw2",), (2,)),
        (("sdw3",), (3,)),
        (("spare",), ()),
        (("spare", "sdw1"), (4,)),
        (("sdw1", "sdw2", "sdw3", "spare"), (0, 1, 2, 3, 4)),
    ],
)
def test_contents_lost(lost: tuple[str, ...], contents: tuple[int, ...]) -> None:
    assert lose(RING, lost).contents_lost == contents


def test_a_host_without_primaries_is_measured_against_the_mean() -> None:
    loads = {load.host: load.factor for load in lose(RING, ["sdw1"]).loads}
    assert loads == {"sdw2": 2.0, "sdw3": 2.0, "spare": 1 * 3 / 5}


def test_losing_everything_leaves_no_survivor() -> None:
    loss = lose(RING, RING.hosts)
    assert loss.survivors == ()
    assert loss.worst is None
    assert loss.worst_load_factor == 1.0


def test_hosts_that_only_pairs_name_count_too() -> None:
    layout = Layout(pairs=(Pair(0, "zeta", "eta"),), hosts=("alpha",))
    assert [load.host for load in lose(layout, ["alpha"]).survivors] == ["eta", "zeta"]


def test_every_unknown_host_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput) as caught:
        lose(RING, ["sdw1", "sdw9", "nowhere"])
    assert [found.code for found in caught.value.diagnostics] == ["GPM-P901", "GPM-P901"]
    assert "'nowhere'" in caught.value.diagnostics[0].message
    assert caught.value.diagnostics[1].hint == "did you mean `host:sdw3`?"
