"""What is lost on the way: the session, the lock, the journal's disk, the person."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import pytest

from gpmirror.boundary import LockHolder, NoAnswer
from gpmirror.errors import ConnectionLost, Detached, ExitCode, Failure, Locked, Partial, Stale
from gpmirror.native.process import Poll
from gpmirror.run.apply import apply
from gpmirror.run.context import Run, Wishes
from gpmirror.run.record import Opening, read_standing, step
from gpmirror.run.resume import resume
from tests.fakes import FakeCluster, FakeOperator, MemoryJournal, world_of
from tests.plans import adding, seen_before_add
from tests.unchecked import UNCHECKED

OPENING = Opening(run="r1", plan_id="p", cluster="c", by="me", version="0").record()
WISHES = Wishes(allow=UNCHECKED)
STRANGER = LockHolder(pid=7, since="now", client="10.0.0.9", name="gpmirror r9")
GHOST = replace(STRANGER, name="gpmirror r1")


@dataclass
class Struck(FakeCluster):
    """At the poll of a given number (from 1) something happens."""

    at_poll: Mapping[int, Callable[["Struck"], object]] = field(default_factory=dict)
    polls: int = 0

    def poll(self, name: str, offset: int, *, wait: float = 0.0) -> Poll | NoAnswer:
        self.polls += 1
        if happens := self.at_poll.get(self.polls):
            happens(self)
        return super().poll(name, offset)


def run_on(
    cluster: FakeCluster,
    *,
    operator: FakeOperator | None = None,
    journal: MemoryJournal | None = None,
) -> Run:
    world = world_of(
        cluster, journal=journal or MemoryJournal(), operator=operator or FakeOperator()
    )
    return Run(name="r1", plan=adding(), world=world, wishes=WISHES, started=0.0)


def lose_session(holder: LockHolder | None) -> Callable[[Struck], None]:
    def lose(cluster: Struck) -> None:
        cluster.lost_for, cluster.holder = 1, holder

    return lose


def test_somebody_else_took_the_lock_meanwhile() -> None:
    cluster = Struck(observed=seen_before_add(), at_poll={1: lose_session(STRANGER)})
    with pytest.raises(
        Partial, match="meanwhile cluster prod-dwh was locked by gpmirror r9"
    ) as caught:
        apply(run_on(cluster), "?")
    assert "gpmirror resume r1" in str(caught.value.hint)


def test_the_servers_memory_of_our_old_session_is_waited_out() -> None:
    def forget(cluster: Struck) -> None:
        cluster.holder = None

    cluster = Struck(observed=seen_before_add(), at_poll={1: lose_session(GHOST), 3: forget})
    assert apply(run_on(cluster), "?").code is ExitCode.OK


def test_no_wave_starts_without_the_lock() -> None:
    class Taken(FakeOperator):
        def changes_begin(self) -> None:
            cluster.holder = STRANGER

    cluster = FakeCluster(observed=seen_before_add())
    with pytest.raises(Partial, match="is locked by gpmirror r9"):
        apply(run_on(cluster, operator=Taken()), "?")
    assert cluster.started == []


class Thinking(FakeOperator):
    """While the person thinks, something happens."""

    def __init__(self, happens: Callable[[], object]) -> None:
        super().__init__()
        self._happens = happens

    def confirm(self, question: str) -> bool:
        self._happens()
        return super().confirm(question)


def test_a_session_lost_before_changes_ends_the_run() -> None:
    cluster = FakeCluster(observed=seen_before_add())
    journal = MemoryJournal()

    def lose() -> None:
        cluster.lost_for = 1

    with pytest.raises(ConnectionLost):
        apply(run_on(cluster, operator=Thinking(lose), journal=journal), "?")
    assert cluster.changed == []
    assert journal.records[-1]["exit_code"] == ExitCode.ERROR


def test_a_catalog_that_changed_while_the_person_thought() -> None:
    cluster = FakeCluster(observed=seen_before_add())

    def change() -> None:
        rows = cluster.observed.segments
        moved = tuple(replace(one, port=one.port + 1) if one.content == 0 else one for one in rows)
        cluster.observed = replace(cluster.observed, segments=moved)

    with pytest.raises(Stale):
        apply(run_on(cluster, operator=Thinking(change)), "?")
    assert cluster.changed == []


@dataclass
class FullDisk(MemoryJournal):
    """Takes so many records and no more."""

    takes: int = 0

    def write(self, record: Mapping[str, object]) -> None:
        if len(self.records) >= self.takes:
            raise Failure("the journal cannot be written: No space left on device", hint="free it")
        super().write(record)


def test_a_full_disk_never_hides_that_something_was_changed() -> None:
    whole = MemoryJournal()
    apply(run_on(FakeCluster(observed=seen_before_add()), journal=whole), "?")
    steps = [record.get("step") for record in whole.records]
    first_change = steps.index("host-actions")
    for takes in range(len(whole.records)):
        cluster = FakeCluster(observed=seen_before_add())
        with pytest.raises(Failure if takes < first_change else Partial) as caught:
            apply(run_on(cluster, journal=FullDisk(takes=takes)), "?")
        assert "No space left" in caught.value.message
        if takes < first_change:
            assert caught.value.exit_code == ExitCode.ERROR
            assert cluster.changed == []


def interrupt(_: Struck) -> None:
    raise KeyboardInterrupt


def test_a_second_interrupt_detaches() -> None:
    cluster = Struck(observed=seen_before_add(), at_poll={1: interrupt})
    journal = MemoryJournal()
    with pytest.raises(Detached, match="goes on by itself on mdw") as caught:
        apply(run_on(cluster, journal=journal), "?")
    assert caught.value.exit_code == ExitCode.INTERRUPTED
    assert "gpmirror resume r1" in str(caught.value.hint)
    assert journal.records[-1]["step"] == "detach"


def test_an_interrupt_before_changes_says_so() -> None:
    cluster = Struck(observed=seen_before_add())
    journal = MemoryJournal()
    with pytest.raises(KeyboardInterrupt):
        apply(run_on(cluster, operator=Thinking(lambda: interrupt(cluster)), journal=journal), "?")
    assert journal.records[-1]["summary"] == "interrupted; nothing was changed"


def test_asked_to_stop_before_the_first_wave() -> None:
    cluster = FakeCluster(observed=seen_before_add())
    with pytest.raises(Partial, match="stopped before wave 1") as caught:
        apply(run_on(cluster, operator=FakeOperator(stop=True)), "?")
    assert cluster.started == []
    assert "gpmirror resume r1" in str(caught.value.hint)


def test_a_run_that_goes_on_is_not_resumed() -> None:
    cluster = FakeCluster(observed=seen_before_add(), holder=GHOST)
    records = [OPENING, step("host-actions", "begin")]
    told = read_standing("\n".join(map(json.dumps, records)), "journal")
    journal = MemoryJournal(records=list(records))
    run = run_on(cluster, journal=journal)
    with pytest.raises(Locked, match="run r1 still goes on in another process") as caught:
        resume(run, told, "me")
    assert "pg_terminate_backend(7)" in str(caught.value.hint)
    assert journal.records == records, "nothing is written into the journal of a run that goes on"
    assert 2 < run.world.clock.monotonic() < 10
