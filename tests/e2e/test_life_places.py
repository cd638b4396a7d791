"""Mirrors change their places on any cluster, and what they leave is cleared away by proof."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.e2e.clusters import Cluster, laid_out, wanted
from tests.e2e.practising import PracticeCluster
from tests.labs import Practice

pytestmark = [
    pytest.mark.long,
    *(pytest.mark.e2e, pytest.mark.postgres, pytest.mark.ssh, pytest.mark.slow),
    pytest.mark.xdist_group("practice"),
]
GUARDED = ("--allow", "guard:moves_percent")
# a change of the port alone copies into the directory of the old copy
IN_PLACE = (*GUARDED, "--allow", "deletes-old-directory")


def turned(
    cluster: Cluster, more: str = "", ring: Iterable[str] = (), allowed: tuple[str, ...] = GUARDED
) -> Any:
    """Apply another layout; the plan. Nothing is left to do, and what the moves left is there."""
    cluster.write_spec("group", more, ring)
    plan = cluster.plan(*allowed, *cluster.allowing())
    assert plan["summary"]["move"] > 0
    cluster.apply("plan.json")
    assert laid_out(cluster) == wanted(plan)
    assert cluster.is_whole()
    return plan


def pruned(cluster: Cluster, run: str, count: int) -> None:
    """Clear away what a run left."""
    done = cluster.gpmirror("prune", run, "--yes")
    assert done.returncode == 0, done.stderr
    directories = "1 directory" if count == 1 else f"{count} directories"
    assert f"{directories} deleted" in done.stdout
    again = cluster.gpmirror("prune", run, "--yes")
    assert again.returncode == 0, again.stderr
    assert "Nothing to prune" in again.stdout


@pytest.fixture(scope="module")
def spare(cluster: Cluster) -> str:
    """A host without segments."""
    return cluster.spare()


@pytest.fixture(scope="module")
def written(cluster: Cluster, spare: str) -> Cluster:
    """Mirrored by group, with rows, but for the spare host."""
    return prepared(cluster)


def prepared(cluster: Cluster) -> Cluster:
    """Mirrored by group, with rows, on the hosts that hold primaries."""
    cluster.write_rows()
    cluster.write_spec("group", ring=ring_of(cluster))
    cluster.apply()
    return cluster


def ring_of(cluster: Cluster) -> list[str]:
    """The hosts that hold primaries."""
    held = {row.hostname for row in cluster.segments() if row.preferred_role == "p"}
    return [name for name in cluster.site.hosts if name in held]


def test_mirrors_change_places_and_come_back(written: Cluster, spare: str) -> None:
    they_change_places_and_come_back(written, spare)


def test_generation_5_changes_places(shared_labs: Callable[..., Practice]) -> None:
    cluster = PracticeCluster(shared_labs(dialect="gp5", hosts=4, primaries=2, addresses=1))
    cluster.reset()
    spare = cluster.spare()
    they_change_places_and_come_back(prepared(cluster), spare)


def they_change_places_and_come_back(written: Cluster, spare: str) -> None:
    """One story in this order: it ends with a host drained and a mirror promoted."""
    another_port_another_directory_and_the_way_back(written)
    a_new_host_receives_mirrors_and_is_left_out_again(written, spare)
    a_host_of_weight_0_gives_its_mirrors_away(written)


def another_port_another_directory_and_the_way_back(written: Cluster) -> None:
    """Contents 0 and 2 have primaries on different hosts, so both move at once."""
    ring = ring_of(written)
    before = laid_out(written)
    rows = {content: written.rows(content) for content in (0, 2)}
    stays, left = written.segment(0, "m"), written.segment(2, "m")
    port = stays.port + 500
    if written.old:
        is_left_in_its_own_directory(written, f"{{content: 0, port: {port}}}", ring)
    # 4.3 and 5 fill no mirror's own directory again, so there both leave theirs
    leaving, place = (2, f", directory: {stays.directory}x") if written.old else (1, "")
    pins = (
        "  pins:\n"
        f"    - {{content: 0, port: {port}{place}}}\n"
        f"    - {{content: 2, directory: {left.directory}x}}\n"
    )
    plan = turned(written, pins, ring, IN_PLACE)
    assert plan["summary"]["move"] == 2
    assert written.segment(0, "m").port == port
    assert written.segment(2, "m").directory == f"{left.directory}x"
    written.ssh(left.address, f"test -f {left.directory}/PG_VERSION")

    run = written.runs()[-1]
    reverted = written.gpmirror("revert", run, "-o", "back.json", *written.allowing())
    assert reverted.returncode == 0, reverted.stderr
    refused = written.gpmirror("apply", "back.json", "--yes", *IN_PLACE, *written.allowing())
    assert refused.returncode == 9, refused.stderr
    assert left.directory in refused.stderr
    pruned(written, run, leaving)
    written.apply("back.json", *IN_PLACE)
    assert laid_out(written) == before
    pruned(written, written.runs()[-1], leaving)
    assert {content: written.rows(content) for content in rows} == rows


def is_left_in_its_own_directory(written: Cluster, pin: str, ring: list[str]) -> None:
    """gprecoverseg of 5.8.1 stops the mirror, then refuses its directory, which is not empty."""
    written.write_spec("group", f"  pins: [{pin}]\n", ring)
    plan = written.plan()
    assert [(c["action"], c["content"]) for c in plan["changes"]] == [("blocked", 0)]
    assert "holds the mirror itself" in plan["changes"][0]["reason"]


def a_new_host_receives_mirrors_and_is_left_out_again(written: Cluster, spare: str) -> None:
    ring, before = ring_of(written), laid_out(written)
    rows = {content: written.rows(content) for content in written.contents()}
    plan = turned(written, ring=[*ring, spare])
    moved = [change for change in plan["changes"] if change["action"] == "move"]
    assert {change["to"]["host"] for change in moved} == {spare}
    pruned(written, written.runs()[-1], len(moved))
    turned(written, ring=ring)
    assert laid_out(written) == before
    assert spare not in {row.hostname for row in written.segments()}
    pruned(written, written.runs()[-1], len(moved))
    assert {content: written.rows(content) for content in rows} == rows


def a_host_of_weight_0_gives_its_mirrors_away(written: Cluster) -> None:
    *others, last = ring_of(written)
    held = [r.content for r in written.segments() if (r.hostname, r.role) == (last, "m")]
    rows = {content: written.rows(content) for content in held}
    plan = turned(written, ring=[*others, f"{last}, weight: 0"])
    assert [change["content"] for change in plan["changes"]] == held
    assert {(r.hostname, r.preferred_role) for r in written.segments() if r.hostname == last} == {
        (last, "p")
    }
    pruned(written, written.runs()[-1], len(held))
    assert written.promoted_rows(held[0]) == rows[held[0]]
