"""A layout turned into another under load, and back: nobody who writes loses a row or a query."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.e2e.clusters import laid_out, wanted
from tests.e2e.practising import PracticeCluster
from tests.labs import Practice

pytestmark = [
    pytest.mark.long,
    *(pytest.mark.e2e, pytest.mark.postgres, pytest.mark.ssh, pytest.mark.slow),
    pytest.mark.xdist_group("practice"),
]
ALLOWED = ("--allow", "guard:moves_percent")
BLOCK = "  block_size: 2\n"


@pytest.fixture
def written(shared_labs: Callable[..., Practice]) -> Iterator[PracticeCluster]:
    """Four hosts with two primaries each, mirrored by group."""
    practice = shared_labs(dialect="gp6", hosts=4, primaries=2, addresses=1)
    practice.reset()
    cluster = PracticeCluster(practice)
    cluster.write_spec("group")
    cluster.apply()
    yield cluster
    practice.reset()


class Writer(threading.Thread):
    """Inserts one row after the other on a primary, each its own transaction; `acknowledged` are
    those whose commit was told. A query that fails ends it.
    """

    def __init__(self, content: int, address: dict[str, object]) -> None:
        super().__init__(name=f"writer of content {content}")
        self.acknowledged: list[int] = []
        self.failed: str | None = None
        self._address = address
        self._enough = threading.Event()

    def run(self) -> None:
        try:
            with psycopg.connect(**self._address, autocommit=True) as server:  # type: ignore[arg-type]
                server.execute("CREATE TABLE lived (n int PRIMARY KEY)")
                while not self._enough.wait(0.01):
                    number = len(self.acknowledged)
                    server.execute("INSERT INTO lived VALUES (%s)", (number,))
                    self.acknowledged.append(number)
        except psycopg.Error as error:
            self.failed = str(error)

    def finish(self) -> None:
        """Stop; back when the last commit is told."""
        self._enough.set()
        self.join(60)
        assert not self.is_alive()


@contextmanager
def writing(cluster: PracticeCluster) -> Iterator[dict[int, Writer]]:
    """A writer on every primary."""
    writers = {
        row.content: Writer(row.content, cluster.address_of(row))
        for row in cluster.segments()
        if row.role == "p"
    }
    for writer in writers.values():
        writer.start()
    try:
        yield writers
    finally:
        for writer in writers.values():
            writer.finish()


def test_the_way_back(written: PracticeCluster) -> None:
    cluster = written
    before = laid_out(cluster)
    turn(cluster, "spread", "")
    run = cluster.runs()[-1]
    reverted = cluster.gpmirror("revert", run, "-o", "plan.json")
    assert reverted.returncode == 0, reverted.stderr
    assert f"run {run} was pruned" in reverted.stderr
    cluster.apply("plan.json", *ALLOWED)
    assert laid_out(cluster) == before
    again = cluster.gpmirror("revert", run)
    assert again.returncode == 0
    assert f"nothing to do: every mirror that run {run} moved stands" in again.stderr
    back = cluster.runs()[-1]
    assert cluster.gpmirror("prune", back, "--yes").returncode == 0
    refused = cluster.gpmirror("revert", cluster.runs()[0])
    assert refused.returncode == 4, "the first run added the mirrors"


def test_group_spread_block_and_back_under_load(written: PracticeCluster) -> None:
    cluster = written
    with writing(cluster) as writers:
        for strategy, more in (("spread", ""), ("block", BLOCK), ("group", "")):
            before = {content: len(found.acknowledged) for content, found in writers.items()}
            turn(cluster, strategy, more)
            assert all(found.failed is None for found in writers.values()), [
                found.failed for found in writers.values()
            ]
            for content, found in writers.items():
                assert len(found.acknowledged) > before[content], f"content {content} stood still"
    assert cluster.streaming() == cluster.contents()
    for content, found in writers.items():
        acknowledged = set(found.acknowledged)
        kept = cluster.promoted_numbers(content, "lived")
        assert acknowledged <= kept, f"content {content} lost {sorted(acknowledged - kept)}"
        assert len(kept) <= len(acknowledged) + 1


def turn(cluster: PracticeCluster, strategy: str, more: str) -> None:
    """Apply another layout, see that it is there, and clear away what the moves left."""
    cluster.write_spec(strategy, more)
    plan = cluster.plan(*ALLOWED, *cluster.allowing())
    assert plan["summary"]["move"] > 0
    cluster.apply("plan.json")
    assert laid_out(cluster) == wanted(plan)
    assert cluster.gpmirror("plan", "--detailed-exitcode").returncode == 0
    run = cluster.runs()[-1]
    pruned = cluster.gpmirror("prune", run, "--yes")
    assert pruned.returncode == 0, pruned.stderr
    assert f"{plan['summary']['move']} directories deleted" in pruned.stdout
