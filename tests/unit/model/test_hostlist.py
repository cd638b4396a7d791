"""Host names as ranges, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpmirror.model.names import compress, entry_count
from gpmirror.spec.hosts import host_names


@pytest.mark.parametrize(
    ("names", "written"),
    [
        (["sdw1"], ["sdw1"]),
        (["sdw1", "sdw2", "sdw3"], ["sdw[1-3]"]),
        (["sdw08", "sdw09", "sdw10"], ["sdw[08-10]"]),
        (["sdw1", "sdw10", "sdw11", "sdw2"], ["sdw[1,10-11,2]"]),
        (["sdw9", "sdw10", "sdw012"], ["sdw[9-10,012]"]),
        (["a1-b1", "a1-b2", "a2-b1", "a2-b2"], ["a1-b[1-2]", "a2-b[1-2]"]),
        (["sdw1.lan", "sdw2.lan", "mdw"], ["sdw[1-2].lan", "mdw"]),
        (["first", "second"], ["first", "second"]),
        (["h1234567890", "h1234567891"], ["h1234567890", "h1234567891"]),
    ],
)
def test_consecutive_numbers_become_ranges(names: list[str], written: list[str]) -> None:
    assert [text for text, _ in compress((name, None) for name in names)] == written


def test_only_hosts_that_agree_share_a_range() -> None:
    named = [("sdw1", "x"), ("sdw2", "x"), ("sdw3", "y")]
    assert list(compress(named)) == [("sdw[1-2]", ["sdw1", "sdw2"]), ("sdw3", ["sdw3"])]


def test_an_order_that_counts_up_takes_the_fewest_entries() -> None:
    assert entry_count(["sdw1", "sdw2", "sdw3"]) < entry_count(["sdw1", "sdw3", "sdw2"])


NAMES = st.lists(st.from_regex(r"[a-c][0-9]{1,3}(-[0-9]{1,2})?", fullmatch=True), unique=True)


@given(NAMES)
def test_every_list_reads_back_as_it_was(names: list[str]) -> None:
    entries = list(compress((name, None) for name in names))
    assert [name for text, _ in entries for name in host_names(text)] == names
    assert [name for _, listed in entries for name in listed] == names
