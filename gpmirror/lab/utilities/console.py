"""One run of a utility: its options, its lab, what it says and how it ends without success."""

import contextlib
import os
import os.path
import sys
import time
from collections.abc import Iterator
from optparse import SUPPRESS_HELP, OptionParser, Values
from pathlib import Path

from gpmirror.lab.faults import Faults, read_faults
from gpmirror.lab.layout import Lab, read_lab
from gpmirror.lab.releases import Release
from gpmirror.values import dataclass

# --- What a utility says: log lines on standard output and in `~/gpAdminLogs`, as the native ones.


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


# --- How a utility ends without success: the shapes of message the native ones print.


class Stop(Exception):
    """Ends the program with `code`; everything was said before."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Refused(Exception):
    """An expected error: `[ERROR]:-NAME error: MESSAGE`, exit 2."""


class BadOption(Exception):
    """An option's value is out of range: `[ERROR]:-NAME: error: MESSAGE`, exit 2."""


class Broken(Exception):
    """An error the tool did not expect: `[CRITICAL]:-NAME failed. (Reason='...')`, exit 2."""


# --- What one run of a utility works with: the lab, its console, its faults, its folders.


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One run. `logs` is `~/gpAdminLogs` on the coordinator's host."""

    lab: Lab
    console: Console
    faults: Faults
    logs: Path

    @property
    def old(self) -> bool:
        """Whether the cluster is of the file-replication generation (5)."""
        return self.lab.release.old

    def data_directory(self, option: str | None) -> Path:
        """The coordinator's, from `-d` or the environment. Raises Broken as the native tools."""
        variable = f"{self.lab.release.coordinator_word.upper()}_DATA_DIRECTORY"
        named = option or os.environ.get(variable)
        if not named:
            raise Broken(f"Environment Variable {variable} not set!")
        file = Path(named) / "postgresql.conf"
        if not file.is_file():
            raise Broken(f"[Errno 2] No such file or directory: '{file}'")
        return Path(named)


def open_session(program: str) -> Session:
    """The lab this process runs in: GPM_LAB_STATE, else the folder GPHOME lies in. Raises Failure
    when there is no lab there.
    """
    lab = read_lab(_state())
    home = Path(os.environ.get("HOME") or lab.coordinator.home)
    logs = home / "gpAdminLogs"
    console = Console(program, lab.coordinator.name, lab.user, logs)
    return Session(lab=lab, console=console, faults=read_faults(lab.state), logs=logs)


def _state() -> Path:
    named = os.environ.get("GPM_LAB_STATE")
    return Path(named) if named else Path(os.environ.get("GPHOME", "gphome")).parent


# --- Options, read by the parser the native tools use, so that its messages are theirs.


_HOSTS = ("-B", "--batch-size")
_MOST_HOSTS, _MOST_PER_HOST = 64, 128


def parser(release: Release, program: str, usage: str) -> OptionParser:
    """The options every utility has. Unknown ones end it as optparse does: exit 2."""
    found = OptionParser(prog=program, usage=usage, add_help_option=False)
    found.add_option("-?", "-h", "--help", action="help")
    found.add_option("--version", action="store_true", default=False)
    found.add_option("-v", "--verbose", action="store_true", default=False)
    found.add_option("-q", "--quiet", action="store_true", default=False, help=SUPPRESS_HELP)
    found.add_option("-l", "--logdir", dest="logs")
    word = release.coordinator_word
    names = [f"--{word}-data-directory", f"--{word}_data_directory"]
    found.add_option("-d", *names, dest="data_directory")
    return found


def add_working(found: OptionParser, release: Release) -> None:
    """What gpaddmirrors and gprecoverseg share."""
    found.add_option("-a", action="store_true", dest="quietly", default=False)
    found.add_option("-i", dest="input")
    found.add_option("-o", dest="output")
    add_batches(found, release)


def add_batches(found: OptionParser, release: Release) -> None:
    """`-B`, and what came later: `-b`, `--hba-hostnames`."""
    found.set_defaults(per_host=64)
    found.add_option(*_HOSTS[: 1 if release.old else 2], type="int", default=16, dest="hosts")
    if release.per_host_option:
        found.add_option("-b", "--segment-batch-size", type="int", default=64, dest="per_host")
    if release.hba_hostnames:
        found.add_option("--hba-hostnames", action="store_true", default=False, help=SUPPRESS_HELP)


def check_batches(values: Values, *, old: bool) -> None:
    """Raises BadOption for a batch size out of range."""
    if not 1 <= values.hosts <= _MOST_HOSTS:
        what = "parallelDegree" if old else "batch_size"
        raise BadOption(f"Invalid {what} provided with -B argument: {values.hosts}")
    if not 1 <= values.per_host <= _MOST_PER_HOST:
        message = f"Invalid segment_batch_size provided with -b argument: {values.per_host}"
        raise BadOption(message)


def no_arguments(found: OptionParser, rest: list[str]) -> None:
    """Raises BadOption, after the help, when anything but options was given."""
    if rest:
        found.print_help()
        raise BadOption("too many arguments: only options may be specified")


# --- The reader every native input file goes through: strip, skip blanks and whole-line comments.


def significant(text: str) -> Iterator[tuple[int, str]]:
    """(line number from 1, stripped line) of what counts. A comment after something else is part
    of that line, as it is natively.
    """
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip()
        if line and not line.startswith("#"):
            yield number, line


def full_path(path: str, source: object) -> str:
    """The normalised path. Raises Broken when it is relative."""
    if not path.startswith("/"):
        message = "Path entered in config file is invalid; it must be a full path."
        raise Broken(f"{message}  Path: '{path}' from: {source}")
    return os.path.normpath(path)
