"""The native dry run of a plan: what is tried when, what is refused, and with which way out."""

from dataclasses import replace

import pytest

from gpmirror.cluster.dialect import DIALECTS, DialectName
from gpmirror.cluster.observed import Observed
from gpmirror.cluster.segment import Status
from gpmirror.errors import NotReady, Partial
from gpmirror.events import PhaseDone
from gpmirror.plan.model import Action, Plan
from gpmirror.workflow.apply import apply
from gpmirror.workflow.dryrun import try_again, try_plan
from gpmirror.workflow.running import Run, Wishes
from tests.clusters import host, mirrored, planned, spec
from tests.fakes import FakeCluster, Reporter, dry_run, world_of
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
    assert told == "no utility of this plan reads a file"


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


def test_a_release_that_needs_no_name_is_asked_for_none() -> None:
    """7.0.0, recorded: OUT holds the line although the host does not answer."""
    plan, observed = lost()
    said = f"{STAMP}[WARNING]:-Host sdw9 is unreachable\n"
    cluster = FakeCluster(observed=observed)
    text = plan.waves[0].native[0].file_text
    cluster.tried = dry_run(text, said)
    assert try_plan(run_of(plan, cluster), observed) == "accepted by gprecoverseg"


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
    tried = [one.file_name for one in cluster.trials]
    files = [native.file_name for wave in plan.waves for native in wave.native if native.file_name]
    later = [name for name in files if name not in tried[: tried.index(files[0]) + len(files)]]
    assert tried[0] == files[0]
    # the first wave was tried a moment ago, each later one is tried when its turn comes
    assert tried.count(files[0]) == 1
    assert all(name in tried for name in files), later
    assert tried[-1] == files[-1]
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
