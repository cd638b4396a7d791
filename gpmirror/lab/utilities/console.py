"""What a utility says: log lines on standard output and in `~/gpAdminLogs`, as the native ones."""

import contextlib
import os
import sys
import time
from pathlib import Path

RULE = "-" * 45
STARS = "*" * 66


class Console:
    """Writes `YYYYMMDD:HH:MM:SS:PID name:host:user-[LEVEL]:-text` lines.

    A reader that went away is no reason to stop: the native tools go on as well.
    """

    def __init__(self, name: str, host: str, user: str, folder: Path) -> None:
        self.name = name
        self._who = f"{name}:{host}:{user}"
        self._folder = folder
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)

    def info(self, text: str) -> None:
        """One INFO line, or one per line of the text."""
        self._log("INFO", text)

    def debug(self, text: str) -> None:
        """One DEBUG line."""
        self._log("DEBUG", text)

    def warning(self, text: str) -> None:
        """One WARNING line."""
        self._log("WARNING", text)

    def error(self, text: str) -> None:
        """One ERROR line."""
        self._log("ERROR", text)

    def critical(self, text: str) -> None:
        """One CRITICAL line."""
        self._log("CRITICAL", text)

    def rule(self) -> None:
        """A dashed line."""
        self.info(RULE)

    def raw(self, text: str) -> None:
        """Text as it is, on standard output alone."""
        with contextlib.suppress(OSError):
            sys.stdout.write(text)
            sys.stdout.flush()

    def stderr(self, text: str) -> None:
        """A line on standard error, as programs started by the utility write."""
        with contextlib.suppress(OSError):
            sys.stderr.write(text + "\n")
            sys.stderr.flush()

    def ask(self, question: str) -> str:
        """The answer to a prompt, stripped. Raises EOFError at the end of standard input."""
        self.raw(question)
        line = sys.stdin.readline()
        if not line:
            message = "EOF when reading a line"
            raise EOFError(message)
        return line.strip()

    def _log(self, level: str, text: str) -> None:
        now = time.localtime()
        stamp = time.strftime("%Y%m%d:%H:%M:%S", now)
        line = f"{stamp}:{os.getpid():06d} {self._who}-[{level}]:-{text}\n"
        self.raw(line)
        file = self._folder / f"{self.name}_{time.strftime('%Y%m%d', now)}.log"
        with contextlib.suppress(OSError), file.open("a", encoding="utf-8") as out:
            out.write(line)
