"""The one place where an error becomes text on stderr and an exit code."""

import traceback

import typer

from gpmirror.cli.console import Console
from gpmirror.errors import DiagnosedError, ExitCode, GpmirrorError

# The base of typer's errors over wrong arguments has no public name in every release.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]


def report(error: Exception, console: Console) -> ExitCode:
    """Say on stderr what went wrong and what to do next; the exit code of that error."""
    if console.debug:
        console.alarm("".join(traceback.format_exception(error)))
    if isinstance(error, DiagnosedError):
        console.problems(error.diagnostics)
        return error.exit_code
    if isinstance(error, GpmirrorError):
        console.alarm(_intended(error))
        return error.exit_code
    if isinstance(error, UsageError):
        console.alarm(_usage(error))
        return ExitCode.USAGE
    if isinstance(error, typer.Abort):
        console.alarm("error: the input ended before an answer was given")
        return ExitCode.DECLINED
    console.alarm(_bug(error))
    return ExitCode.BUG


def visible(text: str) -> str:
    """The text with control characters written out, so that none reaches the terminal."""
    return "".join(
        c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text
    )


def _intended(error: GpmirrorError) -> str:
    hint = f"\nhint: {error.hint}" if error.hint else ""
    return visible(f"error: {error.message}{hint}")


def _usage(error: Exception) -> str:
    """Typer's own words, its usage line, and the way to the full help."""
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    lines = [f"error: {message[:1].lower()}{message[1:]}"]
    if context := getattr(error, "ctx", None):
        lines.append(context.get_usage().replace("Usage:", "usage:", 1))
        lines.append(f"hint: `{context.command_path} --help` lists every option")
    return visible("\n".join(lines))


def _bug(error: Exception) -> str:
    name = type(error).__name__
    text = f"{name}: {error}" if str(error) else name
    return visible(f"error: {text}\nthis is a bug in gpmirror; run with --debug for the traceback")
