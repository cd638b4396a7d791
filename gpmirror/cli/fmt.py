"""`gpmirror fmt`: the standard form of a spec, comments kept."""

from typing import Annotated

import typer

from gpmirror.cli.console import Console
from gpmirror.cli.wiring import default_spec, spec_bytes
from gpmirror.diagnostics import Diagnostic
from gpmirror.errors import DiagnosedError, ExitCode, InvalidInput
from gpmirror.values import dataclass


def command(
    ctx: typer.Context,
    specs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SPEC",
            help="Specs, - for stdin; left out: GPMIRROR_SPEC, else gpmirror.yaml here or above.",
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
    files = specs or [default_spec(console)]
    read = [_read(file) for file in files]
    problems = [found for one in read for found in one.problems]
    if len(files) > 1:
        # where stdout is a diff or a spec, the table is a remark
        says = console.talk if diff or "-" in files else console.page
        says(_table(read, console, writes=not (check or diff or problems), checks=check))
    if problems:
        raise InvalidInput(problems)
    changed = [one for one in read if one.changes]
    if diff:
        console.data("".join(_difference(one) for one in changed))
    if not check and not diff:
        _write_all(read, console)
        return ExitCode.OK
    for one in changed:
        console.talk(f"would change: {one.file}")
    return ExitCode.DIFFERENCES if check and changed else ExitCode.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A spec's text and its standard form, or what keeps it from having one."""

    file: str
    old: str = ""
    new: str = ""
    problems: tuple[Diagnostic, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether the standard form is another text."""
        return self.old != self.new


def _read(file: str) -> _Read:
    from gpmirror.spec.format import format_text

    data = spec_bytes(file)
    try:
        text = _decoded(data, file)
        return _Read(file=file, old=text, new=format_text(text, file))
    except DiagnosedError as error:
        return _Read(file=file, problems=error.diagnostics)


def _table(read: list[_Read], console: Console, *, writes: bool, checks: bool) -> str:
    from gpmirror.layouts import Trouble
    from gpmirror.render.compare import Row, Table, table_human

    def row(one: _Read) -> Row:
        if one.problems:
            words = Trouble.of(InvalidInput(one.problems)).message
            return Row(spec=one.file, exit_code=ExitCode.INVALID, words=words)
        code = ExitCode.DIFFERENCES if checks and one.changes else ExitCode.OK
        changed = "formatted" if writes else "would change"
        return Row(
            spec=one.file, exit_code=code, words=changed if one.changes else "as it should be"
        )

    table = Table(heads=("result",), rows=tuple(row(one) for one in read))
    return table_human(table, width=console.width, color=console.color)


def _decoded(data: bytes, file: str) -> str:
    """The text with its line ends as they are. Raises InvalidInput: not UTF-8, and where."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        from gpmirror.spec.source import decode

        return decode(data, file).text


def _write_all(read: list[_Read], console: Console) -> None:
    from gpmirror.adapters.files import write_output

    for one in read:
        if one.file == "-":
            console.data(one.new)
        elif one.changes:
            write_output(one.file, one.new, force=True)
            console.talk(f"formatted: {one.file}")


def _difference(one: _Read) -> str:
    from difflib import unified_diff

    return "".join(
        unified_diff(
            one.old.splitlines(keepends=True),
            one.new.splitlines(keepends=True),
            fromfile=one.file,
            tofile=f"{one.file} (standard form)",
        )
    )
