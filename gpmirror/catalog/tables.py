"""A catalog text: its lines, the tables found in it, and the header lines that tell them."""

import csv
import re
from collections.abc import Sequence
from enum import StrEnum

from gpmirror.catalog import codes
from gpmirror.diagnostics import Diagnostic, Place, Source
from gpmirror.errors import InvalidInput
from gpmirror.values import dataclass

# --- The lines of a printed table that are no rows: rules and row counts.


_DASHES = "-─━═"
_DRAWN = " \t+|:=" + _DASHES + "│┃║┼┿╂╬╪╫├┤┝┥╠╣╞╡╟╢┌┐└┘┬┴╔╗╚╝╦╩╤╧╒╕╘╛╓╖╙╜╥╨"
_COUNT = re.compile(r"\s*\(\s*(\d{1,9})\s+[^\s()|\d][^()|\d]*\)\s*")
_FARTHEST_COUNT = 3


def is_rule(line: str) -> bool:
    """Whether a line only draws: dashes, crosses, pipes; in ASCII, markdown or Unicode."""
    return not line.strip(_DRAWN) and any(dash in line for dash in _DASHES)


def printed_count(line: str) -> int | None:
    """The number in `(9 rows)`, in any language."""
    found = _COUNT.fullmatch(line) if "(" in line else None
    return None if found is None else int(found[1])


def closing(lines: Sequence[str], index: int) -> tuple[int, int | None]:
    """Index after the closing rule and count that follow a table's rows, and the count."""
    for ahead in range(index, min(index + _FARTHEST_COUNT, len(lines))):
        count = printed_count(lines[ahead])
        if count is not None:
            return ahead + 1, count
        if lines[ahead].strip() and not is_rule(lines[ahead]):
            break
    return index, None


# --- The text being read: its lines, and places in it for messages.


MAX_BYTES = 64 * 1024 * 1024
"""Largest input read: a catalog of 16,000 rows has less than 5 MB."""

MAX_LINES = 400_000
"""Most lines read: 32,767 dbids, all that two bytes hold, in expanded display."""

_LONGEST_EXCERPT = 400
_PACKED = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")


def source_of(text: str, name: str) -> Source:
    """The text that `decoded` gave, with places in it."""
    return Source(file=name, lines=text.split("\n"), longest=_LONGEST_EXCERPT)


def decoded(data: bytes, name: str) -> str:
    """The input as text with bare newlines.

    Raises:
        InvalidInput: it is empty, too large, packed, binary, or in an unknown encoding.
    """
    refusal = _refusal(data)
    if refusal is not None:
        raise unreadable(name, *refusal)
    try:
        text = data.decode("utf-16" if data[:2] in _BYTE_ORDER_MARKS else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"line {line} is not UTF-8 text: byte 0x{data[error.start]:02X}"
        hint = "convert the file, for example with `iconv -f GBK -t UTF-8`"
        raise unreadable(name, message, hint, line) from None
    if "\0" in text:
        raise unreadable(name, _BINARY, _SAVE_TEXT)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    count = text.count("\n") + 1
    if count > MAX_LINES:
        message = f"the file has {count:,} lines, the limit is {MAX_LINES:,}"
        raise unreadable(name, message, "keep only the catalog tables")
    return text


_BINARY = "the file is binary: it holds NUL bytes"
_SAVE_TEXT = "save what psql prints for `SELECT * FROM gp_segment_configuration`"


def _refusal(data: bytes) -> tuple[str, str] | None:
    """Message and hint for what cannot be text at all."""
    if not data.strip():
        return "the file is empty", _SAVE_TEXT
    if len(data) > MAX_BYTES:
        message = f"the file has {len(data):,} bytes, the limit is {MAX_BYTES:,}"
        return message, "keep only the catalog tables"
    packing = next((said for magic, said in _PACKED.items() if data.startswith(magic)), None)
    if packing is not None:
        return f"the file is packed with {packing}", "unpack it first"
    if b"\0" in data and data[:2] not in _BYTE_ORDER_MARKS:
        return _BINARY, _SAVE_TEXT
    return None


def unreadable(name: str, message: str, hint: str, line: int = 0) -> InvalidInput:
    """The error for input that is no text."""
    place = Place(file=name, line=line)
    return InvalidInput(
        [Diagnostic(code=codes.UNREADABLE, message=message, place=place, hint=hint)]
    )


# --- A table found in the text, whatever shape it was printed in.


NULLS = frozenset({"", "None", "NULL", "null", r"\N", "(null)"})
"""How the printers spell SQL's NULL."""


class TableKind(StrEnum):
    """Which catalog table it is."""

    SEGMENTS = "gp_segment_configuration"
    ENTRIES = "pg_filespace_entry"
    FILESPACES = "pg_filespace"


class TableShape(StrEnum):
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

    kind: TableKind
    names: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]
    first_line: int
    end: int
    shape: TableShape = TableShape.ACROSS
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
        if self.shape is TableShape.DOWN:
            return source.place(line + index, *_span(source, line + index, self.separator, 1))
        if self.shape is TableShape.FOLDED:
            return source.place(line)
        return source.place(line, *_span(source, line, self.separator, index + self.outer))


def kind_of(names: tuple[str, ...]) -> TableKind | None:
    """Which table a header belongs to; None if gpmirror has no use for it."""
    if "dbid" in names and "content" in names and ("role" in names or "preferred_role" in names):
        return TableKind.SEGMENTS
    if "fsedbid" in names and "fselocation" in names:
        return TableKind.ENTRIES
    if "fsname" in names and "dbid" not in names:
        return TableKind.FILESPACES
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


# --- Header lines: how a catalog table is recognised in any text.


PIPES = ("|", "│", "║", "┃")
_OTHERS = ("\t", ";", ",")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableHeader:
    """A header line understood: column names, what separates them, whether pipes enclose a row."""

    kind: TableKind
    names: tuple[str, ...]
    separator: str
    outer: bool

    def cells(self, line: str) -> list[str]:
        """The stripped cells of a line of this table. Raises ValueError on broken quotes."""
        if self.outer:
            line = line.strip().removeprefix(self.separator).removesuffix(self.separator)
        if '"' in line and self.separator in _OTHERS:
            return _quoted(line, self.separator)
        return [cell.strip() for cell in line.split(self.separator)]


def header_of(line: str) -> TableHeader | None:
    """The header in a line, if it is one of a table that matters."""
    for separator in PIPES + _OTHERS:
        if separator in line:
            found = _header(line, separator)
            if found is not None:
                return found
    return None


def heads_table(header: TableHeader, lines: Sequence[str], index: int) -> bool:
    """Whether `lines[index]` is a header indeed: a list of columns inside a query is none, since
    what follows has not as many cells.
    """
    if header.separator in PIPES or index + 1 >= len(lines):
        return True
    following = lines[index + 1]
    if not following.strip() or printed_count(following) is not None:
        return True
    return following.count(header.separator) >= len(header.names) // 2


def _header(line: str, separator: str) -> TableHeader | None:
    text = line.strip() if separator in PIPES else line
    outer = separator in PIPES and text.startswith(separator) and text.endswith(separator)
    if outer:
        text = text[1:-1]
    names = tuple(cell.strip().strip('"').strip().lower() for cell in text.split(separator))
    kind = kind_of(names)
    if kind is None or not _are_names(names, separator):
        return None
    return TableHeader(kind=kind, names=names, separator=separator, outer=outer)


def _are_names(names: tuple[str, ...], separator: str) -> bool:
    """Whether the cells can be column names: each once, and no words of a query."""
    if not all(names) or len(set(names)) < len(names):
        return False
    return separator in PIPES or not any(" " in name for name in names)


def _quoted(line: str, separator: str) -> list[str]:
    try:
        (cells,) = csv.reader([line], delimiter=separator, strict=True)
    except csv.Error as error:
        raise ValueError(str(error)) from None
    return [cell.strip() for cell in cells]
