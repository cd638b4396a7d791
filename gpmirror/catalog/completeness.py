"""Whether a table was read to its end: the printed count, cut lines, rows after an interruption."""

from collections.abc import Iterator, Sequence

from gpmirror.catalog import codes
from gpmirror.catalog.source import Source
from gpmirror.catalog.tables import Kind, Shape, Table
from gpmirror.diagnostics import Diagnostic

_MOST_ROWS = 100_000
"""Three times what two-byte dbids allow; more is no catalog."""

_SAVE_AGAIN = "save the whole output again, for example with `psql -P pager=off -o FILE`"


def check_complete(source: Source, table: Table, tables: Sequence[Table]) -> list[Diagnostic]:
    """Everything that shows that rows of `table` are missing; `tables` are all that were found."""
    if len(table.rows) > _MOST_ROWS and table.kind is Kind.SEGMENTS:
        return [_too_many(source, table)]
    if not table.rows and not table.problems and not table.declared:
        return [_no_rows(source, table)] if table.kind is Kind.SEGMENTS else []
    found = list(table.problems)
    if table.declared is not None:
        if table.declared != len(table.rows) + len(table.problems):
            found.append(_miscounted(source, table))
    elif table.kind is Kind.SEGMENTS and table.shape is Shape.ACROSS:
        limit = min((t.first_line - 1 for t in tables if t.first_line > table.end), default=None)
        found.extend(_strays(source, table, limit))
    return found


def _miscounted(source: Source, table: Table) -> Diagnostic:
    return Diagnostic(
        code=codes.TRUNCATED,
        message=f"{table.kind.value} is truncated: the text says ({table.declared} rows), "
        f"{len(table.rows)} were read",
        place=source.place(table.first_line),
        hint=_SAVE_AGAIN,
    )


def _no_rows(source: Source, table: Table) -> Diagnostic:
    return Diagnostic(
        code=codes.NO_ROWS,
        message="the table has no rows",
        place=source.place(table.first_line),
        hint="run the query on the coordinator and save its whole output",
    )


def _too_many(source: Source, table: Table) -> Diagnostic:
    return Diagnostic(
        code=codes.OUT_OF_RANGE,
        message=f"the table has {len(table.rows):,} rows, the limit is {_MOST_ROWS:,}",
        place=source.place(table.first_line),
        hint="check that the text is one catalog",
    )


def _strays(source: Source, table: Table, limit: int | None) -> Iterator[Diagnostic]:
    """Rows of the table's own form between its end and the next table; the first is enough."""
    lines = source.lines
    for index in range(table.end, len(lines) if limit is None else limit):
        cut_off = index == table.end and lines[index].strip().isdigit()
        if cut_off or _is_row(lines[index], table):
            yield Diagnostic(
                code=codes.STRAY_ROWS,
                message=f"line {index + 1} looks like a row of the table that starts in line "
                f"{table.first_line}, but the table is interrupted before it",
                place=source.place(index + 1),
                hint=_SAVE_AGAIN,
            )
            return


def _is_row(line: str, table: Table) -> bool:
    if table.separator not in line:
        return False
    cells = line.strip().removeprefix(table.separator).split(table.separator)
    alike = abs(len(cells) - len(table.names)) <= 1
    return alike and cells[0].strip().isdigit() and cells[1].strip().lstrip("-").isdigit()
