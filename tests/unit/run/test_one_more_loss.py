"""What one more loss would cost now, from the catalog's own word."""

from dataclasses import replace

from gpmirror.errors import CannotDispatch
from gpmirror.events import Progress, Stakes
from gpmirror.model.observed import Observed, Replication
from gpmirror.model.segment import Mode, Role, Segment, Status
from gpmirror.plan.model import Plan
from gpmirror.plan.request import Request
from gpmirror.run.context import Run, Wishes
from gpmirror.run.gates import unhealthy
from gpmirror.run.watch import Watch, stakes_now
from gpmirror.verify import judge_copies
from tests import clusters
from tests.fakes import FakeCluster, MemoryJournal, Reporter, world_of

HOSTS = ["sdw1", "sdw2", "sdw3"]
SEEN = clusters.mirrored(HOSTS, 2)
PLAN = clusters.planned(clusters.spec(HOSTS), SEEN)


def stakes(seen: Observed, plan: Plan = PLAN) -> Stakes:
    streams = [
        Replication(
            content=row.content,
            application_name="gp_walreceiver",
            state="streaming",
            sync_state="sync",
        )
        for row in seen.segments
        if row.role is Role.MIRROR and row.is_up
    ]
    return stakes_now(plan, seen, judge_copies(seen, streams))


def with_rows(content: int, role: str, **facts: object) -> Observed:
    rows = [
        replace(row, **facts) if (row.content, row.role) == (content, Role(role)) else row  # type: ignore[arg-type]
        for row in SEEN.segments
    ]
    return replace(SEEN, segments=tuple(rows))


def test_in_sync_no_single_loss_costs_anything() -> None:
    assert stakes(SEEN) == Stakes(single=(), worst_host=None, worst_host_loses=0)


def test_the_host_of_the_last_copy_is_named() -> None:
    assert stakes(with_rows(0, "m", status=Status.DOWN)) == Stakes(
        single=(0,), worst_host="sdw1", worst_host_loses=1
    )
    assert stakes(with_rows(0, "p", status=Status.DOWN)) == Stakes(
        single=(0,), worst_host="sdw2", worst_host_loses=1
    )


def test_a_copy_that_is_behind_is_none_yet() -> None:
    behind = with_rows(5, "m", mode=Mode.NOT_IN_SYNC)
    assert stakes(behind) == Stakes(single=(5,), worst_host="sdw3", worst_host_loses=1)


def test_an_address_in_the_catalog_is_its_host() -> None:
    hosts = [clusters.host(name, addresses=(name, f"{name}-2")) for name in HOSTS]
    plan = clusters.planned(clusters.spec(hosts), SEEN)
    beside = with_rows(0, "m", hostname="sdw1-2", address="sdw1-2")
    assert stakes(beside, plan) == Stakes(single=(), worst_host="sdw1", worst_host_loses=1)


def test_what_has_no_copy_left_costs_nothing_more() -> None:
    gone = with_rows(0, "m", status=Status.DOWN)
    rows = [replace(r, status=Status.DOWN) if r.content == 0 else r for r in gone.segments]
    assert stakes(replace(gone, segments=tuple(rows))) == Stakes(
        single=(), worst_host=None, worst_host_loses=0, none=(0,)
    )


def test_a_recovery_does_not_wait_for_what_no_copy_of_lives() -> None:
    """No plan brings such a content back; one more that fell to one copy stops the wave."""
    down = {(0, Role.MIRROR), (1, Role.PRIMARY), (1, Role.MIRROR)}
    seen = replace(SEEN, segments=_with_down(down))
    plan = clusters.planned(clusters.spec(HOSTS), seen, Request(contents=frozenset({0})))
    assert plan.exposure.none == (1,)
    assert unhealthy(plan, plan.waves[0], judge_copies(seen, ())) != []
    streams = [_follows(content) for content in (2, 3, 4, 5)]
    assert unhealthy(plan, plan.waves[0], judge_copies(seen, streams)) == []
    assert unhealthy(plan, plan.waves[0], judge_copies(seen, streams[1:])) != []


def _with_down(down: set[tuple[int, Role]]) -> tuple[Segment, ...]:
    return tuple(
        replace(row, status=Status.DOWN) if (row.content, row.role) in down else row
        for row in SEEN.segments
    )


def _follows(content: int) -> Replication:
    return Replication(
        content=content, application_name="gp_walreceiver", state="streaming", sync_state="sync"
    )


class Silent(FakeCluster):
    """A cluster whose content 1 lost its mirror, and now its primary too, in a wave of content 0."""

    def replication(self) -> tuple[Replication, ...]:
        raise CannotDispatch(
            "failed to acquire resources", hint="", detail="", refused={1: "10.0.0.11:6001"}
        )


def test_while_a_wave_runs_what_lost_both_copies_is_told_as_such() -> None:
    down = {(0, Role.MIRROR), (1, Role.MIRROR)}
    seen = replace(SEEN, segments=_with_down(down))
    plan = clusters.planned(clusters.spec(HOSTS), seen)
    reporter = Reporter()
    world = world_of(Silent(observed=seen), journal=MemoryJournal(), reporter=reporter)
    run = Run(name="r1", plan=plan, world=world, wishes=Wishes(), started=0.0)
    watch = Watch(run, plan.waves[0])
    observed, health, why = watch.glance()
    assert (observed, health) == (None, None)
    assert why == "failed to acquire resources"
    watch.tell(why, utility_running=True)
    (told,) = [event for event in reporter.events if isinstance(event, Progress)]
    assert told.stakes is not None
    assert told.stakes.none == (1,)
    assert 1 not in told.stakes.single
