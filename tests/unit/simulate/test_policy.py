"""Verdicts: met, not met, and what they are based on."""

import pytest

from gpmirror.model.layout import Layout, Pair
from gpmirror.simulate import Demand, Judgement, judge_policy, survey

GROUP = Layout(
    pairs=tuple(
        Pair(host * 2 + index, f"sdw{host + 1}", f"sdw{(host + 1) % 4 + 1}")
        for host in range(4)
        for index in range(2)
    ),
    hosts=("sdw1", "sdw2", "sdw3", "sdw4"),
    racks={"sdw1": "a", "sdw2": "b", "sdw3": "a", "sdw4": "b"},
)
HALVES = Layout(
    pairs=GROUP.pairs, hosts=GROUP.hosts, racks=dict(zip(GROUP.hosts, "aabb", strict=True))
)
BARE = Layout(pairs=(Pair(0, "sdw1", "sdw1"), Pair(1, "sdw1", None)), hosts=("sdw1",))
PARTLY = Layout(pairs=GROUP.pairs, hosts=GROUP.hosts, racks={"sdw1": "a", "sdw3": "b"})
PAIRED = Layout(pairs=(Pair(0, "a", "b"), Pair(1, "c", None)), hosts=tuple("abcd"))
SMALL = Layout(pairs=(Pair(0, "sdw1", None),), hosts=("sdw1", "sdw2", "sdw3"))


@pytest.mark.parametrize(
    ("layout", "demand", "ok", "name", "evidence"),
    [
        (GROUP, (1, "host"), True, "survive any 1 host", "fatal hosts: 0 of 4"),
        (
            GROUP,
            (2, "host"),
            False,
            "survive any 2 hosts",
            "lose sdw1 + sdw2: 2 contents lost (0, 1); fatal host pairs: 4 of 6",
        ),
        (GROUP, (1, "rack"), True, "survive any 1 rack", "fatal racks: 0 of 2"),
        (
            GROUP,
            (2, "rack"),
            False,
            "survive any 2 racks",
            (
                "lose rack a + rack b: 8 contents lost (0, 1, 2, 3, 4, 5, 6, 7); "
                "fatal rack pairs: 1 of 1"
            ),
        ),
        (
            HALVES,
            (1, "rack"),
            False,
            "survive any 1 rack",
            "lose rack a: 2 contents lost (0, 1); fatal racks: 2 of 2",
        ),
        (
            BARE,
            (1, "host"),
            False,
            "survive any 1 host",
            "lose sdw1: 2 contents lost (0, 1); fatal hosts: 1 of 1",
        ),
        (
            BARE,
            (2, "host"),
            False,
            "survive any 2 hosts",
            "lose sdw1: 2 contents lost (0, 1); fatal host pairs: 0 of 0",
        ),
        (
            BARE,
            (1, "rack"),
            False,
            "survive any 1 rack",
            "needs at least 2 racks, the layout names 0",
        ),
        (
            PARTLY,
            (1, "rack"),
            True,
            "survive any 1 rack",
            "fatal racks: 0 of 2; 2 hosts are in no rack, first sdw2",
        ),
        (
            SMALL,
            (2, "host"),
            False,
            "survive any 2 hosts",
            "lose sdw1 + sdw2: 1 contents lost (0); fatal host pairs: 2 of 3",
        ),
        (
            PAIRED,
            (2, "host"),
            False,
            "survive any 2 hosts",
            "lose a + b: 1 contents lost (0); fatal host pairs: 4 of 6",
        ),
    ],
)
def test_survival(layout: Layout, demand: Demand, ok: bool, name: str, evidence: str) -> None:
    assert judge_policy(layout, (demand,), None) == (
        Judgement(name=name, ok=ok, evidence=evidence),
    )


def test_the_pair_that_a_policy_names_is_the_one_that_a_simulation_names() -> None:
    """By load, then in ring order, where pairs lose as many contents."""
    pairs = (Pair(0, "a", "b"), Pair(1, "c", "d"), Pair(2, "d", "b"), Pair(3, "c", "b"))
    layout = Layout(pairs=pairs, hosts=("d", "c", "b", "a"))
    (verdict,) = judge_policy(layout, ((2, "host"),), None)
    worst = survey(layout).worst_pair
    assert worst is not None
    assert verdict.evidence.startswith(f"lose {worst.label}: 1 contents lost")
    assert worst.lost != ("a", "b"), "not the first by name"


@pytest.mark.parametrize(("limit", "ok"), [(2.0, True), (1.99, False), (3, True)])
def test_load_factor(limit: float, ok: bool) -> None:
    (verdict,) = judge_policy(GROUP, (), limit)
    assert verdict.name == f"max_load_factor {float(limit)}"
    assert verdict.ok is ok
    assert verdict.evidence == "lose sdw1: sdw2 2 -> 4 primaries (x2.0)"


def test_a_limit_that_is_met_exactly_is_met() -> None:
    pairs = [Pair(content, "sdw1", "sdw2") for content in range(10)]
    pairs += [Pair(10, "sdw3", "sdw1")]
    layout = Layout(pairs=tuple(pairs), hosts=("sdw1", "sdw2", "sdw3"))
    (verdict,) = judge_policy(Layout(pairs=tuple(pairs[10:]), hosts=layout.hosts), (), 1.0)
    assert verdict.ok
    (verdict,) = judge_policy(layout, (), 10 * 2 / 11)
    assert verdict.ok


def test_no_takeover_meets_any_limit() -> None:
    (verdict,) = judge_policy(BARE, (), 1.0)
    assert verdict == Judgement(
        name="max_load_factor 1.0", ok=True, evidence="no host loss moves a primary"
    )


def test_verdicts_keep_the_order_of_the_policy() -> None:
    verdicts = judge_policy(GROUP, ((2, "host"), (1, "rack"), (1, "host")), 2.0)
    assert [verdict.name for verdict in verdicts] == [
        "survive any 2 hosts",
        "survive any 1 rack",
        "survive any 1 host",
        "max_load_factor 2.0",
    ]
    assert judge_policy(GROUP, (), None) == ()


def test_an_empty_layout_survives() -> None:
    empty = Layout(pairs=(), hosts=())
    assert all(verdict.ok for verdict in judge_policy(empty, ((1, "host"), (2, "host")), 1.0))
