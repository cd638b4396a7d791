"""Readings again and again, on a clock turned by hand."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

import pytest

from gpmirror.boundary import LockHolder, Sizes
from gpmirror.cluster.observed import Observed
from gpmirror.cluster.replication import CopyProgress, Replication
from gpmirror.errors import ConnectionLost, Failure, InvalidInput
from gpmirror.workflow.status import Reading, read_status, readings, until_synced
from tests.clusters import coordinator, observed, row


def cluster(mode: str) -> Observed:
    return observed(
        [
            coordinator(),
            row(2, 0, "p", "sdw1", 6000, mode=mode),
            row(3, 0, "m", "sdw2", 7000, mode=mode),
        ]
    )


STREAMING = Replication(
    content=0, application_name="gp_walreceiver", state="streaming", sync_state="sync"
)
SYNCED, SYNCING = cluster("s"), cluster("n")


@dataclass
class HandClock:
    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class ScriptedCatalog:
    """Answers what the script says, the last entry for ever; errors are raised."""

    script: list[Observed | Exception]
    said: list[str] = field(default_factory=list)

    def sizes(self) -> Sizes:
        return Sizes(by_content={}, note=None)

    def observe(self) -> Observed:
        self.said.append("observe")
        found = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(found, Exception):
            raise found
        return found

    def replication(self) -> tuple[Replication, ...]:
        return (STREAMING,)

    def copying(self) -> tuple[CopyProgress, ...]:
        return ()

    def request_probe(self) -> None:
        self.said.append("probe")

    def probe_seconds(self) -> float:
        return 60.0

    def busy_sessions(self) -> int | None:
        return None

    def competing(self) -> tuple[str, ...]:
        return ()

    def paused_expansion(self) -> str | None:
        return None

    def lock(self, name: str) -> LockHolder | None:
        return None

    def reconnect(self) -> None:
        self.said.append("reconnect")


def states(found: Iterator[Reading | Failure]) -> list[str]:
    return [
        each.health.contents[0].state.value if isinstance(each, Reading) else "lost"
        for each in found
    ]


def test_one_look_asks_for_no_probe() -> None:
    catalog = ScriptedCatalog([SYNCED])
    assert read_status(catalog).health.all_synced
    assert catalog.said == ["observe"]


def test_waiting_ends_when_all_are_in_sync() -> None:
    clock = HandClock()
    catalog = ScriptedCatalog([SYNCING, SYNCING, SYNCED])
    found = states(until_synced(catalog, clock, seconds=600, every=2))
    assert found == ["syncing", "syncing", "synced"]
    assert clock.slept == [2, 2]


def test_waiting_ends_at_the_deadline() -> None:
    clock = HandClock()
    found = states(until_synced(ScriptedCatalog([SYNCING]), clock, seconds=7, every=2))
    assert found == ["syncing"] * 5
    assert clock.now == 8


def test_probes_are_asked_for_at_first_and_then_every_ten_seconds() -> None:
    catalog = ScriptedCatalog([SYNCING])
    list(islice(readings(catalog, HandClock(), every=4), 7))
    probes = [number for number, said in enumerate(catalog.said) if said == "probe"]
    assert len(probes) == 3
    assert catalog.said[0] == "probe"


def test_a_lost_connection_is_told_and_made_again() -> None:
    lost = ConnectionLost("the session ended")
    catalog = ScriptedCatalog([SYNCING, lost, lost, SYNCED])
    found = states(until_synced(catalog, HandClock(), seconds=600, every=2))
    assert found == ["syncing", "lost", "lost", "synced"]
    assert catalog.said.count("reconnect") == 2


def test_a_connection_that_stays_lost_ends_at_the_deadline() -> None:
    catalog = ScriptedCatalog([ConnectionLost("gone")])
    assert states(until_synced(catalog, HandClock(), seconds=3, every=2)) == ["lost"] * 3


def test_a_damaged_catalog_ends_it() -> None:
    catalog = ScriptedCatalog([SYNCING, InvalidInput([])])
    with pytest.raises(InvalidInput):
        list(until_synced(catalog, HandClock(), seconds=60, every=2))
