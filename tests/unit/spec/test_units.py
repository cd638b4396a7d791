"""Sizes and times."""

import pytest

from gpmirror.spec.document import bytes_of, seconds_of, time_text


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (7, 7),
        (0, 0),
        ("5TB", 5 * 10**12),
        ("500 GB", 5 * 10**11),
        ("1kB", 1000),
        ("9", 9),
        ("1PB", 10**15),
    ],
)
def test_bytes(value: object, size: int) -> None:
    assert bytes_of(value) == size


@pytest.mark.parametrize("value", [-1, True, None, 1.5, "5 tons", "TB", "5TiB", "-5TB", []])
def test_no_bytes(value: object) -> None:
    with pytest.raises(ValueError, match="must be a size"):
        bytes_of(value)


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("90m", 5400), ("24h", 86_400), ("2d", 172_800)]
)
def test_seconds(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds
    assert seconds_of(time_text(seconds)) == seconds


@pytest.mark.parametrize("value", ["0s", "5", 5, None, "1w", "h", "1.5h"])
def test_no_seconds(value: object) -> None:
    with pytest.raises(ValueError, match="must be a time"):
        seconds_of(value)
