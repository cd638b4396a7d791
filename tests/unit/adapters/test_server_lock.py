"""The lock's rare turns: races, poolers, servers that keep names to themselves."""

import threading
from collections.abc import Sequence
from typing import TypeVar, cast

import pytest

from gpmirror.adapters.server import CatalogSession, Lock, connect, shown_name
from gpmirror.adapters.server_session import Session
from gpmirror.boundary import LockHolder
from gpmirror.catalog import live
from gpmirror.catalog.live import Row, queries_for
from gpmirror.errors import Failure
from gpmirror.model.dialect import DIALECTS, DialectName
from gpmirror.spec.model import CoordinatorAddress
from tests.clusters import mirrored
from tests.servers import Postgres

T = TypeVar("T")
ASKED = queries_for(DIALECTS[DialectName.GP6])
OTHER: Row = ("77", "2026-01-01 00:00:00+00", None, None)


class ScriptedSession:
    """Answers questions from lists, the last answer for ever. `holders` are those of the other
    databases, of this one, and so on in turn.
    """

    def __init__(
        self,
        taken: Sequence[str],
        holders: Sequence[list[Row]] = ([],),
        backends: Sequence[str] = ("1",),
    ) -> None:
        self._taken, self._holders = list(taken), list(holders)
        self._backends = list(backends)
        self.asked: list[str] = []

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        self.asked.append(sql)
        if sql == live.TRY_LOCK:
            return [(next_of(self._taken),)]
        if sql == live.BACKEND:
            return [(next_of(self._backends),)]
        return next_of(self._holders) if sql == ASKED.holders else [("",)]


def next_of(answers: list[T]) -> T:
    return answers.pop(0) if len(answers) > 1 else answers[0]


def lock_over(session: ScriptedSession) -> Lock:
    return Lock(session=cast("Session", session), queries=ASKED)


def test_a_pooler_is_found_out() -> None:
    session = ScriptedSession(["True"], backends=("1", "2"))
    with pytest.raises(Failure, match="changing sessions"):
        lock_over(session).take()
    assert live.TRY_LOCK not in session.asked


def test_a_lock_held_in_another_database_counts() -> None:
    session = ScriptedSession(["True"], [[OTHER]])
    holder = lock_over(session).take()
    assert holder == LockHolder(pid=77, since="2026-01-01 00:00:00+00", client="local", name="")
    assert live.UNLOCK in session.asked


def test_a_holder_that_went_away_between_two_questions() -> None:
    assert lock_over(ScriptedSession(["False", "True"])).take() is None
    with pytest.raises(Failure, match="neither free nor held"):
        lock_over(ScriptedSession(["False"])).take()


def test_names_are_cut_to_what_the_server_keeps() -> None:
    assert shown_name("gpmirror 20260101-a") == "gpmirror 20260101-a"
    assert shown_name("a run") == "gpmirror a run"
    assert shown_name("x" * 100) == f"gpmirror {'x' * 54}"
    assert shown_name("\u00e9") == "gpmirror ?"


@pytest.mark.postgres
def test_of_many_at_once_one_gets_it(postgres_server: Postgres) -> None:
    postgres_server.fill("gp6", mirrored(("sdw1", "sdw2"), 1).segments)
    address = CoordinatorAddress(
        host="127.0.0.1", port=postgres_server.port, database="gp6", user="gpadmin"
    )
    servers = [connect(address, {}, dialect=None) for _ in range(8)]
    start = threading.Barrier(len(servers))
    answers: list[LockHolder | None] = []

    def grab(number: int, server: CatalogSession) -> None:
        start.wait()
        answers.append(server.lock(f"gpmirror {number}"))

    threads = [threading.Thread(target=grab, args=each) for each in enumerate(servers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for server in servers:
        server.close()
    assert len(answers) == len(servers)
    assert answers.count(None) == 1
