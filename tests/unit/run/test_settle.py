"""Waiting ends when nothing can come any more: by what the utility said, by what hosts say of the
copies, and where it was waited for before; never while a copy still runs.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from gpmirror.boundary import Answered, NoAnswer, Reply, Silence
from gpmirror.errors import ExitCode, GpmirrorError, Partial, Unverified
from gpmirror.events import NativeSaid
from gpmirror.model.observed import Observed, Replication
from gpmirror.model.segment import Mode, Status
from gpmirror.native.process import Poll, ProcessStage
from gpmirror.plan.model import Plan, Wave
from gpmirror.run.apply import apply
from gpmirror.run.context import Outcome, Run, Wishes
from gpmirror.run.record import Opening, read_standing, step
from gpmirror.run.resume import resume
from tests.fakes import Behaviour, FakeCluster, MemoryJournal, Reporter, world_of
from tests.plans import adding, recovering, seen_before_add, seen_in_trouble
from tests.unchecked import UNCHECKED

STAMP = "20261121:02:44:44:011487 gprecoverseg:mdw:gpadmin-"
LEFT_OUT = [
    f"{STAMP}{line}"
    for line in (
        "[INFO]:-No segments to recover",
        (
            "[ERROR]:-Lockfile /d/x.lock indicates that an instance of gprecoverseg is already running "
            "with PID 24885"
        ),
        "[WARNING]:-Not recovering segment 14 because sdw4 is unreachable",
        (
            "[WARNING]:-Not able to co-relate hostname:gg4 with address:gg4-2. Skipping recovery for "
            "segments with contentId 1"
        ),
        (
            "[WARNING]:-Found differential recovery running for segments with contentIds [3], skipping "
            "recovery of these segments"
        ),
    )
]
"""6.24.3, 7.0.0 and Greengage 6.27.1, recorded."""
NOT_STARTED = (
    "20261121:02:26:42:008574 gpaddmirrors:mdw:gpadmin-[WARNING]:-Failed to start segment.  The fault "
    "prober will shortly mark it as down. Segment: sdw2:/data/mirror/gpseg5:content=5:dbid=6:mode=r:"
    "status=d: REASON: PG_CTL failed.\n"
)
"""5.8.1, recorded."""
SOON = 25.0
"""Seconds; a silent failure is waited for at least a round of the fault prober, 75 s here."""


@dataclass
class Telling(FakeCluster):
    """Hosts that tell how copies live: answers one after the other, the last one for ever."""

    pulses: list[Reply | str] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)
    never: frozenset[int] = frozenset()
    """Contents that the catalog calls up, and that do not come in sync for so many looks."""
    looks: int = 10**6
    copying_looks: int = 0
    copying_state: str = "backup"

    def ask(self, scripts: Mapping[str, str], *, seconds: float) -> dict[str, Reply]:
        if not any("\npulse 0 " in script for script in scripts.values()):
            return super().ask(scripts, seconds=seconds)
        told = self.pulses.pop(0) if len(self.pulses) > 1 else self.pulses[0]
        return {
            host: Answered(host=host, status=0, out=told, err="") if isinstance(told, str) else told
            for host in scripts
        }

    def observe(self) -> Observed:
        self.looks -= 1
        for content in self.never & self.unsynced.keys() if self.looks > 0 else ():
            self.unsynced[content] = 10**6 if self.looks > 1 else 1
            self._set(content, Mode.NOT_IN_SYNC, Status.UP)
        return super().observe()

    def replication(self) -> tuple[Replication, ...]:
        found = super().replication()
        if self.copying_looks <= 0:
            return found
        self.copying_looks -= 1
        content = recovering().waves[0].contents[0]
        backup = Replication(
            content=content,
            application_name="pg_basebackup",
            state=self.copying_state,
            sync_state="async",
        )
        return (*(one for one in found if one.content != content), backup)


DEAD = "0 said FATAL:  could not open port\nend\n"
ALIVE = "".join(f"{number} process 4711\n" for number in range(8)) + "end\n"
SILENT = NoAnswer(host="sdw2", why=Silence.UNREACHABLE, message="sdw2 is away", hint="wait")


def run_of(cluster: FakeCluster, plan: Plan, journal: MemoryJournal | None = None) -> Run:
    world = world_of(cluster, journal=journal, reporter=Reporter())
    return Run(name="r1", plan=plan, world=world, wishes=Wishes(allow=UNCHECKED), started=0.0)


def ended(run: Run) -> tuple[GpmirrorError | Outcome, float]:
    """How it ended, after how many seconds."""
    try:
        return apply(run, "?"), run.world.clock.monotonic()
    except GpmirrorError as error:
        return error, run.world.clock.monotonic()


@pytest.mark.parametrize("line", LEFT_OUT)
def test_what_a_utility_left_out_is_not_waited_for(line: str) -> None:
    behaviour = Behaviour(does_nothing=True, says=f"{line}\n")
    cluster = Telling(observed=seen_in_trouble(), behaviour=behaviour, pulses=[SILENT])
    error, seconds = ended(run_of(cluster, recovering()))
    assert isinstance(error, Unverified)
    assert line.partition(":-")[2] in error.message
    assert seconds < SOON
    assert cluster.probes, "the catalog may have been old"


def test_a_copy_that_still_runs_is_waited_for_although_it_was_left_out() -> None:
    says = f"{STAMP}[WARNING]:-Found pg_basebackup running for segments with contentIds [0], "
    says += f"skipping recovery of these segments\n{LEFT_OUT[0]}\n"
    behaviour = Behaviour(says=says, sync_looks=60)
    cluster = Telling(
        observed=seen_in_trouble(), behaviour=behaviour, pulses=[SILENT], copying_looks=70
    )
    outcome, seconds = ended(run_of(cluster, recovering()))
    assert isinstance(outcome, Outcome), outcome
    assert seconds > SOON


@pytest.mark.parametrize(
    ("pulses", "state", "least", "most"),
    [
        # the primary shows a base backup until the connection times out
        ([SILENT], "backup", 60.0, 200.0),
        ([ALIVE], "backup", 400.0, 10**6),
        # what fetched its WAL is left alone, and seems to write there
        ([ALIVE], "streaming", 0.0, 100.0),
    ],
)
def test_a_base_backup_that_was_cut_off_is_not_waited_for(
    pulses: list[Reply | str], state: str, least: float, most: float
) -> None:
    cluster = Telling(
        observed=seen_in_trouble(),
        behaviour=Behaviour(does_nothing=True, status=1),
        pulses=pulses,
        copying_looks=400,
        copying_state=state,
    )
    error, seconds = ended(run_of(cluster, recovering()))
    assert isinstance(error, Partial)
    assert least < seconds < most
    if pulses == [SILENT]:
        assert "sdw2 is away" in error.message


@pytest.mark.parametrize("status", [0, 1])
def test_a_copy_without_a_server_does_not_catch_up(status: int) -> None:
    """The catalog calls it up and resynchronising, for ever."""
    plan = adding()
    cluster = Telling(
        observed=seen_before_add(),
        behaviour=Behaviour(status=status),
        pulses=[DEAD],
        never=frozenset({5}),
    )
    run = run_of(cluster, plan)
    error, seconds = ended(run)
    assert isinstance(error, Partial if status else Unverified)
    host = next(step.to for step in plan.waves[0].steps if step.content == 5)
    assert host is not None
    assert f"no server works in {host.host}:{host.directory} and nothing copies" in error.message
    assert "its log says: FATAL:  could not open port" in error.message
    assert seconds < SOON


@pytest.mark.parametrize("pulses", [[ALIVE], [SILENT], [DEAD, ALIVE], ["0 said cut of"]])
def test_what_lives_or_may_live_is_waited_for(pulses: list[Reply | str]) -> None:
    """One odd answer is none; a host that says nothing says nothing bad."""
    cluster = Telling(
        observed=seen_before_add(), pulses=pulses, never=frozenset(range(8)), looks=150
    )
    outcome, seconds = ended(run_of(cluster, adding()))
    assert isinstance(outcome, Outcome), outcome
    assert seconds > 4 * SOON


def test_what_died_is_told_at_once_while_others_catch_up() -> None:
    cluster = Telling(
        observed=seen_before_add(),
        behaviour=Behaviour(sync_looks=100),
        pulses=[DEAD],
        never=frozenset({5}),
    )
    run = run_of(cluster, adding())
    error, _ = ended(run)
    assert isinstance(error, GpmirrorError)
    told = [e.text for e in run.world.reporter.events if isinstance(e, NativeSaid)]  # type: ignore[attr-defined]
    assert any("content 5: no server works in " in text for text in told)


@dataclass
class Hanging(Telling):
    """The utility never ends, and says at its second poll what did not start."""

    polled: int = 0

    def poll(self, name: str, offset: int, *, wait: float = 0.0) -> Poll | NoAnswer:
        found = super().poll(name, offset, wait=wait)
        if isinstance(found, NoAnswer) or found.stage is ProcessStage.ABSENT:
            return found
        self.polled += 1
        text = "" if offset else NOT_STARTED
        return Poll(stage=ProcessStage.RUNNING, status=None, text=text, offset=len(NOT_STARTED))


def test_a_utility_that_hangs_after_a_mirror_did_not_start_is_not_waited_for() -> None:
    cluster = Hanging(observed=seen_before_add(), pulses=[SILENT], never=frozenset({5}))
    error, seconds = ended(run_of(cluster, adding()))
    assert isinstance(error, Partial)
    assert "the utility still runs, but a mirror that it waits for did not start" in error.message
    assert "Failed to start segment." in error.message
    assert seconds < SOON


def test_a_wave_that_was_given_up_is_not_waited_for_again() -> None:
    plan = adding()
    wave: Wave = plan.waves[0]
    cluster = Telling(
        observed=seen_before_add(), behaviour=Behaviour(status=1, fails=(5,)), pulses=[SILENT]
    )
    opening = Opening(run="r1", plan_id="p", cluster="c", by="me", version="0").record()
    journal = MemoryJournal(records=[opening])
    error, first = ended(run_of(cluster, plan, journal))
    assert isinstance(error, Partial)
    assert first > SOON, "the first time it is waited for a round of the prober"
    steps = [(r.get("step"), r.get("state")) for r in journal.records]
    assert (f"wave-{wave.number:03d}/sync", "failed") in steps
    standing = read_standing("\n".join(json.dumps(r) for r in journal.records), "r1")
    assert standing.waves_failed == (1,)
    again = run_of(cluster, plan, MemoryJournal(records=list(journal.records)))
    outcome = resume(again, standing, "me")
    assert outcome.code is ExitCode.PARTIAL
    assert outcome.remaining is not None
    assert again.world.clock.monotonic() < SOON


def test_what_came_up_after_it_was_given_up_counts() -> None:
    plan = adding()
    cluster = Telling(
        observed=seen_before_add(), behaviour=Behaviour(status=1, fails=(5,)), pulses=[SILENT]
    )
    opening = Opening(run="r1", plan_id="p", cluster="c", by="me", version="0").record()
    journal = MemoryJournal(records=[opening])
    ended(run_of(cluster, plan, journal))
    cluster.unsynced[5] = 1
    standing = read_standing("\n".join(json.dumps(r) for r in journal.records), "r1")
    again = run_of(cluster, plan, MemoryJournal(records=list(journal.records)))
    assert resume(again, standing, "me").code is ExitCode.OK


@dataclass
class Stale(FakeCluster):
    """The catalog calls a mirror in sync that a utility stopped before it died, until it probes."""

    stopped: int = 0

    def replication(self) -> tuple[Replication, ...]:
        found = super().replication()
        return tuple(one for one in found if one.content != self.stopped)

    def request_probe(self) -> None:
        super().request_probe()
        self._set(self.stopped, Mode.NOT_IN_SYNC, Status.DOWN)


def test_resume_asks_for_a_probe_where_the_catalog_is_old() -> None:
    """The utility was killed while it stopped the mirror (7.0.0, recorded)."""
    from tests.plans import moving, seen_before_moves

    plan = moving()
    wave = plan.waves[0]
    content = wave.contents[0]
    cluster = Stale(observed=seen_before_moves(), stopped=content)
    opening = Opening(run="r1", plan_id="p", cluster="c", by="me", version="0").record()
    records = [
        opening,
        step("host-actions", "begin"),
        step(f"wave-{wave.number:03d}/native", "begin"),
        step(f"wave-{wave.number:03d}/native", "done", status=137),
        step(f"wave-{wave.number:03d}/sync", "failed"),
    ]
    run = run_of(cluster, plan, MemoryJournal(records=list(records)))
    text = "\n".join(json.dumps(record) for record in records)
    outcome = resume(run, read_standing(text, "r1"), "me")
    assert outcome.remaining is not None
    now = {c.content: c.action.value for c in outcome.remaining.changes}
    assert now[content] == "recover"
    assert "blocked" not in now.values()
    assert cluster.probes
