"""On 5 a mirror that never started, or runs and does not replicate, is called up and resynchronising
while its primary waits for it: who tells, and what helps.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from gpmirror.lab.faults import Faults, clear_faults, set_faults
from gpmirror.lab.processes import end, utilities
from tests.labs import Practice, practice_cluster
from tests.stand_ins import Rig

pytestmark = [pytest.mark.long, pytest.mark.postgres, pytest.mark.ssh, pytest.mark.slow]

FAULTS = {
    "no server works in sdw2:": Faults(fail_start=(0,)),
    "runs and does not replicate (FaultMirror)": Faults(fail_replication=(0,)),
}


@pytest.fixture(scope="module")
def practice() -> Iterator[Practice]:
    with practice_cluster(dialect="gp5", hosts=2, primaries=1) as found:
        yield found


def adding(practice: Practice) -> set[int]:
    """The gpaddmirrors of this practice cluster: others beside it run theirs."""
    running = utilities(practice.state)
    return {pid for pid, line in running.items() if line.startswith("gpaddmirrors -a")}


@pytest.mark.parametrize("dead", FAULTS)
def test_it_is_named_with_its_cure_until_that_has_helped(practice: Practice, dead: str) -> None:
    rig = Rig(practice=practice)
    practice.reset()
    set_faults(practice.state, FAULTS[dead])
    applied = practice.gpmirror("apply", "--yes")
    assert applied.returncode in {10, 11}, applied.stderr
    (run,) = {
        word
        for word in applied.stderr.replace("`", " ").split()
        if word.startswith("20") and "Z-" in word
    }
    rig.wait(lambda: rig.out_of_sync() == {0})
    assert rig.mirror(0)[2:4] == ("r", "u")

    planned = practice.gpmirror("plan")
    resumed = practice.gpmirror("resume", run, "--yes")
    status = practice.gpmirror("status")
    waited = practice.gpmirror("status", "--wait", "5m", seconds=60)
    told = practice.gpmirror("status", "--hosts")
    checked = practice.gpmirror("preflight", "--all")
    assert rig.mirror(0)[2:4] == ("r", "u"), "nobody marks it down"
    assert (planned.returncode, resumed.returncode) == (0, 10), planned.stderr + resumed.stderr
    assert "1 blocked" in planned.stdout
    assert {one.returncode for one in (status, waited, told)} == {2}
    assert checked.returncode == 9, checked.stdout
    named = " ".join(checked.stdout.split())
    assert "content 0, mirror (dbid 4): the catalog says up" in named, checked.stdout
    assert dead in named or "no server runs in" in named, checked.stdout
    assert "gp_segment_connect_timeout" in named, checked.stdout
    for one in (planned.stdout, resumed.stderr, status.stdout, waited.stdout, told.stdout):
        flat = " ".join(one.split())
        assert dead in flat, one
        assert "gp_segment_connect_timeout" in flat or one is resumed.stderr, one

    clear_faults(practice.state)
    assert adding(practice), "it waits no more"
    assert end(lambda: adding(practice)) == set()
    restarted = rig.mdw("gpstop -a -r")
    assert restarted.code == 0, restarted.out
    rig.wait_in_sync()
    again = practice.gpmirror("plan", "--detailed-exitcode")
    assert (again.returncode, practice.gpmirror("status").returncode) == (0, 0), again.stdout
    ended = practice.gpmirror("resume", run, "--yes")
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("dead", FAULTS)
def test_once_its_primary_gives_up_it_is_recovered_like_any_other(
    practice: Practice, dead: str
) -> None:
    """As 5.8.1 did after gp_segment_connect_timeout, without a restart."""
    rig = Rig(practice=practice)
    practice.reset()
    set_faults(practice.state, replace(FAULTS[dead], connect_timeout=20))
    applied = practice.gpmirror("apply", "--yes")
    assert applied.returncode in {10, 11}, applied.stderr
    rig.wait(lambda: rig.mirror(0)[3] == "d" and rig.out_of_sync() == {0})
    clear_faults(practice.state)
    recovered = practice.gpmirror("apply", "--yes")
    assert recovered.returncode == 0, recovered.stderr
    assert rig.out_of_sync() == set()
