"""`gpmirror` killed at the records of a move in several waves, then resumed: it arrives every time."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.clusters import laid_out, wanted
from tests.e2e.practising import PracticeCluster
from tests.labs import Practice

pytestmark = [
    *(pytest.mark.e2e, pytest.mark.postgres, pytest.mark.ssh, pytest.mark.slow),
    pytest.mark.xdist_group("practice"),
]
ALLOWED = ("--allow", "guard:moves_percent")
WAVES = "apply: {waves: {max_contents: 1}}\n"
MOVING = (0, 3, 5)
HOME, AWAY = "/data/mirror/", "/data/mirror2/"
BOUNDARIES = [
    ("host-actions", "begin"),
    ("wave-001/native", "begin"),
    ("wave-001/sync", "done"),
    ("wave-002/native", "begin"),
    ("wave-002/sync", "done"),
    ("wave-003/native", "begin"),
    ("wave-003/sync", "done"),
]


@pytest.fixture(scope="module")
def mirrored(shared_labs: Callable[..., Practice]) -> Iterator[PracticeCluster]:
    practice = shared_labs(dialect="gp6", hosts=4, primaries=2, addresses=1)
    practice.reset()
    cluster = PracticeCluster(practice)
    cluster.write_spec("group")
    cluster.apply()
    yield cluster
    practice.reset()


@pytest.mark.parametrize(("step", "state"), BOUNDARIES)
def test_killed_there_it_is_resumed_to_the_end(
    mirrored: PracticeCluster, step: str, state: str
) -> None:
    cluster = mirrored
    plan = the_other_layout(cluster)
    assert len(plan["waves"]) == 3
    known = set(cluster.runs())
    killed_at(cluster, step, state)
    (run,) = set(cluster.runs()) - known
    if changed(cluster, run):
        resumed = cluster.gpmirror("resume", run, "--yes", *cluster.allowing())
        assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    else:
        cluster.apply("plan.json")
    assert laid_out(cluster) == wanted(plan)
    assert cluster.streaming() == cluster.contents()
    assert cluster.gpmirror("plan", "--detailed-exitcode").returncode == 0
    assert utilities_ran_once(cluster, run)
    pruned = cluster.gpmirror("prune", run, "--yes")
    assert pruned.returncode == 0, pruned.stderr
    assert "3 directories deleted, 0 kept" in pruned.stdout


def the_other_layout(cluster: PracticeCluster) -> Any:
    """Three mirrors move to another root, or back."""
    mirrors = {row.content: row.directory for row in cluster.segments() if row.role == "m"}
    pins = "".join(
        f"    - {{content: {content}, directory: {mirrors[content].replace(HOME, AWAY)!r}}}\n"
        for content in MOVING
    )
    away = any(AWAY in directory for directory in mirrors.values())
    cluster.write_spec("group", WAVES if away else f"  pins:\n{pins}{WAVES}")
    return cluster.plan(*ALLOWED, *cluster.allowing())


def killed_at(cluster: PracticeCluster, step: str, state: str) -> None:
    """Apply, and kill -9 once the journal holds the record."""
    known = set(cluster.runs())
    with cluster.start("apply", "plan.json", "--yes", *cluster.allowing()) as running:
        deadline = time.monotonic() + cluster.patience
        while not has_record(cluster, known, step, state):
            assert running.poll() is None, running.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.005)
        running.send_signal(signal.SIGKILL)
        running.communicate()
    assert running.returncode == -signal.SIGKILL


def has_record(cluster: PracticeCluster, known: set[str], step: str, state: str) -> bool:
    return any(
        (record.get("step"), record.get("state")) == (step, state)
        for run in set(cluster.runs()) - known
        for record in records(cluster, run)
    )


def records(cluster: PracticeCluster, run: str) -> list[dict[str, Any]]:
    journal = cluster.state / run / "journal.jsonl"
    lines = journal.read_text(encoding="utf-8").splitlines() if journal.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def changed(cluster: PracticeCluster, run: str) -> bool:
    begun = {str(record.get("step", "")) for record in records(cluster, run)}
    return any(name == "host-actions" or "/" in name for name in begun)


def utilities_ran_once(cluster: PracticeCluster, run: str) -> bool:
    """Every utility of the run wrote its first line at most once."""
    script = f"grep -c 'Starting gprecoverseg' ~/.gpmirror/runs/{run}/*.log /dev/null || :"
    counts = [line.rpartition(":")[2] for line in cluster.ssh("mdw", script).splitlines()]
    assert counts
    return set(counts) <= {"0", "1"}
