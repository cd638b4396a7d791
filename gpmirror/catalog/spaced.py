r"""psql's aligned tables without pipes (`\pset border 0`)."""

from collections.abc import Sequence

from gpmirror.catalog.marks import closing, is_rule
from gpmirror.catalog.source import Source
from gpmirror.catalog.tables import Table, kind_of


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
