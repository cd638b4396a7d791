"""Killed at every record of the journal, before and after it was written, then resumed."""

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from gpmirror.errors import ExitCode, Failure, GpmirrorError, Partial, Stale
from gpmirror.events import NativeEnded
from gpmirror.model.observed import Observed
from gpmirror.model.segment import Status
from gpmirror.plan.exposure import after_wave
from gpmirror.plan.model import Plan
from gpmirror.plan.remaining import what_is_left
from gpmirror.plan.request import Request
from gpmirror.run.apply import apply
from gpmirror.run.context import Run, Wishes
from gpmirror.run.record import Opening, RunRecord, read_standing, step
from gpmirror.run.resume import check_resumable, is_expected, resume
from gpmirror.run.wave import utility_of
from tests.clusters import mirrored, planned, spec
from tests.fakes import Behaviour, FakeCluster, Killed, MemoryJournal, Reporter, world_of
from tests.plans import HOSTS, adding, seen_before_add
from tests.unchecked import UNCHECKED

WISHES = Wishes(allow=UNCHECKED)
OPENING = Opening(run="r1", plan_id="p", cluster="c", by="me", version="0").record()


def to_spread() -> tuple[Plan, Observed]:
    """Eight moves in several waves, some through a temporary slot."""
    seen = replace(mirrored(HOSTS, 2), server_version="6.24.3")
    request = Request(allow=("deletes-old-directory",))  # one of them changes its port alone
    plan = planned(spec(HOSTS, strategy="spread", cluster="prod-dwh"), seen, request)
    assert len(plan.waves) > 2
    return plan, seen


def standing(records: list[Mapping[str, object]]) -> RunRecord:
    text = "\n".join(json.dumps(record) for record in records)
    return read_standing(text, "journal")


def run_in(
    cluster: FakeCluster, plan: Plan, journal: MemoryJournal, reporter: Reporter | None = None
) -> Run:
    world = world_of(cluster, journal=journal, reporter=reporter or Reporter())
    return Run(name="r1", plan=plan, world=world, wishes=WISHES, started=0.0)


def records_of(plan: Plan, cluster: FakeCluster) -> int:
    journal = MemoryJournal(records=[OPENING])
    apply(run_in(cluster, plan, journal), "?")
    return len(journal.records)


def go_on(cluster: FakeCluster, plan: Plan, records: list[Mapping[str, object]]) -> None:
    """What a person does after a crash: resume, and where that changed nothing, apply again."""
    told = standing(records)
    try:
        check_resumable(told)
    except Failure:
        if told.exit_code != ExitCode.OK:
            cluster.run = "r2"
            apply(run_in(cluster, plan, MemoryJournal()), "?")
        return
    journal = MemoryJournal(records=list(records))
    outcome = resume(run_in(cluster, plan, journal), told, "me")
    if outcome.remaining is not None:
        assert is_expected(plan, outcome.remaining)
        cluster.run = "r2"
        apply(run_in(cluster, outcome.remaining, MemoryJournal()), "?")


@pytest.mark.long
@pytest.mark.parametrize("vanish", [False, True])
@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("kind", ["add", "move"])
def test_killed_at_every_record(kind: str, side: str, vanish: bool) -> None:
    plan, seen = (adding(), seen_before_add()) if kind == "add" else to_spread()
    total = records_of(plan, FakeCluster(observed=seen))
    cases = 0
    for number in range(2, total + 1):
        cluster = FakeCluster(observed=seen, behaviour=Behaviour(vanish=vanish, sync_looks=4))
        journal = MemoryJournal(records=[OPENING], **{f"die_{side}": number})  # type: ignore[arg-type]
        with pytest.raises(Killed):
            apply(run_in(cluster, plan, journal), "?")
        go_on(cluster, plan, journal.records)
        assert what_is_left(plan, cluster.observed).is_empty, f"{side} record {number}"
        assert len(set(cluster.started)) == len(cluster.started), "a utility ran twice"
        cases += 1
    assert cases == total - 1


def test_what_failed_is_planned_again_and_needs_a_new_yes() -> None:
    plan = adding()
    cluster = FakeCluster(observed=seen_before_add(), behaviour=Behaviour(status=1, fails=(5,)))
    journal = MemoryJournal(records=[OPENING])
    with pytest.raises(Partial):
        apply(run_in(cluster, plan, journal), "?")
    cluster.behaviour = Behaviour()
    outcome = resume(run_in(cluster, plan, journal), standing(journal.records), "me")
    assert outcome.remaining is not None
    assert [(c.content, c.action.value) for c in outcome.remaining.changes] == [(5, "recover")]
    assert not is_expected(plan, outcome.remaining)
    assert cluster.started == ["r1/wave-001-gpaddmirrors"]


def test_what_is_left_in_words_and_what_had_ended_is_not_timed() -> None:
    plan = adding()
    behaviour = Behaviour(status=1, fails=(5,), polls=0)
    cluster = FakeCluster(observed=seen_before_add(), behaviour=behaviour)
    wave = plan.waves[0]
    cluster.start(wave, utility_of(plan, wave, wave.native[0]))
    records = [OPENING, step("host-actions", "begin"), step("wave-001/native", "begin")]
    reporter = Reporter()
    run = run_in(cluster, plan, MemoryJournal(records=list(records)), reporter)
    outcome = resume(run, standing(records), "me")
    assert outcome.summary == "1 content is left: content 5 to recover"
    told = [event for event in reporter.events if isinstance(event, NativeEnded)]
    assert [one.seconds for one in told] == [None]


@pytest.mark.parametrize("where", ["port", "directory", "host"])
def test_a_copy_that_somebody_moved_since_is_not_moved_back(where: str) -> None:
    """Whatever the order of the runs is told to be, and before a word is written."""
    plan, seen = to_spread()
    cluster = FakeCluster(observed=seen)
    journal = MemoryJournal(
        records=[OPENING], die_after=records_of(plan, FakeCluster(observed=seen)) // 2
    )
    with pytest.raises(Killed):
        apply(run_in(cluster, plan, journal), "?")
    content = plan.waves[0].contents[0]
    other = {
        "port": {"port": 7999},
        "directory": {"directory": "/elsewhere/gpseg"},
        "host": {"hostname": "sdw9", "address": "sdw9"},
    }[where]
    cluster.observed = replace(
        cluster.observed,
        segments=tuple(
            replace(row, **other) if row.content == content and not row.is_acting_primary else row  # type: ignore[arg-type]
            for row in cluster.observed.segments
        ),
    )
    before, started = len(journal.records), list(cluster.started)
    later = MemoryJournal(records=list(journal.records))
    with pytest.raises(Stale, match=f"content {content}: its mirror is"):
        resume(run_in(cluster, plan, later), standing(journal.records), "me")
    assert (len(later.records), cluster.started) == (before, started)


def test_a_blocked_rest_in_words() -> None:
    plan = adding()
    seen = after_wave(seen_before_add(), plan.waves[0])
    rows = [replace(row, status=Status.DOWN) if row.content == 5 else row for row in seen.segments]
    cluster = FakeCluster(observed=replace(seen, segments=tuple(rows)))
    records = [OPENING, step("host-actions", "begin")]
    run = run_in(cluster, plan, MemoryJournal(records=list(records)))
    with pytest.raises(Partial, match="run r1 cannot go on: content 5 is blocked"):
        resume(run, standing(records), "me")


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([], "changed nothing"),
        ([{"record": "end", "exit_code": 0, "summary": "done"}], "is complete"),
        (
            [{"record": "end", "exit_code": 10, "summary": "", "continued_as": "r2"}],
            "goes on as run r2",
        ),
    ],
)
def test_runs_that_cannot_be_resumed(records: list[Mapping[str, object]], words: str) -> None:
    with pytest.raises(GpmirrorError) as caught:
        check_resumable(standing([OPENING, *records]))
    assert words in caught.value.message


def test_a_file_that_is_no_journal() -> None:
    with pytest.raises(Failure, match="no opening record"):
        read_standing("\n[]\nnull\n{]\n", "journal")
