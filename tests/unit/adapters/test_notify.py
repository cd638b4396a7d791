"""A program that is told how a run goes, and that never stands in its way."""

import json
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from gpmirror.adapters.notify import Notifier
from gpmirror.events import Event, NativeSaid, PhaseStarted, RunEnded, RunStarted

STARTED = RunStarted(
    run="r", plan_id="p", cluster="prod", changes=1, waves=1, rehearsal=False, resumed=False
)
ENDED = RunEnded(run="r", exit_code=10, summary="s", next_actions=(), seconds=1.0)


class Kept:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def tell(self, event: Event) -> None:
        self.events.append(event)


def told(*command: str, seconds: float = 10.0) -> tuple[list[Event], list[str]]:
    """A run's events go by; what was passed on and what the person was told."""
    kept, said = Kept(), list[str]()
    notifier = Notifier(command=command, reporter=kept, say=said.append, seconds=seconds)
    events: Sequence[Event] = (
        STARTED,
        PhaseStarted(phase="lock"),
        NativeSaid(wave=1, level="info", text="x"),
        ENDED,
    )
    for event in events:
        notifier.tell(event)
    assert kept.events == [*events]
    return kept.events, said


def test_beginnings_and_ends_arrive_as_lines_of_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "secret")
    file = tmp_path / "told it"
    _, said = told("sh", "-c", 'cat >>"$0"; env >>"$0.env"', str(file))
    assert said == []
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(one["seq"], one["event"]) for one in lines] == [(1, "run_started"), (2, "run_ended")]
    assert lines[1]["exit_code"] == 10
    assert lines[0]["time"].endswith("Z")
    assert "PGPASSWORD" not in Path(f"{file}.env").read_text()


def test_arguments_are_words_for_no_shell(tmp_path: Path) -> None:
    file = tmp_path / "argument"
    told("sh", "-c", 'printf %s "$1" >"$0"', str(file), "$(touch /tmp/never) ; `x`")
    assert file.read_text() == "$(touch /tmp/never) ; `x`"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["sh", "-c", "exit 3"], "notify: sh ended with 3; the run goes on"),
        (["/no/such program"], "notify: '/no/such program' cannot be started: No such file"),
        (["sh", "-c", "kill -9 $$"], "notify: sh ended with -9; the run goes on"),
    ],
)
def test_a_failure_is_told_once(command: list[str], words: str) -> None:
    _, said = told(*command)
    assert [one.startswith(words) for one in said] == [True]


def test_a_program_that_reads_nothing_is_no_failure() -> None:
    assert told("true")[1] == []


def test_a_program_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    child = tmp_path / "child"
    began = time.monotonic()
    _, said = told("sh", "-c", 'sleep 120 & echo $! >"$0"; wait', str(child), seconds=3)
    assert said == ["notify: sh did not end within 3 s and was ended; the run goes on"]
    assert time.monotonic() - began < 60
    assert state(int(child.read_text())) in {"", "Z"}


def state(pid: int) -> str:
    """Of a process, as the kernel names it; empty: there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""
