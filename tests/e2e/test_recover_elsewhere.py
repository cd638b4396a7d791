"""A host that died for good, replaced by another; and the way back on generation 5."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.mending import BreakableCluster
from tests.labs import Practice

pytestmark = [
    *(pytest.mark.e2e, pytest.mark.postgres, pytest.mark.ssh, pytest.mark.slow),
    pytest.mark.xdist_group("elsewhere"),
]
Labs = Callable[..., Practice]
ALLOWED = ("--rebalance", "--allow", "cancels-queries")


def without(spec: str, host: str) -> str:
    """A spec without a host."""
    return "".join(line for line in spec.splitlines(True) if f"name: {host}," not in line)


def recoveries(plan: Any) -> dict[int, tuple[str, str, str]]:
    """Hosts left and reached, and the method, of every recovery."""
    return {
        change["content"]: (change["from"]["host"], change["to"]["host"], change["method"])
        for change in plan["changes"]
        if change["action"] == "recover"
    }


def test_a_dead_host_is_replaced(shared_labs: Labs) -> None:
    """With group mirroring, content 1 had its mirror on sdw3, content 2 its primary."""
    cluster = BreakableCluster(shared_labs(dialect="gp6", hosts=4, primaries=1, addresses=1))
    cluster.practice.reset()
    cluster.make_spare("sdw4")
    spec, file = cluster.site.spec("group"), cluster.folder / "gpmirror.yaml"
    file.write_text(without(spec, "sdw4"))
    cluster.apply()
    cluster.write_rows()
    written = cluster.rows(2)
    cluster.kill_host("sdw3")
    # all hosts share one disk: what the dead host held must not lie in the way of its successor
    disk = f"{cluster.practice.state}/hosts/sdw3"
    cluster.ssh("mdw", f"mv {disk}/data {disk}/lost")

    replacing = without(spec, "sdw3").replace("name: sdw4,", "name: sdw4, replaces: sdw3,")
    file.write_text(replacing)
    plan = cluster.plan()
    assert recoveries(plan) == {1: ("sdw3", "sdw4", "full"), 2: ("sdw3", "sdw4", "full")}
    assert not plan["warnings"], "what the dead host holds is of no interest"
    done = cluster.apply("plan.json")
    assert "acts with switched roles (2)" in done.stdout
    assert cluster.switched() == {2}
    cluster.apply("gpmirror.yaml", *ALLOWED)
    assert cluster.is_whole()
    assert {row.hostname for row in cluster.segments()} == {"sdw1", "sdw2", "sdw4"}
    assert cluster.segment(2, "p").hostname == "sdw4"
    assert cluster.rows(2) == written
    file.write_text(replacing.replace(" replaces: sdw3,", ""))
    assert cluster.is_whole()


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
