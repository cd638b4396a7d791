"""Hosts that hold different numbers of primaries, on every release."""

from typing import Any

import pytest

from tests.conformance.conftest import Recorded
from tests.conformance.playing import UNEVEN, play
from tests.conformance.stage import Stage

pytestmark = [pytest.mark.e2e, pytest.mark.postgres, pytest.mark.ssh]
_LONG = pytest.mark.long


@pytest.fixture(
    scope="module",
    params=[
        "5.8.1",
        "6.24.3",
        pytest.param("7.0.0", marks=_LONG),
        pytest.param("greengage-6.27.1", marks=_LONG),
    ],
)
def release(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture(scope="module")
def uneven() -> bool:
    return True


@pytest.mark.parametrize("scenario", UNEVEN, ids=[one["name"] for one in UNEVEN])
def test_scenario(
    stage: Stage, recorded: Recorded, cluster: object, scenario: dict[str, Any]
) -> None:
    play(stage, recorded, scenario)
