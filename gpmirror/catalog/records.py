r"""psql's expanded display (`\x`): a line a cell, a block a row."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gpmirror.catalog import codes
from gpmirror.catalog.marks import is_rule, printed_count
from gpmirror.catalog.source import Source
from gpmirror.catalog.tables import Shape, Table, kind_of
from gpmirror.diagnostics import Diagnostic

_START = re.compile(
    r"\s*(?:[-─━═+|┌├╔╠╒╞╓╟*]{0,4}\[ [^\]\d]{1,20}(\d{1,9}) \]|\* \S{1,20} (\d{1,9})\s*$)"
)
_SECOND_NAMES = {"dbid": "content", "fsefsoid": "fsedbid", "oid": "fsname", "fsname": "fsowner"}
"""First and second column of the tables that matter: how unaligned records are recognised."""

FIRST_NAMES = tuple(_SECOND_NAMES)

_MOST_CELLS = 64
"""More than any join has; without a limit hostile text would be read again from every line."""

_PIPES = ("|", "│", "║", "┃")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """One row: names and cells in printed order, the number in its first line if it has one."""

    number: int | None
    names: tuple[str, ...]
    cells: list[str]
    line: int
    end: int
    separator: str


def read_records(source: Source, index: int) -> Table | None:
    """The expanded table whose first record starts at line index `index`, if one does."""
    first = _record(source.lines, index)
    if first is None or (kind := kind_of(first.names)) is None:
        return None
    records = [first]
    while (following := _following(source.lines, records[-1])) is not None:
        records.append(following)
    cut = _cut_off(source, records[-1])
    return Table(
        kind=kind,
        names=first.names,
        rows=[record.cells for record in records],
        lines=[record.line for record in records],
        first_line=index + 1,
        end=records[-1].end if cut is None else cut.end,
        shape=Shape.DOWN,
        separator=first.separator,
        problems=tuple(_problems(source, records, cut)),
    )


def starts_record(line: str) -> bool:
    """Whether a line is the head of a record such as `-[ RECORD 1 ]---`."""
    return _START.match(line) is not None


def _cut_off(source: Source, last: _Record) -> _Record | None:
    """The record after the last whole one, if it goes on in the same order but has other cells."""
    found = _record(source.lines, _next_start(source.lines, last))
    if found is None:
        return None
    if last.number is None:
        return found if found.names == last.names[: len(found.names)] else None
    return found if found.number == last.number + 1 else None


def _next_start(lines: Sequence[str], last: _Record) -> int:
    """Where the next record may start; without numbers records are apart by a blank line."""
    index = last.end
    while last.number is None and index < len(lines) and not lines[index].strip():
        index += 1
    return index


def _problems(
    source: Source, records: Sequence[_Record], cut: _Record | None
) -> Iterator[Diagnostic]:
    if cut is not None:
        count, wanted = len(cut.cells), len(records[0].cells)
        message = f"a record has {count} cells, the one before it has {wanted}"
        yield _broken(source, cut.line, message)
    for expected, record in enumerate(records, 1):
        if record.number is not None and record.number != expected:
            message = f"record {expected} is missing: record {record.number} stands in its place"
            yield _broken(source, record.line, message)
            return


def _broken(source: Source, line: int, message: str) -> Diagnostic:
    return Diagnostic(
        code=codes.BROKEN_ROW,
        message=message,
        place=source.place(line),
        hint="the text was cut; save the whole output again",
    )


def _following(lines: Sequence[str], last: _Record) -> _Record | None:
    """The next row of the same table: numbers go on, names are the same."""
    found = _record(lines, _next_start(lines, last))
    if found is None or found.names != last.names:
        return None
    return None if last.number is not None and found.number == 1 else found


def _record(lines: Sequence[str], index: int) -> _Record | None:
    if index >= len(lines):
        return None
    start = _START.match(lines[index])
    number = None if start is None else int(start[1] or start[2])
    width = len(lines[index].rstrip())
    index += start is not None
    if start is not None and index < len(lines) and is_rule(lines[index]):
        index += 1
    separator = _separator(lines, index, number)
    if separator is None:
        return None
    cells, end = _cells(lines, index, separator, width if number is not None else 0)
    return _Record(
        number=number,
        names=tuple(name.lower() for name, _ in cells),
        cells=[cell for _, cell in cells],
        line=index + 1,
        end=end,
        separator=separator,
    )


def _separator(lines: Sequence[str], index: int, number: int | None) -> str | None:
    """What separates name and value; without a numbered head the first line must be a dbid."""
    if index >= len(lines):
        return None
    line = lines[index].strip()
    found = next((pipe for pipe in _PIPES if pipe in line), " ")
    if number is not None:
        return found
    pipe = line.count(found) == 1 and found != " "
    below = lines[index + 1].lstrip() if index + 1 < len(lines) else ""
    second = _SECOND_NAMES.get(line.partition(found)[0].lower())
    return found if pipe and second and below.lower().startswith(second + found) else None


def _cells(
    lines: Sequence[str], index: int, separator: str, width: int
) -> tuple[list[tuple[str, str]], int]:
    """(name, value) pairs of one record and the index after it. `width` is the terminal's where
    the head of the record filled a line: a value broken there is joined.
    """
    cells: list[tuple[str, str]] = []
    last = min(len(lines), index + _MOST_CELLS)
    while index < last and not _ends(lines[index]):
        line = lines[index]
        if separator not in line.strip():
            if not cells or len(lines[index - 1]) != width or " " in line.strip():
                break
            cells[-1] = (cells[-1][0], cells[-1][1] + line.strip())
        else:
            name, value = _pair(line, separator)
            if cells and name == cells[0][0]:
                break
            cells.append((name, value))
        index += 1
    return cells, index


def _ends(line: str) -> bool:
    return (
        not line.strip() or starts_record(line) or is_rule(line) or printed_count(line) is not None
    )


def _pair(line: str, separator: str) -> tuple[str, str]:
    if separator == " ":
        name, _, value = line.strip().partition(" ")
        return name, value.strip()
    enclosed = line.strip()
    if enclosed.startswith(separator) and enclosed.endswith(separator):
        enclosed = enclosed[1:-1]
    name, _, value = enclosed.partition(separator)
    return name.strip(), value.strip()
