"""The program `gpmirror`: global options, the command group, errors to exit codes.

Importing this module loads typer and nothing heavy; commands import their own workflow.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer

from gpmirror import __version__
from gpmirror.cli.commands import LazyGroup
from gpmirror.cli.console import (
    COMPLETE_VARIABLE,
    GLOBAL_OPTIONS,
    LOG_OPTION,
    LOG_VARIABLE,
    Console,
    GlobalFlags,
    open_console,
    report,
)
from gpmirror.cli.wiring import is_ignored, spec_connection
from gpmirror.errors import ExitCode, GpmirrorError, Usage

_EPILOG = (
    "Exit status: "
    + ", ".join(f"{code.value} {code.name.lower()}" for code in ExitCode)
    + ". 3-9 and 64 guarantee that nothing was changed."
)

_VERSION_JSON = ({"--version", "--json"}, {"-V", "--json"})

app = typer.Typer(
    cls=LazyGroup,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main(arguments: Sequence[str]) -> int:
    """Run one command; the process exit code."""
    flags, rest = split_global_flags(arguments)
    console = open_console(flags, os.environ)
    if flags.log_file is None and not os.environ.get(LOG_VARIABLE):
        return _run(flags, rest, console)
    from gpmirror.cli.logbook import open_logbook

    try:
        log = open_logbook(flags.log_file, os.environ)
    except GpmirrorError as error:
        return _report_safely(error, console)
    if os.environ.get(COMPLETE_VARIABLE):  # a shell asks for words
        return _run(flags, rest, console)
    log.begin(rest)
    code = _run(flags, rest, replace(console, log=log))
    log.end(code)
    if log.failed:
        console.alarm(f"warning: the log file {log.path} is not whole: {log.failed}")
    return code


def _run(flags: GlobalFlags, rest: list[str], console: Console) -> int:
    ignored = flags.ignore_spec_connection or is_ignored(os.environ)
    try:
        with spec_connection(ignored=ignored):
            return _invoke(rest, console)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001 every error ends in words and a code, here
        return _report_safely(error, console)


def split_global_flags(arguments: Sequence[str]) -> tuple[GlobalFlags, list[str]]:
    """Take the options that work everywhere out of the arguments, up to a `--`."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    known = set(GLOBAL_OPTIONS)
    words, log_file = _take_log_file(arguments[:end])
    given = known.intersection(words)
    rest = [word for word in words if word not in known]
    flags = GlobalFlags(
        no_color="--no-color" in given,
        quiet="--quiet" in given,
        debug="--debug" in given,
        ignore_spec_connection="--ignore-spec-connection" in given,
        log_file=log_file,
    )
    return flags, [*rest, *arguments[end:]]


def _take_log_file(arguments: Sequence[str]) -> tuple[list[str], str | None]:
    """The arguments without `--log-file F`, and F: "" where the name is missing."""
    words, log_file, waits = [], None, False
    for word in arguments:
        if waits:
            log_file, waits = word, False
        elif word == LOG_OPTION:
            log_file, waits = "", True
        elif word.startswith(f"{LOG_OPTION}="):
            log_file = word.partition("=")[2]
        else:
            words.append(word)
    return words, log_file


def _invoke(arguments: list[str], console: Console) -> int:
    if os.environ.get(COMPLETE_VARIABLE):
        from gpmirror.cli.completion import prepare

        prepare()
    if set(arguments) in _VERSION_JSON:  # typer would load a library to see that there are two
        from gpmirror.cli.version import version_json

        console.data(version_json())
        return ExitCode.OK
    command = typer.main.get_command(app)
    code = command.main(arguments, prog_name="gpmirror", standalone_mode=False, obj=console)
    return code if isinstance(code, int) else ExitCode.OK


def _report_safely(error: Exception, console: Console) -> int:
    """Report, and where even that fails, report the failure."""
    try:
        return report(error, console)
    except Exception as second:  # noqa: BLE001 as above
        return report(second, console)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"gpmirror {__version__}")
        raise typer.Exit


@app.callback()
def gpmirror(
    version: Annotated[
        bool,
        typer.Option(
            "--version", "-V", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="With --version: Python, libraries and dialects too."),
    ] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Results and errors only.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    ignore_spec_connection: Annotated[
        bool,
        typer.Option(
            "--ignore-spec-connection",
            help="Use the PG* variables alone, ignore the connection in specs and plans.",
        ),
    ] = False,
    log_file: Annotated[
        str | None,
        typer.Option(
            LOG_OPTION, metavar="FILE", help="Append what is said and done, as JSON lines."
        ),
    ] = None,
) -> None:
    """Plan Greenplum segment mirrors from a spec, apply the plan, prove the result."""
    # Most are taken out of the arguments before typer sees them; they are here for `--help`.
    del version, no_color, quiet, debug, ignore_spec_connection, log_file
    if as_json:
        raise Usage("--json stands behind the name of a command", hint="or beside --version")
