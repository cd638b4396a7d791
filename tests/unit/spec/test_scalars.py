"""Plain scalars by the core schema of YAML 1.2."""

import pytest

from gpmirror.spec.writing import Scalar, plain


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("-5", -5),
        ("+5", 5),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("2026-01-01", "2026-01-01"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("5TB", "5TB"),
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("False", False),
        (".nan", ".nan"),
        ("-", "-"),
        ("9" * 100, "9" * 100),
        ("9" * 31, float("9" * 31)),
    ],
)
def test_plain(text: str, value: Scalar) -> None:
    found = plain(text)
    assert found == value
    assert type(found) is type(value)
