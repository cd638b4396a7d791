"""The person at the terminal: one question, and interrupts that mean different things."""

import io
import os
import pty
import select
import signal
import sys
import time
from contextlib import suppress

import pytest

from gpmirror.adapters.operator import TerminalOperator
from gpmirror.errors import Declined

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Keyboard(io.StringIO):
    """A terminal on which this has been typed."""

    def isatty(self) -> bool:
        return True


class Garbled(Keyboard):
    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")


def operator(*, assume_yes: bool = False) -> tuple[TerminalOperator, list[str]]:
    said: list[str] = []
    return TerminalOperator(assume_yes=assume_yes, say=said.append), said


@pytest.mark.parametrize(
    ("typed", "sure"),
    [
        ("yes\n", True),
        (" YES \n", True),
        ("yes", True),
        ("y\n", False),
        ("\n", False),
        ("", False),
        ("yes please\n", False),
        ("no\nyes\n", False),
    ],
)
def test_only_yes_is_yes(typed: str, sure: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Keyboard(typed))
    person, said = operator()
    assert person.confirm("really?") is sure
    assert said == ["really?"]


def test_what_was_typed_before_the_question_answers_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Lines pasted along with the command."""
    near, far = pty.openpty()
    with os.fdopen(far, "r+b", buffering=0) as raw, io.TextIOWrapper(raw) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        os.write(near, b"yes\nyes\n")
        eventually_typed(far)

        def say(question: str) -> None:
            del question
            os.write(near, b"no\n")

        assert TerminalOperator(assume_yes=False, say=say).confirm("really?") is False
    os.close(near)


def eventually_typed(terminal: int) -> None:
    """Until something can be read there."""
    assert select.select([terminal], [], [], 20)[0]


def test_bytes_that_are_no_text_are_no_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Garbled())
    assert operator()[0].confirm("really?") is False


@pytest.mark.parametrize("stdin", [None, io.StringIO("yes\n")])
def test_nobody_to_ask(stdin: io.StringIO | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    person, said = operator()
    with pytest.raises(Declined) as caught:
        person.confirm("really?")
    assert "--yes" in str(caught.value.hint)
    assert said == []


def test_yes_was_given_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    person, said = operator(assume_yes=True)
    assert person.confirm("really?")
    assert said == []


def send(number: int) -> None:
    """To this process; handled before the next line runs."""
    os.kill(os.getpid(), number)
    time.sleep(0)


@pytest.mark.parametrize("number", SIGNALS)
def test_before_changes_any_interrupt_ends_the_run(number: int) -> None:
    person, said = operator()
    with person.listening(), pytest.raises(KeyboardInterrupt):
        send(number)
    assert said == []
    assert not person.stop_asked()


def test_during_changes_the_first_asks_and_the_second_ends() -> None:
    person, said = operator()
    with person.listening():
        person.changes_begin()
        send(signal.SIGINT)
        assert person.stop_asked()
        assert len(said) == 1
        assert "finishing this wave" in said[0]
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGINT)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_shutdown_does_not_ask_twice(number: int) -> None:
    person, _ = operator()
    with person.listening():
        person.changes_begin()
        with pytest.raises(KeyboardInterrupt):
            send(number)


def test_old_handlers_come_back() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    person, _ = operator()
    during = []
    with suppress(ValueError), person.listening():
        during = [signal.getsignal(number) for number in SIGNALS]
        raise ValueError
    assert during != before
    assert [signal.getsignal(number) for number in SIGNALS] == before
