"""Two copies of one journal."""

import pytest

from gpmirror.run.record import missing


@pytest.mark.parametrize(
    ("own", "far", "added"),
    [
        ("", "", ""),
        ("a\nb\n", "", ""),
        ("a\nb\n", "a\n", ""),
        ("a\nb\n", "a\nb\n", ""),
        ("a\n", "a\nb\nc\n", "b\nc\n"),
        ("a\nours\n", "a\nb\nc\n", "b\nc\n"),
        ("a\nours\nb\nc\nlast\n", "a\nb\nc\n", ""),
        ("a\nb cut o", "a\nb cut off\n", "b cut off\n"),
        ("a\n", "a\nb cut o", ""),
    ],
    ids=[
        "nothing",
        "no far copy",
        "the far one is behind",
        "alike",
        "another machine went on",
        "both went on",
        "joined before",
        "ours was cut off",
        "theirs is being written",
    ],
)
def test_whole_lines_that_ours_lacks_in_their_order(own: str, far: str, added: str) -> None:
    assert missing(own, far) == added
