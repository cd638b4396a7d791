"""The directory of a filespace of a mirror is gone (4.3, 5): no incremental recovery brings it back."""

from collections.abc import Callable

import pytest

from tests.e2e.clusters import methods
from tests.e2e.mending import BreakableCluster
from tests.labs import Practice

pytestmark = [
    *(pytest.mark.e2e, pytest.mark.postgres, pytest.mark.ssh, pytest.mark.slow),
    pytest.mark.xdist_group("mending-5"),
]


def test_a_lost_filespace_takes_a_full_recovery(shared_labs: Callable[..., Practice]) -> None:
    cluster = BreakableCluster(shared_labs(dialect="gp5", hosts=3, primaries=2, addresses=1))
    cluster.mirror_all()
    rows = cluster.sql(
        "SELECT e.fsedbid, e.fselocation FROM pg_filespace_entry e WHERE e.fsefsoid = 3052"
    )
    cluster.make_filespace(
        "fast", {dbid: path.replace("/data/", "/data/fast-") for dbid, path in rows}
    )
    spec = cluster.folder / "gpmirror.yaml"
    root = cluster.site.root
    mapped = f"{{pg_system: [{root!r}], fast: [{root.replace('/data/', '/data/fast-')!r}]}}"
    spec.write_text(spec.read_text().replace(f"[{root!r}]", mapped))
    assert cluster.gpmirror("plan", "--detailed-exitcode").returncode == 0
    lost = cluster.crash_mirror(0)
    cluster.ssh(lost.address, f"rm -r {lost.directory.replace('/data/', '/data/fast-')}")

    cluster.gpmirror("snapshot", "-o", "blind.json")
    blind = cluster.plan("--catalog", "blind.json")
    assert methods(blind) == {0: ("incremental", "directory not inspected")}
    refused = cluster.gpmirror("apply", "plan.json", "--yes")
    assert refused.returncode == 9, refused.stderr
    assert "(filespace fast) is not there" in refused.stderr
    assert "gpmirror plan --full --content 0" in refused.stderr

    assert methods(cluster.plan()) == {0: ("full", "the directory of a filespace is absent")}
    cluster.apply("plan.json")
    assert cluster.is_whole()
