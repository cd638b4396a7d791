"""IPv6 addresses, told from anything else with a colon."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpmirror.native.fields import ascii_twin, is_ipv6, named, shown


@given(st.text("0123456789abcF:.", max_size=20))
def test_ipv6_as_the_standard_library_sees_it(text: str) -> None:
    try:
        ipaddress.IPv6Address(text)
        expected = True
    except ValueError:
        expected = False
    assert is_ipv6(text) is expected


@pytest.mark.parametrize(
    ("character", "twin"),
    [
        ("\uff1a", ":"),
        ("\uff5c", "|"),
        ("\u0663", "3"),
        ("\u2013", "-"),
        ("\u3000", " "),
        ("\u4e2d", None),
    ],
)
def test_twins(character: str, twin: str | None) -> None:
    assert ascii_twin(character) == twin


def test_characters_and_values_are_shown_readably() -> None:
    assert named("\x00") == "U+0000"
    assert shown("a\nb") == "`a\\nb`"
    assert len(shown("x" * 1000)) == 82


@pytest.mark.parametrize(
    ("text", "expected"),
    [("::ffff:10.0.0.1", True), ("::ffff:10.0.0.256", False), ("::", True), ("1::2::3", False)],
)
def test_ipv6_with_an_ipv4_tail(text: str, expected: bool) -> None:
    assert is_ipv6(text) is expected
