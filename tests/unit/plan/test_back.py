"""The way back from a run, as a plan."""

from dataclasses import replace

import pytest

from gpmirror.cluster.observed import Observed
from gpmirror.errors import ExitCode, Failure, Unsafe
from gpmirror.plan.back import plan_back
from gpmirror.plan.foresee import after_wave
from gpmirror.plan.model import Action, Plan
from gpmirror.plan.planfile import plan_text, read_plan
from gpmirror.plan.replan import spec_of
from tests.clusters import host, mirrored, planned, spec
from tests.plans import (
    HOSTS,
    adding,
    moving,
    rebalancing,
    recovering,
    seen_before_add,
    seen_before_moves,
    seen_in_trouble,
    swapping,
    unchanged,
)
from tests.simulator import SimulatedCluster, machines


def done(plan: Plan, seen: Observed) -> Observed:
    for wave in plan.waves:
        seen = after_wave(seen, wave)
    return seen


def slots(seen: Observed) -> set[tuple[int, str, int, str | None]]:
    return {(row.content, row.address, row.port, row.directory) for row in seen.segments}


def test_an_addition_has_no_way_back() -> None:
    plan = adding()
    with pytest.raises(Unsafe) as caught:
        plan_back(plan, done(plan, seen_before_add()))
    assert caught.value.exit_code is ExitCode.UNSAFE
    assert "no release of Greenplum can remove mirrors safely" in caught.value.message


@pytest.mark.parametrize(
    ("plan", "seen"),
    [
        (unchanged(), mirrored(HOSTS, 2)),
        (recovering(), seen_in_trouble()),
        (rebalancing(), seen_in_trouble()),
    ],
    ids=["unchanged", "recovered in place", "returned"],
)
def test_what_moved_nothing_has_no_way_back(plan: Plan, seen: Observed) -> None:
    with pytest.raises(Failure, match="moved nothing"):
        plan_back(plan, done(plan, seen))


@pytest.mark.parametrize(
    ("plan", "seen"),
    [
        (moving(), seen_before_moves()),
        (swapping(), mirrored(HOSTS[:2], 2)),
        (planned(spec(HOSTS, strategy="spread"), mirrored(HOSTS, 2)), mirrored(HOSTS, 2)),
    ],
    ids=["moves", "a cycle", "spread"],
)
def test_there_and_back(plan: Plan, seen: Observed) -> None:
    after = done(plan, seen)
    assert slots(after) != slots(seen)
    back = plan_back(plan, after)
    assert read_plan(plan_text(back).encode(), "back.json") == back
    assert {c.content for c in back.changes} == {
        c.content for c in plan.changes if c.action is Action.MOVE
    }
    assert slots(done(back, after)) == slots(seen)


def test_the_way_back_is_one_that_utilities_can_go() -> None:
    """Old directories pruned; in order, without two copies in one slot, within the limits."""
    plan, seen = moving(), seen_before_moves()
    after = done(plan, seen)
    back = plan_back(plan, after)
    cluster = SimulatedCluster(
        after,
        machines(spec_of(back), after.segments),
        back.settings.apply.waves,
        back.settings.allow_same_host,
    )
    assert slots(cluster.apply(back)) == slots(seen)


def test_the_way_back_through_temporary_slots_ends_where_it_began() -> None:
    plan, seen = swapping(), mirrored(HOSTS[:2], 2)
    back = plan_back(plan, done(plan, seen))
    assert any(step.temporary for wave in back.waves for step in wave.steps)


def test_a_host_that_left_the_spec_takes_its_mirrors_back() -> None:
    seen = mirrored(HOSTS, 2)
    drained = spec([*HOSTS[:3], host("sdw4", weight=0)])
    plan = planned(drained, seen)
    gone = replace(plan, desired=replace(plan.desired, hosts=plan.desired.hosts))
    after = done(gone, seen)
    back = plan_back(gone, after)
    assert slots(done(back, after)) == slots(seen)


def test_a_mirror_only_host_that_left_the_spec_takes_its_mirrors_back() -> None:
    rows = mirrored(HOSTS, 2)
    first = planned(spec([*HOSTS, "spare"], strategy="group"), rows)
    seen = done(first, rows)
    assert any(row.hostname == "spare" for row in seen.segments)
    plan = planned(spec(HOSTS), seen)
    assert "spare" not in {known.name for known in plan.desired.hosts}
    after = done(plan, seen)
    back = plan_back(plan, after)
    assert [known.name for known in back.desired.hosts if known.weight == 0] == ["spare"]
    assert slots(done(back, after)) == slots(seen)


def test_back_already_says_so() -> None:
    plan, seen = moving(), seen_before_moves()
    back = plan_back(plan, seen)
    assert back.waves == ()
    assert back.changes == ()
    assert not back.summary.differs


def test_only_what_the_run_moved_goes_back() -> None:
    seen = mirrored(HOSTS, 2)
    plan = planned(spec(HOSTS, strategy="spread"), seen)
    after = done(plan, seen)
    moved = {change.content for change in plan.changes}
    rows = tuple(
        replace(row, port=row.port + 50)
        if row.content not in moved and not row.is_preferred_primary
        else row
        for row in after.segments
    )
    back = plan_back(plan, replace(after, segments=rows))
    assert {change.content for change in back.changes} == moved


def test_a_host_with_two_interfaces_that_left_is_listed_with_both() -> None:
    seen = mirrored(HOSTS, 2)
    plan = planned(spec(HOSTS, strategy="spread"), seen)
    changes = tuple(
        replace(
            change,
            from_=replace(
                change.from_, host="old", address=f"old-{number % 2}", port=7100 + number
            ),
        )
        for number, change in enumerate(plan.changes)
        if change.from_ is not None
    )
    back = plan_back(replace(plan, changes=changes), done(plan, seen))
    (old,) = [known for known in back.desired.hosts if known.name == "old"]
    assert old.addresses == ("old-0", "old-1")
