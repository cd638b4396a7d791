"""The native dry run of a plan: what is tried when, what is refused, and with which way out."""

from dataclasses import replace

import pytest

from gpmirror.boundary import Answered
from gpmirror.errors import Declined, Locked, NotReady, Partial
from gpmirror.events import PhaseDone
from gpmirror.model.dialect import DIALECTS, DialectName
from gpmirror.model.observed import Observed
from gpmirror.model.segment import Status
from gpmirror.plan.model import Action, Plan
from gpmirror.preflight import shell
from gpmirror.preflight.model import Check, Preflight, Result
from gpmirror.run.apply import apply
from gpmirror.run.context import Run, Wishes
from gpmirror.run.rehearsal import try_again, try_plan, with_dry_run
from tests.clusters import host, mirrored, planned, spec
from tests.fakes import FakeCluster, FakeOperator, MemoryJournal, Reporter, dry_run, world_of
from tests.plans import adding, moving, rebalancing, seen_before_add, seen_before_moves
from tests.unchecked import UNCHECKED

HOSTS = ("sdw1", "sdw2", "sdw3")
STAMP = "20261130:12:40:00:1 gprecoverseg:mdw:gpadmin-"


def run_of(plan: Plan, cluster: FakeCluster, wishes: Wishes = Wishes(allow=UNCHECKED)) -> Run:  # noqa: B008
    return Run(name="r1", plan=plan, world=world_of(cluster), wishes=wishes, started=0.0)


def lost() -> tuple[Plan, Observed]:
    """6.24.3; sdw9 died with the mirror of content 1, and sdw4 replaces it."""
    whole = mirrored(HOSTS)
    rows = tuple(
        replace(one, status=Status.DOWN, hostname="sdw9", address="sdw9")
        if (one.content, one.role) == (1, "m")
        else one
        for one in whole.segments
    )
    observed = replace(whole, segments=rows, server_version="6.24.3")
    wanted = spec(HOSTS)
    wanted = replace(wanted, hosts=(*wanted.hosts, host("sdw4", replaces="sdw9")))
    plan = planned(wanted, observed)
    return replace(plan, waves=plan.waves[:1]), observed


def refused(plan: Plan, observed: Observed, cluster: FakeCluster) -> NotReady:
    with pytest.raises(NotReady) as caught:
        try_plan(run_of(plan, cluster), observed)
    return caught.value


def test_an_addition_is_tried_with_its_real_options() -> None:
    cluster = FakeCluster(observed=seen_before_add())
    plan = adding()
    assert try_plan(run_of(plan, cluster), cluster.observed) == "accepted by gpaddmirrors"
    (trial,) = cluster.trials
    assert trial.argv[: len(plan.waves[0].native[0].argv)] == plan.waves[0].native[0].argv
    assert trial.argv[-2] == "-o"
    assert trial.answer == ""


def test_5_is_answered_its_question() -> None:
    """It asks on uneven arrays even with -a and -i (5.8.1, source)."""
    seen = replace(seen_before_add(), server_version="5.8.1", dialect=DIALECTS[DialectName.GP5])
    plan = replace(adding(), dialect=DialectName.GP5)
    text = "filespaceOrder=\nmirror0=0:sdw2:50000:51000:41000:/m/0\n"
    native = replace(plan.waves[0].native[0], file_text=text)
    plan = replace(plan, waves=(replace(plan.waves[0], native=(native,)),))
    cluster = FakeCluster(observed=seen)
    try_plan(run_of(plan, cluster), seen)
    assert cluster.trials[0].answer == "y\n"


def test_what_is_not_proved_is_not_tried_and_said() -> None:
    seen = replace(seen_before_add(), server_version="6.1.0")
    cluster = FakeCluster(observed=seen)
    told = try_plan(run_of(adding(), cluster), seen)
    assert told.startswith("not rehearsed: that -o changes nothing is proved of gpaddmirrors from")
    assert not cluster.trials
    greengage = dry_run(
        None, "[ERROR]:-gprecoverseg error: Invalid -i provided with -o argument", 2
    )
    cluster = FakeCluster(observed=seen_before_add(), tried=greengage)
    assert "takes no -o beside -i" in try_plan(run_of(adding(), cluster), cluster.observed)


def test_a_return_of_roles_has_no_file() -> None:
    plan = rebalancing()
    cluster = FakeCluster(observed=seen_before_moves())
    waves = [one for one in plan.waves if one.action is Action.REBALANCE]
    told = try_plan(run_of(replace(plan, waves=tuple(waves)), cluster), cluster.observed)
    assert told == "skipped: gprecoverseg -r has no dry-run mode"


def test_a_line_that_would_be_left_out_is_refused_with_its_warning_and_the_way_out() -> None:
    """6.24.3, recorded: OUT is empty, exit 0."""
    plan, observed = lost()
    (old,) = [one for one in observed.segments if one.hostname == "sdw9"]
    said = (
        f"{STAMP}[WARNING]:-Host sdw9 is unreachable\n"
        f"{STAMP}[WARNING]:-Not recovering segment {old.dbid} because sdw9 is unreachable\n"
    )
    cluster = FakeCluster(observed=observed, tried=dry_run("", said))
    error = refused(plan, observed, cluster)
    assert "gprecoverseg would leave out 1 of 1 line" in error.message
    assert f"Not recovering segment {old.dbid} because sdw9 is unreachable" in error.message
    assert "sdw9|" in error.message
    assert "`Host sdw9`, `HostName sdw4`, `HostKeyAlias sdw4`" in (error.hint or "")
    found = with_dry_run(Preflight(checks=(), hazards=()), plan, observed, cluster)
    assert "and end with exit 0: content " in found.checks[0].detail
    assert "\n" not in found.checks[0].detail


def test_a_release_that_needs_no_name_is_asked_for_none() -> None:
    """7.0.0, recorded: OUT holds the line although the host does not answer."""
    plan, observed = lost()
    said = f"{STAMP}[WARNING]:-Host sdw9 is unreachable\n"
    cluster = FakeCluster(observed=observed)
    text = plan.waves[0].native[0].file_text
    cluster.tried = dry_run(text, said)
    assert try_plan(run_of(plan, cluster), observed) == "accepted by gprecoverseg"


RUNNING = (
    f"{STAMP}[WARNING]:-Found {{}} running for segments with contentIds [0], skipping recovery"
)


@pytest.mark.parametrize(
    ("answer", "message", "hint"),
    [
        (
            dry_run(
                None, f"{STAMP}[CRITICAL]:-failed to acquire resources on one or more segments", 2
            ),
            "a primary does not answer, and the fault prober has not failed it over yet",
            "wait a minute",
        ),
        (
            dry_run(
                None, "Usage: gpaddmirrors [--help]\n\ngpaddmirrors: error: no such option: -b", 2
            ),
            "refuses the file of wave 1 (exit 2): gpaddmirrors: error: no such option: -b",
            "native",
        ),
        (
            dry_run(None, f"{STAMP}[ERROR]:-Lockfile /m/x.lock indicates that an instance runs"),
            "exit 0, and it wrote nothing down): Lockfile /m/x.lock",
            "native",
        ),
        (
            dry_run(
                "",
                f"{STAMP}[WARNING]:-Not able to co-relate hostname:sdw2 with address:sdw2-2."
                " Skipping recovery for segments with contentId 0",
            ),
            "content 0: 0|",
            "plan again",
        ),
        (
            dry_run("", RUNNING.format("pg_basebackup")),
            "content 0: 0|",
            "wait until that copy ends, then plan again",
        ),
        (
            # waited for, it would be waited for ever: nothing runs where a recovery was cut off
            dry_run("", RUNNING.format("differential recovery")),
            "content 0: 0|",
            "where none runs, one that was cut off left its primary in backup mode",
        ),
    ],
)
def test_each_refusal_says_why_and_what_to_do(answer: object, message: str, hint: str) -> None:
    cluster = FakeCluster(observed=seen_before_add(), tried=answer)  # type: ignore[arg-type]
    error = refused(adding(), cluster.observed, cluster)
    assert message in error.message
    assert hint in (error.hint or "")


def test_every_file_that_is_valid_now_is_tried_first_and_each_wave_again() -> None:
    plan = moving()
    assert len(plan.waves) > 1
    cluster = FakeCluster(observed=seen_before_moves())
    reporter = Reporter()
    allow = (*UNCHECKED, *(one.name for one in plan.hazards), "guard:moves_percent", "guard:bytes")
    world = world_of(cluster, reporter=reporter)
    run = Run(name="r1", plan=plan, world=world, wishes=Wishes(allow=allow), started=0.0)
    apply(run, "?")
    lines = [one.file_text or "" for one in cluster.trials]
    files = [native.file_text or "" for wave in plan.waves for native in wave.native]
    # all in one run; the first wave was tried a moment ago then, each later one before it starts
    assert lines[0] == "".join(files)
    assert lines[1:] == files[1:]
    (detail,) = [
        e.detail for e in reporter.events if isinstance(e, PhaseDone) and e.phase == "dry-run"
    ]
    assert "accepted by gprecoverseg" in detail


def test_a_refusal_before_a_later_wave_is_partly_applied() -> None:
    plan = moving()
    cluster = FakeCluster(observed=seen_before_moves())
    allow = (*UNCHECKED, *(one.name for one in plan.hazards), "guard:moves_percent", "guard:bytes")
    run = run_of(plan, cluster, Wishes(allow=allow))
    start = cluster.start

    def started(wave, utility):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        cluster.tried = dry_run("", f"{STAMP}[WARNING]:-Host sdw9 is unreachable\n")
        return start(wave, utility)

    cluster.start = started  # type: ignore[method-assign]
    with pytest.raises(Partial) as caught:
        apply(run, "?")
    assert "would leave out" in caught.value.message
    assert "gpmirror resume r1" in (caught.value.hint or "")
    assert len(cluster.started) == 1


def test_what_was_tried_a_moment_ago_is_not_tried_again() -> None:
    cluster = FakeCluster(observed=seen_before_add())
    run = run_of(adding(), cluster)
    try_plan(run, cluster.observed)
    try_again(run, run.plan.waves[0], cluster.observed)
    assert len(cluster.trials) == 1
    run.tried.clear()
    try_again(run, run.plan.waves[0], cluster.observed)
    assert len(cluster.trials) == 2


def test_a_file_that_an_earlier_wave_makes_valid_waits_for_its_turn() -> None:
    plan = moving()
    cluster = FakeCluster(observed=seen_before_moves())
    last = plan.waves[-1]
    moved = tuple(
        replace(one, port=9999) if one.content in last.contents and one.role == "m" else one
        for one in cluster.observed.segments
    )
    seen = replace(cluster.observed, segments=moved)
    told = try_plan(run_of(plan, cluster), seen)
    assert f"wave {last.number} when its turn comes" in told


def locked(*, dead: bool = True, stays: bool = False) -> FakeCluster:
    """gp6 with the lock of a gprecoverseg that is gone, or that runs under another account."""
    line = (
        "4711 gone t/data/gpseg-1/gprecoverseg.lock 1700000000 -"
        if dead
        else ("4711 alive t/data/gpseg-1/gprecoverseg.lock 1700000000 1600000000")
    )
    out = (
        f"{shell.VERSION}\nsoftware t/usr/local/gp/bin\nversion t6.24.3\nprocesses 0\nlock {line}\n"
        f"{'stays' if stays else 'removed'} 0\n{shell.END}\n"
    )
    answer = Answered(host="mdw", status=0, out=out, err="")
    return FakeCluster(observed=seen_before_moves(), replies={"mdw": answer})


def moving_with(*allow: str) -> tuple[Plan, Wishes]:
    plan = moving()
    names = ("guard:moves_percent", "guard:bytes", *(one.name for one in plan.hazards))
    return plan, Wishes(allow=(*UNCHECKED, *names, *allow))


def test_a_dead_lock_is_removed_where_that_is_allowed_and_the_files_are_tried_then() -> None:
    """With it gprecoverseg of 6 does nothing, also in a dry run, and exits with 0."""
    plan, wishes = moving_with("dead-lock")
    cluster, journal = locked(), MemoryJournal()
    world = world_of(cluster, journal=journal)
    apply(Run(name="r1", plan=plan, world=world, wishes=wishes, started=0.0), "?")
    steps = [(one.get("step"), one.get("state")) for one in journal.records]
    begun = steps.index(("dead-lock", "begin"))
    assert journal.records[begun]["paths"] == ["/data/gpseg-1/gprecoverseg.lock"]
    assert journal.records[begun]["pids"] == [4711]
    assert steps.index(("host-actions", "begin")) < begun
    assert steps.index(("dead-lock", "done")) < steps.index(("wave-001/native", "begin"))
    assert "gprecoverseg.lock" in cluster.changed[0]["mdw"]
    # none before the lock was gone, each wave's before it
    assert len(cluster.trials) == len(plan.waves)


def test_the_locks_to_remove_are_named_in_the_question() -> None:
    plan, wishes = moving_with("dead-lock")
    asked: list[str] = []

    class Asking(FakeOperator):
        def confirm(self, question: str) -> bool:
            asked.append(question)
            return False

    world = world_of(locked(), operator=Asking())
    with pytest.raises(Declined):
        apply(Run(name="r1", plan=plan, world=world, wishes=wishes, started=0.0), "Apply?")
    words = "/data/gpseg-1/gprecoverseg.lock is to be removed first: its process is gone"
    assert asked == [f"{words}\nApply?"]


def test_a_dead_lock_is_left_where_nobody_allowed_its_removal() -> None:
    plan, wishes = moving_with()
    cluster = locked()
    with pytest.raises(Locked) as caught:
        apply(run_of(plan, cluster, wishes), "?")
    assert "left by pid 4711" in caught.value.message
    assert "--allow dead-lock" in caught.value.message
    assert not cluster.changed


def test_a_lock_that_is_not_proved_dead_is_never_removed() -> None:
    plan, wishes = moving_with("dead-lock")
    cluster = locked(dead=False)
    with pytest.raises(Locked) as caught:
        apply(run_of(plan, cluster, wishes), "?")
    assert "make sure that no gprecoverseg runs" in caught.value.message
    assert not cluster.changed


def test_a_lock_that_changed_meanwhile_stops_the_run() -> None:
    plan, wishes = moving_with("dead-lock")
    cluster = locked(stays=True)
    with pytest.raises(Partial) as caught:
        apply(run_of(plan, cluster, wishes), "?")
    assert "not as it was a moment ago" in caught.value.message
    assert not cluster.started


def test_an_addition_is_not_kept_from_running_by_a_lock_of_another_utility() -> None:
    cluster = locked()
    cluster.observed = seen_before_add()
    apply(run_of(adding(), cluster), "?")
    assert cluster.started


@pytest.mark.parametrize(
    ("answer", "result"),
    [(None, Result.OK), (dry_run("", f"{STAMP}[WARNING]:-Host sdw9 is unreachable"), Result.BAD)],
)
def test_preflight_tells_what_the_utilities_say(answer: Answered | None, result: Result) -> None:
    cluster = FakeCluster(observed=seen_before_add(), tried=answer)
    none = Preflight(checks=(), hazards=())
    found = with_dry_run(none, adding(), cluster.observed, cluster)
    (check,) = found.checks
    assert (check.host, check.name, check.result) == ("mdw", "dry-run", result)
    assert bool(check.remedy) is (result is Result.BAD)
    assert not found.notes


def test_preflight_leaves_the_utilities_alone_while_their_host_is_bad() -> None:
    cluster = FakeCluster(observed=seen_before_moves())
    bad = Check(host="mdw", name="competing", result=Result.BAD, detail="gpexpand runs")
    found = with_dry_run(Preflight(checks=(bad,), hazards=()), moving(), cluster.observed, cluster)
    assert found.checks == (bad,)
    assert "fix what is bad" in found.notes[0]
    dead = replace(bad, override="dead-lock")
    found = with_dry_run(Preflight(checks=(dead,), hazards=()), moving(), cluster.observed, cluster)
    assert "when its turn comes" in found.checks[1].detail
    assert not cluster.trials
    early = replace(cluster.observed, server_version="6.1.0")
    found = with_dry_run(Preflight(checks=(), hazards=()), moving(), early, cluster)
    assert "not rehearsed" in found.notes[0]
