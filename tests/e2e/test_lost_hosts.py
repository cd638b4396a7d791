"""What only a whole cluster shows: a double fault, a catalog that was edited, a host lost for good."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gpmirror.lab.faults import Faults, clear_faults, set_faults, slow
from tests.labs import Practice, practice_cluster
from tests.stand_ins import Rig

pytestmark = [pytest.mark.postgres, pytest.mark.ssh, pytest.mark.slow]


@contextmanager
def mirrored() -> Iterator[Practice]:
    # of 7 the name of a dead host need not answer (7.0.0, recorded)
    with practice_cluster(hosts=3, primaries=1, spare=1, release="7.0.0") as found:
        done = found.gpmirror("apply", "--yes")
        assert done.returncode == 0, done.stderr
        yield found


@pytest.fixture(scope="module")
def practice() -> Iterator[Practice]:
    """What each test leaves as it found it."""
    with mirrored() as found:
        yield found


@pytest.fixture
def lost() -> Iterator[Practice]:
    """One that loses a host for good."""
    with mirrored() as found:
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
    port = practice.lab.primary_port
    place = f"{rig.host('sdw2').ip}:{port}"
    # the first that ask may be told of a connection that broke
    rig.wait(lambda: f"(seg1 {place})" in " ".join(practice.gpmirror("status").stdout.split()))
    status, planned = practice.gpmirror("status"), practice.gpmirror("plan")
    flat = " ".join(status.stdout.split())
    assert status.returncode == 2
    assert f"(seg1 {place})" in flat, status.stdout
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


def test_a_base_backup_that_was_cut_off_ends_the_wait(practice: Practice) -> None:
    """The process that fetched its WAL lives on, and the primary shows a base backup that runs."""
    rig = Rig(practice=practice)
    place = rig.place("sdw2", "gpseg0")
    rig.crash(place)
    rig.wait(lambda: rig.mirror(0)[3] == "d")
    set_faults(practice.state, Faults(slow_copy=slow(120, 0)))
    running = subprocess.Popen(
        [sys.executable, "-m", "gpmirror", "apply", "--full", "--yes"],
        cwd=practice.spec.parent,
        env=practice.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )

    def copiers() -> list[int]:
        found = subprocess.run(
            ["pgrep", "-f", f"^[^ ]*pg_basebackup .*{place}( |$)"],
            capture_output=True,
            text=True,
            check=False,
        )
        return sorted(int(pid) for pid in found.stdout.split())

    rig.wait(lambda: len(copiers()) == 2)
    main, rest = copiers()
    assert rig.on("sdw2", f"kill -9 {main}").code == 0
    began = time.monotonic()
    _, said = running.communicate(timeout=120)
    assert time.monotonic() - began < 90
    assert running.returncode == 10, said
    assert f"process {rest} there is what is left of a base backup" in said
    assert copiers() == [rest], "it never ends by itself"
    assert rig.on("sdw2", f"kill {rest}").code == 0
    clear_faults(practice.state)
    (run,) = {
        word for word in re.split("[` ]", said) if re.fullmatch("2[0-9]{7}T[0-9]+Z-[0-9a-f]+", word)
    }
    rig.wait(lambda: not copiers())
    resumed = practice.gpmirror("resume", run, "--yes")
    assert resumed.returncode == 0, resumed.stderr


def test_a_catalog_that_was_edited_by_hand_is_found_on_the_hosts(practice: Practice) -> None:
    """The mirror streams, so all seems in sync; the next failover would go to another port."""
    rig = Rig(practice=practice)
    port = practice.lab.primary_port + 1000
    edit = "UPDATE gp_segment_configuration SET port = {} WHERE content = 0 AND role = 'm'"
    rig.sql(edit.format(port + 200))
    try:
        status, preflight = practice.gpmirror("status"), practice.gpmirror("preflight")
        asked, every = (
            practice.gpmirror("status", "--hosts"),
            practice.gpmirror("preflight", "--all"),
        )
    finally:
        rig.sql(edit.format(port))
    assert status.returncode == 0, status.stdout
    assert (asked.returncode, every.returncode) == (2, 9), asked.stdout + every.stdout
    for told in (asked.stdout, every.stdout):
        flat = " ".join(told.split())
        assert f"the catalog says port {port + 200}, its server listens on {port}" in flat
    assert preflight.returncode in {0, 4}, "it asks the hosts of the plan alone"
    assert practice.gpmirror("preflight", "--all").returncode == 0


def test_the_loss_of_a_host_is_played_to_its_end(lost: Practice) -> None:
    rig = Rig(practice=lost)
    before = lost.spec.read_text()
    killed = lost.gpmirror("lab", "kill", "sdw2")
    assert killed.returncode == 0, killed.stderr
    rig.wait(lambda: {row[0] for row in rig.rows() if row[3] == "d"} == {0, 1})
    (roots,) = (one for one in before.splitlines() if one.lstrip().startswith("roots:"))
    entry = f"  - name: sdw[1-3]\n{roots}\n"
    assert entry in before, before
    names = ("sdw1", "sdw4\n    replaces: sdw2", "sdw3")  # where the lost one stood in the ring
    entries = "".join(f"  - name: {name}\n{roots}\n" for name in names)
    lost.spec.write_text(before.replace(entry, entries))
    allowed = ("--allow", "guard:moves_percent")
    planned = lost.gpmirror("plan", "-o", "loss.plan", *allowed)
    assert planned.returncode == 0, planned.stdout + planned.stderr
    assert "2 to recover" in planned.stdout.splitlines()[-1]
    assert "sdw4 replaces sdw2" in " ".join(planned.stdout.split())
    applied = lost.gpmirror("apply", "loss.plan", "--yes", *allowed, seconds=300)
    assert applied.returncode == 0, applied.stderr
    rig.wait_in_sync()
    returned = lost.gpmirror(
        "apply", "--yes", "--rebalance", "--allow", "cancels-queries", *allowed, seconds=300
    )
    assert returned.returncode == 0, returned.stderr
    assert lost.gpmirror("status").returncode == 0
    again = lost.gpmirror("plan", "--detailed-exitcode")
    assert again.returncode == 0, again.stdout
    assert {row[4] for row in rig.rows()} == {"sdw1", "sdw3", "sdw4"}
    assert all(row[2:4] == ("s", "u") for row in rig.rows())
    late = lost.gpmirror("lab", "restore", "sdw2")
    assert late.returncode == 1
    assert "sdw2 cannot come back: " in " ".join(late.stderr.split())
