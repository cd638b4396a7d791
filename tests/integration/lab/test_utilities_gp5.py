"""The stand-ins on a practice cluster of 5: replication ports, mode r, data in the background."""

import time
from collections.abc import Callable

import pytest

from gpmirror.lab.faults import Faults, clear_faults, set_faults, slow
from tests.labs import Practice, shared_labs
from tests.stand_ins import Rig

__all__ = ["shared_labs"]

pytestmark = [pytest.mark.postgres, pytest.mark.ssh, pytest.mark.slow]


@pytest.fixture
def rig(shared_labs: Callable[..., Practice]) -> Rig:
    return Rig(practice=shared_labs(dialect="gp5", hosts=3, primaries=2, addresses=1))


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


def test_rows_at_once_and_data_later(mirrorless: Rig) -> None:
    lab, before = mirrorless, mirrorless.rows()
    dry = lab.mdw("gpaddmirrors -i m.cfg -o out.cfg && cmp m.cfg out.cfg")
    assert (dry.code, lab.rows()) == (0, before), dry.out
    set_faults(lab.lab.state, Faults(slow_copy=slow(5)))
    added = lab.mdw("gpaddmirrors -a -i m.cfg")
    clear_faults(lab.lab.state)
    assert added.code == 0, added.out
    assert "Updating configuration to mark mirrors up" in added.out
    assert {row[2:4] for row in lab.rows()} == {("r", "u")}
    assert lab.mdw("gpstate -e").code == 1
    lab.wait_in_sync()
    assert lab.mdw("gpstate -e").code == 0
    port = lab.lab.primary_port
    ports = lab.sql(
        "SELECT role, replication_port FROM gp_segment_configuration WHERE content = 0 ORDER BY 1"
    )
    assert ports == [("m", port + 2000), ("p", port + 3000)]
    assert lab.sql("SELECT count(*) FROM pg_filespace_entry WHERE fsedbid > 7") == [(6,)]
    again = lab.mdw("gpaddmirrors -a -i m.cfg")
    assert (again.code, "already configured with" in again.out) == (2, True)


def test_5_makes_no_parent_and_minds_what_is_there(mirrorless: Rig) -> None:
    lab = mirrorless
    place = lab.place("sdw2", "gpseg0")
    missing = place.parent / "no" / "such"
    lab.write("deep.cfg", lab.group_file().replace(str(place), str(missing)))
    refused = lab.mdw("gpaddmirrors -a -i deep.cfg")
    assert refused.code == 2
    said = f"Validation failure on host sdw2 Parent directory for system data directory '{missing}'"
    assert f"{said} does not exist" in refused.out

    lab.on("sdw2", f"mkdir -p {place}; touch {place}/somefile")
    refused = lab.mdw("gpaddmirrors -a -i m.cfg")
    assert refused.code == 2
    assert f"Segment directory '{place}' exists but is not empty!" in refused.out
    lab.on("sdw2", f"rm {place}/somefile; chmod 755 {place}")

    unknown = lab.group_file().replace(":sdw2:", ":sdw9:")
    lab.write("host.cfg", unknown)
    refused = lab.mdw("gpaddmirrors -a -i host.cfg")
    assert refused.code == 2
    assert "Segment Host Address sdw9 is unreachable" in refused.out
    lab.write("header.cfg", lab.group_file().replace("filespaceOrder=", "filespaceOrder=fs1"))
    assert "out of values (reading fs1)" in lab.mdw("gpaddmirrors -a -i header.cfg").out
    assert len(lab.rows()) == 6

    # an empty directory of mode 755 is fine: it becomes 0700
    added = lab.mdw("gpaddmirrors -a -i m.cfg")
    assert added.code == 0, added.out
    lab.wait_in_sync()
    assert place.stat().st_mode & 0o777 == 0o700


def test_a_dead_mirror_waits_for_gprecoverseg(mirrored: Rig) -> None:
    lab = mirrored
    lab.crash(lab.place("sdw2", "gpseg0"))
    lab.wait(lambda: lab.out_of_sync() == {0})
    rows = [row[1:4] for row in lab.rows() if row[0] == 0]
    assert rows == [("p", "c", "u"), ("m", "s", "d")]
    assert lab.mdw("gpstate -m").code == 1
    too_early = lab.mdw("gprecoverseg -ra")
    assert (too_early.code, "Down segments still exist." in too_early.out) == (2, True)
    sample = lab.mdw("gprecoverseg -o rec.out > /dev/null; cat rec.out").out
    port = lab.lab.primary_port + 1000
    assert sample == f"filespaceOrder=\nsdw2:{port}:{lab.place('sdw2', 'gpseg0')}\n"
    recovered = lab.mdw("gprecoverseg -a")
    assert recovered.code == 0, recovered.out
    assert "Updating segments for resynchronization is completed." in recovered.out
    lab.wait_in_sync()


def test_a_move_takes_its_replication_port_along(mirrored: Rig) -> None:
    lab, port = mirrored, mirrored.lab.primary_port + 1000
    old, new = lab.place("sdw2", "gpseg0"), lab.place("sdw3", "moved0")
    text = f"filespaceOrder=\nsdw2:{port}:{old} sdw3:{port + 100}:{port + 1100}:{new}\n"
    lab.write("mv.cfg", text)
    began = time.monotonic()
    moved = lab.mdw("gpmovemirrors -i mv.cfg")
    assert moved.code == 0, moved.out
    assert time.monotonic() - began < 60
    lab.wait_in_sync()
    assert lab.mirror(0)[4:] == ("sdw3", port + 100)
    found = lab.sql("SELECT replication_port FROM gp_segment_configuration WHERE address = 'sdw3'")
    assert (port + 1100,) in found
    assert (old / "PG_VERSION").exists()  # 5 forgets to delete a single one

    back = f"filespaceOrder=\nsdw3:{port + 100}:{new} sdw2:{port}:{port + 1000}:{old}\n"
    lab.write("back.cfg", back)
    refused = lab.mdw("gprecoverseg -a -i back.cfg")
    assert (refused.code, "exists but is not empty!" in refused.out) == (2, True), refused.out
    assert lab.mirror(0)[4:] == ("sdw3", port + 100)
    lab.on("sdw2", f"rm -r {old}")
    returned = lab.mdw("gprecoverseg -a -i back.cfg")
    assert returned.code == 0, returned.out
    lab.wait_in_sync()
    assert lab.mirror(0)[4:] == ("sdw2", port)


def test_other_ports_for_the_same_directory_are_refused(mirrored: Rig) -> None:
    lab, port = mirrored, mirrored.lab.primary_port + 1000
    place = lab.place("sdw2", "gpseg0")
    text = f"filespaceOrder=\nsdw2:{port}:{place} sdw2:{port + 100}:{port + 1100}:{place}\n"
    lab.write("ports.cfg", text)
    refused = lab.mdw("gprecoverseg -a -i ports.cfg")
    assert (refused.code, "exists but is not empty!" in refused.out) == (2, True), refused.out
    assert lab.mirror(0)[3:] == ("d", "sdw2", port), "the mirror is stopped all the same"
    assert lab.mdw("gprecoverseg -a").code == 0
    lab.wait_in_sync()


def test_a_port_in_use_is_only_a_warning(mirrorless: Rig) -> None:
    lab, port = mirrorless, mirrorless.lab.primary_port
    taken = lab.group_file().replace(
        f"0:sdw2:{port + 1000}:", f"0:sdw2:{lab.host('sdw2').ssh_port}:"
    )
    lab.write("taken.cfg", taken)
    added = lab.mdw("timeout 40 gpaddmirrors -a -i taken.cfg")
    assert added.code == 124, "it waits for the primary of a mirror that is not there"
    assert "[WARNING]:-Failed to start segment." in added.out
    assert "Mirror segments have been added" not in added.out
    assert lab.mirror(0)[2:4] in {("r", "u"), ("r", "d")}
    lab.wait(lambda: lab.out_of_sync() <= {0})
