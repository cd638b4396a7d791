"""Sizes are measured once in ten minutes, whether that goes well or not."""

from dataclasses import dataclass, field

import pytest

from gpmirror.adapters.server import Sizing
from gpmirror.errors import ConnectionLost, Failure


@dataclass
class Answers:
    """A session that answers in turn, the last answer for ever."""

    script: list[list[tuple[str | None, ...]] | Exception]
    is_open: bool = True
    asked: list[float] = field(default_factory=list)

    def rows(
        self, query: str, *parameters: object, seconds: float = 0.0
    ) -> list[tuple[str | None, ...]]:
        assert "pg_database_size" in query
        assert not parameters
        self.asked.append(seconds)
        found = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(found, Exception):
            raise found
        return found


def test_what_was_measured_minutes_ago_is_told_again() -> None:
    now = [0.0]
    sizing, session = Sizing(lambda: now[0]), Answers([[("0", "5")], [("0", "6")]])
    told = []
    for moment in (0.0, 500.0, 601.0):
        now[0] = moment
        told.append(sizing.sizes(session).by_content)  # type: ignore[arg-type]
    assert told == [{0: 5}, {0: 5}, {0: 6}]
    assert session.asked == [60.0, 60.0]


def test_a_slow_server_is_not_asked_twice() -> None:
    session = Answers([Failure("mdw:5432 gave no answer within 60 s", hint="wait")])
    sizing = Sizing(lambda: 0.0)
    for _ in range(2):
        found = sizing.sizes(session)  # type: ignore[arg-type]
        assert found.by_content == {}
        assert found.note == "sizes are unknown: mdw:5432 gave no answer within 60 s"
    assert len(session.asked) == 1


def test_a_lost_session_is_no_answer() -> None:
    session = Answers([ConnectionLost("mdw:5432 is gone", hint="wait")], is_open=False)
    sizing = Sizing(lambda: 0.0)
    for _ in range(2):
        with pytest.raises(ConnectionLost):
            sizing.sizes(session)  # type: ignore[arg-type]
    assert len(session.asked) == 2
