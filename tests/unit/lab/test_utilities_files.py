"""The stand-ins read files as 6.24.3 and 5.8.1 were recorded to, and complain in their words."""

import pytest

from gpmirror.lab.releases import RELEASES
from gpmirror.lab.utilities import colon_files, pipe_files
from gpmirror.lab.utilities.console import Broken, Refused
from gpmirror.native.lines import AddLine, Location, MoveLine

GOOD = "0|sdw2|7000|/data/mirror/gpseg0\n"


def test_a_line_of_6_becomes_a_mirror() -> None:
    expected = AddLine(content=0, address="sdw2", port=7000, directory="/data/mirror/gpseg0")
    assert pipe_files.read_add("m.cfg", GOOD) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "# a comment\n   # indented\n\n  0|sdw2|7000|/data/mirror/gpseg0/  \n",
        "0|sdw2|7000|/data/mirror/gpseg0\r\n",
        "0|sdw2| 7000 |/data//mirror/gpseg0\n",
    ],
    ids=["comments and blanks", "CRLF", "blanks inside"],
)
def test_what_6_overlooks(text: str) -> None:
    assert pipe_files.read_add("m.cfg", text) == pipe_files.read_add("m.cfg", GOOD)


def test_a_trailing_comment_is_part_of_the_path() -> None:
    (line,) = pipe_files.read_add("m.cfg", "7|sdw1|7001|/data/mirror/gpseg7 # note\n")
    assert line.directory == "/data/mirror/gpseg7 # note"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("0|sdw2|7000/data/mirror/gpseg0", "line 1 of file m.cfg: expected 4 parts, obtained 3"),
        ("0|sdw2|sdw2|7000|/data", "line 1 of file m.cfg: expected 4 parts, obtained 5"),
        ("x|sdw1|7001|/data/mirror/gpseg7", "Invalid content ID on line 1"),
        ("0|sdw2|abc|/data/mirror/gpseg0", "Invalid port on line 1"),
        ("0||7000|/data/mirror/gpseg0", "Invalid address on line 1"),
        ("0|sdw2|7000|", "Invalid directory on line 1"),
        ("-2|sdw2|7000|/data", "Invalid content ID on line 1"),
    ],
)
def test_what_6_refuses(row: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        pipe_files.read_add("m.cfg", row)
    assert str(refused.value) == said


def test_6_wants_full_paths() -> None:
    with pytest.raises(Broken) as broken:
        pipe_files.read_add("m.cfg", "0|sdw2|7000|mirror/gpseg0")
    assert str(broken.value) == (
        "Path entered in config file is invalid; it must be a full path."
        "  Path: 'mirror/gpseg0' from: 1"
    )


def test_6_recovers_in_place_and_elsewhere() -> None:
    text = "sdw2|7000|/m/0\nsdw2|7001|/m/1 sdw5|7101|/m/new\n"
    first, second = pipe_files.read_recover("r.cfg", text, RELEASES["6.24.3"])
    assert first == MoveLine(old=Location(address="sdw2", port=7000, directory="/m/0"))
    assert second.target == Location(address="sdw5", port=7101, directory="/m/new")
    assert pipe_files.write_recover([first, second]) == text


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a|1|/d b|2|/d c|3|/d", "line 1 of file r.cfg: expected 1 or 2 groups but found 3"),
        ("a|1", "line 1 of file r.cfg: expected 3 parts on failed segment group, obtained 2"),
        ("a|1|/d 0|b|2|/d", "line 1 of file r.cfg: expected 3 parts on new segment group,"),
    ],
)
def test_what_a_recovery_file_of_6_must_not_hold(row: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        pipe_files.read_recover("r.cfg", row, RELEASES["6.24.3"])


def test_7_reads_a_hostname_too() -> None:
    text = "sdw2|sdw2-1|7000|/m/0 sdw5|sdw5-1|7101|/m/new\nsdw2|7001|/m/1\n"
    first, second = pipe_files.read_recover("r.cfg", text, RELEASES["7.0.0"])
    assert (first.old.hostname, first.target.hostname) == ("sdw2", "sdw5")
    assert first.target.address == "sdw5-1"
    assert second.old.hostname is None
    assert pipe_files.write_recover([first]) == "sdw2-1|7000|/m/0 sdw5-1|7101|/m/new\n"


def test_greengage_reads_a_kind_before_that() -> None:
    release = RELEASES["greengage-6.27.1"]
    for row in ("F|sdw2|7000|/m/0", "d|sdw2|sdw2|7000|/m/0", "sdw2|7000|/m/0"):
        (line,) = pipe_files.read_recover("r.cfg", row, release)
        assert (line.old.address, line.old.port) == ("sdw2", 7000)
    with pytest.raises(Broken, match="Invalid recovery type provided"):
        pipe_files.read_recover("r.cfg", "X|h|sdw2|7000|/m/0", release)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a|1|/d b|2|/d c|3|/d", "expected 1 or 2 groups but found 3"),
        ("a|1", "expected 3 or 4 parts on failed segment group, obtained 2"),
        ("D|a|a|1|/d", "expected 3 or 4 parts on failed segment group, obtained 5"),
        ("a|1|/d b|b|2|/d", "either 3 or 4 on both segment group, obtained 3 on group1 and 4 on"),
    ],
)
def test_what_a_recovery_file_of_7_must_not_hold(row: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        pipe_files.read_recover("r.cfg", row, RELEASES["7.0.0"])
    assert said in str(refused.value)


OLD = "mirror0=0:sdw2:50000:51000:41000:/data/mirror/gpseg0"


@pytest.mark.parametrize("row", [OLD, OLD.replace("mirror0", "mirror9"), OLD + ":/more"])
def test_5_ignores_labels_and_what_is_too_much(row: str) -> None:
    names, lines = colon_files.read_add("m.cfg", f"filespaceOrder=\n{row}\n")
    assert names == []
    assert lines == [
        AddLine(
            content=0,
            address="sdw2",
            port=50000,
            replication_port=51000,
            primary_replication_port=41000,
            directory="/data/mirror/gpseg0",
        )
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (OLD, f"m.cfg:1: LINE >>{OLD}\ndoes not start with filespaceOrder="),
        (f"filespaceOrder=fs1\n{OLD}", f"m.cfg:2: LINE >>{OLD}\nout of values (reading fs1)"),
        (
            f"filespaceOrder=pg_system\n{OLD}",
            f"m.cfg:2: LINE >>{OLD}\nout of values (reading pg_system)",
        ),
        (
            "filespaceOrder=\nmirror0=0:sdw2：50000：51000：41000：/data/mirror/gpseg0",
            (
                "m.cfg:2: LINE >>mirror0=0:sdw2：50000：51000：41000：/data/mirror/gpseg0\n"
                "out of values (reading port)"
            ),
        ),
        (
            "filespaceOrder=\nmirror0=0:sdw2:50000:/data/mirror/gpseg0",
            (
                "m.cfg:2: LINE >>mirror0=0:sdw2:50000:/data/mirror/gpseg0\n"
                "out of values (reading primarySegmentReplicationPort)"
            ),
        ),
        (
            "\ufefffilespaceOrder=\n",
            "m.cfg:1: LINE >>\ufefffilespaceOrder=\ndoes not start with filespaceOrder=",
        ),
        ("filespaceOrder=\n0:a", "m.cfg:2: LINE >>0:a\ndoes not start with mirror"),
    ],
    ids=["no header", "filespace", "pg_system", "full width", "no ports", "BOM", "no label"],
)
def test_what_5_refuses(text: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        colon_files.read_add("m.cfg", text)
    assert str(refused.value) == said


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (OLD.replace("50000", "5000O"), "invalid literal for int() with base 10: '5000O'"),
        (OLD.replace(":/data", ":data"), "Path: 'data/mirror/gpseg0' from: mirror0=0:sdw2:"),
    ],
)
def test_what_breaks_5(row: str, said: str) -> None:
    with pytest.raises(Broken) as broken:
        colon_files.read_add("m.cfg", f"filespaceOrder=\n{row}")
    assert said in str(broken.value)


def test_a_new_port_of_5_that_is_no_number() -> None:
    row = "sdw2:7000:/data/mirror/gpseg0 sdw5:7700:x:/data/mirror/moved0"
    with pytest.raises(Broken) as broken:
        colon_files.read_recover("r.cfg", f"filespaceOrder=\n{row}")
    assert str(broken.value) == f"Config file format error, invalid number value in line: {row}"


def test_5_writes_what_it_read() -> None:
    text = (
        "filespaceOrder=fs1\n"
        "mirror0=0:sdw2:41000:42000:43000:/data/mirror/gpseg0:/data/fs1mirror/gpseg0\n"
        "mirror1=1:[fe80::1]:41001:42001:43001:/data/mirror/gpseg1:/data/fs1mirror/gpseg1\n"
    )
    names, lines = colon_files.read_add("m.cfg", text)
    assert lines[1].address == "fe80::1"
    assert colon_files.write_add(names, lines) == text


def test_5_moves_with_a_replication_port() -> None:
    text = (
        "filespaceOrder=\n"
        "sdw3:50000:/data/mirror/gpseg0 sdw4:50002:51002:/data/mirror2/gpseg0\n"
        "sdw3:50001:/data/mirror/gpseg1\n"
    )
    names, lines = colon_files.read_recover("move.cfg", text)
    assert lines[0].target.replication_port == 51002
    assert lines[1].new is None
    assert colon_files.write_recover(names, lines) == text


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n"])
def test_an_empty_file_holds_no_mirror(text: str) -> None:
    assert pipe_files.read_add("m.cfg", text) == []
    assert colon_files.read_add("m.cfg", text) == ([], [])
