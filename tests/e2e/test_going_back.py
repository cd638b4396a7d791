"""Old directories in which somebody lives, and the way back when the new host is lost."""

from collections.abc import Callable

import pytest

from tests.e2e.clusters import laid_out
from tests.e2e.practising import PracticeCluster
from tests.e2e.rows import Row
from tests.labs import Practice

pytestmark = [
    pytest.mark.long,
    *(pytest.mark.e2e, pytest.mark.postgres, pytest.mark.ssh, pytest.mark.slow),
    pytest.mark.xdist_group("practice"),
]
ALLOWED = ("--allow", "guard:moves_percent")
PIN = "  pins:\n    - {content: 0, host: sdw3}\n"


@pytest.fixture
def mirrored(shared_labs: Callable[..., Practice]) -> PracticeCluster:
    """Three hosts with a primary each, mirrored by group."""
    practice = shared_labs(dialect="gp6", hosts=3, primaries=1, addresses=1)
    practice.reset()
    cluster = PracticeCluster(practice)
    cluster.write_spec("group")
    cluster.apply()
    return cluster


@pytest.fixture
def moved(mirrored: PracticeCluster) -> "tuple[PracticeCluster, str, Row]":
    """Content 0's mirror moved from sdw2 to sdw3; the run, and where the mirror was."""
    before = mirrored.segment(0, "m")
    mirrored.write_spec("group", PIN)
    mirrored.apply("gpmirror.yaml", *ALLOWED)
    run = mirrored.runs()[-1]
    assert mirrored.segment(0, "m").hostname == "sdw3"
    return mirrored, run, before


def test_a_live_mirror_in_an_old_directory_keeps_it(
    moved: "tuple[PracticeCluster, str, Row]",
) -> None:
    """No spec can put it there; somebody at the shell can."""
    cluster, run, left = moved
    inside = f"{left.directory}/new"
    pins = f"{PIN}    - {{content: 2, host: sdw2, directory: {inside!r}}}\n"
    cluster.write_spec("group", pins)
    done = cluster.gpmirror("apply", "--yes", *ALLOWED)
    assert done.returncode == 9, done.stdout + done.stderr
    assert f"would lie inside the data directory {left.directory}" in done.stderr

    mirror = cluster.segment(2, "m")
    line = f"{mirror.address}|{mirror.port}|{mirror.directory} {left.address}|7900|{inside}"
    cluster.ssh(
        "mdw",
        f'. "$GPHOME/greenplum_path.sh"; echo "{line}" >by-hand; gprecoverseg -a -i by-hand',
    )
    cluster.wait(lambda: cluster.segments_are_fine() and 2 in cluster.streaming())
    assert cluster.segment(2, "m").directory == inside
    refused = cluster.gpmirror("prune", run, "--yes")
    assert refused.returncode == 4, refused.stdout + refused.stderr
    assert f"{left.hostname}:{left.directory}: process " in refused.stderr
    kept = cluster.gpmirror("prune", run, "--forget", left.hostname, "--yes")
    assert kept.returncode == 4, kept.stdout + kept.stderr
    assert f"{left.hostname} answers" in kept.stderr
    assert f"`gpmirror prune {run}` does that" in kept.stderr
    cluster.ssh(left.address, f"test -f {left.directory}/PG_VERSION -a -f {inside}/PG_VERSION")
    assert cluster.segments_are_fine()


def test_the_way_back_from_a_lost_host(moved: "tuple[PracticeCluster, str, Row]") -> None:
    """Its old directory steps aside, and goes when the content is in sync again."""
    cluster, run, left = moved
    cluster.wait_until_down(cluster.kill_host("sdw3"))
    reverted = cluster.gpmirror("revert", run, "-o", "back.json")
    assert reverted.returncode == 0, reverted.stderr
    aside = f"mv {left.directory} {left.directory}.gpmirror-{run}"
    assert f"on {left.hostname}, set it aside there: `{aside}`" in reverted.stderr
    refused = cluster.gpmirror("apply", "back.json", "--yes", *ALLOWED)
    assert refused.returncode == 9, refused.stderr
    assert aside in refused.stderr
    pruned = cluster.gpmirror("prune", run, "--yes")
    assert pruned.returncode == 4
    assert "content 0 is not in sync" in pruned.stderr

    cluster.ssh(left.address, aside)
    with cluster.answered_by("sdw3", left.hostname):
        cluster.apply("back.json", *ALLOWED)
    there = cluster.segment(0, "m")
    assert (there.hostname, there.port, there.directory) == (
        left.hostname,
        left.port,
        left.directory,
    )
    assert 0 in cluster.streaming()
    pruned = cluster.gpmirror("prune", run, "--yes")
    assert pruned.returncode == 0, pruned.stderr
    # of what the silent host holds nothing is known
    assert "1 directory deleted, 1 kept" in pruned.stdout
    assert "kept sdw3:" in pruned.stdout
    assert "its host gave no answer" in pruned.stdout
    assert f"`gpmirror prune {run} --forget sdw3` gives up" in pruned.stdout

    unknown = cluster.gpmirror("prune", run, "--forget", "sdw1", "--yes")
    assert unknown.returncode == 3, unknown.stdout + unknown.stderr
    assert "it has directories left on host sdw3" in unknown.stderr
    asked = cluster.gpmirror("prune", run, "--forget", "sdw3")
    assert asked.returncode == 8, asked.stdout + asked.stderr
    given_up = cluster.gpmirror("prune", run, "--forget", "sdw3", "--yes")
    assert given_up.returncode == 0, given_up.stdout + given_up.stderr
    assert "1 directory on sdw3 given up; nothing was changed on any host" in given_up.stdout
    pruned = cluster.gpmirror("prune", run, "--yes")
    assert pruned.returncode == 0, pruned.stdout + pruned.stderr
    assert "Nothing to prune: " in pruned.stdout
    assert run not in cluster.gpmirror("prune").stdout
    far = cluster.ssh("mdw", f"cat .gpmirror/runs/{run}/journal.jsonl")
    assert "prune/forget" in far
    cluster.ssh(left.address, f"test ! -e {left.directory}.gpmirror-{run}")
    assert (left.content, left.address, left.port, left.directory, "m", None) in laid_out(cluster)


def test_the_way_back_from_a_resumed_run_is_from_the_whole(
    mirrored: PracticeCluster,
) -> None:
    """Each of the two runs moved one mirror."""
    cluster = mirrored
    before = laid_out(cluster)
    second = "    - {content: 1, host: sdw1}\napply: {waves: {max_contents: 1}}\n"
    cluster.write_spec("group", PIN + second)
    stopped = cluster.gpmirror("apply", "--yes", "--stop-after-wave", "1", *ALLOWED)
    assert stopped.returncode == 10, stopped.stderr
    first = cluster.runs()[-1]
    resumed = cluster.gpmirror("resume", "--yes")
    assert resumed.returncode == 0, resumed.stderr
    (rest,) = set(cluster.runs()[-2:]) - {first}
    for run in (first, rest):
        assert cluster.gpmirror("prune", run, "--yes").returncode == 0
    reverted = cluster.gpmirror("revert", rest, "-o", "back.json")
    assert reverted.returncode == 0, reverted.stderr
    assert f"run {rest} did the rest of run {first}" in reverted.stderr
    cluster.apply("back.json", *ALLOWED)
    assert laid_out(cluster) == before


def test_a_mirror_goes_back_to_its_primary_only_where_that_is_allowed(
    shared_labs: Callable[..., Practice],
) -> None:
    """From a spec that granted it to one that does not; and what was pruned is said no more."""
    practice = shared_labs(dialect="gp6", hosts=3, primaries=1, addresses=1)
    practice.reset()
    cluster = PracticeCluster(practice)
    cluster.write_spec(
        "group", "  allow_same_host: true\n  pins:\n    - {content: 0, host: sdw1}\n"
    )
    cluster.apply()
    cluster.write_spec("group")
    cluster.apply("gpmirror.yaml", *ALLOWED)
    run = cluster.runs()[-1]
    assert cluster.gpmirror("prune", run, "--yes").returncode == 0
    reverted = cluster.gpmirror("revert", run, "-o", "back.json")
    assert f"run {run} was pruned" in reverted.stderr
    refused = cluster.gpmirror("apply", "back.json", "--yes", *ALLOWED)
    assert refused.returncode == 4
    assert "--allow same-host" in refused.stderr
    cluster.apply("back.json", *ALLOWED, "--allow", "same-host")
    assert cluster.segment(0, "m").hostname == "sdw1"
