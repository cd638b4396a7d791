"""Renders a catalog in every shape that printers give it, for tests that read it back."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence

from gpmirror.model.observed import Observed
from gpmirror.model.segment import SYSTEM_FILESPACE, Segment

Cells = list[list[str]]

_COMMON = ["dbid", "content", "role", "preferred_role", "mode", "status", "port", "hostname"]
_NUMBERS = {"dbid", "content", "port", "replication_port", "fsefsoid", "fsedbid", "oid"}
_SYSTEM_OID = 3052
_FIRST_OID = 16_400


def catalog_cells(segments: Iterable[Segment], *, old: bool) -> Cells:
    """Header and rows of gp_segment_configuration; `old`: as 5 has it, with replication_port."""
    header = [*_COMMON, "address", "replication_port" if old else "datadir"]
    return [header, *([_cell(row, name) for name in header] for row in segments)]


def entry_cells(observed: Observed) -> Cells:
    """Header and rows of pg_filespace_entry."""
    oids = filespace_oids(observed)
    rows = [
        [str(oids[name]), str(row.dbid), path]
        for row in observed.segments
        for name, path in ((SYSTEM_FILESPACE, row.directory), *row.filespaces)
        if path is not None
    ]
    return [["fsefsoid", "fsedbid", "fselocation"], *rows]


def filespace_cells(observed: Observed) -> Cells:
    """Header and rows of `SELECT oid, fsname FROM pg_filespace`."""
    rows = [[str(oid), name] for name, oid in filespace_oids(observed).items()]
    return [["oid", "fsname"], *rows]


def filespace_oids(observed: Observed) -> dict[str, int]:
    """Object id by filespace name."""
    further = {name: _FIRST_OID + i for i, name in enumerate(observed.filespaces)}
    return {SYSTEM_FILESPACE: _SYSTEM_OID, **further}


def aligned(cells: Cells, *, count: bool = True) -> str:
    """psql's default."""
    return _ruled(cells, "|", "-", "+", count=count)


def unicode_aligned(cells: Cells) -> str:
    r"""psql with `\pset linestyle unicode`."""
    return _ruled(cells, "│", "─", "┼", count=True)


def boxed(cells: Cells) -> str:
    r"""psql with `\pset border 2`."""
    widths = _widths(cells)
    rule = "+-" + "-+-".join("-" * width for width in widths) + "-+\n"
    lines = ["| " + " | ".join(_padded(row, cells[0], widths)) + " |\n" for row in cells]
    return rule + lines[0] + rule + "".join(lines[1:]) + rule + _count(cells)


def borderless(cells: Cells) -> str:
    r"""psql with `\pset border 0`."""
    widths = _widths(cells)
    lines = [" ".join(_padded(row, cells[0], widths)) + "\n" for row in cells]
    rule = " ".join("-" * width for width in widths) + "\n"
    return lines[0] + rule + "".join(lines[1:]) + _count(cells)


def terminal_wrapped(cells: Cells, width: int = 80, indent: str = "") -> str:
    """psql's default, broken by a terminal of `width` columns."""
    lines = [
        indent + line[start : start + width]
        for line in aligned(cells).splitlines()
        for start in range(0, max(len(line), 1), width)
    ]
    return "\n".join(lines) + "\n"


def unaligned(cells: Cells, separator: str = "|") -> str:
    """psql -A, with -F."""
    return "".join(separator.join(row) + "\n" for row in cells) + _count(cells)


def comma_separated(cells: Cells, *, quoting: bool) -> str:
    """psql --csv, or a spreadsheet's export with every cell quoted."""
    text = io.StringIO()
    csv.writer(
        text, quoting=csv.QUOTE_ALL if quoting else csv.QUOTE_MINIMAL, lineterminator="\n"
    ).writerows(cells)
    return text.getvalue()


def markdown(cells: Cells, *, outer: bool) -> str:
    """A table as in issue trackers."""
    edge = "|" if outer else ""
    rule = edge + "|".join("---" for _ in cells[0]) + edge
    lines = [edge + "|".join(row) + edge for row in cells]
    return "\n".join([lines[0], rule, *lines[1:]]) + "\n"


def expanded(cells: Cells) -> str:
    r"""psql with `\x`."""
    width = max(map(len, cells[0]))
    text = ""
    for number, row in enumerate(cells[1:], 1):
        text += f"-[ RECORD {number} ]".ljust(width + 1, "-") + "+-----------\n"
        text += "".join(
            f"{name.ljust(width)} | {cell}\n" for name, cell in zip(cells[0], row, strict=True)
        )
    return text


def expanded_unaligned(cells: Cells) -> str:
    """psql -A -x."""
    blocks = [
        "".join(f"{name}|{cell}\n" for name, cell in zip(cells[0], row, strict=True))
        for row in cells[1:]
    ]
    return "\n".join(blocks)


def fixed(cells: Cells) -> str:
    """A padded table without a rule, NULL as `None`."""
    widths = _widths(cells)
    rows = [[cell or "None" for cell in row] for row in cells]
    return "".join("  | ".join(_left(row, widths)).rstrip() + "\n" for row in rows)


def array_list(segments: Iterable[Segment]) -> str:
    """A `.array` list."""
    names = [*_COMMON[:6], "hostname", "address", "port", "datadir"]
    rows = ("|".join(_cell(row, name) for name in names) for row in segments)
    return "# a list\n" + "".join(row + "\n" for row in rows)


SHAPES: dict[str, Callable[[Cells], str]] = {
    "aligned": aligned,
    "aligned without count": lambda cells: aligned(cells, count=False),
    "unicode": unicode_aligned,
    "boxed": boxed,
    "borderless": borderless,
    "wrapped at 80": terminal_wrapped,
    "wrapped at 47, indented": lambda cells: terminal_wrapped(cells, 47, "    "),
    "unaligned |": unaligned,
    "unaligned ,": lambda cells: unaligned(cells, ","),
    "unaligned ;": lambda cells: unaligned(cells, ";"),
    "unaligned tab": lambda cells: unaligned(cells, "\t"),
    "csv": lambda cells: comma_separated(cells, quoting=False),
    "csv quoted": lambda cells: comma_separated(cells, quoting=True),
    "markdown": lambda cells: markdown(cells, outer=True),
    "markdown bare": lambda cells: markdown(cells, outer=False),
    "expanded": expanded,
    "expanded unaligned": expanded_unaligned,
    "fixed": fixed,
}


def aligned_text(observed: Observed) -> str:
    """What psql prints for a cluster: version(), the segments, on 4.3 and 5 their filespaces."""
    return catalog_text(observed, aligned)


def catalog_text(observed: Observed, shape: Callable[[Cells], str]) -> str:
    """A cluster's tables in one shape, after a version() line if the version is known."""
    old = observed.dialect.file_replication
    tables = [catalog_cells(observed.segments, old=old)]
    if old and observed.directories_known:
        tables.append(entry_cells(observed))
        if observed.filespaces:
            tables.append(filespace_cells(observed))
    said = version_line(observed)
    return said + "\n".join(shape(cells) for cells in tables)


def version_line(observed: Observed) -> str:
    """The table of `SELECT version()`, empty if the version is unknown."""
    if observed.server_version is None:
        return ""
    product = "Greenplum Database"
    said = f"PostgreSQL 9.9 ({product} {observed.server_version} build 1) on x86_64"
    return f"postgres=# select version();\n version\n------\n {said}\n(1 row)\n\n"


def _cell(row: Segment, name: str) -> str:
    value = row.directory if name == "datadir" else getattr(row, name)
    return "" if value is None else str(value)


def _ruled(cells: Cells, pipe: str, dash: str, cross: str, *, count: bool) -> str:
    widths = _widths(cells)
    rule = cross.join(dash * (width + 2) for width in widths) + "\n"
    lines = [" " + f" {pipe} ".join(_padded(row, cells[0], widths)) + " \n" for row in cells]
    return lines[0] + rule + "".join(lines[1:]) + (_count(cells) if count else "")


def _widths(cells: Cells) -> list[int]:
    return [max(map(len, column)) for column in zip(*cells, strict=True)]


def _padded(row: Sequence[str], names: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [
        cell.rjust(width) if name in _NUMBERS and cell != name else cell.ljust(width)
        for cell, name, width in zip(row, names, widths, strict=True)
    ]


def _left(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]


def _count(cells: Cells) -> str:
    rows = len(cells) - 1
    return f"({rows} row{'' if rows == 1 else 's'})\n"
