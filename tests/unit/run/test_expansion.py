"""An expansion that pauses for days: recoveries and returns go on, mirrors are added or moved by name."""

from dataclasses import replace

import pytest

from gpmirror.errors import ExitCode, Locked, Unsafe
from gpmirror.events import PhaseDone
from gpmirror.plan.hazards import check_allow
from gpmirror.plan.model import Plan
from gpmirror.plan.request import Request
from gpmirror.preflight.competing import runs_of
from gpmirror.preflight.model import Preflight, Result
from gpmirror.run.apply import apply
from gpmirror.run.context import Run, Wishes
from gpmirror.run.gates import check_competing, unallowed
from gpmirror.run.preflight import with_other_work
from tests.clusters import mirrored, planned, spec
from tests.fakes import FakeCluster, MemoryJournal, Reporter, world_of
from tests.plans import HOSTS, adding, seen_before_add
from tests.unchecked import UNCHECKED
from tests.unit.run.test_roles_return import REBALANCE, damaged, plan_for

STOPPED = "EXPANSION STOPPED"
ALLOWED = "paused-expansion"


def applied(cluster: FakeCluster, plan: Plan, *allow: str) -> Reporter:
    reporter = Reporter()
    world = world_of(cluster, journal=MemoryJournal(), reporter=reporter)
    run = Run(
        name="r1", plan=plan, world=world, wishes=Wishes(allow=(*UNCHECKED, *allow)), started=0.0
    )
    assert apply(run, "really?").code is ExitCode.OK
    return reporter


def observed_phase(reporter: Reporter) -> str:
    (found,) = [
        event.detail
        for event in reporter.events
        if isinstance(event, PhaseDone) and event.phase == "observe"
    ]
    return found


@pytest.mark.parametrize("status", [STOPPED, "SETUP DONE"])
def test_a_down_copy_comes_back_meanwhile(status: str) -> None:
    seen = damaged(down=(2,))
    reporter = applied(FakeCluster(observed=seen, paused=status), plan_for(seen, Request()))
    assert observed_phase(reporter).endswith(
        f", no competing work, an expansion pauses ({status}), which this does not touch"
    )


def test_roles_return_meanwhile() -> None:
    seen = damaged(switched=(1,))
    applied(FakeCluster(observed=seen, paused=STOPPED), plan_for(seen, REBALANCE))


def test_nothing_is_said_where_there_is_none() -> None:
    seen = damaged(down=(2,))
    reporter = applied(FakeCluster(observed=seen), plan_for(seen, Request()))
    assert observed_phase(reporter).endswith("no competing work")


def moves() -> Plan:
    return planned(spec(HOSTS, "spread"), mirrored(HOSTS, 2))


@pytest.mark.parametrize(
    ("cluster", "plan", "contents"),
    [
        (FakeCluster(observed=seen_before_add(), paused=STOPPED), adding(), "contents 0-7"),
        (FakeCluster(observed=mirrored(HOSTS, 2), paused=STOPPED), moves(), "contents 1, 3, 5, 7"),
    ],
    ids=["add", "move"],
)
def test_mirrors_are_added_and_moved_only_when_allowed(
    cluster: FakeCluster, plan: Plan, contents: str
) -> None:
    with pytest.raises(Unsafe) as caught:
        applied(cluster, plan)
    assert f"an expansion pauses ({STOPPED})" in caught.value.message
    assert contents in caught.value.message
    assert f"--allow {ALLOWED}" in (caught.value.hint or "")
    assert "drop" not in f"{caught.value.message} {caught.value.hint}".lower()
    assert not cluster.started
    assert not cluster.changed
    applied(cluster, plan, ALLOWED)


def test_the_name_may_be_allowed_in_a_plan() -> None:
    check_allow([ALLOWED])
    seen = mirrored(HOSTS, 2)
    plan = planned(spec(HOSTS, "spread"), seen, Request(allow=(ALLOWED,)))
    applied(FakeCluster(observed=seen, paused=STOPPED), plan)


READY = Preflight(checks=(), hazards=())


def test_preflight_says_what_apply_would_refuse() -> None:
    seen = mirrored(HOSTS, 2)
    cluster = FakeCluster(observed=seen, paused=STOPPED)
    found = with_other_work(READY, moves(), seen, cluster)
    ((flag, words),) = unallowed(moves(), found)
    assert (flag, STOPPED in words) == (f"--allow {ALLOWED}", True)
    allowed = planned(spec(HOSTS, "spread"), seen, Request(allow=(ALLOWED,)))
    assert unallowed(allowed, with_other_work(READY, allowed, seen, cluster)) == []


def test_preflight_notes_an_expansion_that_the_plan_does_not_touch() -> None:
    seen = damaged(down=(2,))
    cluster = FakeCluster(observed=seen, paused=STOPPED)
    found = with_other_work(READY, plan_for(seen, Request()), seen, cluster)
    assert found.hazards == ()
    assert found.notes == (f"an expansion pauses ({STOPPED}), which this does not touch",)


def test_preflight_tells_the_work_that_tables_and_sessions_show() -> None:
    seen = mirrored(HOSTS, 2)
    assert with_other_work(READY, moves(), seen, FakeCluster(observed=seen)) == READY
    busy = FakeCluster(observed=seen, work=("gpexpand is not finished",))
    (check,) = with_other_work(READY, moves(), seen, busy).checks
    assert (check.host, check.name, check.result) == ("mdw", "competing", Result.BAD)
    assert check.detail == "gpexpand is not finished"


CLOSED = "database sales was not looked into for an expansion: permission denied"
UNSEEN = "unchecked:competing"


def test_what_could_not_be_looked_at_is_accepted_by_name() -> None:
    seen = damaged(down=(2,))
    plan = plan_for(seen, Request())
    world = world_of(
        FakeCluster(observed=seen, unseen=(CLOSED,)), journal=MemoryJournal(), reporter=Reporter()
    )
    run = Run(name="r1", plan=plan, world=world, wishes=Wishes(), started=0.0)
    with pytest.raises(Locked) as caught:
        check_competing(run, seen, runs_of(plan, seen))
    assert CLOSED in caught.value.message
    assert f"--allow {UNSEEN}" in (caught.value.hint or "")
    allowing = replace(run, wishes=Wishes(allow=(UNSEEN,)))
    assert check_competing(allowing, seen, runs_of(plan, seen)) == ((), None)


def test_preflight_does_not_know_what_could_not_be_looked_at() -> None:
    seen = mirrored(HOSTS, 2)
    found = with_other_work(READY, moves(), seen, FakeCluster(observed=seen, unseen=(CLOSED,)))
    (check,) = found.checks
    assert (check.host, check.name, check.result) == ("mdw", "competing", Result.UNKNOWN)
    assert check.detail == CLOSED
    assert found.blocking((UNSEEN,)) == ()
