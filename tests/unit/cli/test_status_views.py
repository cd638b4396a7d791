"""Readings shown one after the other: as lines, as documents, redrawn."""

import io
import json
from collections.abc import Iterator

import pytest

from gpmirror.adapters.terminal import Screen
from gpmirror.cli.console import Console
from gpmirror.cli.status import (
    JsonLines,
    Lines,
    ReaderGone,
    Redrawn,
    follow,
    until_interrupted,
    view_of,
)
from gpmirror.errors import ConnectionLost
from gpmirror.model.observed import Replication
from gpmirror.run.status import Reading
from gpmirror.verify import judge_copies
from tests.clusters import mirrored

LOST = ConnectionLost("the session with mdw:5432 ended")


def reading(*streaming: int) -> Reading:
    seen = mirrored(("sdw1", "sdw2"), 1)
    replication = tuple(
        Replication(
            content=content, application_name="gp_walreceiver", state="streaming", sync_state="sync"
        )
        for content in streaming
    )
    return Reading(observed=seen, replication=replication, health=judge_copies(seen, replication))


GOOD, BAD = reading(0, 1), reading(0)


def interrupted(*before: "Reading | ConnectionLost") -> "Iterator[Reading | ConnectionLost]":
    yield from before
    raise KeyboardInterrupt


def test_lines_tell_changes_and_one_loss() -> None:
    said: list[str] = []
    assert follow([BAD, BAD, LOST, LOST, GOOD], Lines(write=said.append)) is GOOD
    texts = [text.partition("Z ")[2] for text in said]
    assert texts == [
        "1 of 2 contents in sync: 1 single.",
        "the session with mdw:5432 ended; trying again",
        "content 1: single -> synced",
        "All 2 contents in sync.",
    ]


def test_documents_come_when_something_changed() -> None:
    said: list[str] = []
    follow([GOOD, LOST, GOOD, BAD], JsonLines(write=said.append, cluster="prod"))
    assert [json.loads(text)["all_synced"] for text in said] == [True, False]


def test_a_loss_at_the_end_is_raised() -> None:
    with pytest.raises(ConnectionLost, match="mdw:5432 ended"):
        follow([GOOD, LOST], Lines(write=lambda _: None))
    with pytest.raises(ConnectionLost):
        follow([], Lines(write=lambda _: None))


def test_an_interrupt_ends_with_what_was_seen() -> None:
    view = Lines(write=lambda _: None)

    assert until_interrupted(interrupted(GOOD, BAD, LOST), view) is BAD
    with pytest.raises(KeyboardInterrupt):
        until_interrupted(interrupted(), view)


def test_nobody_reads() -> None:
    class Gone(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError

        def fileno(self) -> int:
            raise OSError

    view = view_of(Console(out=Gone(), err=None), None, json=True)
    with pytest.raises(ReaderGone):
        view.show(None, GOOD)
    assert isinstance(view_of(Console(out=Gone(), err=None), None, json=False), Lines)
    view_of(Console(out=None, err=None), None, json=True).show(None, GOOD)


@pytest.mark.parametrize(("height", "rows"), [(40, 8), (4, 3), (1, 1)])
def test_a_window_shows_what_it_holds(height: int, rows: int) -> None:
    out = io.StringIO()
    view = Redrawn(screen=Screen(out, size=lambda: (90, height)), cluster="prod", color=False)
    view.show(None, GOOD)
    text = out.getvalue()
    assert text.count("\n") == rows + (height == 40)
    assert "All 2 contents in sync." in text
    view.lost(LOST)
    assert "trying again" in out.getvalue()[len(text) :]
