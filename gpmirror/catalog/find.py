"""Finds the catalog tables in a text and says what is wrong when there are none."""

from gpmirror.catalog import codes
from gpmirror.catalog.array_list import read_array_list
from gpmirror.catalog.grid import read_grid
from gpmirror.catalog.records import FIRST_NAMES, read_records, starts_record
from gpmirror.catalog.source import Source
from gpmirror.catalog.spaced import read_spaced
from gpmirror.catalog.tables import Kind, Table
from gpmirror.diagnostics import Diagnostic, Related
from gpmirror.errors import InvalidInput

_SIGNS = ("dbid", "fsname", "DBID", "FSNAME", "oid|", "[ ", "* ")
_LONGEST_HEADER = 5_000
_JOINED_CELLS = 16
"""A line with more separators than any header has rows in it as well."""

_MOST_SHOWN = 20
_MOST_TABLES = 500
"""Enough to see that a text is no catalog; the rest is not looked at."""

_SAVE_ALL = "save the whole output of `SELECT * FROM gp_segment_configuration`"


def find_tables(source: Source) -> list[Table]:
    """Every table of interest, in text order; a segment list where there is no header at all."""
    found: list[Table] = []
    end = 0
    for index in _promising(source.lines):
        if index >= end and (table := _table_at(source, index)) is not None:
            found.append(table)
            end = max(table.end, index + 1)
        if len(found) > _MOST_TABLES:
            break
    if not any(table.kind is Kind.SEGMENTS for table in found):
        listed = read_array_list(source)
        return found if listed is None else [listed]
    return found


def pick(source: Source, tables: list[Table], number: int | None) -> Table:
    """The segment table to read; `number` counts from 1.

    Raises:
        InvalidInput: there is none, no such one, or several and no number.
    """
    candidates = [table for table in tables if table.kind is Kind.SEGMENTS]
    if not candidates:
        raise InvalidInput([_nothing_found(source)])
    if number is not None:
        if not 1 <= number <= len(candidates):
            raise InvalidInput([_no_such_table(source, candidates, number)])
        return candidates[number - 1]
    if len(candidates) > 1:
        raise InvalidInput([_several(source, candidates)])
    return candidates[0]


def _promising(lines: list[str]) -> list[int]:
    """Indexes of lines where a table may start; a plain scan, since the text may be long."""
    return [
        index
        for index, line in enumerate(lines)
        if any(sign in line for sign in _SIGNS) and len(line) <= _LONGEST_HEADER
    ]


def _table_at(source: Source, index: int) -> Table | None:
    line = source.lines[index]
    if starts_record(line):
        return read_records(source, index)
    lowered = line.lower()
    if any(name in lowered for name in ("content", "fsname", "fsedbid")):
        return read_grid(source, index) or read_spaced(source, index)
    starts = lowered.lstrip().startswith(FIRST_NAMES)
    return read_records(source, index) if starts else None


def _nothing_found(source: Source) -> Diagnostic:
    for line, text in enumerate(source.lines, 1):
        if text.count("|") > _JOINED_CELLS and ("gp_segment_conf" in text or "dbid" in text):
            return Diagnostic(
                code=codes.NO_HEADER,
                message=f"the line ends are lost: line {line} holds a whole table in one line, "
                f"{text.count('|')} cell separators",
                place=source.place(line),
                hint="the cells cannot be told apart safely; " + _SAVE_ALL + " with its line ends",
            )
    return Diagnostic(
        code=codes.NO_TABLE,
        message="no catalog table found: looked for a header with dbid, content, role, "
        "preferred_role, mode, status, port, hostname and address, for a segment list and for "
        f"a snapshot in {len(source.lines)} lines",
        place=source.place(0),
        hint=_SAVE_ALL,
    )


def _several(source: Source, tables: list[Table]) -> Diagnostic:
    shown = tables[:_MOST_SHOWN]
    spans = [f"table {number}: {_span(table)}" for number, table in enumerate(shown, 1)]
    if len(tables) > len(shown):
        spans.append("...")
    return Diagnostic(
        code=codes.SEVERAL_TABLES,
        message=f"the text has {len(tables)} gp_segment_configuration tables, that is "
        f"{len(tables)} states: " + ", ".join(spans),
        place=source.place(tables[0].first_line),
        hint=f"pick one with --table N, 1 to {len(tables)}",
        related=tuple(
            Related(place=source.place(table.first_line), label=f"table {number}")
            for number, table in enumerate(shown[1:], 2)
        ),
    )


def _no_such_table(source: Source, tables: list[Table], number: int) -> Diagnostic:
    spans = ", ".join(_span(table) for table in tables[:_MOST_SHOWN])
    return Diagnostic(
        code=codes.SEVERAL_TABLES,
        message=f"there is no table {number}: the text has {len(tables)} "
        f"gp_segment_configuration table{'s' * (len(tables) > 1)} ({spans})",
        place=source.place(0),
        hint=f"--table counts from 1 to {len(tables)}",
    )


def _span(table: Table) -> str:
    return f"lines {table.first_line} to {table.end}"
