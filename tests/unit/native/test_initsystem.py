"""gpinitsystem files are read and never run."""

from pathlib import Path

import pytest

from gpmirror.errors import InvalidInput
from gpmirror.native.initsystem import read_initsystem
from gpmirror.native.reader import read_native

CONFIGS = Path(__file__).parents[2] / "fixtures" / "configs"


def test_configuration() -> None:
    found = read_initsystem((CONFIGS / "init-gp5.conf").read_bytes(), "F")
    assert found == read_native((CONFIGS / "init-gp5.conf").read_bytes(), "F")
    assert (found.seg_prefix, found.machine_list_file) == ("gpseg", "/home/gpadmin/hostfile")
    assert (found.port_base, found.mirror_port_base) == (40000, 50000)
    assert (found.replication_port_base, found.mirror_replication_port_base) == (41000, 51000)
    assert found.data_directories == ("/data1/primary", "/data2/primary")
    assert found.mirror_directories == ("/data1/mirror", "/data2/mirror")
    assert (found.coordinator_hostname, found.coordinator_port) == ("mdw", 5432)
    assert found.coordinator_directory == "/data/master"
    assert found.settings["ARRAY_NAME"] == "Greenplum Data Platform"
    assert found.settings["ENCODING"] == "UNICODE"


def test_input_arrays() -> None:
    found = read_initsystem((CONFIGS / "init-arrays-gp6.conf").read_bytes(), "F")
    assert found.coordinator is not None
    assert (found.coordinator.content, found.coordinator.directory) == (-1, "/data/master/gpseg-1")
    assert [(row.hostname, row.address, row.port) for row in found.primaries] == [
        ("sdw1", "sdw1-1", 6000),
        ("sdw2", "sdw2-1", 6000),
    ]
    assert [(row.dbid, row.content) for row in found.mirrors] == [(4, 0), (5, 1)]
    assert found.mirrors[0].place is not None
    assert found.mirrors[0].place.line == 11


@pytest.mark.parametrize(
    "row", ["sdw1~40000~/d/gpseg0~2~0~41000", "sdw1:40000:/d/gpseg0:2:0:41000"]
)
def test_old_rows_carry_a_replication_port(row: str) -> None:
    found = read_initsystem(f"PRIMARY_ARRAY=(\n{row}\n)\n".encode(), "F").primaries[0]
    assert (found.hostname, found.port, found.replication_port) == ("sdw1", 40000, 41000)


def test_rows_without_hostname() -> None:
    found = read_initsystem(b"QD_PRIMARY_ARRAY=mdw~5432~/d/gpseg-1~1~-1\n", "F").coordinator
    assert found is not None
    assert (found.hostname, found.replication_port) == ("mdw", None)


@pytest.mark.parametrize(
    "text", ["export SEG_PREFIX='gp'seg", 'SEG_PREFIX="gpseg" # note', "SEG_PREFIX=gpseg\r"]
)
def test_quotes_comments_and_keywords(text: str) -> None:
    assert read_initsystem(text.encode(), "F").seg_prefix == "gpseg"


@pytest.mark.parametrize(
    ("row", "read"),
    [
        ("db1~db1-1~6000~/d/seg0~2~0", ("db1", "db1-1", None)),
        ("db1-1~6000~/d/seg0~2~0", ("db1-1", "db1-1", None)),
        ("db1-1~6000~/d/seg0~2~0~41000", ("db1-1", "db1-1", 41000)),
        # as 6 and later read it: the replication port of old has no effect
        ("db1~db1-1~6000~/d/seg0~2~0~11100", ("db1", "db1-1", None)),
        ("db1:db1-1:6000:/d/seg0:2:0:0", ("db1", "db1-1", None)),
    ],
)
def test_every_form_of_a_segment(row: str, read: tuple[str, str, int | None]) -> None:
    (found,) = read_initsystem(f"PRIMARY_ARRAY=({row})".encode(), "F").primaries
    assert (found.hostname, found.address, found.replication_port) == read
    assert (found.port, found.directory, found.dbid, found.content) == (6000, "/d/seg0", 2, 0)


@pytest.mark.parametrize(
    ("text", "expected", "words"),
    [
        ("SEG_PREFIX=$(rm -rf /)", "F:1:12 GPM-N040", "`$(` is a command substitution"),
        ("SEG_PREFIX=`id`", "F:1:12 GPM-N040", "command substitution"),
        ("SEG_PREFIX=$HOME", "F:1:12 GPM-N040", "`$` is a variable"),
        ("SEG_PREFIX=${HOME}", "F:1:12 GPM-N040", "`${` is a variable"),
        ('SEG_PREFIX="$HOME"', "F:1:12 GPM-N040", "expansion"),
        ("SEG_PREFIX=a; reboot", "F:1:13 GPM-N040", "second command"),
        ("SEG_PREFIX='a", "F:1:12 GPM-N040", "without its end"),
        ("DATA_DIRECTORY=(/a /b*)", "F:1:22 GPM-N040", "pattern"),
        ("SEG_PREFIX=a#b", "F:1:13 GPM-N026", "NUMBER SIGN"),
        ("reboot now", "F:1:1 GPM-N041", "not an assignment"),
        ("SEG_PREFIX=a reboot", "F:1:1 GPM-N041", "not an assignment"),
        ("DATA_DIRECTORY=(/a", "F:1:1 GPM-N041", "not an assignment"),
        ("DATA_DIRECTORY= (/a)", "F:1:1 GPM-N041", "not an assignment"),
        ("SEG_PREFIX=(a b)", "F:1:1 GPM-N041", "not an array"),
        ("PORT_BASE=5000O", "F:1:15 GPM-N021", "LETTER O"),
        ("PORT_BASE=70000", "F:1:11 GPM-N022", "1..65535"),
        ("MASTER_DIRECTORY=data", "F:1:18 GPM-N024", "not absolute"),
        ("DATA_DIRECTORY=(/a b)", "F:1:20 GPM-N024", "not absolute"),
        ("PRIMARY_ARRAY=(a~b~c)", "F:1:16 GPM-N010", "found 3 fields"),
        ("PRIMARY_ARRAY=(a~a~1~/d~2~0~1~1)", "F:1:16 GPM-N010", "found 8 fields"),
        ("PORT_BASE=1\nPORT_BASE=2", "F:2:1 GPM-N042", "line 1"),
        ("MASTER_PORT=1\nCOORDINATOR_PORT=2", "F:2:1 GPM-N042", "MASTER_PORT"),
        ("DATA_DIRECTORY=(/a /b)\nMIRROR_DATA_DIRECTORY=(/c)", "F:2:1 GPM-N043", "1 and 2"),
        ("# nothing", "F GPM-N009", "sets nothing"),
    ],
)
def test_refusals(text: str, expected: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_initsystem(text.encode(), "F")
    first = caught.value.diagnostics[0]
    assert f"{first.place} {first.code}" == expected
    assert words in first.message
