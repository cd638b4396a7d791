"""What a plan holds on to, and what may change by itself."""

from dataclasses import replace

import pytest

from gpmirror.model.observed import Observed
from gpmirror.model.segment import Mode, Status
from gpmirror.spec.model import Pin
from tests import clusters

HOSTS = ["sdw1", "sdw2", "sdw3"]
SEEN = clusters.mirrored(HOSTS)
SPEC = replace(clusters.spec(HOSTS), pins=(Pin(content=0, port=7100, place=clusters.PLACE),))


def _digest(seen: Observed) -> str:
    return clusters.planned(SPEC, seen).fingerprint.digest


def _with(number: int, /, **cells: object) -> Observed:
    rows = [
        replace(row, **cells) if row.dbid == number else row  # type: ignore[arg-type]
        for row in SEEN.segments
    ]
    return replace(SEEN, segments=tuple(rows))


@pytest.mark.parametrize(
    "other",
    [
        _with(2, dbid=77),
        _with(3, mode=Mode.NOT_IN_SYNC),
        replace(SEEN, source="another name"),
        replace(SEEN, notes=("a remark",)),
        replace(SEEN, sizes={0: 1}),
    ],
)
def test_it_ignores_what_changes_by_itself(other: Observed) -> None:
    assert _digest(other) == _digest(SEEN)


@pytest.mark.parametrize(
    "other",
    [
        _with(2, port=6100),
        _with(2, directory="/elsewhere"),
        _with(5, address="sdw2-b"),
        _with(5, status=Status.DOWN),
        _with(4, port=6009),
        _with(1, port=5433),
        replace(SEEN, system_identifier="42"),
        replace(SEEN, server_version="6.25.0"),
    ],
)
def test_it_notices_what_matters(other: Observed) -> None:
    assert _digest(other) != _digest(SEEN)


def test_it_names_the_touched_rows_and_everything_in_use() -> None:
    found = clusters.planned(SPEC, SEEN).fingerprint
    assert found.coordinator == "mdw mdw 5432 /data/master/gpseg-1"
    assert [item.content for item in found.contents] == [0]
    assert found.contents[0].rows == (
        "p/p sdw1 sdw1 6000 /data/primary/gpseg0",
        "m/m sdw2 sdw2 7000 /data/mirror/gpseg0",
    )
    assert "sdw3:7000" in found.in_use
    assert "sdw1:/data/primary/gpseg0" in found.in_use
    assert len(found.in_use) == 14


def test_replication_ports_and_filespaces_are_in_use_too() -> None:
    rows = [
        replace(row, replication_port=row.port + 3000, filespaces=(("fast", f"/f/{row.dbid}"),))
        if row.content >= 0
        else row
        for row in clusters.mirrored(HOSTS, dialect="gp5").segments
    ]
    seen = replace(clusters.mirrored(HOSTS, dialect="gp5"), segments=tuple(rows))
    hosts = [clusters.host(n, filespace_roots=(("fast", ("/f",)),)) for n in HOSTS]
    seen = replace(seen, filespaces=("fast",))
    plan = clusters.planned(clusters.spec(hosts), seen)
    assert {"sdw1:/f/2", "sdw1:9000"} <= set(plan.fingerprint.in_use)


def test_without_a_coordinator_row_it_is_left_open() -> None:
    seen = replace(SEEN, segments=SEEN.segments[1:])
    assert clusters.planned(SPEC, seen).fingerprint.coordinator == ""
