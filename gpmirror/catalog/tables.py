"""A table found in the text, whatever shape it was printed in."""

from dataclasses import dataclass
from enum import StrEnum

from gpmirror.catalog.source import Source
from gpmirror.diagnostics import Diagnostic, Place

NULLS = frozenset({"", "None", "NULL", "null", r"\N", "(null)"})
"""How the printers spell SQL's NULL."""


class Kind(StrEnum):
    """Which catalog table it is."""

    SEGMENTS = "gp_segment_configuration"
    ENTRIES = "pg_filespace_entry"
    FILESPACES = "pg_filespace"


class Shape(StrEnum):
    """How the cells of a row lie in the text: it decides how an error finds its column."""

    ACROSS = "across"
    DOWN = "down"
    FOLDED = "folded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Cells as stripped text. `lines[i]` is the input line of `rows[i]`, its first one where a row
    takes several. `declared` is the printed row count, None where there is none; `counted` tells
    whether the shape usually has one. `end` is the index of the first line after the table.
    """

    kind: Kind
    names: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]
    first_line: int
    end: int
    shape: Shape = Shape.ACROSS
    separator: str = "|"
    outer: bool = False
    declared: int | None = None
    counted: bool = False
    problems: tuple[Diagnostic, ...] = ()

    def column(self, name: str) -> int | None:
        """Index of the named column, None if the table lacks it."""
        return self.names.index(name) if name in self.names else None

    def place(self, source: Source, line: int, name: str) -> Place:
        """The place of the cell of column `name` in the row that starts at `line`."""
        index = self.names.index(name)
        if self.shape is Shape.DOWN:
            return source.place(line + index, *_span(source, line + index, self.separator, 1))
        if self.shape is Shape.FOLDED:
            return source.place(line)
        return source.place(line, *_span(source, line, self.separator, index + self.outer))


def kind_of(names: tuple[str, ...]) -> Kind | None:
    """Which table a header belongs to; None if gpmirror has no use for it."""
    if "dbid" in names and "content" in names and ("role" in names or "preferred_role" in names):
        return Kind.SEGMENTS
    if "fsedbid" in names and "fselocation" in names:
        return Kind.ENTRIES
    if "fsname" in names and "dbid" not in names:
        return Kind.FILESPACES
    return None


def _span(source: Source, line: int, separator: str, index: int) -> tuple[int, int]:
    """Column and width of cell `index` of a line; (0, 1) where it cannot be told."""
    text = source.lines[line - 1] if line <= len(source.lines) else ""
    cells = text.split(separator)
    if '"' in text or separator == " " or index >= len(cells):
        return 0, 1
    before = sum(len(cell) + 1 for cell in cells[:index])
    cell = cells[index]
    indent = len(cell) - len(cell.lstrip())
    return before + (indent if cell.strip() else 0) + 1, max(len(cell.strip()), 1)
