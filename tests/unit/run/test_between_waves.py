"""What may happen while a run of several waves goes on, and what must then stop it."""

from dataclasses import replace

import pytest

from gpmirror.errors import ExitCode, Failure, Partial, Unverified
from gpmirror.events import Event, WaveDone
from gpmirror.model.segment import Mode, Status
from gpmirror.native.process import Poll, ProcessStage
from gpmirror.plan.model import Plan
from gpmirror.run.apply import apply
from gpmirror.run.context import Run, Wishes
from gpmirror.run.resume import check_latest, is_expected
from tests.clusters import mirrored, planned, spec
from tests.fakes import FakeCluster, Reporter, world_of
from tests.plans import HOSTS
from tests.unchecked import UNCHECKED
from tests.unit.run.test_resume import OPENING, standing, to_spread


class Meddler(Reporter):
    """Does something to the cluster when the first wave is done."""

    def __init__(self, meddle: object) -> None:
        super().__init__()
        self.meddle = meddle

    def tell(self, event: Event) -> None:
        super().tell(event)
        if isinstance(event, WaveDone) and event.wave == 1:
            self.meddle()  # type: ignore[operator]


def started(cluster: FakeCluster, plan: Plan, meddle: object) -> Run:
    world = world_of(cluster, reporter=Meddler(meddle))
    return Run(name="r1", plan=plan, world=world, wishes=Wishes(allow=UNCHECKED), started=0.0)


def stopped(cluster: FakeCluster, plan: Plan, meddle: object) -> str:
    with pytest.raises(Partial) as caught:
        apply(started(cluster, plan, meddle), "?")
    assert len(cluster.started) == 1, "a second wave was started"
    return caught.value.message


def test_other_work_that_began_meanwhile() -> None:
    plan, seen = to_spread()
    cluster = FakeCluster(observed=seen)
    assert "gpexpand" in stopped(
        cluster, plan, lambda: setattr(cluster, "work", ("gpexpand runs",))
    )


def test_another_coordinator_answers() -> None:
    plan, seen = to_spread()
    cluster = FakeCluster(observed=seen)

    def fail_over() -> None:
        rows = [
            replace(row, hostname="smdw", address="smdw") if row.content < 0 else row
            for row in cluster.observed.segments
        ]
        cluster.observed = replace(cluster.observed, segments=tuple(rows))

    assert "smdw" in stopped(cluster, plan, fail_over)


def test_a_content_that_died_meanwhile() -> None:
    plan, seen = to_spread()
    cluster = FakeCluster(observed=seen)
    last = plan.waves[-1].contents[0]

    def die() -> None:
        rows = [
            replace(row, mode=Mode.NOT_IN_SYNC, status=Status.DOWN)
            if row.content == last and not row.is_acting_primary
            else row
            for row in cluster.observed.segments
        ]
        cluster.observed = replace(cluster.observed, segments=tuple(rows))

    assert f"content {last}" in stopped(cluster, plan, die)


def test_a_moment_of_odd_looks_ends_nothing() -> None:
    plan, seen = to_spread()
    cluster = FakeCluster(observed=seen)

    def stumble() -> None:
        cluster.unsynced[0] = 3
        cluster._set(0, Mode.NOT_IN_SYNC, Status.DOWN)

    assert apply(started(cluster, plan, stumble), "?").code is ExitCode.OK


def test_one_odd_answer_about_a_utility_ends_nothing() -> None:
    plan, seen = to_spread()

    class Odd(FakeCluster):
        odd = 2

        def poll(self, name: str, offset: int, *, wait: float = 0.0) -> Poll:
            if self.odd:
                self.odd -= 1
                return Poll(stage=ProcessStage.LOST, status=None, text="", offset=offset)
            return super().poll(name, offset)  # type: ignore[return-value]

    cluster = Odd(observed=seen)
    assert apply(started(cluster, plan, lambda: None), "?").code is ExitCode.OK


def test_applied_is_not_said_while_copies_are_not_in_sync() -> None:
    plan, seen = to_spread()
    cluster = FakeCluster(observed=seen)
    apply(started(cluster, plan, lambda: None), "?")
    cluster._set(1, Mode.NOT_IN_SYNC, Status.UP)
    with pytest.raises(Unverified, match="content 1"):
        apply(started(cluster, plan, lambda: None), "?")


def test_a_rest_that_starts_elsewhere_is_not_expected() -> None:
    plan, _ = to_spread()
    assert is_expected(plan, plan)
    moved = [
        replace(change, from_=replace(change.from_, port=9999)) if change.from_ else change
        for change in plan.changes
    ]
    assert not is_expected(plan, replace(plan, changes=tuple(moved)))


def test_a_later_run_is_not_undone() -> None:
    older = standing([{**OPENING, "run": "20260101T000000Z-a"}])
    step = {"record": "step", "step": "host-actions", "state": "begin"}
    newer = {**OPENING, "run": "20260102T000000Z-b"}
    check_latest(older, [standing([newer])])
    with pytest.raises(Failure, match="20260102T000000Z-b"):
        check_latest(older, [standing([newer, step])])
    check_latest(older, [standing([{**newer, "continues": older.run}, step])])
    check_latest(older, [standing([{**newer, "cluster": "another"}, step])])


def test_spread_is_a_plan_of_several_waves() -> None:
    seen = mirrored(HOSTS, 2)
    assert len(planned(spec(HOSTS, strategy="spread"), seen).waves) > 1
