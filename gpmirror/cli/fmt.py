"""`gpmirror fmt`: the standard form of a spec, comments kept."""

from typing import Annotated

import typer

from gpmirror.cli.console import Console
from gpmirror.cli.wiring import default_spec, spec_bytes
from gpmirror.diagnostics import Diagnostic
from gpmirror.errors import DiagnosedError, ExitCode, InvalidInput


def command(
    ctx: typer.Context,
    specs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SPEC", help="Specs, - for stdin; left out: GPMIRROR_SPEC, else gpmirror.yaml."
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 2 if a spec would change.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Write nothing; print what would change.")
    ] = False,
) -> ExitCode:
    """Format specs in canonical style; comments are kept."""
    console: Console = ctx.obj
    files = specs or [default_spec()]
    texts = _read_all(files)
    changed = [(file, old, new) for file, old, new in texts if old != new]
    if diff:
        console.data("".join(_difference(*each) for each in changed))
    if not check and not diff:
        _write_all(texts, console)
        return ExitCode.OK
    for file, _, _ in changed:
        console.talk(f"would change: {file}")
    return ExitCode.DIFFERENCES if check and changed else ExitCode.OK


def _read_all(files: list[str]) -> list[tuple[str, str, str]]:
    """Name, text and standard form of every spec; all problems of all files are raised at once."""
    from gpmirror.spec.format import format_text

    texts: list[tuple[str, str, str]] = []
    problems: list[Diagnostic] = []
    for file in files:
        data = spec_bytes(file)
        try:
            text = _decoded(data, file)
            texts.append((file, text, format_text(text, file)))
        except DiagnosedError as error:
            problems += error.diagnostics
    if problems:
        raise InvalidInput(problems)
    return texts


def _decoded(data: bytes, file: str) -> str:
    """The text with its line ends as they are. Raises InvalidInput: not UTF-8, and where."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        from gpmirror.spec.source import decode

        return decode(data, file).text


def _write_all(texts: list[tuple[str, str, str]], console: Console) -> None:
    from gpmirror.adapters.files import write_output

    for file, old, new in texts:
        if file == "-":
            console.data(new)
        elif old != new:
            write_output(file, new, force=True)
            console.talk(f"formatted: {file}")


def _difference(file: str, old: str, new: str) -> str:
    from difflib import unified_diff

    return "".join(
        unified_diff(
            old.splitlines(keepends=True),
            new.splitlines(keepends=True),
            fromfile=file,
            tofile=f"{file} (standard form)",
        )
    )
