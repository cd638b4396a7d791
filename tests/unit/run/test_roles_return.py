"""Roles return in a wave of their own: a question with its cost, strict health, proof."""

from dataclasses import replace

import pytest

from gpmirror.errors import ExitCode, GpmirrorError, NotReady, Partial, Unverified
from gpmirror.events import PhaseDone
from gpmirror.model.observed import Observed
from gpmirror.model.segment import Mode, Role, Status
from gpmirror.plan.model import Action, Plan
from gpmirror.plan.remaining import plan_what_is_left, what_is_left
from gpmirror.plan.request import Request
from gpmirror.run.apply import apply, cost_text
from gpmirror.run.context import Run, Wishes
from gpmirror.run.resume import is_expected
from gpmirror.spec.model import Pin
from gpmirror.verify import ContentHealth, CopyState, Health
from tests.clusters import PLACE, mirrored, planned, spec
from tests.fakes import Behaviour, FakeCluster, FakeOperator, MemoryJournal, Reporter, world_of
from tests.plans import HOSTS
from tests.unchecked import UNCHECKED

REBALANCE = Request(rebalance=True, allow=("cancels-queries",))


def damaged(*, switched: tuple[int, ...] = (), down: tuple[int, ...] = ()) -> Observed:
    """A mirrored cluster, some contents with switched roles, the acting mirrors of some down."""
    seen = mirrored(HOSTS)
    rows = []
    for row in seen.segments:
        if row.content in switched:
            other = Role.MIRROR if row.role is Role.PRIMARY else Role.PRIMARY
            row = replace(row, role=other)  # noqa: PLW2901
        if row.content in down:
            gone = row.role is Role.MIRROR
            status = Status.DOWN if gone else Status.UP
            row = replace(row, mode=Mode.NOT_IN_SYNC, status=status)  # noqa: PLW2901
        rows.append(row)
    return replace(seen, segments=tuple(rows), server_version="6.24.3")


def plan_for(seen: Observed, request: Request = REBALANCE) -> Plan:
    return planned(spec(HOSTS), seen, request)


def started(
    cluster: FakeCluster, plan: Plan, operator: FakeOperator | None = None
) -> tuple[Run, Reporter]:
    reporter = Reporter()
    world = world_of(cluster, journal=MemoryJournal(), operator=operator, reporter=reporter)
    wishes = Wishes(allow=UNCHECKED)
    return Run(name="r1", plan=plan, world=world, wishes=wishes, started=0.0), reporter


def refused(kind: type[GpmirrorError], run: Run) -> GpmirrorError:
    with pytest.raises(kind) as caught:
        apply(run, "really?")
    return caught.value


def test_the_only_question_of_a_rebalance_tells_what_it_costs() -> None:
    seen = damaged(switched=(1,))
    cluster, operator = FakeCluster(observed=seen, busy=3), FakeOperator()
    run, reporter = started(cluster, plan_for(seen), operator)
    assert apply(run, "really?").code is ExitCode.OK
    (asked,) = operator.asked
    assert "1 content to return" in asked
    assert "3 active sessions lose what they run" in asked
    assert asked.endswith("\nreally?")
    told = [e for e in reporter.events if isinstance(e, PhaseDone) and e.phase == "rebalance"]
    assert [one.detail for one in told] == [asked.partition("\n")[0]]
    assert not any(row.is_switched for row in cluster.observed.segments)


def test_after_other_waves_there_is_a_second_question() -> None:
    seen = damaged(switched=(1, 2), down=(2,))
    plan = plan_for(seen)
    assert [wave.action for wave in plan.waves] == [Action.RECOVER, Action.REBALANCE]
    cluster, operator = FakeCluster(observed=seen), FakeOperator()
    run, _ = started(cluster, plan, operator)
    outcome = apply(run, "really?")
    assert outcome.code is ExitCode.OK
    assert "1 recovered, 2 rebalanced in " in outcome.summary
    first, second = operator.asked
    assert first == "really?"
    assert "2 contents to return" in second
    assert not any(row.is_switched for row in cluster.observed.segments)


def test_no_to_the_second_question_leaves_copies_in_sync_and_roles_as_they_are() -> None:
    class Hesitant(FakeOperator):
        def confirm(self, question: str) -> bool:
            self.asked.append(question)
            return len(self.asked) == 1

    seen = damaged(switched=(2,), down=(2,))
    plan = plan_for(seen)
    cluster = FakeCluster(observed=seen)
    error = refused(Partial, started(cluster, plan, Hesitant())[0])
    assert "the roles were not returned, the copies are in sync" in error.message
    assert "resume r1" in (error.hint or "")
    assert cluster.started == ["r1/wave-001-gprecoverseg"]
    rest = plan_what_is_left(plan, cluster.observed)
    assert [change.action for change in rest.changes] == [Action.REBALANCE]
    assert not is_expected(plan, rest), "roles never return without a fresh yes"


def test_nothing_returns_while_any_content_is_out_of_sync() -> None:
    before = damaged(switched=(1,))
    cluster = FakeCluster(observed=damaged(switched=(1,), down=(3,)))
    error = refused(NotReady, started(cluster, plan_for(before))[0])
    assert "content 3 is single" in error.message
    assert not cluster.started


def test_copies_come_back_although_roles_cannot_return_at_the_end() -> None:
    seen = damaged(switched=(1, 2), down=(2, 3))
    request = replace(REBALANCE, contents=frozenset({1, 2}))
    plan = plan_for(seen, request)
    assert [wave.action for wave in plan.waves] == [Action.RECOVER]
    assert plan.changes[0].reason.startswith(
        "roles return only when all segments are in sync; content 3 is not: bring it in sync first"
    )
    outcome = apply(started(FakeCluster(observed=seen), plan)[0], "really?")
    assert outcome.code is ExitCode.OK
    assert outcome.summary.endswith("; every mirror of the plan is in sync.")
    assert outcome.next_actions[0].startswith("content 3 has one copy only (")
    assert "contents 1-2 are not in their preferred roles" in outcome.next_actions[1]
    assert outcome.next_actions[1].endswith(", once every mirror is in sync")


def test_nothing_begins_where_roles_could_not_return_at_its_end() -> None:
    plan = plan_for(damaged(switched=(1, 2), down=(2,)))
    cluster = FakeCluster(observed=damaged(switched=(1, 2), down=(2, 3)))
    error = refused(NotReady, started(cluster, plan)[0])
    assert "wave 1 may not start: content 3 is single" in error.message
    assert not cluster.started
    assert not cluster.changed


def test_a_plan_that_only_returns_roles_is_left_to_the_gate() -> None:
    seen = damaged(switched=(1,), down=(3,))
    plan = plan_for(seen, replace(REBALANCE, contents=frozenset({1})))
    cluster = FakeCluster(observed=seen)
    error = refused(NotReady, started(cluster, plan)[0])
    assert "wave 1 may not start: content 3 is single" in error.message
    assert not cluster.started


def test_roles_that_return_before_a_mirror_moves_are_all_that_was_asked() -> None:
    seen = damaged(switched=(1,))
    wanted = spec(HOSTS, pins=(Pin(content=1, port=7100, place=PLACE),))
    plan = planned(wanted, seen, REBALANCE)
    outcome = apply(started(FakeCluster(observed=seen), plan)[0], "really?")
    assert outcome.code is ExitCode.OK
    assert outcome.summary.endswith("1 rebalanced in 5s; every mirror is in sync.")
    assert outcome.next_actions == ("plan again: content 1 is to move",)


def test_success_that_returned_no_role_is_not_believed() -> None:
    seen = damaged(switched=(1,))
    cluster = FakeCluster(observed=seen, behaviour=Behaviour(does_nothing=True))
    error = refused(Unverified, started(cluster, plan_for(seen))[0])
    assert "exit 0, but the catalog still shows switched roles of content 1" in error.message


def test_a_recovered_content_whose_roles_stay_switched_is_left() -> None:
    seen = damaged(switched=(2,), down=(2,))
    plan = plan_for(seen)
    assert {change.action for change in plan.changes} == {Action.RECOVER}
    left = what_is_left(plan, damaged(switched=(2,)))
    assert [change.action for change in left.changes] == [Action.REBALANCE]


@pytest.mark.parametrize(
    ("sessions", "words"),
    [
        (None, "not known"),
        (0, "no session"),
        (1, "1 active session loses"),
        (2, "2 active sessions lose"),
    ],
)
def test_sessions_in_words(sessions: int | None, words: str) -> None:
    plan = plan_for(damaged(switched=(1,)))
    assert words in cost_text(plan.waves[0], None, sessions)


def test_lag_of_the_wave_alone_the_worst_first() -> None:
    seen = damaged(switched=(0, 1))
    healths = [
        ContentHealth(
            content=content,
            state=CopyState.SYNCED,
            reason="",
            switched=True,
            primary="a:1",
            mirror="b:1",
            lag_bytes=lag,
        )
        for content, lag in ((0, 5), (1, 700), (2, 9000))
    ]
    text = cost_text(plan_for(seen).waves[0], Health(contents=tuple(healths)), 0)
    assert text.endswith("replication lag: content 1 700 bytes, content 0 5 bytes")


def test_a_selected_copy_is_recovered_although_another_one_stays_down() -> None:
    seen = damaged(down=(2, 3))
    plan = plan_for(seen, Request(contents=frozenset({2})))
    cluster = FakeCluster(observed=seen)
    outcome = apply(started(cluster, plan)[0], "really?")
    assert outcome.code is ExitCode.OK
    assert cluster.started == ["r1/wave-001-gprecoverseg"]


def test_a_copy_that_went_down_after_the_plan_stops_a_selected_recovery() -> None:
    plan = plan_for(damaged(down=(2, 3)), Request(contents=frozenset({2})))
    cluster = FakeCluster(observed=damaged(down=(0, 2, 3)))
    error = refused(NotReady, started(cluster, plan)[0])
    assert "content 0 is single" in error.message
