"""Practice clusters of other shapes: generation 5, hosts with several interfaces."""

from collections.abc import Callable

import pytest

from tests.e2e.clusters import Cluster, laid_out, wanted
from tests.e2e.practising import PracticeCluster
from tests.labs import Practice

pytestmark = [pytest.mark.e2e, pytest.mark.postgres, pytest.mark.ssh, pytest.mark.slow]
Labs = Callable[..., Practice]
_HAZARD = "hostname-becomes-address"


def _fresh(shared_labs: Labs, dialect: str, primaries: int, addresses: int) -> Cluster:
    lab = shared_labs(dialect=dialect, hosts=3, primaries=primaries, addresses=addresses)
    cluster = PracticeCluster(lab)
    cluster.reset()
    cluster.write_rows()
    return cluster


@pytest.mark.parametrize("strategy", ["group", "spread"])
def test_generation_5(shared_labs: Labs, strategy: str) -> None:
    cluster = _fresh(shared_labs, "gp5", 2, 1)
    written = {content: cluster.rows(content) for content in cluster.contents()}
    cluster.write_spec(strategy)
    plan = cluster.plan()
    cluster.apply("plan.json")
    assert laid_out(cluster) == wanted(plan)
    rows = cluster.segments()
    ports = {(row.content, row.preferred_role): (row.port, row.replication_port) for row in rows}
    base = min(row.port for row in rows if row.preferred_role == "p")
    for content in cluster.contents():
        port, replication = ports[content, "p"]
        assert replication == port + 3000, "the primaries' replication ports are base + j + 3N"
        port, replication = ports[content, "m"]
        assert (port - base in {1000, 1001}, replication) == (True, port + 1000)
    assert {(row.mode, row.status) for row in rows} == {("s", "u")}
    assert cluster.gpmirror("plan", "--detailed-exitcode").returncode == 0
    assert cluster.promoted_rows(0) == written[0]


def test_hosts_with_two_interfaces(shared_labs: Labs) -> None:
    cluster = _fresh(shared_labs, "gp6", 2, 2)
    before = cluster.segments()
    cluster.write_spec("group")
    plan = cluster.plan()
    assert any(hazard["name"] == _HAZARD for hazard in plan["hazards"])
    refused = cluster.gpmirror("apply", "plan.json", "--yes")
    assert refused.returncode == 4, refused.stderr
    assert f"--allow {_HAZARD}" in refused.stderr
    assert cluster.segments() == before

    cluster.apply("plan.json", "--allow", _HAZARD)
    assert laid_out(cluster) == wanted(plan)
    names = {name for addresses in cluster.site.hosts.values() for name in addresses}
    mirrors = [row for row in cluster.segments() if row.preferred_role == "m"]
    assert {row.address for row in mirrors} == names, "every interface carries mirrors"
    assert all(row.hostname == row.address for row in mirrors)
    assert cluster.streaming() == cluster.contents()
    assert cluster.gpmirror("plan", "--detailed-exitcode").returncode == 0
