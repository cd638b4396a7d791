"""What must be true of a command that ended, whatever befell it; nothing of the product judges here."""

import signal
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg

from tests.e2e.clusters import Ended
from tests.e2e.living import LivingCluster

REFUSALS = frozenset({1, 3, 4, 5, 6, 7, 9})
CUT_OFF = frozenset({10, 11, 130})
KILLED = -signal.SIGKILL


def check_ended(done: Ended, *, killed: bool) -> None:
    """An exit code of the contract, no traceback, and a next action where one is due."""
    said = done.stdout + done.stderr
    assert "Traceback" not in said, words_of(done)
    assert "bug in gpmirror" not in said, words_of(done)
    allowed = {0, 2, *REFUSALS, *CUT_OFF, *({KILLED} if killed else set())}
    assert done.returncode in allowed, words_of(done)
    if done.returncode in REFUSALS:
        assert "hint:" in said, words_of(done)
    if done.returncode in CUT_OFF:
        assert "`gpmirror " in said, words_of(done)


def check_seen(
    seen: Sequence[frozenset[int]], cluster: LivingCluster, runs: Collection[str], done: Ended
) -> None:
    """In a run that nobody disturbed, only the contents of one wave are ever without a copy."""
    plans = [cluster.plan_of(run) for run in runs]
    waves = [set(wave["contents"]) for plan in plans for wave in plan["waves"]]
    for loose in seen:
        assert not loose or any(loose <= wave for wave in waves), (
            f"{sorted(loose)} had one copy at the same time, waves {waves}: {words_of(done)}"
        )


def is_stale(plan: Any, cluster: LivingCluster) -> bool:
    """Whether a row that the plan was made for has another place or role now."""
    rows = cluster.segments()
    for planned in plan["fingerprint"]["contents"]:
        if planned["action"] == "blocked":
            continue
        now = {
            f"{row.preferred_role}/{row.role} {row.hostname} {row.address} {row.port} {row.directory}"
            for row in rows
            if row.content == planned["content"]
        }
        if set(planned["rows"]) != now:
            return True
    return False


def check_applied(plan: Any, cluster: LivingCluster, done: Ended) -> None:
    """Every change is where the plan wanted it, and in sync; no more than that is claimed."""
    assert "every mirror is in sync" not in done.stdout or cluster.whole(), cluster.told()
    loose = cluster.loose()
    for change in plan["changes"]:
        if change["action"] == "blocked":
            continue
        assert change["content"] not in loose, f"{words_of(done)}\n{cluster.told()}"
        rows = [row for row in cluster.segments() if row.content == change["content"]]
        if to := change["to"]:
            where = {(row.address, row.port, row.directory) for row in rows}
            wanted = (to["address"], to["port"], to["directory"])
            assert wanted in where, f"{wanted}: {words_of(done)}\n{cluster.told()}"


def words_of(done: Ended) -> str:
    return f"{done.args}: exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-4000:]}"


@contextmanager
def watching(cluster: LivingCluster) -> Iterator[list[frozenset[int]]]:
    """Sets of contents that had not two copies in sync at the same moment."""
    seen: list[frozenset[int]] = []
    enough = threading.Event()

    def look() -> None:
        while not enough.wait(0.1):
            with suppress(psycopg.Error):
                seen.append(frozenset(cluster.loose()))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        enough.set()
        watcher.join()


@contextmanager
def nobody() -> Iterator[list[frozenset[int]]]:
    yield []
