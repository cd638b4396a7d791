"""One test a scenario: what the utilities do is compared with what the real ones did."""

import json
import sys
from itertools import zip_longest
from typing import Any

import pytest

from tests.conformance.conftest import SCENARIOS, Recorded
from tests.conformance.stage import Stage

EVEN, UNEVEN = (
    [one for one in SCENARIOS if ("uneven" in one.get("needs", [])) is uneven]
    for uneven in (False, True)
)
"""By the cluster they are played on."""


@pytest.mark.e2e
@pytest.mark.postgres
@pytest.mark.ssh
@pytest.mark.parametrize("scenario", EVEN, ids=[one["name"] for one in EVEN])
def test_scenario(
    stage: Stage,
    recorded: Recorded,
    cluster: object,  # by which tests for a named cluster are told from the others
    scenario: dict[str, Any],
) -> None:
    play(stage, recorded, scenario)


def play(stage: Stage, recorded: Recorded, scenario: dict[str, Any]) -> None:
    """Play it, and compare what came with the record, or write the record anew."""
    if not stage.suits(scenario):
        pytest.skip(scenario["because"])
    expected = recorded.outcomes(scenario["name"])
    if expected is None and not recorded.writes:
        pytest.skip(f"not recorded on {recorded.file.stem}")
    stage.set_up(scenario["start"])
    stage.meet(scenario.get("needs", []))
    try:
        outcomes = stage.play(scenario["steps"])
    except BaseException:
        stage.spoil()
        raise
    stage.look_after(scenario)
    if recorded.writes:
        recorded.write(scenario["name"], outcomes, stage.version)
        sys.stdout.write(stage.told)  # with -rP, to read what was said
        return
    assert expected is not None
    different = [
        f"recorded {json.dumps(old)}\n     now {json.dumps(new)}"
        for old, new in zip_longest(expected, outcomes)
        if old != new
    ]
    assert not different, "\n".join((*different, "", stage.told))
