"""Roles that switched when a primary died, and their way back."""

from collections.abc import Callable

import pytest

from tests.e2e.mending import BreakableCluster
from tests.labs import Practice

pytestmark = [
    *(pytest.mark.e2e, pytest.mark.postgres, pytest.mark.ssh, pytest.mark.slow),
    pytest.mark.xdist_group("mending"),
]
ALLOWED = ("--rebalance", "--allow", "cancels-queries")


@pytest.fixture(scope="module")
def mirrored(shared_labs: Callable[..., Practice]) -> BreakableCluster:
    """Three hosts with a primary and a mirror each."""
    cluster = BreakableCluster(shared_labs(dialect="gp6", hosts=3, primaries=1, addresses=1))
    cluster.mirror_all()
    cluster.write_rows()
    return cluster


def fail_over(cluster: BreakableCluster, content: int) -> None:
    told = cluster.practice.gpmirror("lab", "fail-over", str(content))
    assert told.returncode == 0, told.stderr
    assert f"Content {content} acts on {cluster.segment(content, 'p').hostname}" in told.stdout
    assert cluster.switched() == {content}


def test_recovered_first_returned_then(mirrored: BreakableCluster) -> None:
    written = mirrored.rows(0)
    fail_over(mirrored, 0)
    refused = mirrored.gpmirror("apply", "--yes", "--rebalance")
    assert refused.returncode == 4, refused.stderr
    assert "--allow cancels-queries" in refused.stderr
    done = mirrored.apply("gpmirror.yaml", *ALLOWED)
    assert "; no session is active" in done.stdout
    assert "replication lag: content 0 " in done.stdout
    assert done.stdout.index("! recover") < done.stdout.index("<> rebalance")
    assert not mirrored.switched()
    assert mirrored.is_whole()
    assert mirrored.rows(0) == written


def test_nothing_returns_while_another_content_is_out_of_sync(mirrored: BreakableCluster) -> None:
    fail_over(mirrored, 0)
    done = mirrored.apply()
    assert "content 0 is not in its preferred role" in done.stdout
    assert "gpmirror apply --rebalance" in done.stdout
    plan = mirrored.plan(*ALLOWED)
    assert plan["summary"]["rebalance"] == 1
    assert [wave["action"] for wave in plan["waves"]] == ["rebalance"]

    mirrored.crash_mirror(1)
    refused = mirrored.gpmirror("apply", "plan.json", "--yes")
    assert refused.returncode == 9, refused.stderr
    assert "content 1 is single" in refused.stderr
    assert mirrored.switched() == {0}

    mirrored.apply()
    mirrored.apply("plan.json")
    assert not mirrored.switched()
    assert mirrored.is_whole()
    assert mirrored.gpmirror("plan", "--rebalance", "--detailed-exitcode").returncode == 0


def test_a_mirror_out_of_sync_cannot_take_over(mirrored: BreakableCluster) -> None:
    mirrored.crash_mirror(2)
    told = mirrored.practice.gpmirror("lab", "fail-over", "2")
    assert told.returncode == 1
    assert "nothing could take over" in told.stderr
    mirrored.apply()
    assert mirrored.is_whole()
