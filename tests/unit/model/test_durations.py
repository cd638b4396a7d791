"""Times in words."""

import pytest

from gpmirror.model.text import elapsed_text, remaining_text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0s"),
        (0, "0s"),
        (0.44, "0.4s"),
        (3, "3s"),
        (59.9, "59s"),
        (72, "1m 12s"),
        (3600, "1h 00m"),
        (7385, "2h 03m"),
        (100_000, "1d 03h"),
    ],
)
def test_elapsed(seconds: float, words: str) -> None:
    assert elapsed_text(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (3, "under 1 min"),
        (60, "1 min"),
        (3570, "1 h 00 min"),
        (7500, "2 h 05 min"),
        (180_000, "2 d 2 h"),
    ],
)
def test_remaining(seconds: float, words: str) -> None:
    assert remaining_text(seconds) == words
