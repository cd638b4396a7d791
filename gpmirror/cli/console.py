"""Where a command's output goes, and errors as text and exit codes."""

import errno
import os
import sys
import traceback
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol, TextIO

import typer

from gpmirror.diagnostics import Diagnostic
from gpmirror.errors import DiagnosedError, ExitCode, Failure, GpmirrorError
from gpmirror.values import dataclass

if TYPE_CHECKING:
    from gpmirror.events import Event

# --- Where a command's output goes: data to stdout, talk to stderr, colour only where it is wanted.


WIDTH_OFF_TERMINAL = 100


COMPLETE_VARIABLE = "_GPMIRROR_COMPLETE"
"""Set by the function of a shell: typer answers it instead of running a command."""

LOG_OPTION = "--log-file"
"""The one of them that takes a value."""

LOG_VARIABLE = "GPMIRROR_LOG_FILE"
"""The log file where no `--log-file` is given."""

GLOBAL_OPTIONS = ("--no-color", "--quiet", "--debug", "--ignore-spec-connection", LOG_OPTION)
"""The options that every command accepts, before or after its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalFlags:
    """The options that every command accepts, before or after its name."""

    no_color: bool = False
    quiet: bool = False
    debug: bool = False
    ignore_spec_connection: bool = False
    log_file: str | None = None


class Log(Protocol):
    """Where words, findings and events are kept too: `logbook.py`."""

    def said(self, text: str) -> None:
        """Words for a person."""
        ...

    def found(self, diagnostic: Diagnostic) -> None:
        """A finding."""
        ...

    def event(self, event: "Event") -> None:
        """What a run tells."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """The two output streams of one run. A stream that the caller closed is None.

    `color` and `talk_color` say whether stdout and stderr take ANSI colours; `width` and
    `talk_width` are their columns.
    """

    out: TextIO | None
    err: TextIO | None
    color: bool = False
    talk_color: bool = False
    width: int = WIDTH_OFF_TERMINAL
    talk_width: int = WIDTH_OFF_TERMINAL
    quiet: bool = False
    debug: bool = False
    log: "Log | None" = None

    @property
    def shows_data(self) -> bool:
        """Whether a person can see what goes to stdout: a file keeps it, a pipe may lead anywhere."""
        return _is_terminal(self.out)

    def data(self, text: str) -> None:
        """Write a result to stdout; a missing final newline is added. Raises Failure: disk full.

        A reader that went away (`| head`) is no error: the rest is dropped.
        """
        _write(self.out, text, "standard output")

    def page(self, text: str) -> None:
        """Write a text laid out for people: on a terminal long lines go on below, indented; a
        pipe or a file gets them as they are. Raises Failure: disk full.
        """
        self.data(_fitted(self.out, text, self.width))

    def talk(self, text: str) -> None:
        """Write remarks for a person to stderr, unless `--quiet`."""
        if not self.quiet:
            self.alarm(text)
        elif self.log:
            self.log.said(text)

    def alarm(self, text: str) -> None:
        """Write to stderr even with `--quiet`: errors, and what a person must know; fitted as a
        page.
        """
        if self.log:
            self.log.said(text)
        _write(self.err, _fitted(self.err, text, self.talk_width), "standard error")

    def remarks(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Show warnings and notes on stderr, unless `--quiet`."""
        if not self.quiet:
            self.problems(diagnostics)
        elif self.log:
            self._log_all(self.log, diagnostics)

    def problems(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Show findings on stderr even with `--quiet`: the input is refused because of them."""
        if found := tuple(diagnostics):
            if self.log:
                self._log_all(self.log, found)
            from gpmirror.render.diagnostics import diagnostics_text

            # an excerpt and the mark below it must stay where they are
            text = diagnostics_text(found, color=self.talk_color, width=self._talk_columns())
            _write(self.err, text, "standard error")

    @staticmethod
    def _log_all(log: "Log", diagnostics: Iterable[Diagnostic]) -> None:
        for one in diagnostics:
            log.found(one)

    def _talk_columns(self) -> int | None:
        """The columns of a terminal; None where text stays as it is."""
        return self.talk_width if _is_terminal(self.err) else None


def open_console(flags: GlobalFlags, environment: Mapping[str, str]) -> Console:
    """The console of this process; text leaves as UTF-8 whatever the locale says."""
    for stream in (sys.stdout, sys.stderr):
        # a stream is None when its descriptor was closed, and something else under test
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
    return Console(
        out=sys.stdout,
        err=sys.stderr,
        color=_is_coloured(sys.stdout, flags, environment),
        talk_color=_is_coloured(sys.stderr, flags, environment),
        width=_width(sys.stdout, environment),
        talk_width=_width(sys.stderr, environment),
        quiet=flags.quiet,
        debug=flags.debug,
    )


def _is_coloured(stream: TextIO | None, flags: GlobalFlags, environment: Mapping[str, str]) -> bool:
    """Whether a stream gets ANSI colours. Who asks for none is heard first, then who insists."""
    if flags.no_color or environment.get("NO_COLOR") or environment.get("FORCE_COLOR") == "0":
        return False
    forced = {environment.get("FORCE_COLOR", ""), environment.get("CLICOLOR_FORCE", "")}
    if forced - {"", "0"}:
        return stream is not None
    wanted = environment.get("TERM") != "dumb" and environment.get("CLICOLOR") != "0"
    return wanted and _is_terminal(stream)


def _fitted(stream: TextIO | None, text: str, width: int) -> str:
    if not _is_terminal(stream):
        return text
    from gpmirror.render.text import fitted

    return fitted(text, width=width)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _width(stream: TextIO | None, environment: Mapping[str, str]) -> int:
    columns = environment.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit() and int(columns[:6]) > 0:
        return int(columns[:6])
    if stream is None or not stream.isatty():
        return WIDTH_OFF_TERMINAL
    try:
        return os.get_terminal_size(stream.fileno()).columns or WIDTH_OFF_TERMINAL
    except OSError:
        return WIDTH_OFF_TERMINAL


def _write(stream: TextIO | None, text: str, name: str) -> None:
    if stream is None or not text:
        return
    try:
        stream.write(text if text.endswith("\n") else f"{text}\n")
        stream.flush()
    except BrokenPipeError:
        _drop(stream)
    except OSError as error:
        _drop(stream)
        message = f"cannot write to {name}: {error.strerror}"
        raise Failure(message, hint="free space or redirect elsewhere, then run again") from error


def _drop(stream: TextIO) -> None:
    """Let what is still buffered go nowhere: the interpreter flushes again at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


# --- The one place where an error becomes text on stderr and an exit code.


# The base of typer's errors over wrong arguments has no public name in every release.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}


def report(error: Exception, console: Console) -> ExitCode:
    """Say on stderr what went wrong and what to do next; the exit code of that error."""
    if console.debug:
        console.alarm("".join(traceback.format_exception(error)))
    if isinstance(error, DiagnosedError):
        console.problems(error.diagnostics)
        return error.exit_code
    code, words = _words(error)
    console.alarm(words)
    return code


def _words(error: Exception) -> tuple[ExitCode, str]:
    if isinstance(error, UsageError):
        return ExitCode.USAGE, _usage(error)
    match error:
        case GpmirrorError():
            return error.exit_code, _intended(error)
        case typer.Abort():
            return ExitCode.DECLINED, "error: the input ended before an answer was given"
        case OSError() if error.errno in _DISK_FULL:
            return ExitCode.ERROR, f"error: {error.strerror}\nhint: free space, then run again"
        case _:
            return ExitCode.BUG, _bug(error)


def visible(text: str) -> str:
    """The text with control characters written out, so that none reaches the terminal."""
    return "".join(
        c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text
    )


def _intended(error: GpmirrorError) -> str:
    hint = f"\nhint: {error.hint}" if error.hint else ""
    return visible(f"error: {error.message}{hint}")


def _usage(error: Exception) -> str:
    """What is wrong with the arguments, the usage line, and the way to the full help."""
    from gpmirror.cli.usage import usage_message

    lines = [f"error: {usage_message(error)}"]
    if context := getattr(error, "ctx", None):
        lines.append(context.get_usage().replace("Usage:", "usage:", 1))
        lines.append(f"hint: `{context.command_path} --help` lists every option")
    return visible("\n".join(lines))


def _bug(error: Exception) -> str:
    name = type(error).__name__
    text = f"{name}: {error}" if str(error) else name
    return visible(f"error: {text}\nthis is a bug in gpmirror; run with --debug for the traceback")
