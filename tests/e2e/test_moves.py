"""From group to spread and back: waves, old directories kept, rows kept."""

import json
from typing import Any

import pytest

from tests.e2e.clusters import Cluster, laid_out, wanted

pytestmark = [
    pytest.mark.long,
    pytest.mark.e2e,
    pytest.mark.postgres,
    pytest.mark.ssh,
    pytest.mark.slow,
]
_GUARDED = ("--allow", "guard:moves_percent")


def test_group_to_spread_and_back(cluster: Cluster) -> None:
    if not cluster.has_room_for_spread:
        pytest.skip("spread needs one host more than there are primaries on a host")
    cluster.write_rows()
    written = {content: cluster.rows(content) for content in cluster.contents()}
    group = _mirror(cluster)
    spread = _move(cluster)
    _is_refused_while_old_directories_are_there(cluster, spread)
    for host, directory in _left(spread):
        cluster.ssh(host, f"rm -rf {directory}")
    cluster.apply("plan.json")
    assert laid_out(cluster) == wanted(group)
    assert {content: cluster.rows(content) for content in cluster.contents()} == written
    content = _moved(spread)[0]["content"]
    assert cluster.promoted_rows(content) == written[content]


def _mirror(cluster: Cluster) -> Any:
    cluster.write_spec("group")
    group = cluster.plan(*cluster.allowing())
    cluster.apply("plan.json")
    return group


def _move(cluster: Cluster) -> Any:
    cluster.write_spec("spread")
    spread = cluster.plan(*_GUARDED, *cluster.allowing())
    assert spread["summary"]["move"] == len(_moved(spread)) > 0
    assert len(spread["waves"]) > 1, "slots are handed on, so it takes several waves"
    done = cluster.gpmirror("apply", "plan.json", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    ended = [event["wave"] for event in events if event["event"] == "wave_done"]
    assert ended == [number + 1 for number in range(len(spread["waves"]))]
    assert laid_out(cluster) == wanted(spread)
    assert cluster.streaming() == cluster.contents()
    assert cluster.gpmirror("plan", "--detailed-exitcode").returncode == 0
    for host, directory in _left(spread):
        cluster.ssh(host, f"test -f {directory}/PG_VERSION")
    return spread


def _is_refused_while_old_directories_are_there(cluster: Cluster, spread: Any) -> None:
    cluster.write_spec("group")
    cluster.plan(*_GUARDED, *cluster.allowing())
    refused = cluster.gpmirror("apply", "plan.json", "--yes")
    assert refused.returncode == 9, refused.stderr
    for _, directory in _left(spread):
        assert directory in refused.stderr
    assert laid_out(cluster) == wanted(spread)


def _moved(plan: Any) -> list[Any]:
    return [change for change in plan["changes"] if change["action"] == "move"]


def _left(plan: Any) -> list[tuple[str, str]]:
    """Host and directory of what the moves leave behind, on the way and at the end."""
    slots = [change["from"] for change in _moved(plan)]
    return sorted({(slot["address"], slot["directory"]) for slot in slots})
