"""What a wave is told to have copied, and how long the rest takes at that rate."""

from dataclasses import replace

import pytest

from gpmirror.boundary import Answered, NoAnswer, Silence
from gpmirror.events import Progress, WaveDone, WaveStarted
from gpmirror.plan.model import Action, Method, Plan
from gpmirror.workflow.apply import apply
from gpmirror.workflow.metering import Meter
from gpmirror.workflow.running import Run, Wishes
from gpmirror.workflow.watching import Watch, progress
from tests.fakes import Behaviour, FakeCluster, ManualClock, Reporter, world_of
from tests.plans import GB, moving, recovering, seen_before_add, seen_before_moves
from tests.unchecked import UNCHECKED


def a_run(plan: Plan) -> Run:
    seen = seen_before_moves() if plan.summary.move else seen_before_add()
    world = world_of(FakeCluster(observed=seen))
    return Run(name="r1", plan=plan, world=world, wishes=Wishes(), started=0.0)


def test_copies_of_moves_are_told_by_content() -> None:
    plan = moving()
    meter = Meter(a_run(plan), plan.waves[0])
    meter.done = dict.fromkeys(plan.waves[0].contents, GB)
    assert meter.copied() == dict.fromkeys(plan.waves[0].contents, GB)


def test_one_unknown_makes_all_unknown() -> None:
    plan = moving()
    meter = Meter(a_run(plan), plan.waves[0])
    meter.done = dict.fromkeys(plan.waves[0].contents[1:], GB)
    assert meter.copied() is None


@pytest.mark.parametrize(("method", "copied"), [(Method.INCREMENTAL, None), (Method.FULL, {1: GB})])
def test_a_copy_that_only_caught_up_does_not_count(
    method: Method, copied: dict[int, int] | None
) -> None:
    plan = recovering()
    wave = plan.waves[0]
    assert wave.action is Action.RECOVER
    changes = tuple(replace(change, method=method) for change in plan.changes)
    meter = Meter(a_run(replace(plan, changes=changes)), wave)
    meter.done = dict.fromkeys(wave.contents, GB)
    assert meter.copied() == copied


@pytest.mark.parametrize(("method", "told"), [(Method.INCREMENTAL, None), (Method.FULL, GB)])
def test_bytes_are_told_of_whole_copies_alone(method: Method, told: int | None) -> None:
    plan = recovering()
    changes = tuple(replace(change, method=method, size=2 * GB) for change in plan.changes)
    run = a_run(replace(plan, changes=changes))
    meter = Meter(run, plan.waves[0])
    meter.done = dict.fromkeys(plan.waves[0].contents, GB)
    (found,) = progress(run, plan.waves[0], meter)
    assert (found.done, found.total, found.host) == (told, told and 2 * told, "sdw2")


def events_of_moving() -> tuple[Plan, Reporter]:
    """What a run of moves tells, on a cluster whose hosts measure nothing."""
    plan = replace(moving(), hazards=(), guards=())
    reporter = Reporter()
    wishes = Wishes(allow=(*UNCHECKED, "guard:moves_percent", "guard:bytes", "policy"))
    cluster = FakeCluster(observed=seen_before_moves(), behaviour=Behaviour(sync_looks=3))
    world = world_of(cluster, reporter=reporter)
    apply(Run(name="r1", plan=plan, world=world, wishes=wishes, started=0.0), "?")
    return plan, reporter


def test_each_wave_tells_what_the_waves_after_it_copy() -> None:
    plan, reporter = events_of_moving()
    told = [event for event in reporter.events if isinstance(event, WaveDone)]
    bytes_of = [wave.bytes or 0 for wave in plan.exposure.waves]
    assert [event.bytes_left for event in told] == [
        sum(bytes_of[number + 1 :]) for number in range(len(told))
    ]
    assert told[-1].bytes_left == 0
    assert {event.bytes for event in told} == {None}, "these hosts measure nothing"


def test_the_first_wave_gives_the_rate_for_the_rest() -> None:
    plan, reporter = events_of_moving()
    done = [event for event in reporter.events if isinstance(event, WaveDone)]
    started = [event for event in reporter.events if isinstance(event, WaveStarted)]
    chains = [wave.chain_bytes or 0 for wave in plan.exposure.waves]
    rates = [int(chain / event.seconds) for chain, event in zip(chains, done, strict=True)]
    assert [event.rate for event in done] == rates
    assert [event.seconds_left for event in done] == [
        -(-sum(chains[number + 1 :]) // rate) for number, rate in enumerate(rates)
    ]
    assert [(event.rate, event.rate_assumed) for event in started] == [
        (plan.exposure.rate, True),
        *((rate, False) for rate in rates[:-1]),
    ]


def test_a_wave_tells_what_one_more_loss_would_cost_now() -> None:
    plan, reporter = events_of_moving()
    told = [event.stakes for event in reporter.events if isinstance(event, Progress)]
    known = [stakes for stakes in told if stakes is not None]
    assert known
    alone = {content for stakes in known for content in stakes.single}
    assert alone == {content for wave in plan.waves for content in wave.contents}
    assert {stakes.worst_host_loses for stakes in known} == {0, 1}


@pytest.mark.parametrize(
    ("why", "told"), [(Silence.UNREACHABLE, "cannot reach sdw3"), (Silence.TIMED_OUT, None)]
)
def test_a_host_that_is_away_is_told_while_a_utility_waits_for_it(
    why: Silence, told: str | None
) -> None:
    """6.24.3 waited for minutes for a host that was cut off. One that only counts files for long is
    at work.
    """
    plan = moving()
    run = a_run(plan)
    cluster, reporter = run.world.hosts, run.world.reporter
    assert isinstance(cluster, FakeCluster)
    assert isinstance(reporter, Reporter)
    for host in ("sdw1", "sdw2", "sdw3", "sdw4"):
        cluster.replies[host] = NoAnswer(host=host, why=why, message="cannot reach sdw3", hint="")
    Watch(run, plan.waves[0]).pause()
    (event,) = (event for event in reporter.events if isinstance(event, Progress))
    assert (event.trouble, event.utility_running) == (told, True)


def test_an_old_copy_in_the_same_directory_is_no_progress() -> None:
    """Recovered in place: the directory is full until the utility empties it."""
    plan = recovering()
    (step,) = plan.waves[0].steps
    assert step.to is not None
    cluster = FakeCluster(observed=seen_before_add())
    clock = ManualClock()
    world = replace(world_of(cluster), clock=clock)
    run = Run(name="r1", plan=plan, world=world, wishes=Wishes(), started=0.0)
    meter = Meter(run, plan.waves[0])
    told = []
    for kib in (900, 950, 100, 500, 900):
        out = f"{kib}\t{step.to.directory}\n"
        cluster.replies = {step.to.host: Answered(host=step.to.host, status=0, out=out, err="")}
        meter.read(None)
        told.append(meter.done.get(step.content))
        clock.sleep(11)
    assert told == [None, None, 100 * 1024, 500 * 1024, 900 * 1024]


def test_what_lands_in_a_new_place_is_progress_at_once() -> None:
    plan = moving()
    wave = plan.waves[0]
    cluster = FakeCluster(observed=seen_before_moves())
    places = {s.to.host: s.to.directory for s in wave.steps if s.to is not None}
    cluster.replies = {
        name: Answered(host=name, status=0, out=f"8\t{path}\n", err="")
        for name, path in places.items()
    }
    run = Run(name="r1", plan=plan, world=world_of(cluster), wishes=Wishes(), started=0.0)
    meter = Meter(run, wave)
    meter.read(None)
    assert set(meter.done.values()) == {8192}
