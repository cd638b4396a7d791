"""This machine: its clock, the person at the terminal, what programs started here get to know."""

import os
import signal
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from types import FrameType

from gpmirror.errors import Declined

# --- The person at the terminal: one question, and two interrupts that mean different things.


_WORDS = "yes"


def _forget_typed() -> None:
    """What was typed, or pasted along with the command, before the question stood there answers
    nothing.
    """
    with suppress(OSError, ValueError, termios.error):
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


class TerminalOperator:
    """`boundary.Operator` on this process's terminal.

    `assume_yes` answers every question with yes; `say` shows a line to the person.
    """

    def __init__(self, *, assume_yes: bool, say: Callable[[str], None]) -> None:
        self._assume_yes = assume_yes
        self._say = say
        self._interrupts = 0
        self._changing = False

    def show(self, text: str) -> None:
        """Show what is at stake, whether or not a question follows."""
        self._say(text)

    def confirm(self, question: str) -> bool:
        """Ask on the terminal. Raises Declined (8): there is nobody to ask."""
        if self._assume_yes:
            return True
        self.check_present()
        _forget_typed()
        self._say(question)
        try:
            return sys.stdin.readline().strip().lower() == _WORDS
        except (UnicodeDecodeError, OSError):
            return False  # bytes that are no text, a terminal that went away: not a yes

    def check_present(self) -> None:
        """Raises Declined (8): a question is to come, and there is nobody to ask."""
        if not self._assume_yes and (sys.stdin is None or not sys.stdin.isatty()):
            raise Declined(
                "nothing was changed: there is no terminal to ask on",
                hint="look at what it would do, then add --yes",
            )

    def changes_begin(self) -> None:
        """From now on the first interrupt only asks."""
        self._changing = True

    def stop_asked(self) -> bool:
        """Whether the first interrupt came."""
        return self._interrupts > 0

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take SIGINT, SIGTERM and SIGHUP while a run goes on; puts the old handlers back."""
        signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {
            number: signal.signal(number, self._interrupted)
            for number in signals
            if signal.getsignal(number) is not signal.SIG_IGN  # nohup means it
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        del frame
        if not self._changing:
            raise KeyboardInterrupt
        self._interrupts += 1
        # A closed terminal or a shutdown will not ask twice.
        if self._interrupts > 1 or number != signal.SIGINT:
            raise KeyboardInterrupt
        self._say(
            "interrupted: finishing this wave, then stopping; press Ctrl-C again to detach; the utility keeps running"
        )


# --- The machine's clock.


class SystemClock:
    """`boundary.Clock` by the operating system."""

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def utc_now() -> str:
    """Now, as records and events write it: `2026-11-21T07:05:39Z`."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- What programs that gpmirror starts here get to know: ssh, and whatever its configuration starts.


def ssh_environment() -> dict[str, str]:
    """The environment without libpq's variables: a ProxyCommand or `Match exec` has no use for the
    database's password, and may stand in a file that somebody else wrote.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}
