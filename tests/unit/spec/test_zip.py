"""Hosts of several ranges in turn."""

import pytest

from gpmirror.errors import InvalidInput
from gpmirror.spec import load
from gpmirror.spec.format import format_text

HEAD = (
    "apiVersion: gpmirror/v1\ncluster: {name: x}\nmirrors: {strategy: group, ports: {offset: 1}}\n"
)


def read(entry: str) -> list[tuple[str, str | None, int]]:
    found = load(f"{HEAD}hosts:\n  - {entry}\n".encode(), "x.yaml")
    return [(host.name, host.rack, host.place.line) for host in found.hosts]


def test_hosts_of_the_ranges_stand_in_turn_each_with_its_rack() -> None:
    entry = '{zip: ["sdw[1-3]", "sdw[07-09]"], racks: [a, b], roots: ["/d/{host}"]}'
    assert read(entry) == [
        ("sdw1", "a", 5),
        ("sdw07", "b", 5),
        ("sdw2", "a", 5),
        ("sdw08", "b", 5),
        ("sdw3", "a", 5),
        ("sdw09", "b", 5),
    ]


def test_one_rack_or_none_holds_for_all() -> None:
    assert [rack for _, rack, _ in read("{zip: [a1, b1], rack: r, roots: [/d]}")] == ["r", "r"]
    assert [rack for _, rack, _ in read("{zip: [a1, b1], roots: [/d]}")] == [None, None]


@pytest.mark.parametrize(
    ("entry", "code", "words"),
    [
        ('{zip: ["a[1-3]", "b[1-2]"], roots: [/d]}', "GPM-V059", "a[1-3] has 3, b[1-2] has 2"),
        ("{zip: [a1, b1], name: c, roots: [/d]}", "GPM-V059", "both `name` and `zip`"),
        ("{zip: [a1, b1], racks: [x], roots: [/d]}", "GPM-V059", "one rack for each of the 2"),
        ("{zip: [a1, b1], racks: [x, y], rack: z, roots: [/d]}", "GPM-V059", "instead of `rack`"),
        ("{name: a1, racks: [x], roots: [/d]}", "GPM-V059", "`racks` belongs to `zip`"),
        ('{zip: ["a[", b1], roots: [/d]}', "GPM-V020", "unmatched bracket"),
        ("{zip: [a1, a1], roots: [/d]}", "GPM-V024", "listed twice"),
        ("{zip: [a1], roots: [/d]}", "GPM-V01", "zip"),
        ("{zip: [a1, b1]}", "GPM-V026", "no `roots`"),
        ("{roots: [/d]}", "GPM-V013", "required key `name` is missing"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(entry: str, code: str, words: str) -> None:
    with pytest.raises(InvalidInput) as error:
        read(entry)
    found = error.value.diagnostics
    assert [one for one in found if one.code.startswith(code) and words in one.message], found
    assert all(one.place and one.place.line == 5 and one.hint for one in found)


def test_fmt_keeps_it() -> None:
    entry = '  - {zip: ["sdw[1-3]", "sdw[7-9]"], racks: [a, b], roots: [/d]}'
    text = f"{HEAD}hosts:\n{entry}\n"
    tidy = format_text(text, "x.yaml")
    assert "zip:" in tidy
    names = [host.name for host in load(tidy.encode(), "x").hosts]
    assert names == ["sdw1", "sdw7", "sdw2", "sdw8", "sdw3", "sdw9"]
