"""The status as people and programs see it."""

import json
from dataclasses import replace

import pytest

from gpmirror.cluster.replication import Replication
from gpmirror.cluster.segment import Segment
from gpmirror.render.status import MOST_ROWS, status_changes, status_human, status_summary
from gpmirror.render.status_json import status_json, status_json_line
from gpmirror.verify import judge
from gpmirror.workflow.status import Reading
from tests.clusters import coordinator, mirrored, observed, primaries, row

HOSTS = ("sdw1", "sdw2", "sdw3")
STANDBY = row(50, -1, "m", "smdw", 5432)


def follower(content: int, state: str = "streaming", lag: int | None = 0) -> Replication:
    return Replication(
        content=content,
        application_name="gp_walreceiver",
        state=state,
        sync_state="sync",
        lag_bytes=lag,
    )


def reading(
    rows: "list[Segment] | tuple[Segment, ...]",
    replication: "tuple[Replication, ...]" = (),
    dialect: str = "gp6",
    **facts: object,
) -> Reading:
    seen = observed(rows, dialect, server_version="6.24.3", source="mdw:5432", **facts)
    return Reading(observed=seen, replication=replication, health=judge(seen, replication))


def healthy() -> Reading:
    rows = [*mirrored(HOSTS, 1).segments, STANDBY]
    return reading(rows, tuple(follower(content) for content in (-1, 0, 1, 2)))


def ailing() -> Reading:
    """0 in sync, 1 catching up with its roles switched, 2 with its mirror down."""
    rows = {found.dbid: found for found in mirrored(HOSTS, 1).segments}
    switched = [
        row(3, 1, "m", "sdw2", 6000, prefers="p", mode="n"),
        row(6, 1, "p", "sdw3", 7000, prefers="m", mode="n"),
        row(7, 2, "m", "sdw1", 7000, mode="n", status="d"),
        row(4, 2, "p", "sdw3", 6000, mode="n"),
    ]
    rows |= {found.dbid: found for found in switched}
    streams = (follower(0), follower(1, "catchup", 12_345_678))
    return reading([*rows.values(), replace(STANDBY)], streams, notes=("sizes are unknown: no",))


HEALTHY = """\
gpmirror status  prod, gp6 (6.24.3), mdw:5432

Coordinator
  coordinator  mdw:5432
  standby      smdw:5432, up, streaming

All 3 contents in sync; 0 switched.
"""
AILING = """\
gpmirror status  gp6 (6.24.3), mdw:5432

Needs attention
  content  state    primary    mirror     to replay  why
        1  syncing  sdw3:7000  sdw2:6000    12.3 MB  the mirror sdw2:6000 is in state catchup, \
not streaming
        2  single   sdw3:6000  sdw1:7000             the mirror sdw1:7000 is down

Coordinator
  coordinator  mdw:5432
  standby      smdw:5432, up

Switched roles
  content 1: `gpmirror apply` first, until all contents are in sync; then `gpmirror apply --rebalance \
--allow
    cancels-queries` returns the roles
note: sizes are unknown: no

1 of 3 contents in sync: 1 syncing, 1 single, 0 none; 1 switched.
"""


@pytest.mark.parametrize(
    ("found", "cluster", "text"),
    [(healthy(), "prod", HEALTHY), (ailing(), None, AILING)],
    ids=["healthy", "ailing"],
)
def test_the_whole_status(found: Reading, cluster: str | None, text: str) -> None:
    assert status_human(found, cluster=cluster, width=120, color=False) == text


def test_a_narrow_terminal_folds_and_keeps_the_summary_last() -> None:
    text = status_human(ailing(), cluster=None, width=40, color=True)
    assert "\x1b[31msingle\x1b[0m" in text
    assert "the mirror sdw1:7000 is down" in text
    assert status_summary(ailing().health) in text.splitlines()[-1]


def test_a_cluster_without_mirrors_is_one_sentence() -> None:
    text = status_human(
        reading([coordinator(), *primaries(HOSTS, 4)]), cluster=None, width=100, color=False
    )
    assert "no content has a mirror" in text
    assert "standby      none" in text
    assert text.count("sdw") == 0


def test_a_long_list_is_cut() -> None:
    seen = mirrored(tuple(f"sdw{number}" for number in range(300)), 1)
    text = status_human(reading(seen.segments), cluster=None, width=200, color=False)
    assert f"... {300 - MOST_ROWS} contents not listed here" in text
    assert text.splitlines()[-1].startswith("0 of 300 contents in sync: 0 syncing, 300 single")


def test_without_a_coordinator_row() -> None:
    found = reading(primaries(HOSTS, 1))
    assert "coordinator  not in the catalog" in status_human(
        found, cluster=None, width=80, color=False
    )
    assert json.loads(status_json(found, cluster=None))["coordinator"] is None


def test_changes_between_two_readings() -> None:
    assert status_changes(None, healthy()) == ["All 3 contents in sync; 0 switched."]
    assert status_changes(healthy(), healthy()) == []
    assert status_changes(healthy(), ailing()) == [
        (
            "content 1: synced -> syncing, roles switched "
            "(the mirror sdw2:6000 is in state catchup, not streaming)"
        ),
        "content 2: synced -> single (the mirror sdw1:7000 is down)",
        "1 of 3 contents in sync: 1 syncing, 1 single, 0 none; 1 switched.",
    ]


def test_the_document() -> None:
    found = json.loads(status_json(ailing(), cluster="prod"))
    assert found["all_synced"] is False
    assert found["counts"] == {
        "contents": 3,
        "synced": 1,
        "syncing": 1,
        "single": 1,
        "none": 0,
        "switched": 1,
    }
    assert found["standby"] == {"place": "smdw:5432", "up": True, "streaming": None}
    assert found["contents"][1]["lag_bytes"] == 12_345_678
    assert [found["cluster"], found["server"], found["server_version"]] == [
        "prod",
        "mdw:5432",
        "6.24.3",
    ]
    (one,) = status_json_line(healthy(), cluster=None).splitlines()
    assert json.loads(one)["all_synced"] is True
