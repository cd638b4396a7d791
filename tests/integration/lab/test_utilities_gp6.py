"""The stand-ins on a practice cluster of 6: real mirrors, and the recorded ways of failing."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from gpmirror.lab.faults import Faults, clear_faults, set_faults, slow
from tests.labs import Practice, shared_labs
from tests.stand_ins import Rig

__all__ = ["shared_labs"]

pytestmark = [pytest.mark.postgres, pytest.mark.ssh, pytest.mark.slow]


@pytest.fixture
def rig(shared_labs: Callable[..., Practice]) -> Rig:
    return Rig(practice=shared_labs(dialect="gp6", hosts=4, primaries=2, addresses=1))


@pytest.fixture
def mirrorless(rig: Rig) -> Rig:
    rig.reset()
    return rig


@pytest.fixture
def mirrored(rig: Rig) -> Rig:
    if rig.out_of_sync() or rig.mirror(0)[4] != "sdw2":
        rig.reset()
        assert rig.mdw("gpaddmirrors -a -i m.cfg").code == 0
        rig.wait_in_sync()
    return rig


def test_eight_mirrors_stream(mirrorless: Rig) -> None:
    lab = mirrorless
    before = lab.rows()
    dry = lab.mdw("gpaddmirrors -a -i m.cfg -o out.cfg && cmp m.cfg out.cfg")
    assert (dry.code, lab.rows()) == (0, before)

    lab.sql("CREATE TABLE kept AS SELECT 42 AS answer", "sdw1", lab.lab.primary_port)
    began = time.monotonic()
    added = lab.mdw("gpaddmirrors -a -i m.cfg")
    assert added.code == 0, added.out
    assert time.monotonic() - began < 60
    assert "[INFO]:-8 segment(s) to add\n" in added.out
    assert "Mirror segments have been added; data synchronization is in progress." in added.out
    assert "sdw2 (dbid 10): pg_basebackup: base backup completed" in added.out
    lab.wait_in_sync()
    assert lab.mirror(0) == (0, "m", "s", "u", "sdw2", lab.lab.primary_port + 1000)

    streaming = lab.sql(
        "SELECT gp_segment_id FROM gp_stat_replication"
        " WHERE application_name = 'gp_walreceiver' AND state = 'streaming' ORDER BY 1"
    )
    assert [row[0] for row in streaming] == list(range(8))
    slots = lab.sql("SELECT slot_name, active FROM pg_replication_slots", "sdw1", 6000 + shift(lab))
    assert slots == [("internal_wal_replication_slot", True)]
    assert lab.mdw("gpstate -e").code == 0
    assert lab.mdw("test -e gpAdminLogs/recovery_progress.file").code == 1

    again = lab.mdw("gpaddmirrors -a -i m.cfg")
    assert again.code == 2
    assert "The cluster is already configured with Mirrors." in again.out

    # a mirror promoted by hand has what was written before
    program = lab.lab.pg_bin / "pg_ctl"
    lab.on("sdw2", f"{program} promote -w -D {lab.place('sdw2', 'gpseg0')}")
    rows = lab.sql("SELECT answer FROM kept", "sdw2", lab.lab.primary_port + 1000)
    assert rows == [(42,)]
    lab.sql("DROP TABLE kept", "sdw1", lab.lab.primary_port)


def shift(lab: Rig) -> int:
    return lab.lab.primary_port - 6000


def test_half_a_failure_stays(mirrorless: Rig) -> None:
    lab = mirrorless
    set_faults(lab.lab.state, Faults(fail_copy=(0,), fail_start=(3,)))
    added = lab.mdw("gpaddmirrors -a -i m.cfg")
    assert added.code == 1
    assert "Failed to add the following segments" in added.out
    port = lab.lab.primary_port + 1000
    assert f" hostname: sdw2; port: {port}; logfile: " in added.out
    assert ".dbid10.out; recoverytype: full" in added.out
    assert "Failed to start the following segments." in added.out
    assert "gpaddmirrors failed. Please check the output for more details." in added.out
    lab.wait(lambda: lab.out_of_sync() == {0, 3})
    assert lab.mirror(0)[2:4] == ("n", "d")
    assert (lab.place("sdw2", "gpseg0") / "backup_label").exists()

    clear_faults(lab.lab.state)
    # the primary of a copy that was cut off notices it later; until then the utility skips it, and
    # ends with 0
    lab.wait(lambda: not backups(lab))
    plain = lab.mdw("gprecoverseg -a")
    assert plain.code == 1
    assert "You must run gprecoverseg -F for all incremental failures" in plain.out
    lab.wait(lambda: lab.out_of_sync() == {0})
    assert lab.mdw("gprecoverseg -aF").code == 0
    lab.wait_in_sync()


def test_killed_in_the_copy_the_mirrors_come_all_the_same(mirrorless: Rig) -> None:
    lab = mirrorless
    set_faults(lab.lab.state, Faults(slow_copy=slow(30, 0)))
    command = "echo $$ > pid; exec gpaddmirrors -a -i m.cfg"
    argv = lab.argv("mdw", command)
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as running:
        lab.wait(lambda: backups(lab) == {0} and lab.out_of_sync() == {0})
        # in one command: the copy goes on while we speak
        seen = "until grep -q ^full:10: gpAdminLogs/recovery_progress.file; do sleep .1; done"
        assert lab.mdw(f"{seen}; kill -9 $(cat pid)").code == 0
        running.wait(timeout=120)
    busy = lab.mdw("gprecoverseg -a")
    assert busy.code == 0
    assert "Found pg_basebackup running for segments with contentIds [0" in busy.out
    assert ", skipping recovery of these segments" in busy.out
    assert lab.mirror(0)[2:4] == ("n", "d")
    assert lab.mdw("gpaddmirrors -a -i m.cfg").code == 2
    lab.wait_in_sync()
    left = lab.mdw("gpstate -e")
    assert left.code == 1
    assert "Segments in recovery" in left.out


def backups(lab: Rig) -> set[int]:
    rows = lab.sql(
        "SELECT gp_segment_id FROM gp_stat_replication WHERE application_name = 'pg_basebackup'"
    )
    return {row[0] for row in rows}


def test_killed_before_the_catalog_nothing_is_left(mirrorless: Rig) -> None:
    lab = mirrorless
    set_faults(lab.lab.state, Faults(hang_before_catalog=60))
    argv = lab.argv("mdw", "echo $$ > pid; exec gpaddmirrors -a -i m.cfg > add.out 2>&1")
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL) as running:
        lab.wait(lambda: "Setting up" in lab.mdw("cat add.out").out)
        lab.mdw("kill -9 $(cat pid)")
        running.wait(timeout=120)
    assert len(lab.rows()) == 8
    clear_faults(lab.lab.state)
    assert lab.mdw("gpaddmirrors -a -i m.cfg").code == 0


def test_what_the_files_and_hosts_get_wrong(mirrorless: Rig) -> None:
    lab = mirrorless
    good, port = lab.group_file(), lab.lab.primary_port + 1000
    first, *rest = good.splitlines(keepends=True)

    def refused(text: str, said: str, command: str = "gpaddmirrors -a -i bad.cfg") -> None:
        lab.write("bad.cfg", text)
        ended = lab.mdw(command)
        assert (ended.code, said in ended.out) == (2, True), ended.out
        assert len(lab.rows()) == 8

    refused("".join(rest), "(specified 7 mirror(s) for 8 primarie(s))")
    clash = good.replace(f"0|sdw2|{port}|", f"0|sdw2|{port + 1}|")
    refused(clash, f"Segment dbid's 11 and 10 on host sdw2 cannot have the same port {port + 1}.")
    refused(clash, "cannot have the same port", "gpaddmirrors -i bad.cfg -o out2.cfg")
    refused(good.replace("7|sdw1", "99|sdw1"), "(Reason='99') exiting...")
    refused(
        "".join([*rest, rest[-1].replace("gpseg7", "again").replace(str(port + 1), "7999")]),
        "'NoneType' object has no attribute 'unreachable'",
    )
    refused(good.replace("0|sdw2|", "0|nosuchhost.invalid|"), "returned non-zero exit status 255")

    stray = lab.place("sdw2", "gpseg0")
    lab.on("sdw2", f"mkdir -p -m 700 {stray}; touch {stray}/somefile")
    refused(good, f"error: for segment with port {port}: Segment directory '{stray}' exists but")
    lab.on("sdw2", f"rm {stray}/somefile")
    assert lab.mdw("gpaddmirrors -i m.cfg", "n\n").code == 4
    end_of_file = lab.mdw("gpaddmirrors -i m.cfg < /dev/null")
    assert (end_of_file.code, "EOF when reading a line" in end_of_file.out) == (2, True)
    assert first.startswith("0|")


def test_directories_and_places_nobody_checks(mirrorless: Rig) -> None:
    lab = mirrorless
    wide, closed = lab.place("sdw2", "gpseg1"), lab.host("sdw3").data / "closed"
    deep = lab.host("sdw3").data / "no" / "such" / "gpseg3"
    lab.on("sdw2", f"mkdir -p -m 755 {wide}; chmod 755 {wide}")
    lab.on("sdw3", f"mkdir -m 500 {closed}")
    text = lab.group_file().replace(str(lab.place("sdw3", "gpseg2")), f"{closed}/gpseg2")
    text = text.replace(str(lab.place("sdw3", "gpseg3")), str(deep))
    beside, port = lab.place("sdw1", "gpseg0"), lab.lab.primary_port + 1005
    text = text.replace(text.splitlines()[0], f"0|sdw1|{port}|{beside}")
    lab.write("odd.cfg", text)
    added = lab.mdw("gpaddmirrors -a -i odd.cfg")
    assert added.code == 1, added.out
    assert f'could not create directory "{closed}/gpseg2": Permission denied' in added.out
    assert f"port: {lab.lab.primary_port + 1001}; datadir: {wide}" in added.out
    lab.wait(lambda: lab.out_of_sync() == {1, 2})
    assert lab.mirror(0)[4] == "sdw1"
    assert deep.stat().st_mode & 0o777 == 0o700


def test_a_taken_port_shows_only_if_both_families_are(mirrorless: Rig) -> None:
    lab, port = mirrorless, mirrorless.lab.primary_port + 1000
    with socket.create_server((lab.host("sdw4").ip, port)), dual_stack(port + 55):
        text = lab.group_file().replace(f"5|sdw4|{port + 1}|", f"5|sdw4|{port + 55}|")
        lab.write("taken.cfg", text)
        added = lab.mdw("gpaddmirrors -a -i taken.cfg")
        assert added.code == 1, added.out
        assert f" hostname: sdw4; port: {port + 55}; datadir: " in added.out
        lab.wait(lambda: lab.out_of_sync() == {5})
    with pytest.raises(psycopg.OperationalError):
        lab.sql("SELECT 1", "sdw4", port)


def dual_stack(port: int) -> socket.socket:
    return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)


def test_two_groups_move_mirrors_that_are_up(mirrored: Rig) -> None:
    lab, port = mirrored, mirrored.lab.primary_port + 1000
    old, new = lab.place("sdw2", "gpseg0"), lab.place("sdw3", "moved0")
    lab.write("mv.cfg", f"sdw2|{port}|{old} sdw3|{port + 100}|{new}\n")
    moved = lab.mdw("gprecoverseg -a -i mv.cfg")
    assert moved.code == 0, moved.out
    assert "Waiting for segments to be marked down." in moved.out
    lab.wait_in_sync()
    assert lab.mirror(0)[4:] == ("sdw3", port + 100)
    assert (old / "PG_VERSION").exists()

    lab.write("back.cfg", f"sdw3|{port + 100}|{new} sdw2|{port}|{old}\n")
    lab.on("sdw2", f"touch {old}/stray")
    back = lab.mdw("gpmovemirrors -i back.cfg; code=$?; cat back.cfg_backout_*; exit $code")
    assert back.code == 0, back.out
    assert back.out.endswith(f"sdw2|{port}|{old} sdw3|{port + 100}|{new}\n")
    lab.wait_in_sync()
    assert not new.exists()
    assert (old / "stray").exists()
    again = lab.mdw("gpmovemirrors -i back.cfg")
    assert again.code == 3
    assert "Old mirror segment does not exist with given information: address = sdw3" in again.out


@pytest.mark.parametrize(("name", "code"), [("gprecoverseg -a", 0), ("gpmovemirrors -i none", 1)])
def test_a_stale_lock_is_believed(mirrored: Rig, name: str, code: int) -> None:
    lab = mirrored
    lock = f'"$MASTER_DATA_DIRECTORY/{name.split(maxsplit=1)[0]}.lock"'
    lab.mdw(f"mkdir {lock}; printf 24885 > {lock}/PID")
    ended = lab.mdw(name)
    assert ended.code == code
    assert "[ERROR]:-Lockfile" in ended.out
    assert "is already running with PID 24885" in ended.out
    assert "Starting" not in ended.out
    assert lab.mdw(f"rm -r {lock}").code == 0


def test_a_dead_mirror_and_a_dead_primary_come_back(mirrored: Rig) -> None:
    lab = mirrored
    assert "No segments to recover" in lab.mdw("gprecoverseg -a").out
    lab.crash(lab.place("sdw3", "gpseg2"))
    lab.crash(lab.host("sdw2").data / "primary" / "gpseg3")
    lab.wait(lambda: lab.out_of_sync() == {2, 3})
    lab.wait(lambda: lab.mirror(3)[4] == "sdw2")
    sample = lab.mdw("gprecoverseg -o rec.out > /dev/null; cat rec.out").out
    assert len(sample.splitlines()) == 2
    assert lab.mdw("gpstate -e").code == 1
    recovered = lab.mdw("gprecoverseg -a")
    assert recovered.code == 0, recovered.out
    assert recovered.out.count("Synchronization mode                 = Incremental") == 2
    lab.wait_in_sync()
    assert "Roles Switched" in lab.mdw("gpstate -e").out
    returned = lab.mdw("gprecoverseg -ra")
    assert returned.code == 0, returned.out
    assert "The rebalance operation has completed successfully." in returned.out
    lab.wait_in_sync()
    assert lab.mirror(3)[4] == "sdw3"


def test_a_file_may_name_wrong_segments(mirrored: Rig) -> None:
    lab, port = mirrored, mirrored.lab.primary_port + 1000
    place = lab.place("sdw3", "gpseg2")
    cases = {
        f"sdw9|{port}|{place}": "A segment to recover was not found in configuration.  This segment"
        f" is described by address|port|directory 'sdw9|{port}|{place}'",
        f"sdw3|{port}|{place}\nsdw3|{port}|{place}": "config file lines 1 and 2 conflict: Cannot"
        f" recover the same failed segment sdw3 and data directory {place} twice.",
        f"sdw1|{port - 1000}|{lab.host('sdw1').data}/primary/gpseg0 sdw4|1|/d": "Segment to recover"
        " from for content 0 is not a primary",
        f"sdw3|{port}|{place} sdw4|{port}|/d": f"on host sdw4 cannot have the same port {port}.",
    }
    for text, said in cases.items():
        lab.write("rec.cfg", text + "\n")
        ended = lab.mdw("gprecoverseg -a -i rec.cfg")
        assert (ended.code, said in ended.out) == (2, True), ended.out
    assert not lab.out_of_sync()


def test_success_without_work(mirrored: Rig) -> None:
    lab = mirrored
    set_faults(lab.lab.state, Faults(exit_zero_do_nothing=True))
    try:
        ended = lab.mdw("gprecoverseg -a -i none.cfg")
    finally:
        clear_faults(lab.lab.state)
    assert (ended.code, "Starting gprecoverseg" in ended.out) == (0, True)


def test_an_interrupt_ends_it_and_not_the_copies(mirrored: Rig) -> None:
    lab, port = mirrored, mirrored.lab.primary_port + 1000
    set_faults(lab.lab.state, Faults(slow_copy=slow(4, 4)))
    lab.write("one.cfg", f"sdw4|{port}|{lab.place('sdw4', 'gpseg4')}\n")
    argv = lab.argv("mdw", "echo $$ > pid; exec gprecoverseg -aF -i one.cfg")
    try:
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as run:
            lab.wait(lambda: backups(lab) == {4})
            pid = int(lab.mdw("cat pid").out)
            os.kill(pid, signal.SIGINT)
            assert run.wait(timeout=120) == 2
    finally:
        clear_faults(lab.lab.state)
    lab.wait_in_sync()
    assert Path(lab.place("sdw4", "gpseg4") / "standby.signal").exists()
