"""A plan played in mind."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from gpmirror.model.layout import Pair
from gpmirror.model.segment import Mode, Role, Status
from gpmirror.plan.model import Plan
from gpmirror.plan.request import Request
from gpmirror.run.simulate import Moment, ends, replay, worst_moments
from tests.clusters import mirrored, observed, planned, spec
from tests.plans import (
    HOSTS,
    adding,
    moving,
    rebalancing,
    recovering,
    seen_in_trouble,
    swapping,
    unchanged,
)


def copies(moment: Moment) -> int:
    return sum(pair.mirror is not None for pair in moment.layout.pairs)


def test_nothing_to_do_is_before_and_after() -> None:
    moments = replay(unchanged())
    assert [moment.title for moment in moments] == ["before the plan", "after the plan"]
    assert moments[0].layout == moments[1].layout


def test_mirrors_count_only_once_they_are_in_sync() -> None:
    before, during, after = replay(adding())
    assert (copies(before), copies(during), copies(after)) == (0, 0, 8)


def test_moves_leave_one_copy_in_their_own_wave_only() -> None:
    plan = moving()
    before, *waves, after = replay(plan)
    assert copies(before) == copies(after) == 12
    assert [copies(moment) for moment in waves] == [12 - len(w.contents) for w in plan.waves]
    assert before.layout.racks == {"sdw1": "a", "sdw2": "a", "sdw3": "b", "sdw4": "b"}
    dangers = [moment.danger for moment in waves]
    assert dangers == [(e.worst_host_loses, len(e.single)) for e in plan.exposure.waves]


@pytest.mark.parametrize("plan", [adding, moving, rebalancing, recovering, swapping, unchanged])
def test_the_two_ends_are_those_of_the_replay(plan: Callable[[], Plan]) -> None:
    moments = replay(plan())
    assert ends(plan()) == (moments[0].layout, moments[-1].layout)


def test_the_two_ends_of_a_plan_for_a_cluster_in_trouble() -> None:
    plan = planned(spec(HOSTS), seen_in_trouble(), Request(rebalance=True))
    moments = replay(plan)
    assert ends(plan) == (moments[0].layout, moments[-1].layout)


def test_without_a_stated_exposure_the_danger_is_worked_out() -> None:
    plan = moving()
    silent = replace(plan, exposure=replace(plan.exposure, waves=()))
    stated = [moment.danger for moment in replay(plan)]
    assert [moment.danger for moment in replay(silent)] == stated


def test_what_no_copy_of_lives_is_told_apart_at_every_moment() -> None:
    rows = [
        replace(r, status=Status.DOWN) if r.content == 2 else r for r in mirrored(HOSTS, 2).segments
    ]
    for moment in replay(planned(spec(HOSTS), observed(rows))):
        assert [pair.content for pair in moment.layout.pairs if not pair.lives] == [2]


def test_what_is_down_counts_once_and_what_is_blocked_keeps_the_copies_that_live() -> None:
    seen = seen_in_trouble()
    plan = planned(spec(HOSTS), seen, Request(rebalance=True))
    down = len({row.content for row in seen.segments if not row.is_up})
    before, *_, after = replay(plan)
    assert copies(before) == 8 - down
    assert copies(after) == 8 - down + plan.summary.recover


def test_what_is_outside_the_selection_stays_as_the_catalog_has_it() -> None:
    rows = [
        replace(row, status=Status.DOWN, mode=Mode.NOT_IN_SYNC)
        if row.content in {1, 3} and row.role is Role.MIRROR
        else row
        for row in mirrored(HOSTS, 2).segments
    ]
    plan = planned(spec(HOSTS), observed(rows), Request(contents=frozenset({1})))
    before, *_, after = replay(plan)
    assert (copies(before), copies(after)) == (6, 7)
    assert after.layout.pairs[3] == Pair(3, "sdw2", None)


def test_a_wave_of_returning_roles_leaves_one_copy_of_each() -> None:
    rows = [
        replace(row, role=Role.MIRROR if row.role is Role.PRIMARY else Role.PRIMARY)
        if row.content in {0, 5}
        else row
        for row in mirrored(HOSTS, 2).segments
    ]
    plan = planned(spec(HOSTS), observed(rows), Request(rebalance=True))
    before, during, after = replay(plan)
    assert [copies(moment) for moment in (before, during, after)] == [8, 6, 8]
    assert during.layout.pairs[0] == Pair(0, "sdw1", None), "the acting mirror is stopped first"


def test_a_copy_that_comes_back_at_its_old_place_is_seen_there() -> None:
    rows = [
        replace(row, status=Status.DOWN, mode=Mode.NOT_IN_SYNC)
        if (row.content, row.role) == (1, Role.MIRROR)
        else row
        for row in mirrored(HOSTS, 2).segments
    ]
    wanted = spec(HOSTS, strategy="spread")
    plan = planned(wanted, observed(rows), Request(contents=frozenset({1})))
    assert plan.changes[0].to == plan.changes[0].from_
    after = replay(plan)[-1]
    assert after.layout.pairs[1] == Pair(1, "sdw1", "sdw2")


def test_of_many_waves_the_worst_are_shown_in_order() -> None:
    layout = replay(unchanged())[0].layout
    waves = [Moment(title=f"wave {n}", layout=layout, danger=(n % 4, n)) for n in range(12)]
    ends = [Moment(title="before", layout=layout), Moment(title="after", layout=layout)]
    shown, remark = worst_moments([ends[0], *waves, ends[1]])
    assert [moment.title for moment in shown] == [
        "before", "wave 3", "wave 6", "wave 7", "wave 10", "wave 11", "after",
    ]  # fmt: skip
    assert remark == "the 5 worst of 12 waves are shown; --json has all"
