"""What a wave is told to have copied, and how long the rest takes at that rate."""

from dataclasses import replace

import pytest

from gpmirror.boundary import Answered, NoAnswer, Silence
from gpmirror.events import NativeEnded, Progress, WaveDone, WaveStarted
from gpmirror.model.dialect import DialectName
from gpmirror.native.process import Poll, ProcessStage
from gpmirror.plan.exposure import after_wave
from gpmirror.plan.model import Action, Method, Plan
from gpmirror.render.progress import RunView, said
from gpmirror.run.apply import apply
from gpmirror.run.context import Run, Wishes
from gpmirror.run.settle import tell_done
from gpmirror.run.watch import Meter, Watch, progress
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
    (found,) = progress(run, plan.waves[0], meter, {})
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
    # how long a copy took before the utility's end is known to some seconds only
    rates = [int(chain / min(event.seconds, 10)) for chain, event in zip(chains, done, strict=True)]
    assert [event.rate for event in done] == rates
    stopping = [event.seconds - 2 for event in done]
    assert [event.seconds_left for event in done] == [
        -(-sum(chains[number + 1 :]) // rate) + round(stopping[number] * (len(rates) - 1 - number))
        for number, rate in enumerate(rates)
    ]
    assert [event.stopping for event in started] == [60, *map(round, stopping[:-1])]
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
    watch = Watch(run, plan.waves[0])
    seen = cluster.observed
    cluster.observed = after_wave(seen, plan.waves[0])
    for _ in range(4):
        watch.pause()
    *_, event = (event for event in reporter.events if isinstance(event, Progress))
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
    for kib in (900, 850, 100, 500, 900):
        clock.sleep(11)
        out = f"{kib}\t{step.to.directory}\n"
        cluster.replies = {step.to.host: Answered(host=step.to.host, status=0, out=out, err="")}
        meter.read(None)
        told.append(meter.done.get(step.content))
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
    run.world.clock.sleep(11)
    meter.read(None)
    assert set(meter.done.values()) == {8192}


def copying(done: int, total: int, dbid: int) -> str:
    return f"sdw3 (dbid {dbid}): {done}/{total} kB (40%), 0/1 tablespace (...seg3/base/17016/3394_fsm)\n"


def moved_run() -> tuple[Run, FakeCluster, Reporter, int]:
    """A run whose first wave has left the old places; the dbid of a copy of it."""
    plan = moving()
    run = a_run(plan)
    cluster, reporter = run.world.hosts, run.world.reporter
    assert isinstance(cluster, FakeCluster)
    assert isinstance(reporter, Reporter)
    cluster.observed = after_wave(cluster.observed, plan.waves[0])
    (dbid, *_) = (
        row.dbid
        for row in cluster.observed.segments
        if row.content == plan.waves[0].contents[0] and not row.is_acting_primary
    )
    return run, cluster, reporter, dbid


def last_progress(reporter: Reporter) -> Progress:
    return [event for event in reporter.events if isinstance(event, Progress)][-1]


def test_what_the_utility_tells_of_its_copies_counts_and_nothing_is_measured() -> None:
    """6.24.3 and 7.0.0 pass pg_basebackup's own figures on."""
    run, cluster, reporter, dbid = moved_run()
    cluster.replies = {
        name: NoAnswer(host=name, why=Silence.UNREACHABLE, message="asked", hint="")
        for name in ("sdw1", "sdw2", "sdw3", "sdw4")
    }
    watch = Watch(run, run.plan.waves[0])
    for done in (100, 200, 300):
        watch.hear(copying(done, 1000, dbid))
        for _ in range(4):
            watch.pause()
    found = last_progress(reporter).contents[0]
    assert (found.done, found.total) == (300 * 1024, 1000 * 1024)
    watch.hear(f"sdw3 (dbid {dbid}): pg_basebackup: base backup completed\n")
    watch.pause()
    assert last_progress(reporter).contents[0].done == 1000 * 1024
    assert last_progress(reporter).trouble is None, "a host was asked"


def test_bytes_that_do_not_arrive_are_told() -> None:
    run, _, reporter, dbid = moved_run()
    watch = Watch(run, run.plan.waves[0])
    watch.hear(copying(100, 1000, dbid))
    watch.pause()
    assert last_progress(reporter).trouble is None
    for _ in range(12):
        watch.pause()
    content = run.plan.waves[0].contents[0]
    assert f"no byte of content {content} has arrived for 4" in (
        last_progress(reporter).trouble or ""
    )
    watch.hear(copying(200, 1000, dbid))
    watch.pause()
    assert last_progress(reporter).trouble is None


def test_an_old_mirror_that_still_runs_is_no_arrival() -> None:
    """7.0.0: "1 of 1 in sync" for a minute before anything was copied."""
    plan = moving()
    run = a_run(plan)
    cluster, reporter = run.world.hosts, run.world.reporter
    assert isinstance(cluster, FakeCluster)
    assert isinstance(reporter, Reporter)
    places = {s.to.host: s.to.directory for s in plan.waves[0].steps if s.to is not None}
    cluster.replies = {
        name: Answered(host=name, status=0, out=f"8\t{path}\n", err="")
        for name, path in places.items()
    }
    watch = Watch(run, plan.waves[0])
    for _ in range(6):
        watch.pause()
    told = last_progress(reporter)
    assert {(one.state, one.arrived, one.done) for one in told.contents} == {
        ("synced", False, None)
    }
    assert run.landed != run.world.clock.monotonic()
    view = RunView().after(told)
    assert f"0 of {len(told.contents)} in sync" in view.standing()
    cluster.observed = after_wave(cluster.observed, plan.waves[0])
    watch.pause()
    assert run.landed == run.world.clock.monotonic()
    assert all(one.arrived for one in last_progress(reporter).contents)


def test_the_wait_for_the_prober_is_no_part_of_the_rate() -> None:
    plan = moving()
    wave = plan.waves[0]
    run = a_run(plan)
    reporter = run.world.reporter
    assert isinstance(reporter, Reporter)
    begin = run.wave_begins()
    run.world.clock.sleep(90)
    run.landed = run.world.clock.monotonic()
    run.world.clock.sleep(30)
    tell_done(run, wave, None, begin)
    (done,) = (event for event in reporter.events if isinstance(event, WaveDone))
    assert done.rate == (plan.exposure.waves[0].chain_bytes or 0) // 30
    later = sum(one.chain_bytes or 0 for one in plan.exposure.waves[1:])
    moves = sum(one.action is Action.MOVE for one in plan.waves[1:])
    assert done.seconds_left == -(-later // (done.rate or 1)) + 90 * moves


def test_where_nobody_can_ask_the_prober_it_is_waited_for_at_the_end_too() -> None:
    """5.8.1 calls copies in sync with the prober's next round (recorded)."""
    plan = replace(moving(), dialect=DialectName.GP5)
    run = a_run(plan)
    reporter = run.world.reporter
    assert isinstance(reporter, Reporter)
    begin = run.wave_begins()
    run.world.clock.sleep(60)
    run.landed = run.world.clock.monotonic()
    run.world.clock.sleep(90)
    tell_done(run, plan.waves[0], None, begin)
    (done,) = (event for event in reporter.events if isinstance(event, WaveDone))
    assert done.rate == (plan.exposure.waves[0].chain_bytes or 0) // 30
    later = sum(one.chain_bytes or 0 for one in plan.exposure.waves[1:])
    assert done.seconds_left == -(-later // (done.rate or 1)) + 120 * len(plan.waves[1:])


def test_the_prober_is_asked_while_the_utility_waits_for_it() -> None:
    """Else it looks once a minute, and so long commits of the content wait."""
    waiting = "x-[INFO]:-Waiting for segments to be marked down.\n"
    plan = replace(moving(), hazards=(), guards=())

    class Telling(FakeCluster):
        def poll(self, name: str, offset: int, *, wait: float = 0.0) -> Poll | NoAnswer:
            found = super().poll(name, offset)
            if isinstance(found, Poll) and found.stage is ProcessStage.RUNNING and not offset:
                return replace(found, text=waiting, offset=len(waiting))
            return found

    wishes = Wishes(allow=(*UNCHECKED, "guard:moves_percent", "guard:bytes", "policy"))
    probes = []
    for kind in (FakeCluster, Telling):
        cluster = kind(observed=seen_before_moves(), behaviour=Behaviour(polls=4))
        world = world_of(cluster)
        apply(Run(name="r1", plan=plan, world=world, wishes=wishes, started=0.0), "?")
        probes.append(cluster.probes)
    assert probes[1] >= probes[0] + 4 * len(plan.waves)


def test_the_wait_for_sync_is_told_beside_the_utility() -> None:
    """Three looks until in sync: the time that the utility itself took is told by `native_ended`."""
    plan, reporter = events_of_moving()
    for wave in plan.waves:
        (ended,) = (
            e for e in reporter.events if isinstance(e, NativeEnded) and e.wave == wave.number
        )
        (done,) = (e for e in reporter.events if isinstance(e, WaveDone) and e.wave == wave.number)
        assert ended.seconds is not None
        assert done.syncing == done.seconds - ended.seconds == 2.0
        (text,) = said(replace(done, waves=done.wave))
        assert "".join(span.text for span in text).endswith(", 2s of it after the utility's end")
