"""The clusters on which scenarios are played: a practice cluster a release, or one that is named."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from gpmirror.lab.releases import DEFAULTS
from tests import greenplum
from tests.conformance.stage import Outcome, Stage
from tests.e2e.clusters import Cluster
from tests.e2e.conftest import any_cluster, named_cluster
from tests.e2e.practising import PracticeCluster
from tests.labs import Practice, shared_labs

__all__ = ["any_cluster", "named_cluster", "shared_labs"]

_HERE = Path(__file__).parent
SCENARIOS: list[dict[str, Any]] = YAML(typ="safe").load(
    (_HERE / "scenarios.yaml").read_text(encoding="utf-8")
)
_PATIENCE_OF_PRACTICE = 12.0
_PATIENCE_OF_SERVERS = 180.0


class Recorded:
    """The outcomes of one release, as a real server gave them."""

    def __init__(self, release: str, *, writes: bool) -> None:
        self.file = _HERE / "recorded" / f"{release}.json"
        self.writes = writes

    def outcomes(self, name: str) -> list[Outcome] | None:
        """What a scenario came to, None where it was not played."""
        found: list[Outcome] | None = self._read()["scenarios"].get(name)
        return found

    def write(self, name: str, outcomes: list[Outcome], version: str) -> None:
        """Keep what a scenario came to now."""
        scenarios = self._read()["scenarios"] | {name: outcomes}
        order = [one["name"] for one in SCENARIOS]
        kept = {name: scenarios[name] for name in order if name in scenarios}
        text = json.dumps({"server": version, "scenarios": kept}, indent=1, ensure_ascii=False)
        self.file.parent.mkdir(exist_ok=True)
        self.file.write_text(text + "\n", encoding="utf-8")

    def _read(self) -> dict[str, Any]:
        if not self.file.exists():
            return {"scenarios": {}}
        found: dict[str, Any] = json.loads(self.file.read_text(encoding="utf-8"))
        return found


@pytest.fixture(scope="module")
def release(request: pytest.FixtureRequest) -> str:
    """The release that the module plays."""
    found: str = request.module.RELEASE
    return found


@pytest.fixture(scope="module")
def uneven() -> bool:
    """Whether hosts hold different numbers of primaries."""
    return False


@pytest.fixture(scope="module")
def cluster(request: pytest.FixtureRequest, release: str, uneven: bool) -> Cluster:
    """The named cluster, or a practice cluster of the release."""
    if greenplum.target(request.config) is not None:
        named: Cluster = request.getfixturevalue("any_cluster")
        return named
    labs: Callable[..., Practice] = request.getfixturevalue("shared_labs")
    shape = {"hosts": 2, "uneven": True} if uneven else {"hosts": 3, "addresses": 2, "spare": 1}
    return PracticeCluster(labs(release=release, primaries=1, **shape))


@pytest.fixture(scope="module")
def stage(
    request: pytest.FixtureRequest, cluster: Cluster, release: str, uneven: bool
) -> Iterator[Stage]:
    """The cluster as a stage. On a named one only what is of its release and its hosts is played."""
    real = greenplum.target(request.config) is not None
    patience = _PATIENCE_OF_SERVERS if real else _PATIENCE_OF_PRACTICE
    found = Stage(cluster, patience=patience)
    if real and release_of(found) != release:
        pytest.skip(f"the server is {release_of(found)}")
    if real and found.uneven != uneven:
        pytest.skip(f"its hosts are {'uneven' if found.uneven else 'even'}")
    yield found
    found.close()


@pytest.fixture(scope="module")
def recorded(request: pytest.FixtureRequest, release: str) -> Recorded:
    """What the release did; `--write-golden` on a named cluster writes it anew."""
    real = greenplum.target(request.config) is not None
    writes = real and bool(request.config.getoption("--write-golden"))
    return Recorded(release, writes=writes)


def release_of(stage: Stage) -> str:
    """The release as outcomes are recorded by: 6.24.3, greengage-6.27.1."""
    version = stage.cluster.sql("SELECT version()")[0][0]
    number = re.search(r"Database (\d+\.\d+\.\d+)", version)
    head = "greengage-" if "Greengage" in version else ""
    return head + (number[1] if number else DEFAULTS[stage.dialect.name])
