"""Copies that went down come back on generation 5, and so do their roles."""

from collections.abc import Callable

import pytest

from tests.e2e.clusters import recoveries
from tests.e2e.mending import BreakableCluster
from tests.labs import Practice

pytestmark = [
    pytest.mark.long,
    *(pytest.mark.e2e, pytest.mark.postgres, pytest.mark.ssh, pytest.mark.slow),
    pytest.mark.xdist_group("elsewhere"),
]
Labs = Callable[..., Practice]


def test_generation_5(shared_labs: Labs) -> None:
    cluster = BreakableCluster(shared_labs(dialect="gp5", hosts=3, primaries=2, addresses=1))
    cluster.mirror_all()
    cluster.write_rows()
    written = cluster.rows(2)
    down = cluster.crash_mirror(0)
    assert cluster.copy(down).mode == "s", "only its status tells that it is down"
    assert cluster.segment(0, "p").mode == "c"
    assert cluster.practice.gpmirror("lab", "fail-over", "2").returncode == 0
    plan = cluster.plan("--rebalance", "--allow", "cancels-queries")
    assert {content: method for content, (_, _, method) in recoveries(plan).items()} == {
        0: "incremental",
        2: "incremental",
    }
    assert plan["waves"][-1]["action"] == "rebalance"
    cluster.apply("plan.json")
    assert cluster.is_whole()
    assert not cluster.switched()
    assert cluster.rows(2) == written
