"""Header lines: how a catalog table is recognised in any text."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass

from gpmirror.catalog.marks import printed_count
from gpmirror.catalog.tables import Kind, kind_of

PIPES = ("|", "│", "║", "┃")
_OTHERS = ("\t", ";", ",")


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A header line understood: column names, what separates them, whether pipes enclose a row."""

    kind: Kind
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


def header_of(line: str) -> Header | None:
    """The header in a line, if it is one of a table that matters."""
    for separator in PIPES + _OTHERS:
        if separator in line:
            found = _header(line, separator)
            if found is not None:
                return found
    return None


def heads_table(header: Header, lines: Sequence[str], index: int) -> bool:
    """Whether `lines[index]` is a header indeed: a list of columns inside a query is none, since
    what follows has not as many cells.
    """
    if header.separator in PIPES or index + 1 >= len(lines):
        return True
    following = lines[index + 1]
    if not following.strip() or printed_count(following) is not None:
        return True
    return following.count(header.separator) >= len(header.names) // 2


def _header(line: str, separator: str) -> Header | None:
    text = line.strip() if separator in PIPES else line
    outer = separator in PIPES and text.startswith(separator) and text.endswith(separator)
    if outer:
        text = text[1:-1]
    names = tuple(cell.strip().strip('"').strip().lower() for cell in text.split(separator))
    kind = kind_of(names)
    if kind is None or not _are_names(names, separator):
        return None
    return Header(kind=kind, names=names, separator=separator, outer=outer)


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
