"""What is on record: every release that a practice cluster stands for by default, every scenario."""

from pathlib import Path
from typing import Any

import pytest

from gpmirror.lab.releases import DEFAULTS, RELEASES
from tests.conformance.conftest import SCENARIOS, Recorded

GENERATIONS = {"later", "old"}


def needs(scenario: dict[str, Any]) -> set[str]:
    return set(scenario.get("needs", []))


def test_a_scenario_of_one_generation_says_why() -> None:
    for scenario in SCENARIOS:
        assert bool(needs(scenario) & GENERATIONS) is bool(scenario.get("because")), scenario


@pytest.mark.parametrize("release", sorted(DEFAULTS.values()))
def test_every_scenario_of_its_generation_is_on_record(release: str) -> None:
    other = "later" if RELEASES[release].old else "old"
    played = {one["name"] for one in SCENARIOS if other not in needs(one)}
    recorded = Recorded(release, writes=False)
    assert {name for name in played if recorded.outcomes(name) is None} == set()


def test_nothing_else_is_on_record() -> None:
    files = (Path(__file__).parent / "recorded").iterdir()
    assert {file.stem for file in files} == set(DEFAULTS.values())
