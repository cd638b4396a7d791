"""The one place where an error becomes text on stderr and an exit code."""

import errno
import traceback

import typer

from gpmirror.cli.console import Console
from gpmirror.errors import DiagnosedError, ExitCode, GpmirrorError

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
