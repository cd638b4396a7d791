"""The cluster of the end-to-end tests: the practice cluster, unless `--greenplum` names another."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests import greenplum
from tests.e2e.attacks import Site, site_on
from tests.e2e.clusters import Cluster
from tests.e2e.owned import OwnedCluster
from tests.e2e.practising import PracticeCluster
from tests.labs import Practice, shared_labs

__all__ = ["shared_labs"]


@pytest.fixture(scope="session")
def named_cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Cluster | None:
    """The cluster that `--greenplum` names."""
    named = greenplum.target(request.config)
    if named is None:
        return None
    try:
        return OwnedCluster(named, Path(tmp_path_factory.mktemp("e2e")))
    except psycopg.Error as error:
        pytest.exit(f"--greenplum={named.host}:{named.port}: {error}", 4)


@pytest.fixture(scope="module")
def any_cluster(request: pytest.FixtureRequest, named_cluster: Cluster | None) -> Cluster:
    """The cluster of a file of tests, in whatever state."""
    if named_cluster is not None:
        return named_cluster
    labs: Callable[..., Practice] = request.getfixturevalue("shared_labs")
    return PracticeCluster(labs(dialect="gp6", hosts=4, primaries=2, addresses=1))


@pytest.fixture(scope="module")
def cluster(any_cluster: Cluster) -> Cluster:
    """The same without mirrors, as a file of tests begins."""
    any_cluster.reset()
    return any_cluster


@pytest.fixture
def site(shared_labs: Callable[..., Practice], tmp_path: Path) -> Iterator[Site]:
    """Three primaries without mirrors."""
    practice = shared_labs(dialect="gp6", hosts=3, primaries=1, addresses=1)
    practice.reset()
    with site_on(practice, tmp_path) as found:
        yield found
