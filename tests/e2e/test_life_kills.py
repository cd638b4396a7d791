"""`gpmirror` killed before and after the records of a move in three waves, then resumed: it arrives
every time. An even sample of them; the profile `thorough` takes them all.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.clusters import laid_out, wanted
from tests.e2e.practising import PracticeCluster
from tests.labs import Practice

pytestmark = [
    pytest.mark.long,
    *(pytest.mark.e2e, pytest.mark.postgres, pytest.mark.ssh, pytest.mark.slow),
    pytest.mark.xdist_group("practice"),
]
ALLOWED = ("--allow", "guard:moves_percent")
WAVES = "apply: {waves: {max_contents: 1}}\n"
MOVING = (0, 3, 5)
HOME, AWAY = "/data/mirror/", "/data/mirror2/"

_BEFORE = ("lock", "observe", "confirm", "preflight", "dry-run", "host-actions")
_WAVES = [f"wave-{n:03d}/{step}" for n in (1, 2, 3) for step in ("gate", "native", "sync")]
_STEPS = [f"{step} {s}" for step in (*_BEFORE, *_WAVES, "verify") for s in ("begin", "done")]
RECORDS = ("run", *_STEPS, "end")
"""All that the journal of a move in three waves holds."""

BOUNDARIES = [(n, when) for n in range(1, len(RECORDS) + 1) for when in ("before", "after")]
EVERY = 1 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 17
SAMPLE = BOUNDARIES[9::EVERY] if EVERY > 1 else BOUNDARIES


@pytest.fixture(scope="module")
def mirrored(shared_labs: Callable[..., Practice]) -> Iterator[PracticeCluster]:
    practice = shared_labs(dialect="gp6", hosts=4, primaries=2, addresses=1)
    practice.reset()
    cluster = PracticeCluster(practice)
    cluster.write_spec("group")
    cluster.apply()
    yield cluster
    practice.reset()


def test_killed_at_any_record_it_is_resumed_to_the_end(
    mirrored: PracticeCluster, record_property: Callable[[str, object], None]
) -> None:
    assert written_undisturbed(mirrored) == RECORDS
    for number, when in SAMPLE:
        converges(mirrored, number, when)
    share = "" if len(SAMPLE) == len(BOUNDARIES) else f" of {len(BOUNDARIES)}"
    told = f"kill -9 at {len(SAMPLE)}{share} step boundaries of a three-wave move: all converged"
    more = "; HYPOTHESIS_PROFILE=thorough takes every one" if share else ""
    record_property("told", told + more)


def written_undisturbed(cluster: PracticeCluster) -> tuple[str, ...]:
    """What a run that nobody kills writes down."""
    the_other_layout(cluster)
    cluster.apply("plan.json")
    run = cluster.runs()[-1]
    found = written(cluster, run)
    assert cluster.gpmirror("prune", run, "--yes").returncode == 0
    return found


def converges(cluster: PracticeCluster, number: int, when: str) -> None:
    """Killed there, the way on leads to the layout that was wanted."""
    plan = the_other_layout(cluster)
    assert len(plan["waves"]) == 3
    run = killed_at(cluster, number, when)
    case = f"killed {when} record {number}, {RECORDS[number - 1]}"
    resumed = cluster.gpmirror("resume", run, "--yes", *cluster.allowing())
    told = f"{case}: {resumed.stdout}{resumed.stderr}"
    if resumed.returncode == 1:
        assert not changed(cluster, run) or "is complete" in resumed.stderr, told
        cluster.apply("plan.json")
        run = run if changed(cluster, run) else cluster.runs()[-1]
    else:
        assert resumed.returncode == 0, told
    assert laid_out(cluster) == wanted(plan), told
    assert cluster.streaming() == cluster.contents(), told
    assert cluster.gpmirror("plan", "--detailed-exitcode").returncode == 0, told
    assert utilities_ran_once(cluster, run), told
    pruned = cluster.gpmirror("prune", run, "--yes")
    assert pruned.returncode == 0, f"{case}: {pruned.stderr}"
    assert "3 directories deleted" in pruned.stdout, f"{case}: {pruned.stdout}"


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


def killed_at(cluster: PracticeCluster, number: int, when: str) -> str:
    """Apply with a death at that record; the run's name."""
    known = set(cluster.runs())
    words = [str(number), when, "apply", "plan.json", "--yes", *cluster.allowing()]
    died = subprocess.run(
        [sys.executable, "-m", "tests.e2e.mortal", *words],
        cwd=cluster.folder,
        env=cluster.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=cluster.patience,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL, died.stdout + died.stderr
    (run,) = set(cluster.runs()) - known
    assert written(cluster, run) == RECORDS[: number - (when == "before")]
    return run


def written(cluster: PracticeCluster, run: str) -> tuple[str, ...]:
    """What its journal holds, a word or two a record."""
    return tuple(
        f"{record['step']} {record['state']}" if record["record"] == "step" else record["record"]
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
