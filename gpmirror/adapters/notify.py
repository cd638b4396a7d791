"""Tell a program of the operator's how a run goes; whatever becomes of it, the run goes on."""

import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import field
from shlex import quote

from gpmirror.adapters.operator import ssh_environment
from gpmirror.adapters.terminal import stamp, utc_now
from gpmirror.boundary import Reporter
from gpmirror.events import Event, RunEnded, RunStarted, WaveDone, WaveStarted, event_line
from gpmirror.values import dataclass

MOST_SECONDS = 10.0
"""How long a run waits for the program at one event."""

_TOLD = RunStarted | WaveStarted | WaveDone | RunEnded


@dataclass(slots=True, kw_only=True)
class Notifier:
    """A reporter that passes events on, and tells `command` those that a team wants to hear of: a
    line of JSON on its standard input, in a session of its own, without libpq's variables. `say`
    takes a sentence for the person where that failed, each only once.
    """

    command: tuple[str, ...]
    reporter: Reporter
    say: Callable[[str], None]
    seconds: float = MOST_SECONDS
    _seq: int = 0
    _said: set[str] = field(default_factory=set)

    def tell(self, event: Event) -> None:
        """Pass on first: what a person sees does not wait for the program."""
        self.reporter.tell(event)
        if isinstance(event, _TOLD):
            self._seq += 1
            self._complain(self._call(event_line(event, seq=self._seq, time=stamp(utc_now()))))

    def _call(self, line: str) -> str:
        """What went wrong; empty: nothing."""
        try:
            running = subprocess.Popen(  # noqa: S603 - an argument list out of the operator's own spec
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=ssh_environment(),
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            return f"cannot be started: {reason}"
        try:
            running.communicate(f"{line}\n".encode(), timeout=self.seconds)
        except subprocess.TimeoutExpired:
            with suppress(OSError):
                os.killpg(running.pid, signal.SIGKILL)
            running.wait()
            return f"did not end within {self.seconds:g} s and was ended"
        except OSError as error:
            running.wait()
            return f"cannot be told: {error.strerror}"
        return f"ended with {running.returncode}" if running.returncode else ""

    def _complain(self, trouble: str) -> None:
        if trouble and trouble not in self._said:
            self._said.add(trouble)
            self.say(f"notify: {quote(self.command[0])} {trouble}; the run goes on")
