"""One odd moment ends no run; what stays odd for a round of the fault prober does."""

from dataclasses import dataclass, field, replace

import pytest

from gpmirror.errors import ConnectionLost, Failure, InvalidInput, Overdue
from gpmirror.model.observed import Observed, Replication
from gpmirror.run.context import Run, Wishes
from gpmirror.run.gates import look_until
from gpmirror.run.look import replication
from tests.clusters import mirrored
from tests.fakes import FakeCluster, ManualClock, world_of
from tests.plans import HOSTS, adding


@dataclass
class Odd(FakeCluster):
    """Looks fail with these, one after the other; the last one for ever where `stays`."""

    failures: list[Exception] = field(default_factory=list)
    stays: bool = False
    reconnects: int = 0

    def observe(self) -> Observed:
        self._fail()
        return super().observe()

    def probe_seconds(self) -> float:
        raise Failure("not told", hint="")

    def reconnect(self) -> None:
        self.reconnects += 1

    def _fail(self) -> None:
        if self.failures:
            raise self.failures[0] if self.stays else self.failures.pop(0)


@dataclass
class Unanswered(FakeCluster):
    """Who streams is told at the second question at the earliest."""

    failures: list[Exception] = field(default_factory=list)

    def replication(self) -> tuple[Replication, ...]:
        if self.failures:
            raise self.failures.pop(0)
        return super().replication()


def run_on(cluster: FakeCluster, clock: ManualClock) -> Run:
    world = replace(world_of(cluster), clock=clock)
    return Run(name="r1", plan=adding(), world=world, wishes=Wishes(), started=0.0)


LOST = ConnectionLost("mdw is away", hint="wait")
INSANE = InvalidInput([])


def test_a_lost_session_and_half_a_catalog_are_looked_past() -> None:
    cluster = Odd(observed=mirrored(HOSTS), failures=[LOST, INSANE])
    clock = ManualClock()
    _, health = look_until(run_on(cluster, clock), lambda _, found: bool(found.contents))
    assert len(health.contents) == len(HOSTS)
    assert (cluster.reconnects, clock.now) == (1, 4.0)


@pytest.mark.parametrize("error", [LOST, INSANE])
def test_what_stays_odd_is_raised_after_a_round(error: Exception) -> None:
    cluster, clock = Odd(observed=mirrored(HOSTS), failures=[error], stays=True), ManualClock()
    with pytest.raises(type(error)):
        look_until(run_on(cluster, clock), lambda _seen, _health: True)
    assert 75 <= clock.now <= 80


def test_the_last_look_counts_where_none_is_good() -> None:
    cluster, clock = Odd(observed=mirrored(HOSTS)), ManualClock()
    look_until(run_on(cluster, clock), lambda _seen, _health: False)
    assert 75 <= clock.now <= 80
    assert cluster.probes > 10


def test_a_segment_that_just_died_is_asked_past() -> None:
    dead = Failure("failed to acquire resources on one or more segments", hint="")
    cluster = Unanswered(observed=mirrored(HOSTS), failures=[dead])
    assert len(replication(cluster, cluster.observed)) == len(HOSTS)
    assert cluster.probes == 1


@pytest.mark.parametrize("error", [LOST, Overdue("no answer in 60 s", hint="")])
def test_a_lost_or_slow_session_is_not_asked_again(error: Exception) -> None:
    cluster = Unanswered(observed=mirrored(HOSTS), failures=[error])
    with pytest.raises(type(error)):
        replication(cluster, cluster.observed)
    assert cluster.probes == 0
