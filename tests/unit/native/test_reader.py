"""Every way a file can be wrong has a code and a place; no bytes end in another error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpmirror.diagnostics import Diagnostic
from gpmirror.errors import InvalidInput
from gpmirror.model.dialect import DIALECTS, Dialect, DialectName
from gpmirror.model.segment import Role
from gpmirror.native.codes import CODES
from gpmirror.native.initsystem import InitSystem
from gpmirror.native.lines import AddFile, ExpandFile, MoveFile
from gpmirror.native.reader import read_native
from gpmirror.native.source import MAX_BYTES, MAX_FINDINGS

GP5, GP6 = DIALECTS[DialectName.GP5], DIALECTS[DialectName.GP6]
H = "filespaceOrder=\n"
GOOD = "0|sdw1|7000|/m/gpseg0\n"


def refused(data: bytes | str, dialect: Dialect | None = None) -> list[str]:
    raw = data.encode() if isinstance(data, str) else data
    with pytest.raises(InvalidInput) as caught:
        read_native(raw, "F", dialect)
    assert all(d.hint or d.code in CODES for d in caught.value.diagnostics)
    return [f"{d.place} {d.code}" for d in caught.value.diagnostics]


def message(data: str, dialect: Dialect | None = None) -> str:
    with pytest.raises(InvalidInput) as caught:
        read_native(data.encode(), "F", dialect)
    return caught.value.diagnostics[0].message


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("", ["F GPM-N009"]),
        ("# nothing\n\n", ["F GPM-N009"]),
        (H, ["F GPM-N009"]),
        ("hello world\n", ["F:1:1 GPM-N004"]),
        (b"0|sdw1|7000|/m/\xff\n", ["F:1 GPM-N001"]),
        ("\ufeff" + GOOD, ["F:1:1 GPM-N002"]),
        ("0|sdw1|5000O|/m/gpseg0\n", ["F:1:12 GPM-N021"]),
        ("0|sdw1|\u0667000|/m/gpseg0\n", ["F:1:8 GPM-N003"]),
        ("0|sdw1|7000\u200b|/m/gpseg0\n", ["F:1:12 GPM-N021"]),
        ("0|sdw1|70000|/m/gpseg0\n", ["F:1:8 GPM-N022"]),
        ("0|sdw1|0|/m/gpseg0\n", ["F:1:8 GPM-N022"]),
        ("0|sdw1|" + "9" * 5000 + "|/m/gpseg0\n", ["F:1:8 GPM-N022"]),
        ("-1|sdw1|7000|/m/gpseg0\n", ["F:1:1 GPM-N022"]),
        ("0|sdw1|7000|m/gpseg0\n", ["F:1:13 GPM-N024"]),
        ("0|sdw1|7000|/m/gpseg0/\n", ["F:1:22 GPM-N025"]),
        ("0|sdw1|7000|/m/gpseg0 # note\n", ["F:1:23 GPM-N018"]),
        ("0|sdw1|7000|/m/gpseg0#1\n", ["F:1:22 GPM-N026"]),
        ("0|[fd00::1]|7000|/m/gpseg0\n", ["F:1:3 GPM-N034"]),
        ("0||7000|/m/gpseg0\n", ["F:1:3 GPM-N023"]),
        ("0|sdw1|7000|8000|9000|/m/gpseg0\n", ["F:1:1 GPM-N010"]),
        ("0|sdw1|sdw1-1|7000|/m/gpseg0\n", ["F:1:1 GPM-N010"]),
        ("0=2|sdw1|7000|/m/gpseg0\n", ["F:1:2 GPM-N020"]),
        (GOOD + GOOD, ["F:2:1 GPM-N030", "F:2:1 GPM-N031", "F:2:1 GPM-N032"]),
        ("0|a|1|/m/0 1|b|2|/m/1\n", ["F:1:12 GPM-N012"]),
        ("a|1|/m/0 b|2|/m/0 c|3|/m/0\n", ["F:1:1 GPM-N011"]),
        ("a|1|/m/0 b|2|3|/m/0\n", ["F:1:10 GPM-N010"]),
        ("a|1|/m/0 b|2|m/0\n", ["F:1:14 GPM-N024"]),
        ("F|a|1|/m/0\n", ["F:1:1 GPM-N019"]),
        ("d|a|a|1|/m/0\n", ["F:1:1 GPM-N019"]),
        ("a|1|/m/0 c|1|/m/0\nb|1|/m/1 c|1|/m/1\n", ["F:2:1 GPM-N031"]),
        ("h|h|6000|/d/0|0|1|p\n", ["F:1:15 GPM-N022"]),
        ("h|h|6000|/d/0|2|0|p\nh|h|6001|/d/1|3|1|x\n", ["F:2:19 GPM-N027"]),
        ("h|h|6000|/d/0|2|0|p\nh|h|6001|/d/1|3\n", ["F:2:1 GPM-N010"]),
        ("h:[a:6000:/d/0:2:0:p\nh:a:6001:/d/1:3:1:p\n", ["F:1:3 GPM-N034"]),
        ("h|h|6000|/d/0|2|0|p\nh|h|6001|/d/1|2|1|p\n", ["F:2:1 GPM-N030"]),
        ("mirror0=0:a:1:2:3:/m/0\n", ["F:1:1 GPM-N015"]),
        (H + "0:a:1:2:3:/m/0\n", ["F:2:1 GPM-N014"]),
        (H + "mirror0=0:a:1:2:/m/0\n", ["F:2:1 GPM-N010"]),
        (H + "mirror0=0:a:1:2:3:/m/0:/f/0\n", ["F:2:1 GPM-N017"]),
        ("filespaceOrder=fs\nmirror0=0:a:1:2:3:/m/0\n", ["F:2:1 GPM-N017"]),
        ("filespaceOrder=pg_system\nmirror0=0:a:1:2:3:/m/0\n", ["F:1:16 GPM-N016"]),
        ("filespaceOrder=a:a\nmirror0=0:a:1:2:3:/m/0:/x:/y\n", ["F:1:18 GPM-N016", "F:2:1 GPM-N017"]),
        ("filespaceOrder=" + "a:" * 999 + "\nmirror0=0:a:1:2:3:/m/0\n", ["F:1:16 GPM-N016"]),
        (H + "mirror0=0:[fd00::1:1:2:3:/m/0\n", ["F:2:11 GPM-N034"]),
        (H + "mirror0=0:[fd00::1]x:1:2:3:/m/0\n", ["F:2:11 GPM-N034"]),
        (H + "mirror0=0:a::2:3:/m/0\n", ["F:2:13 GPM-N021"]),
        (H + "a:1:/m/0 b:2:3:/m/0:/x\n", ["F:2:10 GPM-N017"]),
        (H + "a:1:/m/0 b:2:/m/0\n", ["F:2:10 GPM-N010"]),
        (H + "a:1:/m/0 b:2:3:/m/0 c:1:/m/0\n", ["F:2:1 GPM-N011"]),
        (H + "[a:1:/m/0\n", ["F:2:1 GPM-N034"]),
        (H + "a:x:/m/0\n", ["F:2:3 GPM-N021"]),
        (H + "a:1:/m/0 [b:2:3:/m/0\n", ["F:2:10 GPM-N034"]),
    ],
)  # fmt: skip
def test_refusals(data: bytes | str, expected: list[str]) -> None:
    found = refused(data)
    assert [line for line in found if line in expected] == expected
    assert len(found) <= len(expected) + 1


@pytest.mark.parametrize(("data", "dialect"), [(GOOD, GP5), (H + "mirror0=0:a:1:2:3:/m/0\n", GP6)])
def test_the_other_generation_is_named(data: str, dialect: Dialect) -> None:
    assert refused(data, dialect) == ["F:1:1 GPM-N005"]
    assert dialect.title in message(data, dialect)


def test_development_syntax_is_judged_by_the_old_generation_where_that_is_meant() -> None:
    assert refused("mirror0=0:a:1:/m/0\n", GP5) == ["F:1:1 GPM-N015", "F:1:1 GPM-N010"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("0|sdw1-1|52001|53001|54001|/m/0\n", "expected 4 parts, obtained 6"),
        ("a|1|/m/0 b|2|/m/0 c|3|/m/0\n", "expected 1 or 2 groups but found 3"),
        (H + "mirror0=0:a:1:2\n" + H + "mirror0=0:a:1:2:3:/m\n", "out of values (reading primarySegmentRep"),
        ("0|sdw1|5000O|/m/0\n", "U+004F LATIN CAPITAL LETTER O"),
        (H + "mirror0=0:a:1:2:3:/m/0:/f\n", "ignores the rest"),
    ],
)  # fmt: skip
def test_the_utilitys_own_words(data: str, words: str) -> None:
    assert words in message(data)


def test_problems_of_all_lines_come_in_one_run_and_in_order() -> None:
    data = "0|sdw1|x|/m/0\n1||1|m\n2|sdw1|7000|/m/2 # c\n"
    codes = ["F:1:8 GPM-N021", "F:2:3 GPM-N023", "F:2:6 GPM-N024", "F:3:18 GPM-N018"]
    assert refused(data) == codes


def test_carriage_returns_blank_lines_and_comments_are_harmless() -> None:
    found = read_native(b"# c\r\n\r\n  0|sdw1|7000|/m/gpseg0  \r\n", "F", GP6)
    assert isinstance(found, AddFile)
    (line,) = found.lines
    assert (line.line, line.directory) == (3, "/m/gpseg0")
    assert line.place is not None
    assert (line.place.column, line.place.width) == (3, 21)


def test_labels_are_ignored_as_the_utility_does() -> None:
    found = read_native(
        (H + "mirror9=0:a:1:2:3:/m/0\nmirror9=1:[fd00::2]:1:2:3:/m/1\n").encode(), "F"
    )
    assert isinstance(found, AddFile)
    assert [(line.content, line.address) for line in found.lines] == [(0, "a"), (1, "fd00::2")]


def test_filespaces_follow_the_header_and_come_sorted() -> None:
    data = "filespaceOrder=b:a\nx:1:/m/0 y:2:3:/m/0:/b/0:/a/0\n"
    found = read_native(data.encode(), "F", GP5)
    assert isinstance(found, MoveFile)
    assert found.filespaces == ("a", "b")
    assert found.lines[0].target.filespaces == (("a", "/a/0"), ("b", "/b/0"))


def test_old_expansion_lines() -> None:
    found = read_native(b"h:a:6000:/d/0:2:0:p:8000\nh:a:6001:/d/1:3:0:m:8001\n", "F", GP5)
    assert isinstance(found, ExpandFile)
    assert [line.role for line in found.lines] == [Role.PRIMARY, Role.MIRROR]
    assert [line.replication_port for line in found.lines] == [8000, 8001]
    assert found.lines[0].line == 1


def test_initsystem_files_are_recognised() -> None:
    assert isinstance(read_native(b"SEG_PREFIX=gpseg\nPORT_BASE=6000\n", "F"), InitSystem)


@given(st.binary(max_size=200))
def test_no_bytes_end_in_another_error(data: bytes) -> None:
    _survives(data)


@given(st.text("0|:/# \n=mirofleSpacOd[]()~ap1-.\r\t\uff1a$'\"\\", max_size=120))
def test_no_likely_text_ends_in_another_error(text: str) -> None:
    _survives(text.encode())


PIECES = st.sampled_from(
    ["filespaceOrder=", "mirror0=", "0", "|", ":", "sdw1", "7000", "/m/0", " ", "\n", "#", "[", "]",
     "PRIMARY_ARRAY=", "(", ")", "~", "declare -a ", "PORT_BASE=", '"', "'", "\\", "$", "p", "\uff1a"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=40).map("".join))
def test_no_mix_of_pieces_ends_in_another_error(text: str) -> None:
    _survives(text.encode())


def _survives(data: bytes) -> None:
    for dialect in (None, GP5, GP6):
        found: tuple[Diagnostic, ...] = ()
        try:
            read_native(data, "F", dialect)
        except InvalidInput as refusal:
            found = refusal.diagnostics
        assert all(d.code in CODES and d.place is not None for d in found)


@pytest.mark.long
@pytest.mark.parametrize(
    "data",
    [
        b"0|a|1|/m\n" * 70_000,
        b"x\n" * (MAX_BYTES // 2),
        b"0|" * (MAX_BYTES // 2),
        b"0|a|1|/m " * (MAX_BYTES // 9),
        b"0|a|b|/m\n" * (MAX_BYTES // 9),
        b"/:" + b" " * (MAX_BYTES - 4) + b"#",
        b"mirror0=/:[" + b"[" * (MAX_BYTES - 20),
        b"mirror0=" * (MAX_BYTES // 8),
        b"PORT_BASE=" + b"'a'" * 340_000,
        b"PORT_BASE=" + b"$" * 1_000_000,
        b"PORT_BASE=(" + b"a " * 500_000,
        b"PORT_BASE=1\n" * 80_000,
        b"\n" * MAX_BYTES,
        b"0" * (MAX_BYTES + 1),
    ],
    ids=lambda data: data[:11].decode(),
)
def test_hostile_sizes_end_soon(data: bytes) -> None:
    found = refused(data)
    assert len(found) <= MAX_FINDINGS + 1


def test_a_long_list_is_cut_and_says_so() -> None:
    found = refused("0|a|1|/m # c\n" * 500)
    assert len(found) == MAX_FINDINGS + 1
    assert found[-1].endswith("GPM-N007")


def test_a_move_knows_its_line() -> None:
    found = read_native(b"# c\na|1|/m/0 h|2|/m/0\n", "F")
    assert isinstance(found, MoveFile)
    assert (found.lines[0].line, found.lines[0].subject) == (2, "mirror a:1")
