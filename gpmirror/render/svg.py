"""A plan as one SVG: hosts by rack, primaries and mirrors as cells, arrows for what moves."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from html import escape
from math import hypot

from gpmirror.model.text import counted
from gpmirror.plan.model import Action, Change, Plan
from gpmirror.render.text import summary_line, visible

# --- A plan as a picture before it is drawn: hosts with cells, arrows between hosts.


class CellKind(StrEnum):
    """What a cell or an arrow stands for; the value is its class in the style sheet."""

    PRIMARY = "primary"
    STAYS = "stays"
    ADDED = "added"
    MOVED = "moved"
    RECOVERED = "recovered"
    LEAVES = "leaves"
    BLOCKED = "blocked"


MEANINGS = {
    CellKind.PRIMARY: "primary",
    CellKind.STAYS: "mirror that stays",
    CellKind.ADDED: "mirror added",
    CellKind.MOVED: "mirror moved here",
    CellKind.RECOVERED: "mirror recovered",
    CellKind.LEAVES: "mirror leaves this place",
    CellKind.BLOCKED: "blocked",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One copy of a content on a host."""

    content: int
    kind: CellKind


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureHost:
    """A host: primaries first, then mirrors, each by content, leaving ones last. `rack` None: not told."""

    name: str
    rack: str | None
    primaries: tuple[Cell, ...]
    mirrors: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """So many copies go from one host to another: from the old place, or for an added mirror from
    its primary.
    """

    kind: CellKind
    source: str
    target: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Hosts in ring order, those only the catalog knows last; arrows by source and target."""

    hosts: tuple[PictureHost, ...]
    arrows: tuple[Arrow, ...]


_KINDS = {
    Action.ADD: CellKind.ADDED,
    Action.MOVE: CellKind.MOVED,
    Action.RECOVER: CellKind.RECOVERED,
}


def picture(plan: Plan) -> Picture:
    """The plan's layouts before and after in one picture."""
    changes = {change.content: change for change in plan.changes}
    primaries: dict[str, list[Cell]] = {}
    mirrors: dict[str, list[Cell]] = {}
    for found in plan.desired.contents:
        primary = Cell(content=found.content, kind=CellKind.PRIMARY)
        primaries.setdefault(found.primary.host, []).append(primary)
        change = changes.get(found.content)
        stays = None if found.mirror is None else found.mirror.host
        for host, kind in _mirrors(change, stays):
            mirrors.setdefault(host, []).append(Cell(content=found.content, kind=kind))
    racks = {host.name: host.rack for host in plan.desired.hosts}
    arrows = _arrows_of(plan.changes)
    ends = sorted({end for arrow in arrows for end in (arrow.source, arrow.target)})
    return Picture(
        hosts=tuple(
            PictureHost(
                name=name,
                rack=racks.get(name),
                primaries=tuple(primaries.get(name, ())),
                mirrors=tuple(sorted(mirrors.get(name, ()), key=_leaving_last)),
            )
            for name in dict.fromkeys([*racks, *sorted(primaries), *sorted(mirrors), *ends])
        ),
        arrows=arrows,
    )


def _leaving_last(cell: Cell) -> tuple[bool, int]:
    return cell.kind is CellKind.LEAVES, cell.content


def _mirrors(change: Change | None, stays: str | None) -> list[tuple[str, CellKind]]:
    """Where a content's mirror is drawn, and as what."""
    if change is None or change.action is Action.REBALANCE:
        return [] if stays is None else [(stays, CellKind.STAYS)]
    old = None if change.from_ is None else change.from_.host
    if change.action is Action.BLOCKED:
        place = old or stays
        return [] if place is None else [(place, CellKind.BLOCKED)]
    new = None if change.to is None else change.to.host
    cells = [] if old is None or change.from_ == change.to else [(old, CellKind.LEAVES)]
    return cells if new is None else [*cells, (new, _KINDS[change.action])]


def _arrows_of(changes: Iterable[Change]) -> tuple[Arrow, ...]:
    counts: Counter[tuple[str, str, CellKind]] = Counter()
    for change in changes:
        if change.action not in _KINDS or change.to is None:
            continue
        source = change.primary if change.from_ is None else change.from_.host
        if source != change.to.host:
            counts[source, change.to.host, _KINDS[change.action]] += 1
    return tuple(
        Arrow(kind=kind, source=source, target=target, count=count)
        for (source, target, kind), count in sorted(counts.items())
    )


# --- Where the hosts of a picture are drawn: a grid, each rack in a frame of its own.


PAGE = 1160
"""Width in pixels that a row of hosts tries not to exceed."""
GUTTER, NARROW = 44, 16
"""Between two hosts: with room for arrows, and without."""
CELL_HEIGHT, CELL_GAP = 17, 3
PAD = 10
HEAD = 24
"""Room for a host's name."""
FRAME, FRAME_HEAD = 18, 16
LEAST_WIDTH = 760
_DIGIT = 7
_CELLS_A_ROW = ((8, 4), (18, 6), (40, 8))
_NAME_CHARACTER = 7.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle in pixels."""

    x: float
    y: float
    width: float
    height: float

    @property
    def centre(self) -> tuple[float, float]:
        """The middle."""
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureLayout:
    """Boxes of hosts by name, frames of racks by name, cells a row and their width; the size."""

    hosts: dict[str, Box]
    racks: dict[str, Box]
    cells_a_row: int
    cell_width: int
    mirrors_at: float
    width: float
    height: float


def laid_out(found: Picture, *, top: float, gutter: int) -> PictureLayout:
    """The picture's geometry; the first row of hosts starts below `top`, `gutter` pixels lie
    between two hosts.
    """
    cells = max((max(len(host.primaries), len(host.mirrors)) for host in found.hosts), default=0)
    a_row = next((row for most, row in _CELLS_A_ROW if cells <= most), 12)
    cell_width = _cell_width(found)
    primary_rows = _rows(max((len(host.primaries) for host in found.hosts), default=0), a_row)
    mirror_rows = _rows(max((len(host.mirrors) for host in found.hosts), default=0), a_row)
    name = max((len(host.name) for host in found.hosts), default=0) * _NAME_CHARACTER
    width = max(a_row * (cell_width + CELL_GAP) - CELL_GAP, min(name, 220)) + 2 * PAD
    mirrors_at = HEAD + primary_rows * (CELL_HEIGHT + CELL_GAP) + 6
    height = mirrors_at + mirror_rows * (CELL_HEIGHT + CELL_GAP) + PAD
    grid = _Grid(width=width, height=height, gutter=gutter, groups=_groups(found.hosts))
    hosts, racks = grid.placed(top)
    every = [*hosts.values(), *racks.values()]
    return PictureLayout(
        hosts=hosts,
        racks=racks,
        cells_a_row=a_row,
        cell_width=cell_width,
        mirrors_at=mirrors_at,
        width=max(max((box.x + box.width for box in every), default=0) + FRAME, LEAST_WIDTH),
        height=max((box.y + box.height for box in every), default=top) + FRAME,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    """Hosts of one size in rows, group after group."""

    width: float
    height: float
    gutter: int
    groups: dict[str, list[str]]

    def placed(self, top: float) -> tuple[dict[str, Box], dict[str, Box]]:
        """Boxes of hosts, and frames of racks if there are any."""
        hosts: dict[str, Box] = {}
        racks: dict[str, Box] = {}
        is_framed = set(self.groups) != {""}
        y = top
        for rack, names in self.groups.items():
            inner = self._group(names, 2 * FRAME, y + FRAME_HEAD) if is_framed else None
            hosts |= inner or self._group(names, FRAME, y)
            if inner is not None:
                racks[rack] = _around(inner.values(), y)
                y += racks[rack].height + self.gutter
        return hosts, racks

    def _group(self, names: list[str], x: float, y: float) -> dict[str, Box]:
        columns = self._columns(len(names))
        boxes: dict[str, Box] = {}
        for at, name in enumerate(names):
            row, column = divmod(at, columns)
            boxes[name] = Box(
                x=x + column * (self.width + self.gutter),
                y=y + FRAME + row * (self.height + self.gutter),
                width=self.width,
                height=self.height,
            )
        return boxes

    def _columns(self, hosts: int) -> int:
        """As many as the page takes, then fewer, so that the last row is not left short."""
        most = max(1, int((PAGE - 4 * FRAME + self.gutter) // (self.width + self.gutter)))
        return -(-hosts // -(-hosts // most))


def _around(boxes: Iterable[Box], y: float) -> Box:
    every = list(boxes)
    right = max(box.x + box.width for box in every)
    bottom = max(box.y + box.height for box in every)
    return Box(x=FRAME, y=y, width=right, height=bottom + FRAME - y)


def _groups(hosts: Sequence[PictureHost]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for host in hosts:
        groups.setdefault(host.rack or "", []).append(host.name)
    return groups


def _cell_width(found: Picture) -> int:
    highest = max((cell.content for host in found.hosts for cell in host.primaries), default=0)
    return max(22, len(str(highest)) * _DIGIT + 8)


def _rows(cells: int, a_row: int) -> int:
    return max(1, -(-cells // a_row))


# --- Arrows between hosts: curves that end at the edge of a box, thicker for more copies.


MOST_ARROWS = 40
"""Beyond so many pairs of hosts arrows are a thicket: they are left out, and that is said."""
_BEND = 0.14
_HEAD_LENGTH, _HEAD_HALF = 9.0, 4.0
_THICKEST = 5.0
_LABEL = 9.0
"""Pixels that a number needs around its middle."""

Point = tuple[float, float]


def arrow_svg(found: Arrow, source: Box, target: Box) -> str:
    """The curve; it lies behind the boxes, so that no number is covered."""
    middle = _bent(source.centre, target.centre)
    start = _edge(source, middle)
    tip = _edge(target, middle)
    tail = _towards(tip, middle, _HEAD_LENGTH)
    width = min(1.2 + 0.5 * (found.count - 1), _THICKEST)
    copies = "1 copy" if found.count == 1 else f"{found.count:,} copies"
    words = f"{found.source} to {found.target}: {copies}, {MEANINGS[found.kind]}"
    return (
        f"<g><title>{escape(visible(words))}</title>"
        f'<path class="{found.kind}" stroke-width="{width:.1f}" '
        f'd="M{_curve_point(start)} Q{_curve_point(middle)} {_curve_point(tail)}"/>'
        f'<polygon class="{found.kind}" points="{_head(tip, tail, width)}"/></g>'
    )


def arrow_count(found: Arrow, source: Box, target: Box, hosts: Collection[Box]) -> str:
    """How many copies the arrow stands for, written where no host is covered; empty for one copy
    or where there is no room.
    """
    if found.count == 1:
        return ""
    middle = _bent(source.centre, target.centre)
    start, end = _edge(source, middle), _edge(target, middle)
    for part in (0.5, 0.4, 0.6, 0.3, 0.7):
        x, y = _on_curve(start, middle, end, part)
        if not any(_covers(box, x, y) for box in hosts):
            return (
                f'<text class="halo" x="{x:.1f}" y="{y + 4:.1f}" font-size="11" '
                f'text-anchor="middle">{found.count:,}</text>'
            )
    return ""


def _on_curve(start: Point, middle: Point, end: Point, part: float) -> Point:
    before, after = (1 - part) ** 2, part**2
    between = 2 * part * (1 - part)
    return (
        before * start[0] + between * middle[0] + after * end[0],
        before * start[1] + between * middle[1] + after * end[1],
    )


def _covers(box: Box, x: float, y: float) -> bool:
    return (
        box.x - _LABEL <= x <= box.x + box.width + _LABEL
        and box.y - _LABEL <= y <= box.y + box.height + _LABEL
    )


def _bent(start: Point, end: Point) -> Point:
    """The control point: to the left of the straight line, so that there and back do not meet."""
    (x1, y1), (x2, y2) = start, end
    return (x1 + x2) / 2 + (y2 - y1) * _BEND, (y1 + y2) / 2 - (x2 - x1) * _BEND


def _edge(box: Box, outside: Point) -> Point:
    """Where the line from the box's centre to a point crosses the box's edge."""
    x, y = box.centre
    dx, dy = outside[0] - x, outside[1] - y
    scale = min(
        (box.width / 2 + 1) / abs(dx) if dx else 1.0,
        (box.height / 2 + 1) / abs(dy) if dy else 1.0,
        1.0,
    )
    return x + dx * scale, y + dy * scale


def _towards(start: Point, end: Point, length: float) -> Point:
    distance = hypot(end[0] - start[0], end[1] - start[1]) or 1.0
    part = min(length / distance, 1.0)
    return start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part


def _head(tip: Point, tail: Point, width: float) -> str:
    distance = hypot(tip[0] - tail[0], tip[1] - tail[1]) or 1.0
    half = _HEAD_HALF + width / 2
    dx, dy = (tip[1] - tail[1]) / distance * half, (tail[0] - tip[0]) / distance * half
    points = (tip, (tail[0] + dx, tail[1] + dy), (tail[0] - dx, tail[1] - dy))
    return " ".join(_curve_point(point) for point in points)


def _curve_point(point: Point) -> str:
    return f"{point[0]:.1f},{point[1]:.1f}"


# --- The colours of a picture, for light and dark surroundings; every colour has a word beside it.


_LIGHT = {
    "back": "#ffffff",
    "frame": "#f6f8fa",
    "frame-edge": "#d0d7de",
    "box": "#ffffff",
    "box-edge": "#8c959f",
    "text": "#1f2328",
    "soft": "#59636e",
    CellKind.PRIMARY: "#0969da",
    CellKind.STAYS: "#d8dee4",
    "stays-text": "#1f2328",
    CellKind.ADDED: "#1a7f37",
    CellKind.MOVED: "#bc4c00",
    CellKind.RECOVERED: "#8250df",
    CellKind.LEAVES: "#9a6700",
    CellKind.BLOCKED: "#cf222e",
}
_DARK = {
    "back": "#0d1117",
    "frame": "#151b23",
    "frame-edge": "#30363d",
    "box": "#0d1117",
    "box-edge": "#656c76",
    "text": "#f0f6fc",
    "soft": "#9198a1",
    CellKind.PRIMARY: "#1f6feb",
    CellKind.STAYS: "#3d444d",
    "stays-text": "#f0f6fc",
    CellKind.ADDED: "#238636",
    CellKind.MOVED: "#bd561d",
    CellKind.RECOVERED: "#8957e5",
    CellKind.LEAVES: "#d29922",
    CellKind.BLOCKED: "#da3633",
}
_SOLID = (CellKind.PRIMARY, CellKind.ADDED, CellKind.MOVED, CellKind.RECOVERED, CellKind.BLOCKED)
_ARROWS = (CellKind.ADDED, CellKind.MOVED, CellKind.RECOVERED)
_FONT = "font-family:ui-sans-serif,system-ui,'Segoe UI',Helvetica,Arial,'DejaVu Sans',sans-serif"


def style_sheet() -> str:
    """CSS for everything in a picture; what lies around it is left alone."""
    dark = _rules(_DARK)
    return f".gm text{{{_FONT}}}{_rules(_LIGHT)}@media (prefers-color-scheme:dark){{{dark}}}"


def _rules(color: dict[str, str]) -> str:
    rules = [
        f".gm .back{{fill:{color['back']}}}",
        f".gm .frame{{fill:{color['frame']};stroke:{color['frame-edge']}}}",
        f".gm .box{{fill:{color['box']};stroke:{color['box-edge']}}}",
        f".gm text{{fill:{color['text']}}}",
        f".gm text.soft{{fill:{color['soft']}}}",
        f".gm rect.stays{{fill:{color[CellKind.STAYS]}}}",
        f".gm text.in-stays{{fill:{color['stays-text']}}}",
        f".gm rect.leaves{{fill:none;stroke:{color[CellKind.LEAVES]};stroke-dasharray:3 2}}",
        f".gm text.in-leaves{{fill:{color[CellKind.LEAVES]}}}",
        f".gm text.halo{{stroke:{color['back']};stroke-width:4px;paint-order:stroke}}",
    ]
    rules += [
        f".gm rect.{kind}{{fill:{color[kind]}}}.gm text.in-{kind}{{fill:#ffffff}}"
        for kind in _SOLID
    ]
    rules += [
        f".gm path.{kind}{{stroke:{color[kind]};fill:none}}.gm polygon.{kind}{{fill:{color[kind]}}}"
        for kind in _ARROWS
    ]
    return "".join(rules)


# --- A plan as one SVG: hosts by rack, primaries and mirrors as cells, arrows for what moves.


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
    for kind in CellKind:
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
    counts = {kind: sum(cell.kind is kind for cell in cells) for kind in CellKind}
    parts = [f"{count} {MEANINGS[kind]}" for kind, count in counts.items() if count]
    return "; ".join([host.name, *parts])


def _shortened(name: str, box: Box) -> str:
    most = int((box.width - 2 * PAD) // 7)
    return name if len(name) <= most else f"{name[: most // 2]}…{name[-(most // 2 - 1) :]}"


def _at(box: Box) -> str:
    return f'x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}"'


def _text(text: str) -> str:
    return escape(visible(text))
