"""`--log-file`: what a command was asked, said and did, as JSON lines for the house's log collector.

A line has `time` (UTC), `level` (`info`, `warning`, `error`), `pid` and `kind`: `command` and `end`
around a command, `said` for words on stderr, `finding` for a diagnostic, `event` for an event of a
run. Results on stdout are not in it. Secrets are not, whatever words they came in.
"""

import json
import os
import re
import stat
import time
from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gpmirror import __version__
from gpmirror.cli.console import LOG_OPTION, LOG_VARIABLE
from gpmirror.diagnostics import Diagnostic, Severity
from gpmirror.errors import ExitCode, Failure, Usage
from gpmirror.values import dataclass

if TYPE_CHECKING:
    from gpmirror.events import Event
Level = Literal["info", "warning", "error"]

_HIDDEN = "***"
_LEVELS: dict[Severity, Level] = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.NOTE: "info",
}
_SECRET_NAME = re.compile(r"PASSWORD|PASSPHRASE|TOKEN|SECRET", re.I)
_FEWEST = 4
"""Letters of a secret below which hiding it would hide common words."""

_IN_URL = re.compile(r"(://[^\s:/@]*:)[^\s@/]+@")
_IN_WORDS = re.compile(
    r"""(\b\w*(?:password|passwd|passphrase|token|secret)\w*\s*[=:]\s*)('[^']*'|"[^"]*"|[^\s'",;]+)""",
    re.I,
)


@dataclass(slots=True, kw_only=True)
class Logbook:
    """An open log file. A write that fails is told once, and never ends what is going on."""

    path: str
    descriptor: int
    secrets: Sequence[str]
    started: float = field(default_factory=time.monotonic)
    failed: str | None = None

    def begin(self, arguments: Sequence[str]) -> None:
        """The command as it was given."""
        try:
            folder = str(Path.cwd())
        except OSError:  # it is gone
            folder = None
        told = {"arguments": list(arguments), "folder": folder, "account": os.geteuid()}
        self._write("info", "command", version=__version__, **told)

    def said(self, text: str) -> None:
        """Words for a person, on stderr or kept back by `--quiet`."""
        first = text.lstrip().partition(":")[0]
        level: Level = "error" if first == "error" else "warning" if first == "warning" else "info"
        self._write(level, "said", text=text.rstrip("\n"))

    def found(self, diagnostic: Diagnostic) -> None:
        """A finding, with its place and what to do."""
        told = {"code": diagnostic.code, "text": diagnostic.message, "hint": diagnostic.hint}
        place = str(diagnostic.place) if diagnostic.place else None
        self._write(_LEVELS[diagnostic.severity], "finding", **told, place=place)

    def event(self, event: "Event") -> None:
        """What a run tells, as `apply --json` prints it."""
        from gpmirror.events import NativeSaid, RunEnded, event_line

        body = json.loads(event_line(event, seq=0, time=""))
        del body["seq"], body["time"]
        level: Level = "info"
        match event:
            case NativeSaid():
                level = event.level
            case RunEnded() if event.exit_code != ExitCode.OK:
                level = "error"
            case _:
                pass
        self._write(level, "event", event=body)

    def end(self, code: int) -> None:
        """The exit code, and seconds since the begin."""
        seconds = round(time.monotonic() - self.started, 3)
        fine = code in {ExitCode.OK, ExitCode.DIFFERENCES}
        self._write("info" if fine else "error", "end", exit_code=int(code), seconds=seconds)
        os.close(self.descriptor)

    def _write(self, level: Level, kind: str, **told: object) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"time": now, "level": level, "pid": os.getpid(), "kind": kind}
        line |= {name: self._hidden(value) for name, value in told.items() if value is not None}
        try:
            # one write a line: several commands may share the file
            os.write(
                self.descriptor,
                f"{json.dumps(line, ensure_ascii=False)}\n".encode("utf-8", "backslashreplace"),
            )
        except OSError as error:
            self.failed = error.strerror

    def _hidden(self, value: object) -> object:
        """The same without secrets: passwords in addresses, behind names, and of the environment."""
        match value:
            case str():
                for secret in self.secrets:
                    value = value.replace(secret, _HIDDEN)
                return _IN_WORDS.sub(rf"\1{_HIDDEN}", _IN_URL.sub(rf"\1{_HIDDEN}@", value))
            case dict():
                return {name: self._hidden(one) for name, one in value.items()}
            case list():
                return [self._hidden(one) for one in value]
            case _:
                return value


def open_logbook(asked: str | None, environment: Mapping[str, str]) -> Logbook:
    """The log file that is asked for, by option or variable, made with mode 0600.

    Raises Usage: it has no name. Failure: it cannot be opened, or others may read or write it.
    """
    path = asked if asked is not None else environment.get(LOG_VARIABLE, "")
    if not path:
        raise Usage(
            f"{LOG_OPTION} needs the name of a file", hint=f"for example {LOG_OPTION} gpmirror.log"
        )
    # a link could lead anywhere; a pipe without a reader would wait for ever
    how = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, how, 0o600)
    except OSError as error:
        why = "it is a link" if Path(path).is_symlink() else error.strerror
        raise Failure(
            f"cannot open the log file {path}: {why}",
            hint="name a file in a folder that this account may write (--log-file, or GPMIRROR_LOG_FILE)",
        ) from error
    if trouble := _trouble(descriptor):
        os.close(descriptor)
        raise Failure(
            f"the log file {path} {trouble}",
            hint=f"name another one, or make it yours alone: chmod 600 {path}",
        )
    secrets = {
        value
        for name, value in environment.items()
        if _SECRET_NAME.search(name) and len(value) >= _FEWEST
    }
    longest_first = sorted(secrets, key=lambda one: (-len(one), one))
    return Logbook(path=path, descriptor=descriptor, secrets=longest_first)


def _trouble(descriptor: int) -> str | None:
    """Why a log must not be kept there."""
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        return "is no regular file"
    if found.st_uid != os.geteuid():
        return f"belongs to the account with the number {found.st_uid}"
    if found.st_mode & 0o077:
        return f"has mode {stat.S_IMODE(found.st_mode):04o}: others may read or write it"
    return None
