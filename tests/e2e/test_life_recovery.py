"""Copies that went down come back on any cluster: caught up, copied again, with their roles."""

import pytest

from tests.e2e.clusters import Cluster, methods

pytestmark = [
    pytest.mark.long,
    *(pytest.mark.e2e, pytest.mark.postgres, pytest.mark.ssh, pytest.mark.slow),
    pytest.mark.xdist_group("practice"),
]
RETURNING = ("--rebalance", "--allow", "cancels-queries")


@pytest.fixture(scope="module")
def mirrored(cluster: Cluster) -> Cluster:
    """Mirrored by group, with rows."""
    cluster.write_rows()
    cluster.write_spec("group")
    cluster.apply()
    return cluster


def test_a_mirror_that_died_is_caught_up(mirrored: Cluster) -> None:
    mirrored.crash_mirror(0)
    assert mirrored.gpmirror("status").returncode == 2
    assert methods(mirrored.plan(*mirrored.allowing())) == {0: ("incremental", None)}
    done = mirrored.apply("plan.json")
    assert "1 recovered" in done.stdout
    assert mirrored.is_whole()
    again = mirrored.apply("plan.json")
    assert "already applied" in again.stdout


def test_a_lost_directory_is_copied_anew(mirrored: Cluster) -> None:
    written = mirrored.rows(2)
    mirrored.crash_mirror(1)
    lost = mirrored.crash_mirror(2)
    mirrored.ssh(lost.address, f"rm -r {lost.directory}")
    plan = mirrored.plan(*mirrored.allowing())
    assert methods(plan) == {1: ("incremental", None), 2: ("full", "its directory is absent")}
    done = mirrored.apply("plan.json")
    assert "2 recovered" in done.stdout
    assert mirrored.is_whole()
    assert mirrored.rows(2) == written


def test_roles_return_when_that_is_allowed(mirrored: Cluster) -> None:
    written = mirrored.rows(0)
    mirrored.crash(mirrored.segment(0, "p"))
    assert mirrored.switched() == {0}
    refused = mirrored.gpmirror("apply", "--yes", "--rebalance", *mirrored.allowing())
    assert refused.returncode == 4, refused.stderr
    assert "--allow cancels-queries" in refused.stderr
    done = mirrored.apply("gpmirror.yaml", *RETURNING)
    assert "1 content to return" in done.stdout
    if not mirrored.old:
        assert "replication lag: content 0 " in done.stdout
    assert not mirrored.switched()
    assert mirrored.is_whole()
    assert mirrored.rows(0) == written


def test_a_host_that_was_cut_off_comes_back(mirrored: Cluster) -> None:
    name = list(mirrored.site.hosts)[-1]
    held = {row.content for row in mirrored.segments() if row.hostname == name}
    led = {row.content for row in mirrored.segments() if (row.hostname, row.role) == (name, "p")}
    written = {content: mirrored.rows(content) for content in held}
    with mirrored.cut_off(name):
        assert mirrored.switched() == led
        refused = mirrored.gpmirror("apply", "--yes", *mirrored.allowing())
        assert refused.returncode == 9, refused.stderr
        assert name in refused.stderr
        assert mirrored.switched() == led
    mirrored.wait(lambda: is_brought_back(mirrored), 300)
    assert {content: mirrored.rows(content) for content in held} == written


def is_brought_back(cluster: Cluster) -> bool:
    """Apply once more, and look. Mirrors that lived on while their host was cut off stream again by
    themselves; until the prober has seen that the catalog contradicts them, and roles wait.
    """
    done = cluster.gpmirror("apply", "--yes", *RETURNING, *cluster.allowing())
    assert done.returncode in {0, 5, 9}, done.stdout + done.stderr
    return not cluster.switched() and cluster.is_whole()
