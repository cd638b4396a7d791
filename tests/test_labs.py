"""How many practice clusters tests have at a time, and when one ends."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests import labs
from tests.labs import MOST_LABS, SharedLabs


class Labs:
    """Counts what is up instead of building it."""

    def __init__(self) -> None:
        self.up: list[dict[str, Any]] = []
        self.built = 0

    @contextmanager
    def __call__(self, **shape: Any) -> Iterator[dict[str, Any]]:
        self.built += 1
        self.up.append(shape)
        yield shape
        self.up.remove(shape)


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> Labs:
    found = Labs()
    monkeypatch.setattr(labs, "practice_cluster", found)
    monkeypatch.setattr(labs, "LABS", SharedLabs())
    return found


class Item:
    """A test with its fixtures."""

    def __init__(self, *fixtures: str) -> None:
        self.fixturenames = list(fixtures)


def test_a_shared_lab_is_one_at_a_time(built: Labs) -> None:
    labs.LABS(hosts=3)
    labs.LABS(hosts=3)
    assert (built.up, built.built) == ([{"hosts": 3}], 1)
    labs.LABS(hosts=4)
    assert (built.up, built.built) == ([{"hosts": 4}], 2)


@pytest.mark.parametrize(
    ("following", "stays"),
    [
        (None, False),
        (Item("tmp_path"), False),
        (Item("tmp_path", "shared_labs"), True),
        (Item("cluster"), True),
    ],
)
def test_a_lab_ends_with_the_last_test_that_uses_it(
    built: Labs, following: Any, stays: bool
) -> None:
    labs.LABS(hosts=3)
    item: Any = Item("shared_labs")
    labs.end_unless_used(item, following)
    assert bool(built.up) is stays


def test_there_are_at_most_four_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    got: list[int] = []

    def fifth() -> None:
        with labs._place():
            got.append(5)

    with ExitStack() as stack:
        for _ in range(MOST_LABS):
            stack.enter_context(labs._place())
        waiting = Thread(target=fifth, daemon=True)
        waiting.start()
        waiting.join(timeout=0.5)
        assert got == []
    waiting.join(timeout=30)
    assert got == [5]


def test_servers_live_in_memory_only_where_that_has_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert labs.quick_folder(room=2**60) == Path("/var/tmp")
    monkeypatch.setattr(labs, "_LIMITS", tmp_path)
    free = labs._free_memory()
    assert free > 0
    (tmp_path / "memory.max").write_text("5000000\n")
    (tmp_path / "memory.current").write_text("4000000\n")
    assert labs._free_memory() == min(free, 1_000_000)
    assert labs.quick_folder(room=2**20) == Path("/var/tmp")
    (tmp_path / "memory.max").write_text("max\n")
    assert labs._free_memory() > 1_000_000
