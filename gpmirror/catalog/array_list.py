"""Segment lists without a header: ten fields a line, `#` comments (`.array` files)."""

from collections.abc import Iterator

from gpmirror.catalog import codes
from gpmirror.catalog.source import Source
from gpmirror.catalog.tables import Kind, Table
from gpmirror.diagnostics import Diagnostic
from gpmirror.errors import InvalidInput

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
    first = next(_rows(source), None)
    if first is None:
        return None
    if not _is_row(first[1]):
        # below the command line that printed them
        first = next((row for row in _rows(source) if _is_row(row[1])), None)
        if first is not None and _is_tuples_only(first[1]):
            raise InvalidInput([_tuples_only(source, first[0])])
        return None
    if _is_tuples_only(first[1]):
        raise InvalidInput([_tuples_only(source, first[0])])
    kept = list(_rows(source))
    good = [(line, cells) for line, cells in kept if len(cells) == len(NAMES)]
    return Table(
        kind=Kind.SEGMENTS,
        names=NAMES,
        rows=[cells for _, cells in good],
        lines=[line for line, _ in good],
        first_line=first[0],
        end=len(source.lines),
        problems=tuple(
            _broken(source, line, cells) for line, cells in kept if len(cells) != len(NAMES)
        ),
    )


def _rows(source: Source) -> Iterator[tuple[int, list[str]]]:
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


def _broken(source: Source, line: int, cells: list[str]) -> Diagnostic:
    return Diagnostic(
        code=codes.BROKEN_ROW,
        message=f"the line has {len(cells)} fields, a segment list has {len(NAMES)}",
        place=source.place(line),
        hint="the fields are " + "|".join(NAMES),
    )
