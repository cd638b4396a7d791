"""What people paste that is no whole catalog: named as what it is, with the way out."""

import pytest

from gpmirror.catalog import read_catalog
from gpmirror.errors import InvalidInput

HEADER = "dbid|content|role|preferred_role|mode|status|port|hostname|address|datadir\n"
ROWS = """\
1|-1|p|p|n|u|5432|mdw|mdw|/data/master/seg-1
2|0|p|p|s|u|6000|db1|db1|/data/p/seg0
3|0|m|m|s|u|7000|db2|db2|/data/m/seg0
"""
TABLE = HEADER + ROWS + "(3 rows)\n"
ALL = "select * from gp_segment_configuration"


def refused(text: str) -> tuple[str, str, int, str]:
    """Code, message, line and hint of the only finding."""
    with pytest.raises(InvalidInput) as caught:
        read_catalog(text.encode(), "cat")
    (found,) = caught.value.diagnostics
    return found.code, found.message, found.place.line if found.place else 0, found.hint or ""


@pytest.mark.parametrize(
    ("query", "said", "line"),
    [
        (f'$ psql -c "{ALL} where content in (0, 3) order by 2"', "WHERE content in (0, 3)", 1),
        (f"db=# {ALL}\ndb-# where status = 'd';", "WHERE status = 'd'", 2),
        (f"{ALL.upper()} WHERE role='p' AND content >= 0;", "WHERE role='p'", 1),
        (f"{ALL} c where c.hostname like 'db%' order by 1;", "WHERE c.hostname like 'db%'", 1),
        (f"{ALL} limit 3;", "limit 3", 1),
        (f"select 1;\n{ALL.replace('from ', 'from pg_catalog.')} where dbid<4;", "WHERE dbid<4", 2),
        (
            f"{ALL} where content in (select content from gp_segment_configuration where mode='n');",
            "WHERE content in (select content from gp_segment_configuration where mode='n')",
            1,
        ),
    ],
)
def test_a_query_with_a_condition_is_a_selection(query: str, said: str, line: int) -> None:
    """Also where its rows would make a cluster: the mirrors may be what was left out."""
    found = refused(f"{query}\n{TABLE}")
    assert found[0] == "GPM-C009"
    assert found[1] == f"the query selects some rows only: {said}"
    assert found[2] == line
    assert found[3] == "save `SELECT * FROM gp_segment_configuration`, without a condition"


@pytest.mark.parametrize(
    "query",
    [
        f"{ALL};",
        f"{ALL} order by content, role;",
        f"{ALL} where content >= 0;",
        f"{ALL} WHERE content <> -1 order by 1;",
        f"{ALL} where content != '-1'\nand true;",
        (
            "select c.*, f.x from gp_segment_configuration c, other f where c.dbid = f.fsedbid "
            "and f.fsname = 'pg_system';"
        ),
        f"delete from gp_segment_configuration where dbid = 9;\n{ALL};",
        f"{ALL} where dbid = 9;\n(0 rows)\n{ALL};",
        "We read the rows from gp_segment_configuration, where mirrors are shown:",
        f"{ALL};\nthe query below says where content = 3 went",
    ],
)
def test_conditions_that_leave_no_mirror_out_are_none(query: str) -> None:
    assert len(read_catalog(f"{query}\n{TABLE}".encode(), "cat").segments) == 3


def test_the_condition_of_another_tables_query_is_not_this_ones() -> None:
    text = f"{ALL} where content = 0;\n{TABLE}\n{ALL};\n{TABLE}"
    assert len(read_catalog(text.encode(), "cat", table=2).segments) == 3
    with pytest.raises(InvalidInput, match="selects some rows only"):
        read_catalog(text.encode(), "cat", table=1)


def test_blank_lines_that_no_count_proves_are_named() -> None:
    spread = (HEADER + ROWS).replace("\n", "\n\n")
    code, message, line, hint = refused(spread)
    assert (code, line) == ("GPM-C008", 2)
    assert message.startswith("a blank line ends the table in line 2, and no `(N rows)` line")
    assert hint.startswith("delete the blank lines")


def test_blank_lines_do_not_hide_a_lost_row() -> None:
    with pytest.raises(InvalidInput) as caught:
        read_catalog(TABLE.replace("(3 rows)", "(4 rows)").replace("\n", "\n\n").encode(), "cat")
    assert caught.value.diagnostics


def test_blank_lines_do_not_join_two_tables() -> None:
    twice = (TABLE + TABLE).replace("\n", "\n\n")
    code, message, line, _ = refused(twice)
    assert (code, line) == ("GPM-C004", 1)
    assert "table 1: lines 1 to 9, table 2: lines 11 to 19" in message
    assert len(read_catalog(twice.encode(), "cat", table=2).segments) == 3


@pytest.mark.parametrize("above", ["", "psql -tc 'select 1' x\n", "$ psql\n\n"])
def test_rows_without_a_header_are_told_wherever_they_stand(above: str) -> None:
    rows = "".join(f" {line}\n" for line in ROWS.replace("|", " | ").splitlines())
    code, message, line, hint = refused(f"{above}{rows}\n")
    assert code == "GPM-C003"
    assert "have no header" in message
    assert line == above.count("\n") + 1
    assert hint == "run psql without -t (--tuples-only)"


LOG = "20260101:10:00:00:001234"


@pytest.mark.parametrize(
    ("text", "what", "way_out"),
    [
        ("db5|db5|6000|/data/p/seg8|18|8|p\n", "an input file of gpexpand", "gpmirror import"),
        (
            "db5:db5:6000:/data/p/seg8:18:8:p:41000\n",
            "an input file of gpexpand",
            "gpmirror import",
        ),
        ("0|db2|7000|/data/m/seg0\n", "an input file of gpaddmirrors", "gpmirror import"),
        (
            "filespaceOrder=\nmirror0=0:db2:7000:41000:42000:/data/m/seg0\n",
            "an input file of gpaddmirrors",
            "gpmirror import",
        ),
        (
            "db1|7000|/data/m/seg0 db3|7000|/data/m/seg0\n",
            "an input file of gprecoverseg or gpmovemirrors",
            "gpmirror import",
        ),
        ("ARRAY_NAME='x'\nSEG_PREFIX=seg\n", "a configuration of gpinitsystem", "gpmirror import"),
        (
            "failedAddress|failedPort|failedDir<SPACE>new|p|d\n",
            "a form of the manual",
            "real hosts",
        ),
        ("<contentID>|<address>|<port>|<data_dir>\n", "a form of the manual", "real hosts"),
        ("contentID|address|port|data_dir\n", "a form of the manual", "real hosts"),
        (
            f"{LOG} gpstate:mdw:gpadmin-[INFO]:-Segment Mirroring Status Report\n",
            "output of gpstate",
            "SELECT",
        ),
        (
            f"{LOG} gprecoverseg:mdw:gpadmin-[WARNING]:-x\n",
            "the log of a native utility",
            "SELECT",
        ),
        ("apiVersion: gpmirror/v1\ncluster: {name: x}\n", "a spec of gpmirror", "SPEC"),
        ('ERROR:  relation "gp_seg" does not exist\n', "an error that psql printed", "fix"),
        ("psql: error: connection refused\n", "an error that psql printed", "fix"),
    ],
)
def test_what_is_no_catalog_is_named(text: str, what: str, way_out: str) -> None:
    code, message, line, hint = refused("\n" + text)
    assert code == "GPM-C002"
    assert message.startswith(f"no catalog table found: this is {what}")
    assert line > 1
    assert way_out in hint
    assert "SELECT * FROM gp_segment_configuration" in hint


def test_what_has_no_known_form_is_told_as_before() -> None:
    assert refused("nothing\nof the kind\n")[1].startswith("no catalog table found: looked for")
