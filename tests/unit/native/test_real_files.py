"""Files as people published them: each is read, or refused where it is wrong."""

from pathlib import Path

import pytest

from gpmirror.errors import InvalidInput
from gpmirror.native.lines import AddFile, ExpandFile, Grammar, MoveFile
from gpmirror.native.reader import read_native

CONFIGS = Path(__file__).parents[2] / "fixtures" / "configs"

ACCEPTED = {
    "01-add-gp4-23-contents.txt": (AddFile, Grammar.COLON, 23),
    "05b-add-gp4-ring-of-three.txt": (AddFile, Grammar.COLON, 6),
    "07-add-gp6-two-contents.txt": (AddFile, Grammar.PIPE, 2),
    "08-add-gp6-single-host.txt": (AddFile, Grammar.PIPE, 4),
    "10-add-gp4-four-lines.txt": (AddFile, Grammar.COLON, 4),
    "11a-add-gp5-two-interfaces.txt": (AddFile, Grammar.COLON, 4),
    "11c-add-gp7-one-interface.txt": (AddFile, Grammar.PIPE, 2),
    "13a-recover-gp6-sample.txt": (MoveFile, Grammar.PIPE, 2),
    "13b-recover-gp6-new-host.txt": (MoveFile, Grammar.PIPE, 2),
    "13e-recover-gp6-sample-four.txt": (MoveFile, Grammar.PIPE, 4),
    "13f-recover-gp6-dotted-names.txt": (MoveFile, Grammar.PIPE, 4),
    "14-expand-gp6-reversed-ports.txt": (ExpandFile, Grammar.PIPE, 16),
    "15-recover-gp7-moves.txt": (MoveFile, Grammar.PIPE, 3),
    "17-move-gp6-other-interface.txt": (MoveFile, Grammar.PIPE, 2),
}

REFUSED = {
    "01-add-gp4-23-contents-on-one-line.txt": ["1:17 GPM-N012"],
    "02-add-gp5-fullwidth-colons.txt": ["2:15 GPM-N003", "3:15 GPM-N003"],
    "05a-add-gp4-port-clash.txt": ["7:1 GPM-N031", "7:1 GPM-N031"],
    "06-add-development-version-syntax.txt": ["1:1 GPM-N013"],
    "11b-add-development-version-on-one-line.txt": ["1:1 GPM-N013", "1:42 GPM-N012"],
    "12a-move-gp5-broken-lines.txt": ["3:1 GPM-N010", "4:1 GPM-N010"],
    "12b-move-gp6-duplicate-old-port.txt": ["2:1 GPM-N033"],
}


def problems(name: str) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        read_native((CONFIGS / name).read_bytes(), name)
    return caught.value


@pytest.mark.parametrize("name", sorted(ACCEPTED))
def test_accepted(name: str) -> None:
    kind, grammar, count = ACCEPTED[name]
    found = read_native((CONFIGS / name).read_bytes(), name)
    assert type(found) is kind
    assert isinstance(found, AddFile | MoveFile | ExpandFile)
    assert (found.name, found.grammar, len(found.lines)) == (name, grammar, count)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_refused_with_every_place(name: str) -> None:
    found = [f"{d.place} {d.code}" for d in problems(name).diagnostics]
    assert found == [f"{name}:{expected}" for expected in REFUSED[name]]


def test_every_file_is_covered() -> None:
    assert {path.name for path in CONFIGS.glob("*.txt")} == {*ACCEPTED, *REFUSED}


def test_fullwidth_colon_is_named_and_mended() -> None:
    first = problems("02-add-gp5-fullwidth-colons.txt").diagnostics[0]
    assert "U+FF1A FULLWIDTH COLON" in first.message
    assert first.place is not None
    assert first.place.text[first.place.column - 1] == "\uff1a"
    assert first.hint == "replace `\uff1a` with `:`"


def test_development_version_syntax_is_translated() -> None:
    (found,) = problems("06-add-development-version-syntax.txt").diagnostics
    assert found.hint == "write `0|gp6-2|29000|/data01/gp-mirror/gp0`"


def test_port_clash_names_both_lines() -> None:
    first = problems("05a-add-gp4-port-clash.txt").diagnostics[0]
    expected = (
        "port 41001 on seg3.com is named twice: by content 3 (line 5) and by content 5 (line 7)"
    )
    assert first.message == expected
    assert first.related[0].place.line == 5


def test_broken_lines_are_seen_as_such() -> None:
    found = problems("12a-move-gp5-broken-lines.txt").diagnostics
    assert all("rest of the line above" in (d.hint or "") for d in found)


def test_engines_that_take_the_file() -> None:
    sample = read_native((CONFIGS / "13a-recover-gp6-sample.txt").read_bytes(), "a")
    moves = read_native((CONFIGS / "17-move-gp6-other-interface.txt").read_bytes(), "b")
    assert isinstance(sample, MoveFile)
    assert isinstance(moves, MoveFile)
    assert sample.engines == ("gprecoverseg",)
    assert moves.engines == ("gprecoverseg", "gpmovemirrors")
