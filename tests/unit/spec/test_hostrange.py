"""Host ranges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpmirror.spec.hosts import MAX_HOSTS, RangeError, host_names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("sdw1", ["sdw1"]),
        ("sdw[1-3]", ["sdw1", "sdw2", "sdw3"]),
        ("sdw[09-11,20]", ["sdw09", "sdw10", "sdw11", "sdw20"]),
        ("sdw[8-10]", ["sdw8", "sdw9", "sdw10"]),
        ("sdw[0-1]", ["sdw0", "sdw1"]),
        ("sdw[098-101]", ["sdw098", "sdw099", "sdw100", "sdw101"]),
        ("r[1-2]-s[1-2]", ["r1-s1", "r1-s2", "r2-s1", "r2-s2"]),
        ("[1-2].example", ["1.example", "2.example"]),
        ("sdw[1, 3]", ["sdw1", "sdw3"]),
    ],
)
def test_names(text: str, names: list[str]) -> None:
    assert host_names(text) == names


@pytest.mark.parametrize(
    "text",
    ["a[", "a]", "a[1", "a[]", "a[ ]", "a[2-1]", "a[x]", "a[1-]", "a[-1]", "a[1,]", "a[1--2]",
     "a[[1]]", "a[1]]", "a[1-99999999999]", "a[1-10001]", "[1-200][1-200]", "[1]" * 9],
)  # fmt: skip
def test_refused(text: str) -> None:
    with pytest.raises(RangeError):
        host_names(text)


@given(st.text(alphabet="a[]-,0123456789", max_size=30))
def test_any_text_ends(text: str) -> None:
    try:
        names = host_names(text)
    except RangeError:
        return
    assert 0 < len(names) <= MAX_HOSTS
