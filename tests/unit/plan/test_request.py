"""Selections: how they are written, what they may not cut."""

import pytest

from gpmirror.errors import InvalidInput
from gpmirror.plan.request import Request, parse_contents
from tests import clusters

HOSTS = ["sdw1", "sdw2", "sdw3"]


@pytest.mark.parametrize(
    ("text", "contents"),
    [("3", {3}), ("3,7-9", {3, 7, 8, 9}), (" 0 , 2-2 ", {0, 2}), ("1,1", {1})],
)
def test_contents_are_ids_and_ranges(text: str, contents: set[int]) -> None:
    assert parse_contents(text) == contents


@pytest.mark.parametrize(
    "text", ["", "x", "3..5", "5-3", "-1", "1,", "٣", "0-999999999", "1234567890"]
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_contents(text)
    assert [found.code for found in caught.value.diagnostics] == ["GPM-P301"]


def test_a_selection_in_words() -> None:
    request = Request(contents=frozenset({7, 3}), hosts=frozenset({"sdw2", "sdw1"}))
    assert request.selection == "content 3,7 and host sdw1,sdw2"
    assert Request().selection is None


def test_what_the_cluster_does_not_have() -> None:
    request = Request(contents=frozenset({0, 99}), hosts=frozenset({"sdw33", "elsewhere"}))
    with pytest.raises(InvalidInput) as caught:
        clusters.planned(clusters.spec(HOSTS), clusters.mirrored(HOSTS), request)
    found = [(item.message, item.hint) for item in caught.value.diagnostics]
    assert found == [
        ("--content 99: no such content", "contents run from 0 to 2"),
        ("--host elsewhere: no such host", "known hosts: mdw, sdw1, sdw2, sdw3"),
        ("--host sdw33: no such host", "did you mean sdw3?"),
    ]


def test_an_add_is_all_or_nothing() -> None:
    spec, seen = clusters.spec(HOSTS), clusters.mirrorless(HOSTS)
    with pytest.raises(InvalidInput) as caught:
        clusters.planned(spec, seen, Request(hosts=frozenset({"sdw1"})))
    assert "takes 1 of 3 contents to add" in caught.value.message
    whole = clusters.planned(spec, seen, Request(contents=frozenset({0, 1, 2})))
    assert whole.summary.add == 3
    assert whole.selection == "content 0,1,2"
