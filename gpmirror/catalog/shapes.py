"""Every shape that psql and people print catalog tables in, read into one."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import field

from gpmirror.catalog import codes
from gpmirror.catalog.tables import (
    PIPES,
    Table,
    TableHeader,
    TableKind,
    TableShape,
    closing,
    header_of,
    heads_table,
    is_rule,
    kind_of,
    printed_count,
)
from gpmirror.diagnostics import Diagnostic, Source
from gpmirror.errors import InvalidInput
from gpmirror.values import dataclass

# --- psql's aligned tables without pipes (`\pset border 0`).


def read_spaced(source: Source, index: int) -> Table | None:
    """The table whose header is at line index `index`: names over groups of dashes."""
    lines = source.lines
    if index + 1 >= len(lines) or not is_rule(lines[index + 1]):
        return None
    names = tuple(lines[index].lower().split())
    spans = _spans(lines[index + 1])
    kind = kind_of(names)
    if kind is None or len(spans) != len(names):
        return None
    end = _end(lines, index + 2)
    rows = [_cells(line, spans) for line in lines[index + 2 : end]]
    after, declared = closing(lines, end)
    return Table(
        kind=kind,
        names=names,
        rows=rows,
        lines=list(range(index + 3, end + 1)),
        first_line=index + 1,
        end=after,
        separator=" ",
        declared=declared,
        counted=True,
    )


def _spans(rule: str) -> list[tuple[int, int]]:
    """Start and end of every group of dashes."""
    spans: list[tuple[int, int]] = []
    end = 0
    for group in rule.split():
        start = rule.index(group, end)
        end = start + len(group)
        spans.append((start, end))
    return spans


def _end(lines: Sequence[str], index: int) -> int:
    """Index of the first line that is no row: rows start with a number."""
    while index < len(lines) and lines[index].lstrip(" -")[:1].isdigit():
        index += 1
    return index


def _cells(line: str, spans: list[tuple[int, int]]) -> list[str]:
    """Cells by their number where none is empty, else by position."""
    words = line.split()
    if len(words) == len(spans):
        return words
    ends = [start for start, _ in spans[1:]]
    starts = [start for start, _ in spans]
    return [line[start:end].strip() for start, end in zip(starts, [*ends, None], strict=True)]


# --- Tables that a terminal broke over lines at its width: joins what belongs together.


_MOST_HEADER_PARTS = 12
_MOST_PARTS = 40
"""A terminal of 20 columns breaks the widest known header and row into fewer parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfolded:
    """A table with every row on one line again; each with the number of its first input line.
    `end` is the index of the first input line after the table.
    """

    header: TableHeader
    rows: list[tuple[str, int]]
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fold:
    """Where the table was broken: indent of its block, width of a full line after the indent."""

    indent: int
    width: int
    separator: str
    pipes: int

    def piece(self, line: str) -> str:
        """A line without the indent of the block."""
        return line[self.indent :] if not line[: self.indent].strip() else line.lstrip()

    def goes_on(self, text: str, last: str, following: str) -> bool:
        """Whether a row whose separators are complete continues in the next line."""
        piece = self.piece(following).strip()
        if not piece or " " in piece or self.separator in piece or _ends(following):
            return False
        if text.endswith(self.separator) or not text[text.rfind(self.separator) + 1 :].strip():
            return piece.isdigit() or len(last) >= self.width - 1
        return len(last) >= self.width


def unfold(lines: Sequence[str], index: int) -> Unfolded | None:
    """The broken table whose header starts at `lines[index]`; None if it is not broken."""
    rule = _first_rule(lines, index) if any(pipe in lines[index] for pipe in PIPES) else None
    if rule is None:
        return None
    after = rule
    while after < len(lines) and is_rule(lines[after]):
        after += 1
    if rule == index + 1 and after == rule + 1:
        return None
    indent = len(lines[rule]) - len(lines[rule].lstrip())
    header = header_of("".join(line[indent:] for line in lines[index:rule]))
    drawn = "".join(line.strip() for line in lines[rule:after])
    if header is None or not _fits(header, drawn):
        return None
    fold = _Fold(
        indent=indent,
        width=len(lines[rule].rstrip()) - indent,
        separator=header.separator,
        pipes=len(header.names) - 1 + 2 * header.outer,
    )
    rows, end = _rows(lines, after, fold)
    return Unfolded(header=header, rows=rows, end=end)


def _first_rule(lines: Sequence[str], index: int) -> int | None:
    for at in range(index + 1, min(index + _MOST_HEADER_PARTS, len(lines))):
        if is_rule(lines[at]):
            return at
        if _ends(lines[at]) and not _is_blank_rest(lines, at):
            return None
    return None


def _is_blank_rest(lines: Sequence[str], at: int) -> bool:
    """Whether a blank line is the padding of a header whose rule follows."""
    return not lines[at].strip() and at + 1 < len(lines) and is_rule(lines[at + 1])


def _fits(header: TableHeader, drawn: str) -> bool:
    """Whether the rule has as many crosses as the header has columns; without crosses it may."""
    crosses = sum(drawn.count(cross) for cross in "+┼╪╬╫")
    return crosses in (0, len(header.names) - 1, len(header.names) + 1)


def _rows(lines: Sequence[str], index: int, fold: _Fold) -> tuple[list[tuple[str, int]], int]:
    rows: list[tuple[str, int]] = []
    while index < len(lines) and fold.separator in lines[index] and not _ends(lines[index]):
        parts = list(_parts(lines, index, fold))
        rows.append(("".join(parts), index + 1))
        index += len(parts)
        while index + 1 < len(lines) and _is_gap(lines, index, fold):
            index += 1
    return rows, index


def _parts(lines: Sequence[str], index: int, fold: _Fold) -> Iterator[str]:
    """The pieces of the row that starts at `lines[index]`."""
    text = last = fold.piece(lines[index])
    yield last
    for following in lines[index + 1 : index + _MOST_PARTS]:
        incomplete = text.count(fold.separator) < fold.pipes and not _ends(following)
        if not incomplete and not fold.goes_on(text, last, following):
            return
        last = fold.piece(following)
        text += last
        yield last


def _ends(line: str) -> bool:
    return not line.strip() or is_rule(line) or printed_count(line) is not None


def _is_gap(lines: Sequence[str], index: int, fold: _Fold) -> bool:
    """Whether a blank line is the blank rest of a row, with another row below it."""
    return not lines[index].strip() and fold.separator in lines[index + 1]


# --- Tables with a row a line: psql aligned, unaligned and CSV, markdown, fixed pipe tables.
#
# Cells are split at the separator, never by position: pasted tables are seldom straight.


_WRAP_MARKS = (".", "…")


@dataclass(slots=True, kw_only=True)
class _Rows:
    """Rows as they are gathered. `ruled`: a rule stands below the header, as psql prints it."""

    header: TableHeader
    source: Source
    ruled: bool
    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    problems: list[Diagnostic] = field(default_factory=list)

    def take(self, text: str, line: int) -> bool:
        """Take a line with separators; False if it does not belong to the table."""
        try:
            cells = self.header.cells(text)
        except ValueError as error:
            self._complain(f"the row's quotes are broken: {error}", line)
            return True
        if len(cells) == len(self.header.names) and cells[0].isdigit():
            self.rows.append(cells)
            self.lines.append(line)
            return True
        return header_of(text) is None and self._take_unusual(cells, text, line)

    def _take_unusual(self, cells: list[str], text: str, line: int) -> bool:
        """Take what does not start with a number or has another number of cells."""
        if len(cells) == len(self.header.names):
            self._add(cells, text, line)
            return True
        if not self._resembles(cells):
            return False
        count, wanted = len(cells), len(self.header.names)
        self._complain(f"the row has {count} cells, the header has {wanted}", line)
        return True

    def passes_over(self, text: str) -> bool:
        """Whether a line without separators lies inside the table: a rule, a comment."""
        return is_rule(text) or (not self.ruled and text.lstrip().startswith("#"))

    def _add(self, cells: list[str], text: str, line: int) -> None:
        if is_rule(text):
            return
        if self.ruled and not cells[0] and self.rows and _continues(self.rows[-1], cells):
            self.rows[-1] = [_joined(*pair) for pair in zip(self.rows[-1], cells, strict=True)]
            return
        self.rows.append(cells)
        self.lines.append(line)

    def _resembles(self, cells: list[str]) -> bool:
        return cells[0].lstrip("-").isdigit() or 2 * len(cells) >= len(self.header.names)

    def _complain(self, message: str, line: int) -> None:
        self.problems.append(
            Diagnostic(
                code=codes.BROKEN_ROW,
                message=message,
                place=self.source.place(line),
                hint="the line was cut or joined with another; save the output again",
            )
        )


def read_grid(source: Source, index: int) -> Table | None:
    """The table whose header starts at line index `index`, None if there is no such table."""
    unfolded = unfold(source.lines, index)
    if unfolded is not None:
        return _unfolded_table(source, index, unfolded)
    header = header_of(source.lines[index])
    if header is None or not heads_table(header, source.lines, index):
        return None
    ruled = index + 1 < len(source.lines) and is_rule(source.lines[index + 1])
    gathered = _Rows(header=header, source=source, ruled=ruled)
    end = _gather(gathered, source.lines, index + 1)
    return _table(gathered, index, end, TableShape.ACROSS)


def _gather(gathered: _Rows, lines: Sequence[str], index: int) -> int:
    """Read rows until the table ends; returns the index of the first line after it."""
    separator = gathered.header.separator
    for at in range(index, len(lines)):
        line = lines[at]
        if separator in line:
            if not gathered.take(line, at + 1):
                return at
        elif not gathered.passes_over(line):
            return at
    return len(lines)


def _unfolded_table(source: Source, index: int, unfolded: Unfolded) -> Table:
    gathered = _Rows(header=unfolded.header, source=source, ruled=True)
    for text, line in unfolded.rows:
        gathered.take(text, line)
    return _table(gathered, index, unfolded.end, TableShape.FOLDED)


def _table(gathered: _Rows, index: int, end: int, shape: TableShape) -> Table:
    end, declared = closing(gathered.source.lines, end)
    header = gathered.header
    return Table(
        kind=header.kind,
        names=header.names,
        rows=gathered.rows,
        lines=gathered.lines,
        first_line=index + 1,
        end=end,
        shape=shape,
        separator=header.separator,
        outer=header.outer,
        declared=declared,
        counted=gathered.ruled and not header.outer,
        problems=tuple(gathered.problems),
    )


def _continues(above: list[str], cells: list[str]) -> bool:
    """Whether a row only carries on cells that psql's wrapped format broke above."""
    pairs = zip(above, cells, strict=True)
    return all(
        not cell or (upper.endswith(_WRAP_MARKS) and cell.startswith(_WRAP_MARKS))
        for upper, cell in pairs
    )


def _joined(upper: str, lower: str) -> str:
    return upper[:-1] + lower[1:] if lower else upper


# --- psql's expanded display (`\x`): a line a cell, a block a row.


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
        shape=TableShape.DOWN,
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
    cells, end = _cells_of_record(lines, index, separator, width if number is not None else 0)
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


def _cells_of_record(
    lines: Sequence[str], index: int, separator: str, width: int
) -> tuple[list[tuple[str, str]], int]:
    """(name, value) pairs of one record and the index after it. `width` is the terminal's where
    the head of the record filled a line: a value broken there is joined.
    """
    cells: list[tuple[str, str]] = []
    last = min(len(lines), index + _MOST_CELLS)
    while index < last and not _ends_record(lines[index]):
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


def _ends_record(line: str) -> bool:
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


# --- Segment lists without a header: ten fields a line, `#` comments (`.array` files).


NAMES = (
    "dbid",
    "content",
    "role",
    "preferred_role",
    "mode",
    "status",
    "hostname",
    "address",
    "port",
    "datadir",
)
_FIRST_NAME = 6
_PORT = 8


def read_array_list(source: Source) -> Table | None:
    """The whole text as a segment list; None if its first line is no row of one.

    Raises:
        InvalidInput: the rows are headerless psql output, whose columns cannot be told.
    """
    first = next(_listed_rows(source), None)
    if first is None:
        return None
    if not _is_row(first[1]):
        # below the command line that printed them
        first = next((row for row in _listed_rows(source) if _is_row(row[1])), None)
        if first is not None and _is_tuples_only(first[1]):
            raise InvalidInput([_tuples_only(source, first[0])])
        return None
    if _is_tuples_only(first[1]):
        raise InvalidInput([_tuples_only(source, first[0])])
    kept = list(_listed_rows(source))
    good = [(line, cells) for line, cells in kept if len(cells) == len(NAMES)]
    return Table(
        kind=TableKind.SEGMENTS,
        names=NAMES,
        rows=[cells for _, cells in good],
        lines=[line for line, _ in good],
        first_line=first[0],
        end=len(source.lines),
        problems=tuple(
            _wrong_field_count(source, line, cells)
            for line, cells in kept
            if len(cells) != len(NAMES)
        ),
    )


def _listed_rows(source: Source) -> Iterator[tuple[int, list[str]]]:
    for line, text in enumerate(source.lines, 1):
        stripped = text.strip()
        if stripped and not stripped.startswith("#"):
            yield line, [cell.strip() for cell in text.split("|")]


def _is_row(cells: list[str]) -> bool:
    near = len(NAMES) - 1 <= len(cells) <= len(NAMES) + 1
    return near and cells[0].isdigit() and cells[1].lstrip("-").isdigit()


def _is_tuples_only(cells: list[str]) -> bool:
    return cells[_FIRST_NAME].isdigit() and not cells[_PORT].isdigit()


def _tuples_only(source: Source, line: int) -> Diagnostic:
    return Diagnostic(
        code=codes.NO_HEADER,
        message="the rows have no header, so their columns cannot be told apart",
        place=source.place(line),
        hint="run psql without -t (--tuples-only)",
    )


def _wrong_field_count(source: Source, line: int, cells: list[str]) -> Diagnostic:
    return Diagnostic(
        code=codes.BROKEN_ROW,
        message=f"the line has {len(cells)} fields, a segment list has {len(NAMES)}",
        place=source.place(line),
        hint="the fields are " + "|".join(NAMES),
    )
