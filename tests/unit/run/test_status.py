"""Readings again and again, on a clock turned by hand."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

import pytest

from gpmirror.boundary import Freshness, LockHolder, OtherWork, Sizes
from gpmirror.errors import CannotDispatch, ConnectionLost, Failure, InvalidInput
from gpmirror.model.observed import CopyProgress, Observed, Replication
from gpmirror.model.segment import Mode
from gpmirror.run.status import Reading, read_status, readings, until_synced, with_life
from tests.clusters import coordinator, mirrored, observed, row


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
    streams: CannotDispatch | None = None
    """Raised instead of telling who streams."""
    silent: CannotDispatch | None = None
    """Raised by the query that every primary is to answer (before 6)."""

    def sizes(self) -> Sizes:
        return Sizes(by_content={}, note=None)

    def observe(self) -> Observed:
        self.said.append("observe")
        found = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(found, Exception):
            raise found
        return found

    def replication(self) -> tuple[Replication, ...]:
        self.said.append("replication")
        if self.streams is not None:
            raise self.streams
        return (STREAMING,)

    def copying(self) -> tuple[CopyProgress, ...]:
        return ()

    def request_probe(self) -> None:
        self.said.append("probe")

    def probe_seconds(self) -> float:
        return 60.0

    def busy_sessions(self) -> int | None:
        return None

    def other_work(self) -> OtherWork:
        return OtherWork()

    def refresh(self) -> Freshness:
        self.said.append("probe")
        if self.silent is not None:
            raise self.silent
        return Freshness.PROBED

    def ask_primaries(self) -> bool:
        self.said.append("primaries")
        return True

    def lock(self, name: str) -> LockHolder | None:
        return None

    def reconnect(self) -> None:
        self.said.append("reconnect")


def states(found: Iterator[Reading | Failure]) -> list[str]:
    return [
        each.health.contents[0].state.value if isinstance(each, Reading) else "lost"
        for each in found
    ]


def test_one_look_asks_for_a_probe_first() -> None:
    catalog = ScriptedCatalog([SYNCED])
    found = read_status(catalog)
    assert (found.is_sound, found.freshness, found.interval) == (True, Freshness.PROBED, 60.0)
    assert catalog.said == ["probe", "observe", "replication"]


def test_without_a_probe_nothing_asks_for_one() -> None:
    catalog = ScriptedCatalog([SYNCED], streams=REFUSED)
    found = read_status(catalog, probe=False)
    assert found.freshness is Freshness.NOT_ASKED
    assert catalog.said == ["observe", "replication", "observe"]
    list(islice(readings(catalog, HandClock(), every=4, probe=False), 5))
    assert "probe" not in catalog.said


REFUSED = CannotDispatch(
    "mdw:5432 answered with an error: failed to acquire resources on one or more segments",
    hint="restart",
    detail="could not connect to server: Connection refused (seg0 10.0.0.11:6000)",
    refused={0: "10.0.0.11:6000"},
)


def lone(mode: str, status: str = "u") -> Observed:
    """Content 0 with a mirror of this mode and status, content 1 in sync."""
    return observed(
        [
            coordinator(),
            row(2, 0, "p", "sdw1", 6000, mode=mode),
            row(3, 0, "m", "sdw2", 7000, mode=mode, status=status),
            row(4, 1, "p", "sdw2", 6000),
            row(5, 1, "m", "sdw1", 7000),
        ]
    )


@pytest.mark.parametrize(
    ("seen", "state", "helps"),
    [
        (lone("n", "d"), "none", "restart the cluster (`gpstop -r`)"),
        (lone("s"), "none", "restart the cluster (`gpstop -r`)"),
        (lone("n"), "none", "restart the cluster (`gpstop -r`)"),
    ],
)
def test_a_cluster_that_cannot_answer_as_a_whole_still_shows_its_catalog(
    seen: Observed, state: str, helps: str
) -> None:
    found = read_status(ScriptedCatalog([seen], streams=REFUSED))
    first, second = found.health.contents
    assert first.state.value == state
    assert first.reason.endswith("; nothing answers at 10.0.0.11:6000")
    assert helps in first.help
    assert (second.state.value, second.help) == ("synced", "")
    assert (found.is_sound, found.trouble, found.replication) == (False, REFUSED, ())


def test_a_detail_that_names_nobody_is_not_taken_for_health() -> None:
    silent = CannotDispatch("failed", hint="", detail="", refused={})
    found = read_status(ScriptedCatalog([lone("s")], streams=silent))
    assert found.health.all_synced
    assert not found.is_sound


def test_before_6_the_query_of_all_primaries_tells_who_is_dead() -> None:
    rows = [
        coordinator(),
        row(2, 0, "p", "sdw1", 6000, replication=8000),
        row(3, 0, "m", "sdw2", 7000, replication=9000),
    ]
    found = read_status(ScriptedCatalog([observed(rows, dialect="gp5")], silent=REFUSED))
    assert found.health.contents[0].state.value == "single"
    assert found.trouble is REFUSED


def test_another_primary_by_now_is_not_the_one_that_did_not_answer() -> None:
    turned = observed(
        [
            coordinator(),
            row(2, 0, "m", "sdw1", 6000, prefers="p", mode="n", status="d"),
            row(3, 0, "p", "sdw2", 7000, prefers="m", mode="n"),
        ]
    )
    (content,) = read_status(ScriptedCatalog([turned], streams=REFUSED)).health.contents
    assert content.reason == "the mirror sdw1:6000 is down"


def test_without_any_mirror_the_primaries_are_asked() -> None:
    catalog = ScriptedCatalog([observed([coordinator(), row(2, 0, "p", "sdw1", 6000)])])
    read_status(catalog)
    assert catalog.said == ["probe", "observe", "primaries"]


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


def of_5(*contents: int) -> Observed:
    """Two contents of 5 in sync, but for those that resynchronise."""
    seen = mirrored(["sdw1", "sdw2"], dialect="gp5")
    rows = [
        replace(row, mode=Mode.RESYNCING) if row.content in contents else row
        for row in seen.segments
    ]
    return replace(seen, segments=tuple(rows))


DEAD = "no server works in sdw2:/data/mirror/gpseg0 and nothing copies into it"


def test_a_mirror_that_is_not_there_is_told_as_one_that_lacks() -> None:
    read = read_status(ScriptedCatalog([of_5(0)]))
    assert [one.state for one in read.health.contents] == ["syncing", "synced"]
    found = with_life(read, {0: DEAD}, ["sdw3 does not answer"]).health.contents[0]
    assert (found.state, found.reason.endswith(f"but {DEAD}")) == ("single", True)
    assert "gp_segment_connect_timeout" in found.help
    assert with_life(read, {}) is read


def test_waiting_ends_where_all_that_is_waited_for_is_not_there() -> None:
    clock, asked = HandClock(), []

    def life(observed: Observed) -> tuple[dict[int, str], tuple[str, ...]]:
        asked.append(clock.monotonic())
        return ({0: DEAD} if len(asked) > 1 else {}), ()

    catalog = ScriptedCatalog([of_5(0)])
    found = list(until_synced(catalog, clock, seconds=7200, every=2, life=life))
    assert [states(iter([one]))[0] for one in found[-2:]] == ["syncing", "single"]
    assert [round(at) for at in asked] == [0, 60]
    both = ScriptedCatalog([of_5(0, 1)])
    assert clock.monotonic() < 100
    list(until_synced(both, clock, seconds=300, every=2, life=lambda _: ({0: DEAD}, ())))
    assert clock.monotonic() > 300, "content 1 may still come"
