from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpmirror.model.segment import Slot
from gpmirror.model.text import counted, ranges, size_text, yes
from gpmirror.render.text import (
    Line,
    Span,
    Style,
    columns_of,
    folded,
    line,
    needed,
    painted,
    slot_text,
    visible,
)


@pytest.mark.parametrize(
    ("contents", "text"),
    [([], ""), ([3], "3"), ([0, 1, 2, 5], "0-2, 5"), ([5, 4], "4-5"), ([1, 3, 5, 7], "1, 3, 5, 7")],
)
def test_ranges(contents: list[int], text: str) -> None:
    assert ranges(contents) == text


def test_ranges_count_what_they_leave_out() -> None:
    assert ranges(range(0, 100, 2), most=3) == "0, 2, 4, and 47 more"


@given(st.sets(st.integers(0, 200)))
def test_ranges_name_every_content(contents: set[int]) -> None:
    parts = [part for part in ranges(contents, most=1000).split(", ") if part]
    named = {
        number
        for part in parts
        for number in range(int(part.split("-")[0]), int(part.split("-")[-1]) + 1)
    }
    assert named == contents


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (None, "size unknown"),
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (1_100_000_000_000, "1.1 TB"),
        (10**21, "1000.0 EB"),
    ],
)
def test_sizes(size: int | None, text: str) -> None:
    assert size_text(size) == text


def test_counts_and_answers() -> None:
    assert counted(1, "content") == "1 content"
    assert counted(1024, "content") == "1,024 contents"
    assert [yes(True), yes(False), yes(None)] == ["yes", "no", "unknown"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain /data", "plain /data"),
        ("a\x1bb", r"a\x1bb"),
        ("a\nb\t", r"a\nb\t"),
        ("\u202e", r"\u202e"),
        ("\U000e0001", r"\U000e0001"),
        ("\ud800", r"\ud800"),
        ("数据", "数据"),
    ],
)
def test_nothing_invisible_reaches_the_screen(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_wide_characters_count_twice() -> None:
    assert columns_of(line("数据x")) == 5


def test_blanks_at_the_end_are_dropped_and_colour_is_closed() -> None:
    styled: list[Line] = [(Span("a", Style.ADD), Span("  ")), ()]
    assert painted(styled, color=False) == "a\n\n"
    assert painted(styled, color=True) == "\x1b[32ma\x1b[0m\n\n"


def cells(*rows: Sequence[str]) -> list[list[Line]]:
    return [[line(text) for text in row] for row in rows]


def drawn(rows: list[list[Line]], width: int, lead: int = 1) -> str:
    return painted(folded(rows, width=width, lead=lead, numbers=frozenset({0})), color=False)


ROWS = cells(("n", "place", "why"), ("1", "sdw1 /data", "because"), ("10", "sdw2 /d", "so"))


def test_columns_are_aligned_and_numbers_stand_right() -> None:
    assert drawn(ROWS, 40) == (" n  place       why\n 1  sdw1 /data  because\n10  sdw2 /d     so\n")
    assert needed(ROWS) == 23


def test_columns_fold_under_the_lead_without_the_head() -> None:
    assert drawn(ROWS, 15) == (" n  place\n 1  sdw1 /data\n    because\n10  sdw2 /d\n    so\n")


def test_empty_columns_are_left_out() -> None:
    assert drawn(cells(("a", "", "b"), ("1", "", "2")), 40) == "a  b\n1  2\n"
    assert folded([], width=10, lead=1) == []


def test_a_lead_that_takes_too_much_room_lets_the_rest_start_earlier() -> None:
    rows = cells(("a", "host", "x"), ("1", "a-rather-long-host", "/a/very/long/path/x"))
    assert drawn(rows, 25, lead=2) == ("a  host\n1  a-rather-long-host\n   /a/very/long/path/x\n")


WORDS = st.text("ab/ ", max_size=12)


@given(st.lists(st.tuples(WORDS, WORDS, WORDS), min_size=1, max_size=5), st.integers(1, 60))
def test_no_cell_is_ever_cut(rows: list[tuple[str, str, str]], width: int) -> None:
    head = cells(("", "", ""))
    shown = drawn([*head, *cells(*rows)], width)
    assert all(cell.rstrip() in shown for row in rows for cell in row)


def slot(
    host: str = "sdw1", port: int = 7000, directory: str | None = "/d/x", **more: object
) -> Slot:
    given: dict[str, object] = {"address": host, **more}
    return Slot(host=host, port=port, directory=directory, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (slot(), "sdw1:7000 /d/x"),
        (slot(address="sdw1-2"), "sdw1:7000 at sdw1-2 /d/x"),
        (slot(replication_port=8000), "sdw1:7000 replication 8000 /d/x"),
        (slot(directory=None), "sdw1:7000 directory unknown"),
        (slot(filespaces=(("fast", "/f/x"),)), "sdw1:7000 /d/x fast=/f/x"),
    ],
)
def test_a_slot_in_words(found: Slot, text: str) -> None:
    assert slot_text(found) == text
