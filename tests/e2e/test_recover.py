"""Copies that went down: caught up, copied again, put elsewhere; and what only looks like success."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gpmirror.lab.faults import Faults
from tests.e2e.clusters import methods
from tests.e2e.mending import BreakableCluster
from tests.labs import Practice

pytestmark = [
    pytest.mark.long,
    *(pytest.mark.e2e, pytest.mark.postgres, pytest.mark.ssh, pytest.mark.slow),
    pytest.mark.xdist_group("mending"),
]
_ONE_AT_A_TIME = "apply: {waves: {max_contents: 1}}\n"


@pytest.fixture(scope="module")
def mirrored(shared_labs: Callable[..., Practice]) -> BreakableCluster:
    """Three hosts with a primary and a mirror each, one recovery at a time."""
    cluster = BreakableCluster(shared_labs(dialect="gp6", hosts=3, primaries=1, addresses=1))
    cluster.mirror_all(more=_ONE_AT_A_TIME)
    return cluster


def test_half_copies_and_lost_directories_are_copied_anew(mirrored: BreakableCluster) -> None:
    half, lost = mirrored.crash_mirror(0), mirrored.crash_mirror(1)
    signals = f"{half.directory}/standby.signal {half.directory}/recovery.conf"
    mirrored.ssh(half.address, f"touch {half.directory}/backup_label; rm -f {signals}")
    mirrored.ssh(lost.address, f"rm -r {lost.directory}")

    mirrored.gpmirror("snapshot", "-o", "blind.json")
    blind = mirrored.plan("--catalog", "blind.json")
    assert set(methods(blind).values()) == {("incremental", "directory not inspected")}
    refused = mirrored.gpmirror("apply", "plan.json", "--yes")
    assert refused.returncode == 9, refused.stderr
    for content, words in ((0, "partial base backup"), (1, "is not there")):
        assert words in refused.stderr
        assert f"gpmirror plan --full --content {content}" in refused.stderr

    told = mirrored.gpmirror("snapshot", "--hosts", "-o", "seen.json")
    assert "2 down copies inspected" in told.stderr
    seen = methods(mirrored.plan("--catalog", "seen.json"))
    live = mirrored.plan()
    assert methods(live) == seen
    assert seen == {
        0: ("full", "its directory holds a partial base backup"),
        1: ("full", "its directory is absent"),
    }
    assert [wave["contents"] for wave in live["waves"]] == [[0], [1]]
    mirrored.apply("plan.json")
    assert mirrored.is_whole()


def test_one_of_two_copies_is_recovered_while_the_host_of_the_other_is_gone(
    mirrored: BreakableCluster,
) -> None:
    """Group: content 0 has its mirror on sdw2, content 1 on sdw3."""
    mirrored.crash_mirror(0)
    gone = [row for row in mirrored.segments() if row.hostname == "sdw3"]
    mirrored.kill_host("sdw3")
    mirrored.wait_until_down(gone)
    plan = mirrored.plan("--content", "0")
    assert methods(plan) == {0: ("incremental", None)}
    mirrored.apply("plan.json")
    assert mirrored.copy(mirrored.segment(0, "m")).status == "u"
    whole = mirrored.plan()
    assert "were not inspected" in " ".join(whole["warnings"])
    refused = mirrored.gpmirror("apply", "plan.json", "--yes")
    assert refused.returncode == 9, refused.stderr
    assert mirrored.practice.gpmirror("lab", "restore", "sdw3").returncode == 0
    mirrored.apply("gpmirror.yaml", "--rebalance", "--allow", "cancels-queries")
    assert mirrored.is_whole()
    assert not mirrored.switched()


def test_a_utility_that_skips_and_exits_with_0_is_not_believed(mirrored: BreakableCluster) -> None:
    mirrored.crash_mirror(2)
    with mirrored.faults(Faults(exit_zero_do_nothing=True)):
        done = mirrored.gpmirror("apply", "--yes")
    assert done.returncode == 11, done.stdout + done.stderr
    assert "exit 0" in done.stderr
    resumed = mirrored.gpmirror("resume", "--yes")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert mirrored.is_whole()


def test_a_lock_that_somebody_left_is_found_first(mirrored: BreakableCluster) -> None:
    mirrored.crash_mirror(2)
    lock = f"{mirrored.practice.lab.coordinator_data}/gprecoverseg.lock"
    mirrored.ssh("mdw", f"mkdir {lock} && echo 999999 > {lock}/PID")
    try:
        refused = mirrored.gpmirror("apply", "--yes")
        assert refused.returncode == 7, refused.stderr
        assert "gprecoverseg.lock" in refused.stderr
        assert "--allow dead-lock" in refused.stderr
        allowed = mirrored.gpmirror("apply", "--yes", "--allow", "dead-lock")
        assert allowed.returncode == 0, allowed.stdout + allowed.stderr
        assert f"{lock} removed" in allowed.stdout
        assert not Path(lock).exists()
    finally:
        mirrored.ssh("mdw", f"rm -rf {lock}")
    assert mirrored.is_whole()


def test_a_failed_add_is_repaired_by_resume(mirrored: BreakableCluster) -> None:
    mirrored.practice.reset()
    with mirrored.faults(Faults(fail_copy=(1,))):
        failed = mirrored.gpmirror("apply", "--yes")
    assert failed.returncode == 10, failed.stdout + failed.stderr
    assert mirrored.segment(1, "m").status == "d"
    resumed = mirrored.gpmirror("resume", "--yes")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert "1 recovered" in resumed.stdout
    assert mirrored.is_whole()
