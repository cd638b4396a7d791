"""Tables that fold: columns that do not fit beside each other continue on the next line."""

from collections.abc import Sequence

from gpmirror.render.spans import Line, Span, columns_of

GAP = 2
"""Blanks between two columns."""


def needed(rows: Sequence[Sequence[Line]]) -> int:
    """The terminal columns that the rows take when nothing folds."""
    widths = (max(map(columns_of, cells)) for cells in zip(*rows, strict=True))
    return sum(width + GAP for width in widths if width) - GAP


def folded(
    rows: Sequence[Sequence[Line]], *, width: int, lead: int, numbers: frozenset[int] = frozenset()
) -> list[Line]:
    """Rows of equally many cells as aligned lines of at most `width` terminal columns.

    The first `lead` columns always share the first line. The others follow while all rows fit,
    then go on below, indented to the end of the lead. A cell wider than a whole line is never cut:
    it overflows. Columns in `numbers` are right-aligned; columns without any text are left out. The first row is
    the head: of it only the first line is kept.
    """
    if not rows:
        return []
    widths = [max(columns_of(row[at]) for row in rows) for at in range(len(rows[0]))]
    kept = [at for at, columns in enumerate(widths) if columns]
    indent = _indent(kept, widths, width=width, lead=lead)
    bands = _bands(kept, widths, width=width, lead=lead, indent=indent)
    lines = [_band_line(rows[0], bands[0], widths, numbers)]
    for row in rows[1:]:
        first, *rest = (_band_line(row, band, widths, numbers) for band in bands)
        lines += [first, *((Span(" " * indent), *cells) for cells in rest if cells)]
    return lines


def _indent(kept: list[int], widths: list[int], *, width: int, lead: int) -> int:
    """To the end of the lead, or only of the first column where that makes room."""
    leads = [widths[at] + GAP for at in kept if at < lead]
    widest = max((widths[at] for at in kept if at >= lead), default=0)
    return sum(leads) if sum(leads) + widest <= width else sum(leads[:1])


def _bands(
    kept: list[int], widths: list[int], *, width: int, lead: int, indent: int
) -> list[list[int]]:
    bands: list[list[int]] = [[]]
    used = 0
    for at in kept:
        if at >= lead and bands[-1] and used + widths[at] > width:
            bands.append([])
            used = indent
        bands[-1].append(at)
        used += widths[at] + GAP
    return bands


def _band_line(
    row: Sequence[Line], band: list[int], widths: list[int], numbers: frozenset[int]
) -> Line:
    spans: list[Span] = []
    owed = 0
    for at in band:
        blank = widths[at] - columns_of(row[at])
        before = owed + (blank if at in numbers else 0)
        if row[at]:
            if before:
                spans.append(Span(" " * before))
            spans.extend(row[at])
            owed = GAP + (0 if at in numbers else blank)
        else:
            owed += widths[at] + GAP
    return tuple(spans)
