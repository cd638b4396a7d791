"""Findings as text, JSON, GitHub commands and SARIF."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpmirror.diagnostics import CodeInfo, Diagnostic, Place, Related, Severity
from gpmirror.render.diagnostics import (
    MAX_COLUMNS,
    diagnostics_github,
    diagnostics_json,
    diagnostics_sarif,
    diagnostics_text,
    display_width,
    excerpt,
)

TWICE = Diagnostic(
    code="GPM-V050",
    message="content 22 is pinned twice",
    place=Place(
        file="spec.yaml", line=31, column=17, width=2, text="    - {content: 22, host: sdw3}"
    ),
    hint="keep one of the two pins",
    related=(
        Related(
            place=Place(file="spec.yaml", line=9, column=17, width=2, text="    - {content: 22}"),
            label="first pinned here",
        ),
    ),
)
BARE = Diagnostic(
    code="GPM-C001", message="no table", severity=Severity.WARNING, place=Place(file="a,b:c.txt")
)


def test_text() -> None:
    assert diagnostics_text([TWICE, BARE], color=False) == (
        "error[GPM-V050]: content 22 is pinned twice\n"
        "  --> spec.yaml:31:17\n"
        "   |\n"
        "31 |     - {content: 22, host: sdw3}\n"
        "   |                 ^^\n"
        "  ::: spec.yaml:9:17\n"
        "   |\n"
        " 9 |     - {content: 22}\n"
        "   |                 ^^ first pinned here\n"
        "   = hint: keep one of the two pins\n"
        "\n"
        "warning[GPM-C001]: no table\n"
        " --> a,b:c.txt"
    )


def test_of_many_places_the_first_are_shown_and_of_the_rest_the_lines_are_named() -> None:
    places = (Place(file="spec.yaml", line=line, column=1, text="x") for line in range(1, 21))
    many = replace(TWICE, related=tuple(Related(place=one, label="here") for one in places))
    text = diagnostics_text([many], color=False)
    assert text.count("^ here") == 6
    assert "\n  ::: see also spec.yaml:7-20\n   = hint" in text


def test_colour_only_adds_escapes() -> None:
    coloured = diagnostics_text([TWICE, BARE], color=True)
    assert "\033[1;31merror" in coloured
    assert re.sub(r"\033\[[0-9;]*m", "", coloured) == diagnostics_text([TWICE, BARE], color=False)


@pytest.mark.parametrize(
    ("text", "column", "width", "shown", "carets"),
    [
        ("name: x", 7, 1, "name: x", "      ^"),
        ("ports：1", 6, 1, "ports：1", "     ^^"),
        ("机架: abc", 5, 3, "机架: abc", "      ^^^"),
        ("e\u0301a: x", 5, 1, "e\u0301a: x", "   ^"),
        ("\t- name", 4, 4, " - name", "   ^^^^"),
        ("a\x1b[2Jb: x", 7, 1, "a\\x1b[2Jb: x", "         ^"),
        ("a\u202eb", 3, 1, "a\\u202eb", "       ^"),
        ("ab", 3, 1, "ab", "  ^"),
        ("ab", 1, 99, "ab", "^^"),
    ],
)
def test_caret_stands_below(text: str, column: int, width: int, shown: str, carets: str) -> None:
    place = Place(file="f", line=1, column=column, width=width, text=text)
    assert excerpt(place) == (shown, carets)


def test_long_line_is_cut_around_the_caret() -> None:
    text = "a" * 500 + "X" + "b" * 500
    shown, carets = excerpt(Place(file="f", line=1, column=501, text=text))
    assert len(shown) <= MAX_COLUMNS
    assert shown[carets.index("^")] == "X"
    assert shown.startswith("...a")
    assert shown.endswith("b...")


def test_long_line_start_and_end() -> None:
    text = "X" + "a" * 500 + "Y"
    assert excerpt(Place(file="f", line=1, column=1, text=text))[0].startswith("Xa")
    assert excerpt(Place(file="f", line=1, column=502, text=text))[0].endswith("aY")


@given(st.text(max_size=300), st.integers(1, 320), st.integers(1, 320))
def test_excerpt_is_one_short_line(text: str, column: int, width: int) -> None:
    shown, carets = excerpt(
        Place(file="f", line=1, column=min(column, len(text) + 1), width=width, text=text)
    )
    assert "\n" not in shown
    assert shown.isprintable()
    assert set(carets) <= {" ", "^"}
    assert carets.endswith("^")


def test_wide_characters_take_two_columns() -> None:
    assert display_width("机架a") == 5


def test_message_cannot_steer_a_terminal() -> None:
    text = diagnostics_text(
        [Diagnostic(code="X", message="a\x1b[31m\nb", hint="\x07")], color=False
    )
    assert text == "error[X]: a\\x1b[31m\\x0ab\n  = hint: \\x07"


def test_json() -> None:
    document = json.loads(diagnostics_json([TWICE, BARE]))
    assert document["format_version"] == "1.0"
    first, second = document["diagnostics"]
    assert first["code"] == "GPM-V050"
    assert first["place"] == {"file": "spec.yaml", "line": 31, "column": 17, "width": 2}
    assert first["related"][0]["label"] == "first pinned here"
    assert second["severity"] == "warning"
    assert second["place"] == {"file": "a,b:c.txt", "line": None, "column": None, "width": None}


def test_json_without_findings() -> None:
    assert json.loads(diagnostics_json([])) == {"format_version": "1.0", "diagnostics": []}


def test_github() -> None:
    odd = Diagnostic(code="GPM-V004", message="50% of\nlines", severity=Severity.NOTE)
    assert diagnostics_github([TWICE, BARE, odd]).splitlines() == [
        (
            "::error file=spec.yaml,line=31,col=17,endColumn=19,title=GPM-V050"
            "::content 22 is pinned twice%0Ahint: keep one of the two pins"
        ),
        (
            "::notice file=spec.yaml,line=9,col=17,endColumn=19,title=GPM-V050"
            "::first pinned here: see also spec.yaml:31, content 22 is pinned twice"
        ),
        "::warning file=a%2Cb%3Ac.txt,title=GPM-C001::no table",
        "::notice title=GPM-V004::50%25 of%0Alines",
    ]


def test_sarif() -> None:
    codes = {"GPM-V050": CodeInfo(title="twice", why="one mirror", fix="keep one")}
    log = json.loads(diagnostics_sarif([TWICE, BARE], codes))
    (run,) = log["runs"]
    assert log["version"] == "2.1.0"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["GPM-C001", "GPM-V050"]
    first, second = run["results"]
    location = first["locations"][0]["physicalLocation"]
    assert location["region"] == {"startLine": 31, "startColumn": 17, "endColumn": 19}
    assert first["relatedLocations"][0]["message"]["text"] == "first pinned here"
    assert second["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a%2Cb%3Ac.txt"
