"""Damaged, cut, mixed and hostile input ends in a clear refusal."""

import gzip

import pytest

from gpmirror.catalog import read_catalog
from gpmirror.errors import InvalidInput
from tests import shapes

ROWS = [
    [
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
    ],
    ["1", "-1", "p", "p", "n", "u", "5432", "mdw", "mdw", "/data/master/gpseg-1"],
    ["2", "0", "p", "p", "s", "u", "6000", "sdw1", "sdw1", "/data/primary/gpseg0"],
    ["3", "1", "p", "p", "s", "u", "6000", "sdw2", "sdw2", "/data/primary/gpseg1"],
]
TABLE = shapes.aligned(ROWS)
LINES = TABLE.splitlines(keepends=True)


def refusal(data: bytes | str) -> str:
    with pytest.raises(InvalidInput) as caught:
        read_catalog(data if isinstance(data, bytes) else data.encode(), "cat")
    return "\n".join(f"{d.code} {d.message}" for d in caught.value.diagnostics)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "C001 the file is empty"),
        (b" \n\t", "C001 the file is empty"),
        (b"\x00\x01\x02", "C001 the file is binary"),
        (gzip.compress(TABLE.encode()), "C001 the file is packed with gzip"),
        ("мир".encode("cp1251"), "C001 line 1 is not UTF-8 text: byte 0xEC"),
        (b"\n" * 500_000 + b"x", "C001 the file has 500,001 lines"),
        (b"x" * 10_000_000, "C002 no catalog table found"),
        (b"[" * 1_000_000, "C002 no catalog table found"),
        (b'{"a":' * 100_000, "C050 the JSON is nested too deeply"),
        (b"{", "C050 not valid JSON"),
        (b'{"a": 1' + b"0" * 5_000 + b"}", "C050 not valid JSON"),
        ("SELECT\n  dbid, content, role, preferred_role\nFROM gp_segment_configuration;", "C002"),
        (TABLE.replace("\n", " "), "C003 the line ends are lost"),
        (
            "".join(LINES[:2] + LINES[3:]),
            "C007 gp_segment_configuration is truncated: the text says (3 rows), 2 were read",
        ),
        (
            TABLE.replace(" | /data/primary/gpseg0 ", ""),
            "C006 the row has 9 cells, the header has 10",
        ),
        (TABLE.replace("| sdw1     |", "| sdw1|x   |"), "C006 the row has 11 cells"),
        ("".join([*LINES[:3], "--More--\n", *LINES[3:5]]), "C008 line 5 looks like a row"),
        ("".join([*LINES[:3], "   3\n"]), "C008 line 4 looks like a row"),
        ("".join(LINES[:4]) + "    3 |     ", "C006 the row has 2 cells"),
        ("1|-1|p|p|n|u|5432|mdw|mdw|/data\n", "C003 the rows have no header"),
        ("1|-1|p|p|n|u|mdw|mdw|5432|/data\n2|0|p|p\n", "C006 the line has 4 fields"),
        (TABLE.replace("datadir", "data_xx"), "C005 the catalog table lacks the column datadir"),
        ("dbid,content,role\n1,2,p\n", "C005 the catalog table lacks the columns preferred_role"),
        (
            TABLE + "\n" + TABLE,
            (
                "C004 the text has 2 gp_segment_configuration tables, that is "
                "2 states: table 1: lines 1 to 6, table 2: lines 8 to 13"
            ),
        ),
        (TABLE + TABLE, "C004"),
        ("".join(LINES[:5]) * 2, "C004"),
        (shapes.expanded(ROWS) * 2, "C004"),
        (shapes.expanded(ROWS).rsplit("\n", 4)[0], "C006 a record has 7 cells, the one before"),
        (shapes.expanded(ROWS).replace("RECORD 2", "RECORD 9"), "C006 record 2 is missing"),
        (shapes.expanded_unaligned(ROWS)[:-40], "C006 a record has 8 cells"),
        ("* Record 1\ndbid 1\nfoo bar\n", "C002"),
        ("1|-1|p|p|n|u|mdw|mdw|5432|/data\n" * 100_001, "C011 the table has 100,001 rows"),
        ("dbid,content,role,preferred_role\n" * 3, "C004"),
        ("dbid content role\n---- ---- ----\n", "C005"),
        (b"\xff\xfe\x00", "C001"),
        (shapes.comma_separated(ROWS, quoting=True).replace('"sdw1"', '"sdw1', 1), "C006 the row"),
    ],
)
def test_refused(data: bytes | str, words: str) -> None:
    assert f"GPM-{words}" in refusal(data)


def test_every_line_end() -> None:
    for ending in ("\r\n", "\r"):
        assert len(read_catalog(TABLE.replace("\n", ending).encode(), "cat").segments) == 3


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks(encoding: str) -> None:
    assert len(read_catalog(TABLE.encode(encoding), "cat").segments) == 3


@pytest.mark.parametrize("null", ["None", "NULL", r"\N", ""])
def test_spellings_of_null(null: str) -> None:
    rows = [[*ROWS[0][:-1], "replication_port"], *([*row[:-1], null] for row in ROWS[1:])]
    for row in rows[1:]:
        row[4] = "s"
    observed = read_catalog(shapes.aligned(rows).encode(), "cat")
    assert {row.replication_port for row in observed.segments} == {None}


def test_text_around_the_table_is_skipped() -> None:
    text = (
        "$ psql -c 'select dbid, content, role, preferred_role from x' | tee dbid\n"
        "time | dbid | desc\n-----+----+----\n 1 | 2 | x\n(1 row)\n\nprose, a|b\n"
        f"{TABLE}\n[gpadmin@mdw ~]$ gpstate -m\n1 | 2\n"
    )
    assert len(read_catalog(text.encode(), "cat").segments) == 3


def test_localised_count() -> None:
    text = TABLE.replace("(3 rows)", "(3 行记录)")
    assert len(read_catalog(text.encode(), "cat").segments) == 3


def test_psql_wrapped_format() -> None:
    text = (
        " dbid | content | role | preferred_role | mode | status | port | hostname | address | "
        "datadir\n------+---+---+---+---+---+---+---+---+---\n"
        "    1 |       0 | p    | p              | s    | u      | 6000 | sdw1.ex.| sdw1    | "
        "/data/p.\n"
        "      |         |      |                |      |        |      |.ample   |         |"
        ".rimary\n(1 row)\n"
    )
    (row,) = read_catalog(text.encode(), "cat").segments
    assert (row.hostname, row.directory) == ("sdw1.example", "/data/primary")


def test_expanded_value_broken_by_the_terminal() -> None:
    cells = [row.copy() for row in ROWS[:3]]
    cells[2][-1] = "/data/" + "x" * 40
    lines = [
        line[start : start + 40]
        for line in shapes.expanded(cells).splitlines()
        for start in range(0, len(line), 40)
    ]
    head = "-[ RECORD 1 ]--+" + "-" * 24
    text = "\n".join(lines).replace(lines[0], head, 1)
    text = text.replace("-[ RECORD 2 ]--+-----------", head.replace("1", "2"))
    assert read_catalog(text.encode(), "cat").segments[-1].directory == cells[2][-1]


def test_expanded_borders() -> None:
    borderless = "".join(
        f"* Record {number}\n"
        + "".join(f"{name:15}{cell}\n" for name, cell in zip(ROWS[0], row, strict=True))
        for number, row in enumerate(ROWS[1:], 1)
    )
    boxed = "".join(
        f"+-[ RECORD {number} ]---+\n"
        + "".join(f"| {name:15}| {cell} |\n" for name, cell in zip(ROWS[0], row, strict=True))
        for number, row in enumerate(ROWS[1:], 1)
    )
    for text in (borderless, boxed + "+------+------+\n"):
        assert len(read_catalog(text.encode(), "cat").segments) == 3


def test_expanded_place() -> None:
    with pytest.raises(InvalidInput) as caught:
        read_catalog(shapes.expanded(ROWS).replace("6000", "0").encode(), "cat")
    places = [found.place for found in caught.value.diagnostics]
    assert [(p.line, p.text.strip()[:4], p.column) for p in places if p] == [
        (19, "port", 18),
        (30, "port", 18),
    ]


def test_comments_between_rows_without_a_rule() -> None:
    text = shapes.unaligned(ROWS).replace("2|0", "# sdw1\n2|0").replace("(3 rows)\n", "")
    assert len(read_catalog(text.encode(), "cat").segments) == 3
