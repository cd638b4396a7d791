"""Two clusters on one machine: the work of one is not taken for the other's."""

import subprocess

import pytest

from gpmirror.lab.faults import Faults, set_faults, slow
from tests.labs import practice_cluster
from tests.stand_ins import Rig

pytestmark = [pytest.mark.postgres, pytest.mark.ssh, pytest.mark.slow]


def test_a_utility_of_the_other_cluster_stands_in_nobodys_way() -> None:
    with practice_cluster(hosts=2) as mine, practice_cluster(hosts=2) as other:
        rig = Rig(practice=other)
        rig.reset()
        assert rig.mdw("gpaddmirrors -a -i m.cfg").code == 0
        rig.wait_in_sync()
        rig.crash(rig.place("sdw2", "gpseg0"))
        rig.wait(lambda: rig.mirror(0)[3] == "d")
        set_faults(other.state, Faults(slow_copy=slow(60)))
        recovering = subprocess.Popen(
            rig.argv("mdw", "gprecoverseg -a -F"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        other.wait(lambda: "gprecoverseg" in other.gpmirror("preflight").stdout)
        theirs = other.gpmirror("preflight")
        ours = mine.gpmirror("preflight")
        added = mine.gpmirror("apply", "--yes")
        assert recovering.poll() is None
        recovering.kill()
        recovering.wait()
    assert theirs.returncode == 9, theirs.stdout
    assert "gprecoverseg runs on mdw" in theirs.stdout
    assert ours.returncode == 0, ours.stdout
    assert added.returncode == 0, added.stderr
