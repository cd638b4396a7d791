"""A catalog that contradicts itself is refused with every finding."""

import pytest

from gpmirror.catalog import read_catalog
from gpmirror.errors import InvalidInput
from tests import shapes

HEADER = [
    "dbid",
    "content",
    "role",
    "preferred_role",
    "mode",
    "status",
    "port",
    "hostname",
    "address",
    "datadir",
]
GOOD = [
    "1 -1 p p n u 5432 mdw mdw /data/master/gpseg-1",
    "2 0 p p s u 6000 sdw1 sdw1 /data/primary/gpseg0",
    "3 1 p p s u 6000 sdw2 sdw2 /data/primary/gpseg1",
    "4 0 m m s u 7000 sdw2 sdw2 /data/mirror/gpseg0",
    "5 1 m m s u 7000 sdw1 sdw1 /data/mirror/gpseg1",
]


def text_of(rows: list[str], header: list[str] = HEADER) -> bytes:
    return shapes.aligned([header, *(row.split() for row in rows)]).encode()


def findings(data: bytes) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        read_catalog(data, "cat")
    return [f"{found.code} {found.message}" for found in caught.value.diagnostics]


def changed(dbid: int, row: str) -> bytes:
    return text_of([*GOOD[: dbid - 1], *([row] if row else []), *GOOD[dbid:]])


def test_good() -> None:
    assert len(read_catalog(text_of(GOOD), "cat").segments) == 5


CASES = [
    (
        2,
        "2 0 p m s u 6000 sdw1 sdw1 /d",
        [
            "C032 content 0 has no preferred primary: dbid 2 (line 4)",
            "C032 content 0 has two preferred mirrors: dbid 2 (line 4), dbid 4 (line 6)",
        ],
    ),
    (4, "4 0 m p s u 7000 sdw2 sdw2 /d", ["C032 content 0 has two preferred primaries: dbid 2"]),
    (
        4,
        "4 0 p m s u 7000 sdw2 sdw2 /d",
        ["C033 content 0 has two acting primaries: dbid 2 (line 4) and dbid 4 (line 6)"],
    ),
    (2, "2 0 m p s d 6000 sdw1 sdw1 /d", ["C033 content 0 has no acting primary: dbid 2"]),
    (
        5,
        "5 0 m m s u 7000 sdw1 sdw1 /d",
        [
            "C032 content 0 has 3 rows, at most two make a pair",
            "C032 content 0 has two preferred mirrors",
        ],
    ),
    (
        5,
        "4 1 m m s u 7000 sdw1 sdw1 /d",
        ["C034 dbid 4 occurs twice: content 0 (line 6) and content 1 (line 7)"],
    ),
    (
        5,
        "5 1 m m s u 6000 sdw1 sdw1 /d",
        ["C035 host sdw1 has port 6000 twice: dbid 2 (line 4) as port and dbid 5 (line 7) as port"],
    ),
    (
        5,
        "5 1 m m s u 7000 sdw1 sdw1 /data/primary/gpseg0/",
        [
            "C036 host sdw1 has directory /data/primary/gpseg0/ twice: dbid 2 (line 4) and dbid 5 (line 7)"
        ],
    ),
    (3, "", ["C032 content 1 has no preferred primary: dbid 5"]),
    (
        3,
        "3 3 p p s u 6000 sdw2 sdw2 /d",
        [
            "C031 content gaps: no row of content 2; the highest content is 3",
            "C032 content 1 has no preferred primary: dbid 5",
        ],
    ),
    (1, "1 -2 p p n u 5432 mdw mdw /d", ["C011 dbid 1: content -2 is outside -1.."]),
    (2, "2 0 p p s u 65536 sdw1 sdw1 /d", ["C011 dbid 2: port 65536 is outside 1..65535"]),
    (2, "2 0 p p s u 0 sdw1 sdw1 /d", ["C011 dbid 2: port 0 is outside 1..65535"]),
    (
        2,
        "2 0 p p s u \uff14\uff10\uff10\uff10\uff10 sdw1 sdw1 /d",
        [
            'C010 dbid 2: port "\uff14\uff10\uff10\uff10\uff10" is not a number: U+FF14 is no ASCII digit'
        ],
    ),
    (2, "2 0 p p s u 6_000 sdw1 sdw1 /d", ['C010 dbid 2: port "6_000" is not a number']),
    (
        2,
        "2 zero x p r q 6000 sdw1 sdw1 d",
        [
            'C012 dbid 2: role "x" is not p or m',
            'C012 dbid 2: mode "r" is not s or n',
            'C012 dbid 2: status "q" is not u or d',
            'C010 dbid 2: content "zero"',
            'C014 dbid 2: datadir "d" is not an absolute path',
        ],
    ),
    (2, "2 0 p p s u 6000 NULL sdw1 /d", ["C013 dbid 2: hostname is empty"]),
    (2, "2 0 p p s u 6000 a;b sdw1 /d", ['C013 dbid 2: hostname "a;b" holds ";"']),
    (2, "2 0 p p s u 6000 $(x) sdw1 /d", ['C013 dbid 2: hostname "$(x)" holds "$"']),
    (2, "2 0 p p s u 6000 sdw1 s`x` /d", ['C013 dbid 2: address "s`x`" holds "`"']),
    (2, "2 0 p p s u 6000 sdw1 a'b /d", ['C013 dbid 2: address "a\'b" holds "\'"']),
    (2, "2 0 p p s u 6000 -oX sdw1 /d", ['C013 dbid 2: hostname "-oX" starts with -']),
    (2, "2 0 p p s u 6000 sdw1 sdw1 /", ['C014 dbid 2: datadir "/" is the file system\'s root']),
    (
        2,
        "2 0 p p s u 6000 sdw1 sdw1 //./",
        ['C014 dbid 2: datadir "//./" is the file system\'s root'],
    ),
    (2, "2 0 p p s u 6000 sdw1 sdw1 /d/../e", ['C014 dbid 2: datadir "/d/../e" has a step `..`']),
    (
        2,
        "2 0 p p s u 6000 sdw1 sd\x07w1 /d",
        ['C013 dbid 2: address "sd\\x07w1" holds the unprintable character U+0007'],
    ),
    (2, "2 0 p p s u 6000 sdw1 sdw1 None", ["C014 dbid 2: datadir is empty"]),
    (
        2,
        "99999999999999999999 0 p p s u 6000 sdw1 sdw1 /d",
        ["C011 dbid 99999999999999999999: dbid"],
    ),
]


@pytest.mark.parametrize(("dbid", "row", "wanted"), CASES)
def test_findings(dbid: int, row: str, wanted: list[str]) -> None:
    found = findings(changed(dbid, row))
    assert len(found) == len(wanted)
    for words in wanted:
        assert any(message.startswith(f"GPM-{words}") for message in found), (words, found)


def test_every_finding_in_one_run() -> None:
    rows = [*GOOD, "5 7 p m s u 7000 sdw1 sdw1 /data/mirror/gpseg1"]
    codes = {found.split()[0] for found in findings(text_of(rows))}
    assert codes == {"GPM-C031", "GPM-C032", "GPM-C034", "GPM-C035", "GPM-C036"}


def test_no_rows() -> None:
    assert findings(text_of([])) == ["GPM-C030 the table has no rows"]


def test_coordinator_only() -> None:
    assert "1 coordinator row only" in findings(text_of(GOOD[:1]))[0]


def test_one_segment_row_is_enough() -> None:
    observed = read_catalog(text_of(GOOD[1:2]), "cat")
    assert observed.coordinator is None
    assert any("no coordinator" in note for note in observed.notes)


OLD = [*HEADER[:-1], "replication_port"]


def test_replication_ports_share_the_hosts_ports() -> None:
    rows = ["2 0 p p s u 40000 a a 41000", "3 0 m m r u 41000 a a 42000"]
    assert findings(text_of(rows, OLD)) == [
        (
            "GPM-C035 host a has port 41000 twice: dbid 2 (line 3) as replication_port "
            "and dbid 3 (line 4) as port"
        )
    ]


def test_port_and_replication_port_of_one_row_differ() -> None:
    assert "twice" in findings(text_of(["2 0 p p s u 40000 a a 40000"], OLD))[0]


def test_old_releases_have_no_mode_n() -> None:
    assert '"n" is not s or r or c' in findings(text_of(["2 0 p p n u 40000 a a 41000"], OLD))[0]


def test_the_place_of_a_cell() -> None:
    with pytest.raises(InvalidInput) as caught:
        read_catalog(changed(2, "2 0 p p s u 70000 sdw1 sdw1 /data/primary/gpseg0"), "cat")
    place = caught.value.diagnostics[0].place
    assert place is not None
    assert (place.line, place.width) == (4, 5)
    assert place.text[place.column - 1 :].startswith("70000")


def test_shell_characters_are_facts() -> None:
    path = "/data/$(rm)';`x`\"&seg0"
    observed = read_catalog(changed(2, f"2 0 p p s u 6000 sdw1 sdw1 {path}"), "cat")
    assert observed.segments[1].directory == path
