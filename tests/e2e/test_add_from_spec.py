"""Apply straight from the spec: spread, through SSH; a rehearsal first; rows found afterwards."""

import json

import pytest

from tests.e2e.clusters import Cluster, laid_out, wanted

NOTIFY = """\
apply: {notify: {command: [sh, -c, "cat >>told.jsonl; exit 7"]}}
"""

pytestmark = [pytest.mark.e2e, pytest.mark.postgres, pytest.mark.ssh, pytest.mark.slow]


@pytest.fixture
def mirrorless(cluster: Cluster) -> Cluster:
    cluster.reset()
    if not cluster.has_room_for_spread:
        pytest.skip("spread needs one host more than there are primaries on a host")
    cluster.write_spec("spread")
    return cluster


def _places(cluster: Cluster) -> dict[str, str]:
    """All directories where mirrors would go, and run directories, as the hosts have them."""
    script = "find {root} .gpmirror 2>/dev/null | sort"
    coordinator = cluster.sql("SELECT hostname FROM gp_segment_configuration WHERE content < 0")
    hosts = [*cluster.site.hosts, coordinator[0][0]]
    return {
        host: cluster.ssh(host, script.format(root=cluster.site.root.format(host=host)))
        for host in hosts
    }


def test_a_rehearsal_changes_nothing_and_shows_what_would_run(mirrorless: Cluster) -> None:
    cluster = mirrorless
    before = (cluster.segments(), _places(cluster), cluster.runs())
    rehearsed = cluster.gpmirror("apply", "--dry-run", *cluster.allowing())
    assert rehearsed.returncode == 0, rehearsed.stderr
    assert (cluster.segments(), _places(cluster), cluster.runs()) == before
    assert "would run on " in rehearsed.stdout
    assert "accepted by gpaddmirrors" in rehearsed.stdout
    assert "gpaddmirrors -a -i wave-001-gpaddmirrors.conf" in rehearsed.stdout
    for host in cluster.site.hosts:
        root = cluster.site.root.format(host=host)
        assert f"|| mkdir -p -m 0700 -- {root}" in rehearsed.stdout
    assert "Rehearsal complete: nothing was changed" in rehearsed.stdout


def test_spread_through_ssh_and_the_rows_are_on_the_mirrors(mirrorless: Cluster) -> None:
    cluster = mirrorless
    cluster.write_rows()
    written = {content: cluster.rows(content) for content in cluster.contents()}
    assert all(written.values())
    plan = cluster.plan(*cluster.allowing())
    cluster.write_spec("spread", NOTIFY)
    done = cluster.apply("gpmirror.yaml", "--via-ssh")
    told = (cluster.folder / "told.jsonl").read_text().splitlines()
    events = [json.loads(line)["event"] for line in told]
    assert events == ["run_started", "wave_started", "wave_done", "run_ended"]
    assert done.stderr.count("notify: sh ended with 7; the run goes on") == 1
    assert "Apply complete: " in done.stdout
    assert laid_out(cluster) == wanted(plan)
    assert cluster.streaming() == cluster.contents()
    assert cluster.gpmirror("plan", "--detailed-exitcode", "--via-ssh").returncode == 0
    content = max(written)
    assert cluster.promoted_rows(content) == written[content]
