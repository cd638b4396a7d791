"""From the utilities' own files to specs."""

from pathlib import Path

import pytest

from gpmirror.errors import InvalidInput
from gpmirror.infer import Inferred, infer_from_native
from gpmirror.native.reader import read_native
from gpmirror.spec import load
from gpmirror.spec.model import Bases, Strategy

CONFIGS = Path(__file__).parents[2] / "fixtures" / "configs"


def imported(name: str) -> Inferred:
    return infer_from_native(read_native((CONFIGS / name).read_bytes(), name), name="x")


def read(text: str) -> Inferred:
    return infer_from_native(read_native(text.encode(), "file"), name="x")


def test_an_add_file_becomes_pins_line_by_line() -> None:
    inferred = imported("01-add-gp4-23-contents.txt")
    assert (inferred.strategy, inferred.pins, inferred.plan) == (Strategy.PINNED, 23, None)
    last = inferred.spec.pins[-1]
    assert (last.content, last.host, last.port, last.replication_port, last.directory) == (
        22,
        "digoal.sqa.zmf",
        41022,
        42022,
        "/disk1/digoal/gpdata_mirror/gpseg22",
    )
    assert inferred.spec.ports == Bases(
        mirror_base=41000, replication_base=43000, mirror_replication_base=42000
    )
    assert "# Checked for form only" in inferred.text


def test_new_hosts_of_a_larger_cluster_may_not_hold_their_own_mirrors() -> None:
    inferred = read("db9|db9|6000|/data/p/seg8|18|8|p\ndb9|db9|6001|/data/p/seg9|19|9|p\n")
    assert not inferred.spec.allow_same_host
    assert load(inferred.text.encode(), "s.yaml").allow_same_host is False
    assert "  # allow_same_host: true" in inferred.text
    beside = "db9|db9|6000|/data/p/seg8|18|8|p\ndb9|db9|7000|/data/m/seg8|19|8|m\n"
    assert read(beside).spec.allow_same_host


def test_a_file_of_moves_tells_contents_by_directory() -> None:
    inferred = imported("17-move-gp6-other-interface.txt")
    assert [(pin.content, pin.host, pin.port) for pin in inferred.spec.pins] == [
        (2, "sdw1-1", 21500),
        (3, "sdw1-2", 22501),
    ]


@pytest.mark.parametrize("base", ["data", "gpseg007", "7", "m1"])
def test_a_file_of_moves_whose_directories_say_nothing_is_refused(base: str) -> None:
    lines = f"sdw1|7000|/data/{base} sdw2|7000|/data/x\nsdw1|7001|/other/{base} sdw2|7001|/data/y\n"
    with pytest.raises(InvalidInput) as caught:
        read(lines)
    assert caught.value.diagnostics[0].code == "GPM-P404"
    assert caught.value.diagnostics[0].place is not None


def test_full_width_colons_are_refused_by_place() -> None:
    with pytest.raises(InvalidInput) as caught:
        imported("02-add-gp5-fullwidth-colons.txt")
    first = caught.value.diagnostics[0]
    assert "U+FF1A" in first.message
    assert str(first.place) == "02-add-gp5-fullwidth-colons.txt:2:15"


def test_segment_lists_are_treated_as_a_catalog() -> None:
    expanded = imported("14-expand-gp6-reversed-ports.txt")
    arrays = imported("init-arrays-gp6.conf")
    for inferred in (expanded, arrays):
        assert inferred.plan is not None
        assert not inferred.plan.summary.differs
    assert arrays.strategy is Strategy.GROUP
    assert any("new segments only" in remark for remark in expanded.remarks)


def test_a_file_of_new_hosts_is_not_taken_for_the_whole_cluster() -> None:
    """What a plan of these hosts alone would do says nothing of the cluster's."""
    inferred = read("sdw9|sdw9|6000|/data/gpseg8|20|8|p\nsdw9|sdw9|6001|/data/gpseg9|21|9|p\n")
    header = [one for one in inferred.text.splitlines() if one.startswith("#")]
    assert "2 new contents on 1 host" in header[0]
    assert header[1] == (
        "# The file tells of new segments only: list the cluster's other hosts too."
    )
    assert not [one for one in (*header, *inferred.remarks) if "would add" in one]
    assert not inferred.spec.allow_same_host


def test_settings_give_bases_roots_and_placeholders_for_hosts() -> None:
    inferred = imported("init-gp5.conf")
    assert inferred.spec.ports == Bases(
        mirror_base=50000, replication_base=41000, mirror_replication_base=51000
    )
    assert inferred.spec.hosts[0].roots == ("/data1/mirror", "/data2/mirror")
    assert any("names no hosts" in remark for remark in inferred.remarks)


def test_settings_without_mirrors_are_filled_with_the_usual() -> None:
    inferred = read(
        "SEG_PREFIX=gpseg\nPORT_BASE=6000\nMIRROR_TYPE=Spread\n"
        "declare -a DATA_DIRECTORY=(/data1/primary /data2/gp)\n"
    )
    assert inferred.strategy is Strategy.SPREAD
    assert inferred.spec.hosts[0].roots == ("/data1/mirror", "/data2/mirror")
    assert len(inferred.spec.hosts) == 3
