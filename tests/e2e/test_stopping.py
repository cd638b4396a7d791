"""What may be stopped is stopped: hosts that `ok-to-stop` allows, whole maintenance groups at once."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.practising import PracticeCluster
from tests.labs import Practice, practice_cluster

pytestmark = [
    *(pytest.mark.e2e, pytest.mark.postgres, pytest.mark.ssh, pytest.mark.slow),
    pytest.mark.xdist_group("practice"),
]


@pytest.fixture(scope="module")
def cluster(shared_labs: Callable[..., Practice]) -> PracticeCluster:
    """Four hosts with two primaries each, mirrored by group, with rows."""
    practice = shared_labs(dialect="gp6", hosts=4, primaries=2, addresses=1)
    found = PracticeCluster(practice)
    found.reset()
    found.write_rows()
    found.write_spec("group")
    found.apply()
    return found


def may_stop(cluster: PracticeCluster, *hosts: str) -> tuple[int, Any]:
    done = cluster.gpmirror("ok-to-stop", *hosts, "--json")
    assert done.returncode in {0, 4}, done.stderr
    return done.returncode, json.loads(done.stdout)


def groups_of(cluster: PracticeCluster) -> list[list[str]]:
    done = cluster.gpmirror("maintenance", "--json")
    assert done.returncode == 0, done.stderr
    found: list[list[str]] = json.loads(done.stdout)["groups"]
    return found


@contextmanager
def killed(cluster: PracticeCluster, hosts: "list[str] | tuple[str, ...]") -> Iterator[None]:
    """All of these die in one moment; afterwards they are back."""
    rows = [row for row in cluster.segments() if row.hostname in hosts]
    deaths = [cluster.start("lab", "kill", host) for host in hosts]
    assert [one.wait(timeout=120) for one in deaths] == [0] * len(hosts)
    for one in deaths:
        one.communicate()
    cluster.wait_until_down(rows)
    yield
    for host in hosts:
        assert cluster.gpmirror("lab", "restore", host).returncode == 0


def written(cluster: PracticeCluster) -> dict[int, frozenset[int]]:
    """What every content answers, read from whoever acts now."""
    return {content: cluster.rows(content) for content in sorted(cluster.contents())}


def recover(cluster: PracticeCluster) -> None:
    cluster.apply("gpmirror.yaml", "--rebalance", "--allow", "cancels-queries")
    assert cluster.is_whole()
    assert not cluster.switched()


def test_what_is_allowed_is_stopped_and_nothing_is_lost(cluster: PracticeCluster) -> None:
    before = written(cluster)
    hosts = sorted(cluster.site.hosts)
    answers = {pair: may_stop(cluster, *pair)[0] for pair in combinations(hosts, 2)}
    allowed = [pair for pair, code in answers.items() if code == 0]
    assert allowed == [("sdw1", "sdw3"), ("sdw2", "sdw4")]
    code, told = may_stop(cluster, *allowed[0])
    with killed(cluster, allowed[0]):
        assert written(cluster) == before
        acting = {row.content: row.hostname for row in cluster.segments() if row.role == "p"}
        for load in told["takeovers"]:
            assert load["after"] == list(acting.values()).count(load["host"]), "as was foretold"
        code, told = may_stop(cluster, "sdw2")
        assert code == 4, "no second host now"
        assert {one["why"] for one in told["lost"]} == {"other-down"}
        assert len(told["not_in_sync"]) == 8
        again, told = may_stop(cluster, "sdw1")
        assert (again, told["takeovers"]) == (0, []), "it is down already"
    waiter = cluster.start("ok-to-stop", "sdw2", "--wait", "10m")
    recover(cluster)
    out, err = waiter.communicate(timeout=300)
    assert (waiter.returncode, out.splitlines()[0]) == (0, "yes"), err
    assert "the other copy is down" in err
    assert written(cluster) == before


def test_a_whole_group_is_killed_at_once(cluster: PracticeCluster) -> None:
    before = written(cluster)
    groups = groups_of(cluster)
    assert sorted(host for group in groups for host in group) == sorted(cluster.site.hosts)
    (group, *_) = reversed(groups)
    assert len(group) == 2
    assert may_stop(cluster, *group)[0] == 0
    with killed(cluster, group):
        assert written(cluster) == before
    recover(cluster)


@pytest.mark.long
def test_the_script_takes_every_group(cluster: PracticeCluster) -> None:
    """As it is printed, with hosts that die and come back as the work."""
    before = written(cluster)
    script = cluster.gpmirror("maintenance", "--script").stdout
    begin, end = (script.index(f"YOUR WORK {word} HERE") for word in ("BEGINS", "ENDS"))
    first, last = script.index("\n", begin) + 1, script.rindex("\n", 0, end) + 1
    work = """
    for host do "$gpmirror" lab kill "$host"; done
    until "$gpmirror" status --json | grep -q '"single": 8'; do sleep 1; done
    "$gpmirror" status --json | grep -q '"none": 0'
    for host do "$gpmirror" lab restore "$host"; done
"""
    file = cluster.folder / "maintenance.sh"
    file.write_text(script[:first] + work + script[last:])
    environment = cluster.environment()
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["sh", str(file)],
        cwd=cluster.folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every group is done" in done.stderr
    assert written(cluster) == before
    recover(cluster)


@pytest.mark.long
@pytest.mark.parametrize("release", ["5.8.1", "7.0.0"])
def test_groups_of_other_releases_are_killed_at_once(release: str) -> None:
    with practice_cluster(hosts=4, primaries=1, release=release) as practice:
        cluster = PracticeCluster(practice)
        cluster.write_rows()
        cluster.write_spec("group")
        cluster.apply()
        before = written(cluster)
        group = groups_of(cluster)[0]
        assert len(group) == 2
        assert may_stop(cluster, *group)[0] == 0
        with killed(cluster, group):
            assert written(cluster) == before
        recover(cluster)
