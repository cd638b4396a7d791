"""One place, and what two servers of one host cannot share: one rule each, for rows and slots."""

from dataclasses import replace

import pytest

from gpmirror.model.claims import claims, contested, on_disk
from gpmirror.model.segment import Slot, same_place
from tests.clusters import mirrored, observed, planned, row, spec

ROW = row(
    3, 0, "m", "sdw2", 7000, "/data/gpseg0", replication=8000, filespaces=(("fast", "/ssd/0"),)
)
SLOT = Slot(
    host="sdw2",
    address="sdw2",
    port=7000,
    directory="/data/gpseg0",
    replication_port=8000,
    filespaces=(("fast", "/ssd/0"),),
)


@pytest.mark.parametrize(
    ("facts", "same"),
    [
        ({}, True),
        ({"address": "sdw2-1"}, False),
        ({"port": 7001}, False),
        ({"directory": "/data/gpseg1"}, False),
        ({"directory": None}, True),
        ({"directory": "/data//gpseg0/"}, True),
        ({"replication_port": 8001}, False),
        ({"replication_port": None}, True),
        ({"filespaces": ()}, True),
        ({"filespaces": (("fast", "/ssd/1"),)}, False),
        ({"filespaces": (("fast", "/ssd/0/"),)}, True),
    ],
)
def test_what_one_side_does_not_tell_equals_any(facts: dict[str, object], same: bool) -> None:
    other_row, other_slot = replace(ROW, **facts), replace(SLOT, **facts)  # type: ignore[arg-type]
    for one, other in ((ROW, other_row), (ROW, other_slot), (SLOT, other_row), (SLOT, other_slot)):
        assert same_place(one, other) is same
        assert same_place(other, one) is same, "both ways"
    assert SLOT.same_place(other_slot) is same


def test_a_slot_is_on_one_host_and_a_row_under_any_name() -> None:
    assert not SLOT.same_place(replace(SLOT, host="sdw3"))
    assert same_place(replace(ROW, hostname="10.1.1.1"), SLOT), "6 writes the address there"


def test_a_server_claims_its_ports_and_directories() -> None:
    told = (("h", 7000), ("h", 8000), ("h", "/data/gpseg0"), ("h", "/ssd/0"))
    assert claims("h", ROW) == claims("h", SLOT) == told
    silent = replace(ROW, directory=None, replication_port=None, filespaces=())
    assert claims("h", silent) == (("h", 7000),)
    assert on_disk("h", "/data//gpseg0/") == ("h", "/data/gpseg0")


def test_what_is_claimed_twice_is_told_by_both_in_order() -> None:
    made = [("a", 1), ("b", 1), ("a", 2), ("a", 3), ("b", 4)]
    assert list(contested(made)) == [("a", 1, 2), ("a", 1, 3), ("b", 1, 4)]
    assert list(contested(made[:2])) == []


def test_a_catalog_that_tells_slashes_is_no_reason_to_move_a_mirror() -> None:
    hosts = ("sdw1", "sdw2", "sdw3")
    rows = [
        replace(one, directory=f"{one.directory}/".replace("/data/", "/data//"))
        if one.content >= 0 and not one.is_preferred_primary
        else one
        for one in mirrored(hosts, 2).segments
    ]
    plan = planned(spec(hosts), observed(rows))
    assert plan.changes == ()
    assert plan.summary.unchanged == 6
