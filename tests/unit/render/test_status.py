"""The status as people and programs see it."""

import json
from dataclasses import replace

import pytest

from gpmirror.boundary import Freshness
from gpmirror.errors import CannotDispatch
from gpmirror.model.observed import Replication
from gpmirror.model.segment import Mode, Role, Segment, Status
from gpmirror.preflight.model import Check, Result
from gpmirror.render.json import status_json, status_json_line
from gpmirror.render.status import (
    MOST_ROWS,
    is_metrics,
    status_changes,
    status_human,
    status_metrics,
    status_summary,
)
from gpmirror.run.status import Reading
from gpmirror.verify import judge_copies
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
    return Reading(
        observed=seen,
        replication=replication,
        health=judge_copies(seen, replication),
        freshness=Freshness.PROBED,
        interval=60.0,
    )


def broken() -> Reading:
    """Content 2 has no live copy: its mirror is down, its primary does not answer."""
    trouble = CannotDispatch(
        "mdw:5432 answered with an error: failed to acquire resources on one or more segments (could "
        "not connect to server: Connection refused (seg2 10.0.0.13:6000))",
        hint="",
        detail="could not connect to server: Connection refused (seg2 10.0.0.13:6000)",
        refused={2: "10.0.0.13:6000"},
    )
    rows = [
        replace(found, mode=Mode.NOT_IN_SYNC, status=Status.DOWN)
        if (found.content, found.role) == (2, Role.MIRROR)
        else found
        for found in mirrored(HOSTS, 1).segments
    ]
    seen = observed(rows, "gp6", server_version="6.24.3", source="mdw:5432")
    health = judge_copies(seen, None, refused=trouble.refused)
    return replace(healthy(), observed=seen, replication=(), health=health, trouble=trouble)


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

up to date (the fault prober was asked first)
All 3 contents in sync.
"""
BROKEN = """\
gpmirror status  gp6 (6.24.3), mdw:5432

mdw:5432 answered with an error: failed to acquire resources on one or more segments (could not connect to server:
  Connection refused (seg2 10.0.0.13:6000))

Needs attention
  content  state  primary    mirror     to replay
        2  none   sdw3:6000  sdw1:7000
                  both copies are down: sdw3:6000 and sdw1:7000; nothing answers at 10.0.0.13:6000

Coordinator
  coordinator  mdw:5432
  standby      none

What helps
  content 2: bring the host of sdw3:6000 back and restart the cluster (`gpstop -r`), which starts that server again;
    gprecoverseg cannot help, it needs a live primary

up to date (the fault prober was asked first); nobody can tell who streams, so copies are judged by the catalog alone
2 of 3 contents in sync: 1 none.
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

up to date (the fault prober was asked first)
1 of 3 contents in sync: 1 syncing, 1 single; 1 switched.
"""


@pytest.mark.parametrize(
    ("found", "cluster", "text"),
    [(healthy(), "prod", HEALTHY), (ailing(), None, AILING), (broken(), None, BROKEN)],
    ids=["healthy", "ailing", "broken"],
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
    assert text.splitlines()[-1].startswith("0 of 300 contents in sync: 300 single.")


def test_without_a_coordinator_row() -> None:
    found = reading(primaries(HOSTS, 1))
    assert "coordinator  not in the catalog" in status_human(
        found, cluster=None, width=80, color=False
    )
    assert json.loads(status_json(found, cluster=None))["coordinator"] is None


def test_changes_between_two_readings() -> None:
    assert status_changes(None, healthy()) == ["All 3 contents in sync."]
    assert status_changes(healthy(), healthy()) == []
    assert status_changes(healthy(), ailing()) == [
        (
            "content 1: synced -> syncing, roles switched "
            "(the mirror sdw2:6000 is in state catchup, not streaming)"
        ),
        "content 2: synced -> single (the mirror sdw1:7000 is down)",
        "1 of 3 contents in sync: 1 syncing, 1 single; 1 switched.",
    ]


def lost(*names: str, hosts: tuple[str, ...] = ("sdw1", "sdw2", "sdw3", "sdw4")) -> Reading:
    """These hosts died: mirrors act for their primaries, and nothing is up on them."""
    rows = []
    for one in mirrored(hosts, 1).segments:
        found = one
        home = int(one.content) % len(hosts)
        if one.hostname in names:
            found = replace(one, role=Role.MIRROR, mode=Mode.NOT_IN_SYNC, status=Status.DOWN)
        elif one.content >= 0 and one.role is Role.MIRROR and hosts[home] in names:
            found = replace(one, role=Role.PRIMARY, mode=Mode.NOT_IN_SYNC)
        rows.append(found)
    return reading(rows, tuple(follower(content) for content in range(len(hosts))))


def test_a_host_that_is_lost_as_a_whole_is_named_with_the_ways_out() -> None:
    flat = " ".join(status_human(lost("sdw3"), cluster=None, width=80, color=False).split())
    assert "Hosts that are down host sdw3: all its 2 copies are down." in flat
    assert "If it comes back soon: `gpmirror apply` once it answers." in flat
    assert "If it is lost: write `replaces: sdw3` in the spec" in flat
    assert (
        "content 2: once all contents are in sync `gpmirror apply --rebalance --allow "
        "cancels-queries` returns the roles"
    ) in flat
    assert "`gpmirror apply` first" not in flat, "apply can do nothing while the host is away"
    body = json.loads(status_json(lost("sdw3"), cluster=None))
    assert body["hosts_down"] == [{"host": "sdw3", "copies": 2}]


def test_several_lost_hosts_are_told_together() -> None:
    many = tuple(f"sdw{number}" for number in range(1, 21))
    two = status_human(lost("sdw1", "sdw3"), cluster=None, width=300, color=False)
    assert "  hosts sdw1, sdw3: all their 4 copies are down." in two
    ten = status_human(lost(*many[1::2], hosts=many), cluster=None, width=300, color=False)
    assert "all their 20 copies are down" in ten
    assert ten.count("copies are down") == 1


def test_a_host_of_which_something_is_up_is_not_called_down() -> None:
    for seen in (healthy(), ailing(), broken()):
        assert "Hosts that are down" not in status_human(seen, cluster=None, width=80, color=False)
        assert json.loads(status_json(seen, cluster=None))["hosts_down"] == []


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


def test_programs_are_told_how_fresh_it_is_and_who_does_not_answer() -> None:
    body = json.loads(status_json(broken(), cluster=None))
    assert body["knowledge"]["freshness"] == "probed"
    assert body["knowledge"]["probe_interval"] == 60
    assert body["trouble"]["refused"] == [{"content": 2, "address": "10.0.0.13:6000"}]
    assert body["trouble"]["detail"].startswith("could not connect to server")
    assert (body["all_synced"], body["counts"]["none"]) == (False, 1)
    assert body["contents"][2]["help"].startswith("bring the host of sdw3:6000 back")
    sound = json.loads(status_json(healthy(), cluster=None))
    assert (sound["trouble"], sound["contents"][0]["help"]) == (None, None)


@pytest.mark.parametrize(
    ("freshness", "words"),
    [
        (Freshness.PROBING, "has not ended yet: up and down are as the fault prober last saw them"),
        (Freshness.REFUSED, "this user may not, or it failed"),
        (Freshness.PRIMARIES, "every acting primary answered just now; mirrors are as"),
        (Freshness.LATE, "not every acting primary answered in time"),
        (Freshness.NOT_ASKED, "up to 60 s ago"),
    ],
)
def test_the_age_of_what_is_known_is_said(freshness: Freshness, words: str) -> None:
    found = replace(healthy(), freshness=freshness)
    text = " ".join(status_human(found, cluster=None, width=100, color=False).split())
    assert words in text
    assert text.endswith("All 3 contents in sync.")


def test_what_hosts_say_otherwise_is_shown_with_its_cure_and_ends_with_two() -> None:
    good = Check(host="sdw1", name="copies", result=Result.OK, detail="2 copies stand", remedy="")
    bad = replace(good, host="sdw2", result=Result.BAD, detail="port 7200, not 7001", remedy="stop")
    sound, edited = replace(healthy(), copies=(good,)), replace(healthy(), copies=(good, bad))
    assert (healthy().is_sound, sound.is_sound, edited.is_sound) == (True, True, False)
    text = status_human(edited, cluster=None, width=100, color=False)
    assert "  sdw2: port 7200, not 7001\n    -> stop\n" in text
    assert text.splitlines()[-1] == "All 3 contents in sync; copies on their hosts: 1 bad."
    assert status_human(sound, cluster=None, width=100, color=False).endswith("in sync.\n")
    body = json.loads(status_json(edited, cluster=None))
    assert body["hosts"][1] == {
        "host": "sdw2",
        "result": "bad",
        "detail": "port 7200, not 7001",
        "remedy": "stop",
    }
    assert json.loads(status_json(healthy(), cluster=None))["hosts"] is None


def figures(text: str) -> dict[str, str]:
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))


def test_metrics_of_an_ailing_cluster() -> None:
    text = status_metrics(ailing(), cluster="prod", seconds=1764550800.7)
    assert is_metrics(text)
    found = figures(text)
    assert found['gpmirror_up{cluster="prod"}'] == "1"
    assert found['gpmirror_last_try_timestamp_seconds{cluster="prod"}'] == "1764550800"
    assert found['gpmirror_in_sync{cluster="prod"}'] == "0"
    states = {name: int(n) for name, n in found.items() if name.startswith("gpmirror_contents")}
    assert sum(states.values()) == len(ailing().health.contents)
    alone = [name for name in found if name.startswith("gpmirror_only_copy_contents")]
    assert alone
    assert all('cluster="prod",host="sdw' in name for name in alone)


def test_every_metric_is_explained_once_before_its_figures() -> None:
    lines = status_metrics(ailing(), cluster="c", seconds=0).splitlines()
    helps = [line.split()[2] for line in lines if line.startswith("# HELP ")]
    assert len(helps) == len(set(helps))
    named = ""
    for line in lines:
        if line.startswith("# TYPE "):
            assert line == f"# TYPE {named} gauge"
        elif line.startswith("# HELP "):
            named = line.split()[2]
        else:
            assert line.partition("{")[0] == named


def test_metrics_of_a_healthy_cluster_name_no_host() -> None:
    text = status_metrics(healthy(), cluster="c", seconds=0)
    assert figures(text)['gpmirror_in_sync{cluster="c"}'] == "1"
    assert "host=" not in text


def test_a_catalog_that_could_not_be_read_is_a_figure() -> None:
    assert figures(status_metrics(None, cluster='a"b\\c\n', seconds=5)) == {
        'gpmirror_up{cluster="a\\"b\\\\c\\n"}': "0",
        'gpmirror_last_try_timestamp_seconds{cluster="a\\"b\\\\c\\n"}': "5",
    }
