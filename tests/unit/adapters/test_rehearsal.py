"""A rehearsal asks and tells; it changes nothing."""

from collections.abc import Mapping

from gpmirror.adapters.ssh import RehearsalHosts
from gpmirror.boundary import Answered, Reply
from gpmirror.events import Rehearsed


class RealHosts:
    def __init__(self) -> None:
        self.asked: list[tuple[dict[str, str], float]] = []

    def ask(self, scripts: Mapping[str, str], *, seconds: float) -> dict[str, Reply]:
        self.asked.append((dict(scripts), seconds))
        return {host: Answered(host=host, status=1, out="real", err="") for host in scripts}

    def change(self, scripts: Mapping[str, str], *, seconds: float) -> dict[str, Reply]:
        raise AssertionError("a rehearsal changed something")


def test_questions_are_asked_for_real() -> None:
    real, told = RealHosts(), list[Rehearsed]()
    reply = RehearsalHosts(real, told.append).ask({"sdw1": "df"}, seconds=3)
    assert reply == {"sdw1": Answered(host="sdw1", status=1, out="real", err="")}
    assert real.asked == [({"sdw1": "df"}, 3)]
    assert told == []


def test_changes_are_told_in_order_and_not_made() -> None:
    real, told = RealHosts(), list[Rehearsed]()
    reply = RehearsalHosts(real, told.append).change({"sdw2": "b", "sdw1": "a"}, seconds=3)
    assert told == [Rehearsed(host="sdw1", script="a"), Rehearsed(host="sdw2", script="b")]
    assert reply == {
        host: Answered(host=host, status=0, out="", err="") for host in ("sdw1", "sdw2")
    }
