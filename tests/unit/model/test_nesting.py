"""Directories in directories, by name."""

import pytest

from gpmirror.model.names import ancestors, lies_in


@pytest.mark.parametrize(
    ("inner", "outer", "expected"),
    [
        ("/m/gpseg0/new", "/m/gpseg0", True),
        ("/m//gpseg0/a/b/", "/m/gpseg0/", True),
        ("/m/gpseg0", "/m/gpseg0", False),
        ("/m/gpseg0", "/m/gpseg0/", False),
        ("/m/gpseg01", "/m/gpseg0", False),
        ("/m/gpseg0.gpmirror-r1", "/m/gpseg0", False),
        ("/m", "/m/gpseg0", False),
    ],
)
def test_in_or_not(inner: str, outer: str, expected: bool) -> None:
    assert lies_in(inner, outer) is expected


def test_the_nearest_comes_first() -> None:
    assert list(ancestors("/a//b/c/")) == ["/a/b", "/a"]
    assert list(ancestors("/a")) == []
