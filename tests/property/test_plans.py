"""What holds for every plan, tried on random clusters and specs."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gpmirror.errors import InvalidInput
from gpmirror.model.observed import Observed, in_canonical_order
from gpmirror.model.segment import Status
from gpmirror.placement.place import place
from gpmirror.plan.build import build_plan
from gpmirror.plan.model import Action, Change, Plan
from gpmirror.plan.planfile import plan_text, read_plan
from gpmirror.plan.request import Request
from tests.clusters import planned
from tests.simulator import simulate
from tests.strategies import RANDOMS, Case, case

REBALANCE = Request(rebalance=True)


def _case(random: Random) -> Case:
    found = case(random)
    assume(found is not None)
    assert found is not None
    return found


def _plan(found: Case, request: Request) -> Plan:
    return planned(found.spec, found.observed, request)


@given(RANDOMS)
@settings(max_examples=150)
def test_applying_a_plan_gives_the_desired_layout(random: Random) -> None:
    found = _case(random)
    desired = place(found.spec, found.observed)
    plan = build_plan(found.spec, found.observed, desired, Request())
    after = simulate(plan, found.spec, found.observed)
    reached = place(found.spec, after)
    mirrors = {
        row.content: row
        for row in after.segments
        if row.content >= 0 and not row.is_preferred_primary
    }
    untouched = {c.content for c in plan.changes if _waits(c)}
    untouched |= set(plan.switched) | {row.content for row in after.segments if row.is_switched}
    for wanted in desired.contents:
        if wanted.content not in untouched:
            row = mirrors[wanted.content]
            assert row.status is Status.UP
            assert reached.hosts.host_of(row) == wanted.mirror.host
            assert (row.port, row.address) == (wanted.mirror.port, wanted.mirror.address)
            assert row.directory == wanted.mirror.directory
            assert row.replication_port == wanted.mirror.replication_port
            assert row.filespaces == wanted.mirror.filespaces


@given(RANDOMS)
@settings(max_examples=150)
def test_a_second_plan_leaves_alone_what_the_first_one_did(random: Random) -> None:
    found = _case(random)
    plan = _plan(found, Request())
    after = simulate(plan, found.spec, found.observed)
    second = planned(found.spec, after)
    done = {c.content for c in plan.changes if not _waits(c)}
    again = [c for c in second.changes if c.content in done and not _is_switched(c)]
    assert not again
    if len(done) == len(plan.changes) and not second.switched:
        assert not [c for c in second.changes if not _is_switched(c)]
    _assert_desired_is_stable(found, after)


def _waits(change: Change) -> bool:
    """Whether this plan does not bring a copy to its place; one that is down comes back anyhow."""
    return change.action is Action.BLOCKED or "in a later plan" in change.reason


def _is_switched(change: Change) -> bool:
    """A copy that failed over and was recovered still has its roles switched."""
    return change.action is Action.BLOCKED and "its roles are switched" in change.reason


def _assert_desired_is_stable(found: Case, after: Observed) -> None:
    before, then = (place(found.spec, seen).by_content() for seen in (found.observed, after))
    changed = {c.content for c in planned(found.spec, found.observed).changes}
    for content, wanted in before.items():
        if content not in changed:
            assert then[content].mirror == wanted.mirror


@given(RANDOMS)
@settings(max_examples=80)
def test_plans_converge(random: Random) -> None:
    """Repeated plans with rebalancing end; what is left is blocked for a reason outside of us."""
    found = _case(random)
    seen = found.observed
    for _ in range(6):
        plan = planned(found.spec, seen, REBALANCE)
        if not plan.waves:
            assert all(change.action is Action.BLOCKED for change in plan.changes)
            return
        seen = simulate(plan, found.spec, seen)
    pytest.fail("six plans were not enough")


@given(RANDOMS)
@settings(max_examples=80)
def test_the_order_of_rows_does_not_matter(random: Random) -> None:
    found = _case(random)
    rows = list(found.observed.segments)
    random.shuffle(rows)
    shuffled = replace(found.observed, segments=in_canonical_order(rows))
    turned = replace(shuffled, sizes=dict(reversed(list(found.observed.sizes.items()))))
    assert plan_text(planned(found.spec, turned)) == plan_text(planned(found.spec, found.observed))


@given(RANDOMS)
@settings(max_examples=150)
def test_waves_are_few(random: Random) -> None:
    found = _case(random)
    plan = _plan(found, Request())
    waves = sum(wave.action in {Action.MOVE, Action.RECOVER} for wave in plan.waves)
    assert plan.exposure.bound <= waves <= plan.exposure.bound + plan.exposure.depth


@given(RANDOMS)
@settings(max_examples=60)
def test_a_plan_file_says_the_whole_plan(random: Random) -> None:
    found = _case(random)
    text = plan_text(_plan(found, REBALANCE))
    assert plan_text(read_plan(text.encode(), "plan.json")) == text


@given(RANDOMS, st.integers(min_value=0), st.integers(min_value=0, max_value=255))
@settings(max_examples=150)
def test_a_damaged_plan_file_is_refused(random: Random, spot: int, value: int) -> None:
    found = _case(random)
    plan = _plan(found, Request())
    data = plan_text(plan).encode()
    spot %= len(data)
    damaged = data[:spot] + bytes([value]) + data[spot + 1 :]
    try:
        read = read_plan(damaged, "plan.json")
    except InvalidInput as refusal:
        codes = {found.code for found in refusal.diagnostics}
    else:
        codes = set()
        assert read == plan
    assert codes <= {"GPM-P801", "GPM-P802", "GPM-P803"}


@given(RANDOMS)
@settings(max_examples=100)
def test_a_selection_takes_only_what_it_names(random: Random) -> None:
    found = _case(random)
    whole = _plan(found, Request())
    contents = sorted(found.observed.pairs())
    chosen = frozenset(random.sample(contents, random.randint(1, len(contents))))
    adds = {c.content for c in whole.changes if c.action is Action.ADD}
    if adds and not adds <= chosen:
        with pytest.raises(InvalidInput):
            _plan(found, Request(contents=chosen))
        return
    part = _plan(found, Request(contents=chosen))
    assert {c.content for c in part.changes} == {c.content for c in whole.changes} & chosen
    assert {c for wave in part.waves for c in wave.contents} <= chosen
    simulate(part, found.spec, found.observed)


@given(RANDOMS)
@settings(max_examples=80)
def test_the_fingerprint_ignores_what_changes_by_itself(random: Random) -> None:
    found = _case(random)
    plan = _plan(found, Request())
    renumbered = [replace(row, dbid=row.dbid + 100) for row in found.observed.segments]
    copies = {dbid + 100: fact for dbid, fact in found.observed.copies.items()}
    other = replace(found.observed, segments=tuple(renumbered), copies=copies)
    assert planned(found.spec, other).fingerprint == plan.fingerprint
