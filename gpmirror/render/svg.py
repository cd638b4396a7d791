"""A plan as one SVG: hosts by rack, primaries and mirrors as cells, arrows for what moves."""

from collections.abc import Callable, Iterable
from html import escape

from gpmirror.cluster.counting import counted
from gpmirror.plan.model import Plan
from gpmirror.render.picture import MEANINGS, Cell, Kind, Picture, PictureHost, picture
from gpmirror.render.picture_arrows import MOST_ARROWS, arrow_count, arrow_svg
from gpmirror.render.picture_layout import (
    CELL_GAP,
    CELL_HEIGHT,
    FRAME,
    GUTTER,
    HEAD,
    NARROW,
    PAD,
    Box,
    PictureLayout,
    laid_out,
)
from gpmirror.render.picture_style import style_sheet
from gpmirror.render.spans import visible
from gpmirror.render.summary import summary_line

_NAMESPACE = 'xmlns="http://www.w3.org/2000/svg"'
_TOP = 84
MOST_CELLS = 8_000
"""Beyond so many copies a host shows counts: nobody reads ten thousand numbers."""


def plan_svg(plan: Plan) -> str:
    """A whole SVG file with its own colours for light and dark; the same plan, the same bytes."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{svg_element(plan)}\n'


def svg_element(plan: Plan, *, css: str | None = None) -> str:
    """The `svg` element alone, for a page that holds it."""
    found = picture(plan)
    gutter = GUTTER if _has_arrows(found) else NARROW
    layout = laid_out(found, top=_TOP, gutter=gutter)
    width, height = round(layout.width), round(layout.height)
    box = f'viewBox="0 0 {width} {height}"'
    return "\n".join(
        [
            f'<svg {_NAMESPACE} class="gm" width="{width}" height="{height}" {box} role="img">',
            f"<title>Mirrors of {_text(plan.cluster)}, before and after</title>",
            f"<desc>{_text(summary_line(plan))}</desc>",
            f"<style>{css or style_sheet()}</style>",
            f'<rect class="back" width="{width}" height="{height}"/>',
            *_title(plan, found),
            *(_rack(name, box) for name, box in layout.racks.items()),
            *_arrows(found, layout),
            *_hosts(found, layout),
            "</svg>",
        ]
    )


def _title(plan: Plan, found: Picture) -> list[str]:
    """Cluster, summary, and a legend of what occurs."""
    kinds = {cell.kind for host in found.hosts for cell in (*host.primaries, *host.mirrors)}
    lines = [
        f'<text x="{FRAME}" y="30" font-size="17" font-weight="600">{_text(plan.cluster)}</text>',
        f'<text x="{FRAME}" y="50" font-size="12" class="soft">{_text(summary_line(plan))}</text>',
    ]
    x = float(FRAME)
    for kind in Kind:
        if kind in kinds:
            words = MEANINGS[kind]
            lines.append(
                f'<rect class="{kind}" x="{x:.1f}" y="64" width="14" height="14" rx="3"/>'
                f'<text x="{x + 20:.1f}" y="75" font-size="12">{words}</text>'
            )
            x += 44 + len(words) * 6.4
    if len(found.arrows) > MOST_ARROWS:
        pairs = f"{counted(len(found.arrows), 'arrow')} between hosts left out"
        lines.append(f'<text x="{x:.1f}" y="75" font-size="12" class="soft">{pairs}</text>')
    return lines


def _rack(name: str, box: Box) -> str:
    label = f"rack {name}" if name else "no rack"
    return (
        f'<rect class="frame" {_at(box)} rx="10"/>'
        f'<text x="{box.x + 14:.1f}" y="{box.y + 22:.1f}" font-size="12" class="soft">'
        f"{_text(label)}</text>"
    )


def _arrows(found: Picture, layout: PictureLayout) -> list[str]:
    if not _has_arrows(found):
        return []
    hosts = layout.hosts
    ends = [(arrow, hosts[arrow.source], hosts[arrow.target]) for arrow in found.arrows]
    return [
        *(arrow_svg(arrow, source, target) for arrow, source, target in ends),
        *filter(None, (arrow_count(*one, hosts.values()) for one in ends)),
    ]


def _has_arrows(found: Picture) -> bool:
    return 0 < len(found.arrows) <= MOST_ARROWS


def _hosts(found: Picture, layout: PictureLayout) -> Iterable[str]:
    cells = sum(len(host.primaries) + len(host.mirrors) for host in found.hosts)
    body: Callable[[PictureHost, Box, PictureLayout], list[str]]
    body = _cells if cells <= MOST_CELLS else _counts
    for host in found.hosts:
        box = layout.hosts[host.name]
        name = _text(_shortened(host.name, box))
        head = f'<text x="{box.x + PAD:.1f}" y="{box.y + 17:.1f}" font-size="12"'
        yield "".join(
            [
                f"<g><title>{_text(_words(host))}</title>",
                f'<rect class="box" {_at(box)} rx="7"/>',
                f'{head} font-weight="600">{name}</text>',
                *body(host, box, layout),
                "</g>",
            ]
        )


def _cells(host: PictureHost, box: Box, layout: PictureLayout) -> list[str]:
    placed = [
        *_grid(host.primaries, box.x + PAD, box.y + HEAD, layout),
        *_grid(host.mirrors, box.x + PAD, box.y + layout.mirrors_at, layout),
    ]
    return [_cell(cell, x, y, layout.cell_width) for cell, x, y in placed]


def _grid(
    cells: tuple[Cell, ...], x: float, y: float, layout: PictureLayout
) -> Iterable[tuple[Cell, float, float]]:
    for number, cell in enumerate(cells):
        row, column = divmod(number, layout.cells_a_row)
        across = x + column * (layout.cell_width + CELL_GAP)
        yield cell, across, y + row * (CELL_HEIGHT + CELL_GAP)


def _cell(cell: Cell, x: float, y: float, width: int) -> str:
    return (
        f'<rect class="{cell.kind}" x="{x:.1f}" y="{y:.1f}" width="{width}" '
        f'height="{CELL_HEIGHT}" rx="3"/>'
        f'<text class="in-{cell.kind}" x="{x + width / 2:.1f}" y="{y + 12.5:.1f}" font-size="11" '
        f'text-anchor="middle">{cell.content}</text>'
    )


def _counts(host: PictureHost, box: Box, layout: PictureLayout) -> list[str]:
    del layout
    rows = _words(host).split("; ")[1:]
    return [
        f'<text x="{box.x + PAD:.1f}" y="{box.y + HEAD + 14 + number * 15:.1f}" '
        f'font-size="11">{_text(words)}</text>'
        for number, words in enumerate(rows)
    ]


def _words(host: PictureHost) -> str:
    """`sdw1; 4 primary; 3 mirror that stays; ...`: what the cells say, counted."""
    cells = (*host.primaries, *host.mirrors)
    counts = {kind: sum(cell.kind is kind for cell in cells) for kind in Kind}
    parts = [f"{count} {MEANINGS[kind]}" for kind, count in counts.items() if count]
    return "; ".join([host.name, *parts])


def _shortened(name: str, box: Box) -> str:
    most = int((box.width - 2 * PAD) // 7)
    return name if len(name) <= most else f"{name[: most // 2]}…{name[-(most // 2 - 1) :]}"


def _at(box: Box) -> str:
    return f'x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}"'


def _text(text: str) -> str:
    return escape(visible(text))
