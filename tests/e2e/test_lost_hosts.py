"""A host is lost for good, and a spare one takes over what it held; a content without a live copy."""

import re
from collections.abc import Iterator

import pytest

from gpmirror.lab.faults import Faults, clear_faults, set_faults
from tests.labs import Practice, practice_cluster
from tests.stand_ins import Rig

pytestmark = [pytest.mark.postgres, pytest.mark.ssh, pytest.mark.slow]


@pytest.fixture(scope="module")
def practice() -> Iterator[Practice]:
    # of 7 the name of a dead host need not answer (7.0.0, recorded)
    with practice_cluster(hosts=3, primaries=1, spare=1, release="7.0.0") as found:
        done = found.gpmirror("apply", "--yes")
        assert done.returncode == 0, done.stderr
        yield found


def test_a_double_fault_is_told_by_status_and_by_plan(practice: Practice) -> None:
    """Content 1 loses both copies; everybody else stays as he is."""
    rig = Rig(practice=practice)
    set_faults(practice.state, Faults(refuse_dispatch=True))
    primary = rig.host("sdw2").data / "primary" / "gpseg1"
    mirror = rig.place("sdw3", "gpseg1")
    rig.crash(mirror)
    rig.wait(lambda: rig.mirror(1)[3] == "d")
    rig.crash(primary)
    rig.wait(lambda: practice.gpmirror("status").stdout.count("failed to acquire resources") > 0)
    status, planned = practice.gpmirror("status"), practice.gpmirror("plan")
    port = practice.lab.primary_port
    place = f"{rig.host('sdw2').ip}:{port}"
    flat = " ".join(status.stdout.split())
    assert status.returncode == 2
    assert f"(seg1 {place})" in flat, "the server's DETAIL"
    assert re.search(r"\b1 +none +sdw2:", status.stdout), status.stdout
    assert "gprecoverseg cannot help" in flat
    assert "restart the cluster" in flat
    assert "1 none" in status.stdout.splitlines()[-1]
    assert planned.returncode in {0, 1}
    assert f"(seg1 {place})" in " ".join((planned.stdout + planned.stderr).split())

    lab = practice.lab
    started = rig.on(
        "sdw2", f"{lab.pg_bin}/pg_ctl -D {primary} -l {primary}/log -o '-p {port}' -w start"
    )
    assert started.code == 0, started.out
    clear_faults(practice.state)
    rig.wait(lambda: practice.gpmirror("status").stdout.count("failed to acquire") == 0)
    back = practice.gpmirror("apply", "--yes")
    assert back.returncode == 0, back.stderr
    assert practice.gpmirror("status").returncode == 0


def test_the_loss_of_a_host_is_played_to_its_end(practice: Practice) -> None:
    rig = Rig(practice=practice)
    before = practice.spec.read_text()
    killed = practice.gpmirror("lab", "kill", "sdw2")
    assert killed.returncode == 0, killed.stderr
    rig.wait(lambda: {row[0] for row in rig.rows() if row[3] == "d"} == {0, 1})
    # its disks are lost with it: hosts of a practice cluster share one file system
    for lost in (rig.host("sdw2").data / "primary", rig.host("sdw2").data / "mirror"):
        assert rig.mdw(f"rm -rf {lost}/*").code == 0
    text = before.replace("sdw[1-3]", "sdw[1,3]")
    assert text != before, before
    roots = next(line.strip() for line in text.splitlines() if "roots:" in line)
    practice.spec.write_text(
        text.replace("mirrors:", f"  - name: sdw4\n    {roots}\n    replaces: sdw2\nmirrors:", 1)
    )
    try:
        allowed = ("--allow", "guard:moves_percent")
        planned = practice.gpmirror("plan", "-o", "loss.plan", *allowed)
        assert planned.returncode == 0, planned.stdout + planned.stderr
        assert "2 to recover" in planned.stdout.splitlines()[-1]
        assert "sdw4 replaces sdw2" in " ".join(planned.stdout.split())
        applied = practice.gpmirror("apply", "loss.plan", "--yes", *allowed, seconds=300)
        assert applied.returncode == 0, applied.stderr
        rig.wait_in_sync()
        returned = practice.gpmirror(
            "apply", "--yes", "--rebalance", "--allow", "cancels-queries", *allowed, seconds=300
        )
        assert returned.returncode == 0, returned.stderr
        assert practice.gpmirror("status").returncode == 0
        again = practice.gpmirror("plan", "--detailed-exitcode")
        assert again.returncode == 0, again.stdout
        assert {row[4] for row in rig.rows()} == {"sdw1", "sdw3", "sdw4"}
        assert all(row[2:4] == ("s", "u") for row in rig.rows())
    finally:
        practice.spec.write_text(before)
