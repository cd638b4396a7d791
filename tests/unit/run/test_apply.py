"""Apply against a cluster in memory: every refusal, every half-done end, and what is told."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from gpmirror.boundary import Answered, LockHolder, NoAnswer, Reply, Silence
from gpmirror.errors import (
    Declined,
    ExitCode,
    Failure,
    GpmirrorError,
    Locked,
    NotReady,
    Partial,
    Stale,
    Unsafe,
    Unverified,
)
from gpmirror.events import NativeSaid, Progress, RunEnded, WaveDone
from gpmirror.native.process import ProcessStage
from gpmirror.plan.model import Hazard, Plan
from gpmirror.run.apply import apply
from gpmirror.run.context import Outcome, Run, Wishes
from gpmirror.run.record import read_standing
from tests.clusters import row
from tests.fakes import (
    Behaviour,
    FakeCluster,
    FakeOperator,
    MemoryJournal,
    Reporter,
    dry_run,
    world_of,
)
from tests.plans import adding, moving, seen_before_add, seen_before_moves
from tests.unchecked import UNCHECKED


def started(
    cluster: FakeCluster, plan: Plan | None = None, **parts: Any
) -> tuple[Run, Reporter, MemoryJournal]:
    """A run over a cluster in memory."""
    reporter, journal = Reporter(), MemoryJournal()
    operator = parts.pop("operator", FakeOperator())
    wishes = parts.pop("wishes", Wishes(allow=UNCHECKED))
    world = world_of(cluster, journal=journal, operator=operator, reporter=reporter)
    run = Run(name="r1", plan=plan or adding(), world=world, wishes=wishes, started=0.0)
    return run, reporter, journal


def cluster(**parts: Any) -> FakeCluster:
    return FakeCluster(observed=seen_before_add(), **parts)


def refused(kind: type[GpmirrorError], run: Run) -> GpmirrorError:
    with pytest.raises(kind) as caught:
        apply(run, "really?")
    return caught.value


def test_mirrors_are_added_and_proved() -> None:
    world = cluster()
    run, reporter, journal = started(world)
    outcome: Outcome = apply(run, "really?")
    assert outcome.code is ExitCode.OK
    assert outcome.summary.startswith("Apply complete: 8 added, 0 moved")
    assert world.started == ["r1/wave-001-gpaddmirrors"]
    assert outcome.health is not None
    assert outcome.health.all_synced
    last = reporter.events[-1]
    assert isinstance(last, RunEnded)
    assert last.exit_code == 0
    assert any(isinstance(event, WaveDone) for event in reporter.events)
    assert journal.records[-1]["record"] == "end"
    assert journal.far
    assert "plan.json" in world.kept


def test_a_second_apply_of_the_same_plan_changes_nothing() -> None:
    world = cluster()
    run, _, _ = started(world)
    apply(run, "?")
    again, _, _ = started(world, wishes=Wishes(allow=UNCHECKED, applied_by="r1"))
    outcome = apply(again, "?")
    assert outcome.code is ExitCode.OK
    assert outcome.summary == "already applied (run r1), 0 changes"
    assert world.started == ["r1/wave-001-gpaddmirrors"]


@pytest.mark.parametrize(
    ("parts", "error", "words"),
    [
        ({"operator": FakeOperator(answer=False)}, Declined, "not yes"),
        ({"operator": FakeOperator(answer=None)}, Declined, "no terminal"),
        ({"wishes": Wishes()}, NotReady, "check"),
    ],
)
def test_nothing_is_touched_before_everybody_agrees(
    parts: dict[str, Any], error: type[GpmirrorError], words: str
) -> None:
    world = cluster()
    run, reporter, journal = started(world, **parts)
    assert words in refused(error, run).message
    assert not world.started
    assert not world.changed
    assert not world.kept
    assert journal.records[-1]["exit_code"] == error.exit_code
    assert isinstance(reporter.events[-1], RunEnded)
    assert 3 <= error.exit_code <= 9


@pytest.mark.parametrize("answer", [True, False])
def test_the_yes_is_told_before_anything_is_changed(answer: bool) -> None:
    world = cluster()
    run, _, journal = started(world, operator=FakeOperator(answer=answer))
    told: list[tuple[object, ...]] = []

    def agreed() -> None:
        told.append((*world.started, *world.changed, *world.kept))
        raise Failure("the disk is full")

    error = Failure if answer else Declined
    with pytest.raises(error):
        apply(run, "really?", agreed)
    assert told == [()] * answer
    assert not world.started
    assert not world.changed
    assert journal.records[-1]["exit_code"] == (ExitCode.ERROR if answer else ExitCode.DECLINED)


def test_the_holder_of_the_lock_is_named() -> None:
    holder = LockHolder(pid=41, since="12:00", client="10.0.0.9", name="gpmirror r0 on sdw9")
    error = refused(Locked, started(cluster(holder=holder))[0])
    assert "gpmirror r0 on sdw9" in error.message
    assert "41" in error.message


def test_competing_work_is_named() -> None:
    error = refused(Locked, started(cluster(work=("gpexpand is at work (session 7)",)))[0])
    assert "gpexpand is at work (session 7)" in error.message


def test_a_stale_plan_is_refused_with_the_rows_that_changed() -> None:
    seen = seen_before_add()
    moved = [replace(one, port=6999) if one.content == 3 else one for one in seen.segments]
    error = refused(Stale, started(FakeCluster(observed=replace(seen, segments=tuple(moved))))[0])
    assert "content 3" in error.message
    assert "6999" in error.message


def test_review_only_and_unallowed_hazards_are_refused_before_the_cluster_is_asked() -> None:
    plan = adding()
    refused(Stale, started(cluster(), replace(plan, review_only=True))[0])
    hazard = Hazard(name="policy", message="bad", flag="--allow policy", contents=(), allowed=False)
    dangerous = replace(plan, hazards=(hazard,))
    error = refused(Unsafe, started(cluster(), dangerous)[0])
    assert "--allow policy" in (error.hint or "")
    wishes = Wishes(allow=(*UNCHECKED, "policy"))
    assert apply(started(cluster(), dangerous, wishes=wishes)[0], "?").code is ExitCode.OK


def test_the_native_dry_run_refuses_with_the_utilitys_words() -> None:
    said = "20261121:07:00:00:1 gpaddmirrors:mdw:gpadmin-[ERROR]:-cannot have the same port 7000.\n"
    world = cluster(tried=dry_run(None, said, status=2))
    error = refused(NotReady, started(world)[0])
    assert "cannot have the same port 7000" in error.message
    assert not world.changed


def test_success_that_did_nothing_is_not_believed() -> None:
    world = cluster(behaviour=Behaviour(does_nothing=True))
    error = refused(Unverified, started(world)[0])
    assert "exit 0" in error.message
    assert error.exit_code == ExitCode.UNVERIFIED


@pytest.mark.parametrize(("done", "least", "most"), [(False, 60, 200), (True, 300, 500)])
def test_a_down_copy_is_not_waited_for_all_day(done: bool, least: float, most: float) -> None:
    """Exit 0, the copy at its place stays down: natively so where a lock or a host stood in the way."""
    world = cluster(behaviour=Behaviour(fails=(5,), says="Mirror segments have been added" * done))
    run, _, _ = started(world)
    error = refused(Unverified, run)
    assert "content 5 not" in error.message
    assert least < run.seconds() < most


def test_a_failure_that_did_nothing_is_partly_applied() -> None:
    world = cluster(behaviour=Behaviour(does_nothing=True, status=2))
    error = refused(Partial, started(world)[0])
    assert (
        "the utility failed (exit 2), and the catalog does not show contents 0-7" in error.message
    )
    assert "resume r1" in (error.hint or "")


def test_words_without_a_level_are_quoted_where_a_utility_fails() -> None:
    """As the option parser of 6.1 writes them to standard error."""
    said = "Usage: gpaddmirrors [--help] [options]\n\ngpaddmirrors: error: no such option: -b\n"
    world = cluster(behaviour=Behaviour(does_nothing=True, status=2, says=said))
    error = refused(Partial, started(world)[0])
    assert "it said: gpaddmirrors: error: no such option: -b" in error.message


def test_one_mirror_fails_and_seven_succeed() -> None:
    world = cluster(behaviour=Behaviour(status=1, fails=(5,)))
    run, reporter, _ = started(world)
    error = refused(Partial, run)
    assert "7 of 8" in error.message
    assert "content 5" in error.message
    assert world.probes > 0
    # a failure is given one more round of the prober, not the whole day
    assert 60 < run.seconds() < 200
    last = reporter.events[-1]
    assert isinstance(last, RunEnded)
    assert last.exit_code == ExitCode.PARTIAL


def test_copies_of_a_killed_utility_come_up_by_themselves() -> None:
    world = cluster(behaviour=Behaviour(vanish=True, sync_looks=30))
    outcome = apply(started(world)[0], "?")
    assert outcome.code is ExitCode.OK


def test_a_lost_coordinator_and_a_silent_host_are_waited_for() -> None:
    world = cluster(behaviour=Behaviour(polls=6))
    run, reporter, _ = started(world)

    class Losing(FakeOperator):
        def changes_begin(self) -> None:
            super().changes_begin()
            world.silent_for = 3

    world.behaviour = Behaviour(polls=6)
    run.world = replace(run.world, operator=Losing())
    assert apply(run, "?").code is ExitCode.OK
    troubles = [e.trouble for e in reporter.events if isinstance(e, Progress) and e.trouble]
    assert any("mdw does not answer" in trouble for trouble in troubles)
    assert world.started == ["r1/wave-001-gpaddmirrors"]


@pytest.mark.long
def test_the_day_ends_even_if_the_host_never_answers() -> None:
    world = cluster()

    class Dying(FakeOperator):
        def changes_begin(self) -> None:
            world.silent_for = 10**9

    run, _, _ = started(world, operator=Dying())
    error = refused(Partial, run)
    assert "sync_timeout" in error.message
    assert run.seconds() > run.plan.settings.apply.sync_timeout


def test_a_host_that_cannot_make_its_directories_is_partly_applied() -> None:
    silent = NoAnswer(host="sdw2", why=Silence.LOST, message="sdw2: gone", hint="wait")
    world = cluster()

    class Breaking(FakeOperator):
        def changes_begin(self) -> None:
            world.replies["sdw2"] = silent

    error = refused(Partial, started(world, operator=Breaking())[0])
    assert "sdw2: gone" in error.message
    assert not world.started


def test_a_journal_tells_where_the_run_stands() -> None:
    import json

    world = cluster(behaviour=Behaviour(status=1, fails=(5,)))
    run, _, journal = started(world)
    journal.records.append({"record": "run", "run": "r1", "plan_id": "p", "cluster": "c"})
    refused(Partial, run)
    text = "\n".join(json.dumps(record) for record in journal.records)
    standing = read_standing(text + '\n{"cut o', "journal")
    assert standing.changed_something
    assert standing.native_begun == (1,)
    assert standing.waves_done == ()
    assert standing.exit_code == ExitCode.PARTIAL


def test_an_answer_without_sense_is_none() -> None:
    from gpmirror.native.process import read_poll

    assert read_poll("bash: no such file", 7) is None
    poll = read_poll("ended 3\n12\nabc", 9)
    assert poll is not None
    assert (poll.stage, poll.status, poll.offset) == (ProcessStage.ENDED, 3, 12)


def test_rows_of_others_do_not_make_a_plan_stale() -> None:
    world = cluster()
    down = row(99, -1, "m", "smdw", 5432, status="d")
    world.observed = replace(world.observed, segments=(*world.observed.segments,))
    assert down.content == -1
    assert apply(started(world)[0], "?").code is ExitCode.OK


def test_a_failure_names_its_cause_from_the_host_s_own_log() -> None:
    """6.24.3 and 7.0.0: the utility's list is of level INFO, and the disk is named on the host."""
    plan, seen = moving(), seen_before_moves()
    wave = plan.waves[0]
    (step, *_) = wave.steps
    assert step.to is not None
    log = (
        "x gprecoverseg:mdw:gpadmin-[INFO]:- hostname: "
        f"{step.to.host}; port: {step.to.port}; logfile: /home/gpadmin/l.out; recoverytype: full\n"
        "x gprecoverseg:mdw:gpadmin-[WARNING]:-Command gppkg not found\n"
    )

    class Full(FakeCluster):
        def ask(self, scripts: Mapping[str, str], *, seconds: float) -> dict[str, Reply]:
            replies = super().ask(scripts, seconds=seconds)
            for host, script in scripts.items():
                if "/home/gpadmin/l.out" in script:
                    out = "gpmirror-log /home/gpadmin/l.out\npg_basebackup: error: could not write: No space left on device\n"
                    replies[host] = Answered(host=host, status=0, out=out, err="")
            return replies

    behaviour = Behaviour(status=1, does_nothing=True, says=log)
    reporter = Reporter()
    world = world_of(Full(observed=seen, behaviour=behaviour), reporter=reporter)
    hazards = {hazard.name for hazard in plan.hazards} | {f"guard:{g.name}" for g in plan.guards}
    wishes = Wishes(allow=(*UNCHECKED, *hazards))
    with pytest.raises(Partial) as caught:
        apply(Run(name="r1", plan=plan, world=world, wishes=wishes, started=0.0), "?")
    message = caught.value.message
    assert (
        f"failed: {step.to.host}:{step.to.port}, log {step.to.host}:/home/gpadmin/l.out" in message
    )
    assert (
        f"their logs: {step.to.host}: /home/gpadmin/l.out: pg_basebackup: error: could not write: "
        "No space left on device" in message
    )
    assert "gppkg" not in message
    assert not any("gppkg" in e.text for e in reporter.events if isinstance(e, NativeSaid))


@pytest.mark.parametrize("yes", [True, False])
def test_a_plan_of_another_cluster_is_named_as_such(yes: bool) -> None:
    """Also where the other one has all the mirrors of the plan: it is not `already applied`."""
    other = cluster()
    if yes:
        run, _, _ = started(other)
        apply(run, "?")
    other.observed = replace(other.observed, system_identifier="7")
    before = list(other.started)
    run, _, _ = started(other)
    error = refused(Stale, run)
    assert "the plan is for another cluster: it was made for prod-dwh, coordinator mdw:5432" in (
        error.message
    )
    assert "(system identifier 1); the cluster that answers has" in error.message
    assert "(system identifier 7)" in error.message
    assert "PGHOST" in (error.hint or "")
    assert other.started == before


def test_a_primary_on_a_host_that_the_plan_does_not_know_makes_it_stale() -> None:
    """What can be edited is the spec, not the one inside the plan file."""
    seen = seen_before_add()
    away = [
        replace(one, hostname="new9", address="new9") if one.content == 3 else one
        for one in seen.segments
    ]
    error = refused(Stale, started(FakeCluster(observed=replace(seen, segments=tuple(away))))[0])
    assert "new9" in error.message
    assert "list the host in your spec, plan again" in (error.hint or "")
