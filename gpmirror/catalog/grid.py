"""Tables with a row a line: psql aligned, unaligned and CSV, markdown, fixed pipe tables.

Cells are split at the separator, never by position: pasted tables are seldom straight.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gpmirror.catalog import codes
from gpmirror.catalog.header import Header, header_of, heads_table
from gpmirror.catalog.marks import closing, is_rule
from gpmirror.catalog.source import Source
from gpmirror.catalog.tables import Shape, Table
from gpmirror.catalog.wrapping import Unfolded, unfold
from gpmirror.diagnostics import Diagnostic

_WRAP_MARKS = (".", "…")


@dataclass(slots=True, kw_only=True)
class _Rows:
    """Rows as they are gathered. `ruled`: a rule stands below the header, as psql prints it."""

    header: Header
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
    return _table(gathered, index, end, Shape.ACROSS)


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
    return _table(gathered, index, unfolded.end, Shape.FOLDED)


def _table(gathered: _Rows, index: int, end: int, shape: Shape) -> Table:
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
    return all(not cell or _is_broken(upper, cell) for upper, cell in pairs)


def _is_broken(upper: str, lower: str) -> bool:
    return upper.endswith(_WRAP_MARKS) and lower.startswith(_WRAP_MARKS)


def _joined(upper: str, lower: str) -> str:
    return upper[:-1] + lower[1:] if lower else upper
