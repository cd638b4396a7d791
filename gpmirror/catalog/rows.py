"""Rows of gp_segment_configuration into segments."""

from collections.abc import Iterable, Iterator
from typing import Any

from gpmirror.catalog import cells, codes
from gpmirror.catalog.tables import Table
from gpmirror.diagnostics import Diagnostic, Source
from gpmirror.model.dialect import Dialect
from gpmirror.model.segment import Segment

REQUIRED = (
    "dbid",
    "content",
    "role",
    "preferred_role",
    "mode",
    "status",
    "port",
    "hostname",
    "address",
)
"""Columns that every release has."""

_Column = tuple[str, int, str, cells.Parser]
"""Field of `Segment`, index of the cell, name of the column, parser."""


def read_rows(
    source: Source, table: Table, dialect: Dialect
) -> tuple[list[Segment], list[Diagnostic]]:
    """All rows that are right, and a finding for every cell that is not."""
    columns = list(_columns(table, dialect))
    plain = [(field, index, parse) for field, index, _, parse in columns]
    segments: list[Segment] = []
    problems: list[Diagnostic] = []
    for row, line in zip(table.rows, table.lines, strict=True):
        try:
            # The parsers give each field its type; one literal call a field would cost twice
            # the time on a large catalog.
            values: dict[str, Any] = {field: parse(row[index]) for field, index, parse in plain}
            segments.append(Segment(line=line, **{"directory": None, **values}))
        except cells.BadCell:
            problems.extend(_bad_cells(source, table, row, line, columns))
    return segments, problems


def missing_columns(source: Source, table: Table, *, has_directories: bool) -> list[Diagnostic]:
    """A finding if the table lacks columns; `has_directories` if they are told elsewhere."""
    lacking = [name for name in REQUIRED if table.column(name) is None]
    if not has_directories and directory_column(table) is None:
        lacking.append("datadir")
    if not lacking:
        return []
    plural = "s" * (len(lacking) > 1)
    return [
        Diagnostic(
            code=codes.MISSING_COLUMNS,
            message=f"the catalog table lacks the column{plural} {', '.join(lacking)}",
            place=source.place(table.first_line),
            hint="save the output of `SELECT * FROM gp_segment_configuration`",
        )
    ]


def directory_column(table: Table) -> str | None:
    """The column that tells directories: datadir, or fselocation in a join."""
    return next(
        (name for name in ("datadir", "fselocation") if table.column(name) is not None), None
    )


def _columns(table: Table, dialect: Dialect) -> Iterator[_Column]:
    parsers: dict[str, cells.Parser] = {
        "dbid": cells.dbid,
        "content": cells.content,
        "role": cells.role,
        "preferred_role": cells.role,
        "mode": cells.mode_parser(dialect),
        "status": cells.status,
        "port": cells.port,
        "hostname": cells.host,
        "address": cells.host,
        "replication_port": cells.optional_port,
    }
    for name, parse in parsers.items():
        index = table.column(name)
        if index is not None:
            yield name, index, name, parse
    told = directory_column(table)
    if told is not None:
        parse = cells.optional_directory if dialect.has_filespaces else cells.directory
        yield "directory", table.names.index(told), told, parse


def _bad_cells(
    source: Source, table: Table, row: list[str], line: int, columns: Iterable[_Column]
) -> Iterator[Diagnostic]:
    subject = row[table.names.index("dbid")]
    for _, index, column, parse in columns:
        try:
            parse(row[index])
        except cells.BadCell as bad:
            yield Diagnostic(
                code=bad.code,
                message=f"dbid {cells.shown(subject).strip(chr(34))}: {column} {bad.message}",
                place=table.place(source, line, column),
                hint=bad.hint or codes.CODES[bad.code].fix,
            )
