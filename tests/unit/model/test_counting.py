"""Numbers in sentences are cut when they are many, in commands they never are."""

import pytest

from gpmirror.model.text import ranges, spans
from gpmirror.plan.request import parse_contents

MANY = range(0, 100, 2)


@pytest.mark.parametrize(
    ("numbers", "sentence", "command"),
    [([], "", ""), ([3], "3", "3"), ([5, 1, 0, 2], "0-2, 5", "0-2,5")],
)
def test_runs_of_numbers(numbers: list[int], sentence: str, command: str) -> None:
    assert (ranges(numbers), spans(numbers)) == (sentence, command)


def test_many_runs() -> None:
    assert ranges(MANY).endswith("44, 46, and 26 more")
    assert parse_contents(spans(MANY)) == frozenset(MANY)
