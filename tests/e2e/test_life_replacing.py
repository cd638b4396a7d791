"""A host is lost for good, and another takes over what it held, on any cluster."""

from collections.abc import Callable

import pytest

from tests.e2e.clusters import Cluster, recoveries
from tests.e2e.practising import PracticeCluster
from tests.labs import Practice

pytestmark = [
    pytest.mark.long,
    *(pytest.mark.e2e, pytest.mark.postgres, pytest.mark.ssh, pytest.mark.slow),
    pytest.mark.xdist_group("practice"),
]
RETURNING = ("--rebalance", "--allow", "cancels-queries")


def test_a_lost_host_is_replaced(cluster: Cluster) -> None:
    is_replaced(cluster)


def test_a_lost_host_of_one_primary_is_replaced(shared_labs: Callable[..., Practice]) -> None:
    shape = {"hosts": 4, "primaries": 1, "uneven": True, "addresses": 1}
    cluster = PracticeCluster(shared_labs(dialect="gp6", **shape))
    cluster.reset()
    is_replaced(cluster)


def test_generation_5_replaces_a_lost_host(shared_labs: Callable[..., Practice]) -> None:
    cluster = PracticeCluster(shared_labs(dialect="gp5", hosts=4, primaries=2, addresses=1))
    cluster.reset()
    is_replaced(cluster)


def is_replaced(cluster: Cluster) -> None:
    """Its preferred primaries act elsewhere then, and are copied to its successor like the rest."""
    spare = cluster.spare()
    ring = [name for name in cluster.site.hosts if name != spare]
    gone = ring[-1]
    cluster.write_spec("group", ring=ring)
    cluster.apply()
    cluster.write_rows()
    rows = [row for row in cluster.segments() if row.hostname == gone]
    led = {row.content for row in rows if row.role == "p"}
    written = {content: cluster.rows(content) for content in led}
    with cluster.lost(gone):
        assert cluster.switched() == led
        cluster.write_spec("group", ring=[*ring[:-1], f"{spare}, replaces: {gone}"])
        plan = cluster.plan(*cluster.allowing())
        assert recoveries(plan) == {row.content: (gone, spare, "full") for row in rows}
        assert not plan["warnings"], "what the lost host holds is of no interest"
        if plan["dialect"] == "gp6":
            is_refused_until_the_name_answers(cluster, gone, spare)
            with cluster.answered_by(gone, spare):
                done = cluster.apply("plan.json")
        else:
            done = cluster.apply("plan.json")
        roles = "its preferred role" if len(led) == 1 else "their preferred roles"
        assert f"not in {roles}" in done.stdout
        assert cluster.switched() == led
        cluster.apply("gpmirror.yaml", *RETURNING)
        assert cluster.is_whole()
        assert {row.hostname for row in cluster.segments()} == {*ring[:-1], spare}
        assert {cluster.segment(content, "p").hostname for content in led} == {spare}
        assert {content: cluster.rows(content) for content in led} == written
        cluster.write_spec("group", ring=[*ring[:-1], spare])
        assert cluster.is_whole()


def is_refused_until_the_name_answers(cluster: Cluster, gone: str, spare: str) -> None:
    """gprecoverseg of 6 leaves out copies whose old host does not answer, and exits with 0; that of
    7 and Greengage carries them away (6.24.3, 7.0.0, 6.27.1, recorded). The dry run knows.
    """
    before = cluster.segments()
    refused = cluster.gpmirror("apply", "plan.json", "--yes", *cluster.allowing())
    assert refused.returncode == 9, refused.stderr
    assert f"because {gone} is unreachable" in refused.stderr
    assert f"`Host {gone}`, `HostName {spare}`" in refused.stderr
    assert cluster.segments() == before
