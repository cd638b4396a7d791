"""Directories of 4.3 and 5, from separate tables and from joins."""

import pytest

from gpmirror.catalog import read_catalog
from gpmirror.errors import InvalidInput
from tests import shapes

HEADER = "dbid content role preferred_role mode status port hostname address replication_port"
SEGMENTS = shapes.aligned(
    [
        HEADER.split(),
        ["1", "-1", "p", "p", "s", "u", "5432", "mdw", "mdw", ""],
        ["2", "0", "p", "p", "s", "u", "40000", "sdw1", "sdw1", "41000"],
        ["3", "0", "m", "m", "s", "u", "50000", "sdw2", "sdw2", "51000"],
    ]
)
ENTRIES = [
    ["fsefsoid", "fsedbid", "fselocation"],
    ["3052", "1", "/m/gpseg-1"],
    ["3052", "2", "/p/gpseg0"],
    ["3052", "3", "/m/gpseg0"],
]
FAST = [["16400", "2", "/f/p0"], ["16400", "3", "/f/m0"]]


def text_of(*tables: list[list[str]]) -> bytes:
    return "\n".join([SEGMENTS, *map(shapes.aligned, tables)]).encode()


def finding(data: bytes) -> str:
    with pytest.raises(InvalidInput) as caught:
        read_catalog(data, "cat")
    assert all(found.hint for found in caught.value.diagnostics)
    return "\n".join(f"{found.code} {found.message}" for found in caught.value.diagnostics)


def test_pg_system_needs_no_name() -> None:
    observed = read_catalog(text_of(ENTRIES), "cat")
    assert [row.directory for row in observed.segments] == ["/m/gpseg-1", "/p/gpseg0", "/m/gpseg0"]


@pytest.mark.parametrize(
    "named",
    [
        [["oid", "fsname"], ["3052", "pg_system"], ["16400", "fast"]],
        [["fsname", "fsowner"], ["pg_system", "10"], ["fast", "10"]],
    ],
)
def test_names(named: list[list[str]]) -> None:
    observed = read_catalog(text_of(named, ENTRIES + FAST), "cat")
    assert observed.filespaces == ("fast",)
    assert [row.filespaces for row in observed.segments] == [
        (),
        (("fast", "/f/p0"),),
        (("fast", "/f/m0"),),
    ]


def test_a_name_is_missing() -> None:
    found = finding(text_of(ENTRIES + FAST))
    assert "GPM-C040 filespace 16400 has no name" in found


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (ENTRIES[:-1], "GPM-C041 dbid 3 has no directory in filespace pg_system"),
        ([*ENTRIES, ["3052", "3", "/x"]], "GPM-C041 dbid 3 has two directories in filespace"),
        ([*ENTRIES[:-1], ["3052", "3", "x"]], 'GPM-C014 pg_filespace_entry: "x" is not an abs'),
        ([*ENTRIES[:-1], ["3052", "x", "/x"]], 'GPM-C010 pg_filespace_entry: "x" is not a num'),
    ],
)
def test_broken_entries(entries: list[list[str]], words: str) -> None:
    assert words in finding(text_of(entries))


def test_truncated_entries() -> None:
    text = text_of(ENTRIES).decode()
    lines = [line for line in text.splitlines(keepends=True) if "/m/gpseg0" not in line]
    assert "GPM-C007 pg_filespace_entry is truncated" in finding("".join(lines).encode())


def test_entries_of_other_segments_do_not_matter() -> None:
    observed = read_catalog(text_of([*ENTRIES, ["3052", "9", "/gone"]]), "cat")
    assert len(observed.segments) == 3


def _joined(*, names: bool) -> list[list[str]]:
    header = [*HEADER.split(), "fselocation", "fsname" if names else "fsefsoid"]
    system, fast = ("pg_system", "fast") if names else ("3052", "16400")
    primary = ["2", "0", "p", "p", "s", "u", "40000", "sdw1", "sdw1", "41000"]
    mirror = ["3", "0", "m", "m", "s", "u", "50000", "sdw2", "sdw2", "51000"]
    return [
        header,
        [*primary, "/p/gpseg0", system],
        [*mirror, "/m/gpseg0", system],
        [*primary, "/f/p0", fast],
        [*mirror, "/f/m0", fast],
    ]


def test_join_with_names() -> None:
    observed = read_catalog(shapes.aligned(_joined(names=True)).encode(), "cat")
    assert [(row.directory, row.filespaces) for row in observed.segments] == [
        ("/p/gpseg0", (("fast", "/f/p0"),)),
        ("/m/gpseg0", (("fast", "/f/m0"),)),
    ]


def test_join_without_names() -> None:
    found = finding(shapes.aligned(_joined(names=False)).encode())
    assert found.count("GPM-C040 filespace 16400 has no name") == 2


def test_join_with_one_directory_a_row() -> None:
    rows = [row[:-1] for row in _joined(names=True)[:3]]
    observed = read_catalog(shapes.aligned(rows).encode(), "cat")
    assert observed.segments[0].directory == "/p/gpseg0"


def test_a_directory_twice_on_a_host() -> None:
    rows = _joined(names=True)
    rows[3][-2] = "/p/gpseg0"
    assert "GPM-C036 host sdw1 has directory /p/gpseg0 twice" in finding(
        shapes.aligned(rows).encode()
    )
