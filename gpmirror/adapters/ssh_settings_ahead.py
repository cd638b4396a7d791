"""Ask OpenSSH for the settings of many hosts from a few shells, while the first are connected to.

Starting a program from a process with many threads stops them all for a moment; with one program
a host that is the largest part of the time until all hosts have answered.
"""

import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread, Timer

from gpmirror.adapters.programs import ssh_environment

_MOST_SHELLS = 8
_SECONDS = 20.0

# names are arguments, never text of the script
_LOOP = (
    'for name; do echo "gpmirror-host $name"; '
    '{ssh} -- "$name" 2>/dev/null && echo gpmirror-end || echo gpmirror-none; done'
)

Ahead = Mapping[str, "Future[str | None]"]
"""Name -> what `ssh -G` prints of it, or None: ask it alone, for it had something to complain of."""


def ask_ahead(command: Sequence[str], names: Sequence[str]) -> Ahead:
    """Start asking; `command` lacks only the name. Each answer comes within some 20 s."""
    answers: dict[str, Future[str | None]] = {name: Future() for name in names}
    for first in range(min(_MOST_SHELLS, len(names))):
        part = names[first::_MOST_SHELLS]
        Thread(target=_ask, args=(command, part, answers), daemon=True).start()
    return answers


def _ask(
    command: Sequence[str], names: Sequence[str], answers: "Mapping[str, Future[str | None]]"
) -> None:
    try:
        with suppress(OSError):
            _read(command, names, answers)
    finally:
        for name in names:
            if not answers[name].done():
                answers[name].set_result(None)


def _read(
    command: Sequence[str], names: Sequence[str], answers: "Mapping[str, Future[str | None]]"
) -> None:
    loop = _LOOP.format(ssh=shlex.join(command))
    with subprocess.Popen(  # noqa: S603
        ["sh", "-c", loop, "sh", *names],  # noqa: S607
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
        encoding="utf-8",
        errors="surrogateescape",
        env=ssh_environment(),
    ) as process:
        # Match exec may hang
        guard = Timer(_SECONDS, _end, [process.pid])
        guard.daemon = True
        guard.start()
        name, text = "", ""
        for line in process.stdout or ():
            match line.split():
                case ["gpmirror-host", name]:
                    text = ""
                case ["gpmirror-end"]:
                    answers[name].set_result(text)
                case ["gpmirror-none"]:
                    answers[name].set_result(None)
                case _:
                    text += line
        guard.cancel()


def _end(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
