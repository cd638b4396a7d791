"""Finished text on a narrow terminal."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpmirror.render.text import fitted

SUMMARY = (
    "Plan: 8 to add, 0 to move, 0 to recover, 0 to rebalance; 0 unchanged, 0 blocked, 0 switched."
)


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        (SUMMARY, 94, [SUMMARY]),
        (
            SUMMARY,
            80,
            [
                "Plan: 8 to add, 0 to move, 0 to recover, 0 to rebalance;",
                "  0 unchanged, 0 blocked, 0 switched.",
            ],
        ),
        (
            "  desired   mirror sdw2:7000 /data1/mirror/gpseg0 for primary sdw1:6000",
            40,
            [
                "  desired   mirror sdw2:7000",
                "    /data1/mirror/gpseg0 for primary",
                "    sdw1:6000",
            ],
        ),
        (
            "/a-rather-long-name/of-a-directory/below",
            20,
            ["/a-rather-long-name/", "  of-a-directory/", "  below"],
        ),
        ("x" * 45, 20, ["x" * 20, "  " + "x" * 18, "  " + "x" * 7]),
        ("short\n\nlines", 20, ["short", "", "lines"]),
    ],
)
def test_breaks_where_it_helps(text: str, width: int, lines: list[str]) -> None:
    assert fitted(text, width=width).split("\n") == lines


def test_colours_take_no_room() -> None:
    text = "\x1b[31m" + "x" * 20 + "\x1b[0m"
    assert fitted(text, width=20) == text


@given(text=st.text(alphabet="ab /;,中\n", max_size=300), width=st.integers(1, 80))
def test_nothing_is_lost_and_every_line_fits(text: str, width: int) -> None:
    found = fitted(text, width=width)
    assert re.sub(r"[ \n]", "", found) == re.sub(r"[ \n]", "", text)
    columns = [sum(2 if c == "中" else 1 for c in line) for line in found.split("\n")]
    assert max(columns) <= max(width, 20)
