"""What pictures are made of: who holds what, where it is drawn, in which colours."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from html import escape
from math import hypot

from gpmirror.model.layout import Layout
from gpmirror.model.text import counted
from gpmirror.plan.model import Action, Change, Plan
from gpmirror.render.text import visible
from gpmirror.run.simulate import ends
from gpmirror.simulate.loss import Load, Loss, copies_of, every_host
from gpmirror.simulate.surveys import load_told
from gpmirror.values import dataclass

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


SIGNS = {CellKind.ADDED: "+", CellKind.MOVED: "~", CellKind.RECOVERED: "!", CellKind.BLOCKED: "x"}
"""What stands before a content in a cell beside the colour: the marks of the plan."""

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
    """A host: primaries first, then mirrors, each by content, leaving ones last. `rack` None: not told.
    `before` and `after`: what its loss does; `before` None where the plan changes nothing.
    """

    name: str
    rack: str | None
    primaries: tuple[Cell, ...]
    mirrors: tuple[Cell, ...]
    before: "Strip | None"
    after: "Strip"


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
    met = sorted({end for arrow in arrows for end in (arrow.source, arrow.target)})
    names = dict.fromkeys([*racks, *sorted(primaries), *sorted(mirrors), *met])
    first, last = ends(plan)
    before = strips(first, names) if plan.waves else {}
    after = strips(last, names)
    return Picture(
        hosts=tuple(
            PictureHost(
                name=name,
                rack=racks.get(name),
                primaries=tuple(primaries.get(name, ())),
                mirrors=tuple(sorted(mirrors.get(name, ()), key=_leaving_last)),
                before=before.get(name),
                after=after[name],
            )
            for name in names
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


# --- What the loss of a host does to every other: the strip of cells under it.


LEVELS = ((1.25, "up to x1.25"), (1.5, "up to x1.5"), (2.0, "up to x2"), (float("inf"), "more"))
"""How the load of a survivor is coloured: the highest factor of each level, and its words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Burden:
    """A survivor that takes over primaries: its place in ring order, its level from 1 on."""

    place: int
    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """The loss of one host: its own `place` in ring order, who carries more afterwards, how many
    contents are lost, and in `words` the worst survivor. Survivors that take over nothing are left
    out, so that all strips together are as long as there are contents.
    """

    place: int
    burdens: tuple[Burden, ...]
    lost: int
    worst: Load | None
    words: str

    @property
    def level(self) -> int:
        """The highest level; 0 where nobody takes over."""
        return 0 if self.worst is None else level_of(self.worst)


def level_of(load: Load) -> int:
    """Which of `LEVELS` a load is, counted from 1."""
    return next(at for at, (most, _) in enumerate(LEVELS, start=1) if load.factor <= most)


def strips(layout: Layout, names: Iterable[str]) -> dict[str, Strip]:
    """What each of these hosts' loss does; `names` in ring order, other hosts than the layout's
    too: they hold nothing.
    """
    places = {name: at for at, name in enumerate(names)}
    copies = copies_of(layout)
    losses = {loss.lost[0]: loss for loss in every_host(copies)}
    return {name: _strip(name, losses.get(name), places) for name in places}


def _strip(name: str, loss: Loss | None, places: Mapping[str, int]) -> Strip:
    if loss is None:
        return Strip(
            place=places[name], burdens=(), lost=0, worst=None, words="its loss moves no primary"
        )
    loads = [load for load in loss.loads if load.host in places]
    burdens = sorted((places[load.host], level_of(load)) for load in loads)
    worst = loads[0] if loads else None
    told = [] if worst is None else [f"worst survivor {load_told(worst)}"]
    if loss.contents_lost:
        told.insert(0, f"{counted(len(loss.contents_lost), 'content')} lost")
    return Strip(
        place=places[name],
        burdens=tuple(Burden(place=place, level=level) for place, level in burdens),
        lost=len(loss.contents_lost),
        worst=worst,
        words=f"if it is lost: {'; '.join(told)}" if told else "its loss moves no primary",
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
MOST_HOSTS = 100
"""Beyond so many hosts contents are bars, and the loss of a host is its worst survivor alone."""
MOST_CELLS = 8_000
"""Beyond so many copies too: nobody reads ten thousand numbers."""
BAR_HEIGHT = 9
STRIP_HEIGHT, STRIP_GAP = 14, 5
STRIP_WORD = 34
"""Room for `before` and `after` beside strips that lie one above the other."""
_BAR_WIDTH = 76
_DIGIT = 7
_CELLS_A_ROW = ((8, 4), (18, 6), (40, 8))
_NAME_CHARACTER = 7.4
_WIDEST_NAME = 220
_LEAST_UNIT, _FEW_HOSTS = 2, 60
_BESIDE_UNIT = 4
"""Pixels that a survivor needs for two strips side by side."""


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
    """Boxes of hosts by name, frames of racks by name, cells a row and their width; the size.
    `strips_at` is where strips begin below a box's top. `is_barred`: contents are bars, strips one
    mark; `most_copies` that any host has of a role is the longest bar. `is_beside`: the strips before and after lie side by side, else one above the other.
    """

    hosts: dict[str, Box]
    racks: dict[str, Box]
    is_barred: bool
    cells_a_row: int
    cell_width: int
    mirrors_at: float
    strips_at: float
    is_beside: bool
    most_copies: int
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inside:
    """What lies where in the box of every host."""

    width: float
    height: float
    cells_a_row: int
    cell_width: int
    mirrors_at: float
    strips_at: float
    is_beside: bool


def laid_out(found: Picture, *, top: float, gutter: int) -> PictureLayout:
    """The picture's geometry; the first row of hosts starts below `top`, `gutter` pixels lie
    between two hosts.
    """
    copies = sum(len(host.primaries) + len(host.mirrors) for host in found.hosts)
    is_barred = len(found.hosts) > MOST_HOSTS or copies > MOST_CELLS
    inside = _with_bars() if is_barred else _with_cells(found)
    groups: dict[str, list[str]] = {}
    for host in found.hosts:
        groups.setdefault(host.rack or "", []).append(host.name)
    grid = Grid(width=inside.width, height=inside.height, gutter=gutter, groups=groups)
    placed = grid.placed(top)
    hosts, racks = placed
    return PictureLayout(
        hosts=hosts,
        racks=racks,
        is_barred=is_barred,
        cells_a_row=inside.cells_a_row,
        cell_width=inside.cell_width,
        mirrors_at=inside.mirrors_at,
        strips_at=inside.strips_at,
        is_beside=inside.is_beside,
        most_copies=max(
            (max(len(host.primaries), len(host.mirrors)) for host in found.hosts), default=0
        ),
        width=max(right_of(placed), LEAST_WIDTH),
        height=bottom_of(placed, top),
    )


def _with_bars() -> _Inside:
    mirrors_at = HEAD + BAR_HEIGHT + CELL_GAP
    strips_at = mirrors_at + BAR_HEIGHT + CELL_GAP + 2
    return _Inside(
        width=_BAR_WIDTH + 2 * PAD,
        height=strips_at + STRIP_HEIGHT + PAD - 2,
        cells_a_row=1,
        cell_width=_BAR_WIDTH,
        mirrors_at=mirrors_at,
        strips_at=strips_at,
        is_beside=True,
    )


def _with_cells(found: Picture) -> _Inside:
    cells = max((max(len(host.primaries), len(host.mirrors)) for host in found.hosts), default=0)
    a_row = next((row for most, row in _CELLS_A_ROW if cells <= most), 12)
    cell_width = _cell_width(found)
    name = max((len(host.name) for host in found.hosts), default=0) * _NAME_CHARACTER
    inner = max(a_row * (cell_width + CELL_GAP) - CELL_GAP, min(name, _WIDEST_NAME))
    hosts, two = len(found.hosts), any(host.before is not None for host in found.hosts)
    is_beside = two and (inner - CELL_GAP) / 2 >= hosts * _BESIDE_UNIT
    if not is_beside:
        unit = _LEAST_UNIT + (hosts <= _FEW_HOSTS)
        inner = max(inner, hosts * unit + STRIP_WORD * two)
    # strips may have made the box wider than its cells needed
    a_row = max(a_row, int((inner + CELL_GAP) // (cell_width + CELL_GAP)))
    primary_rows = _rows(max((len(host.primaries) for host in found.hosts), default=0), a_row)
    mirror_rows = _rows(max((len(host.mirrors) for host in found.hosts), default=0), a_row)
    mirrors_at = HEAD + primary_rows * (CELL_HEIGHT + CELL_GAP) + 6
    strips_at = mirrors_at + mirror_rows * (CELL_HEIGHT + CELL_GAP) + STRIP_GAP
    lines = 1 if is_beside or not two else 2
    return _Inside(
        width=inner + 2 * PAD,
        height=strips_at + lines * (STRIP_HEIGHT + STRIP_GAP) - STRIP_GAP + PAD,
        cells_a_row=a_row,
        cell_width=cell_width,
        mirrors_at=mirrors_at,
        strips_at=strips_at,
        is_beside=is_beside,
    )


Boxes = tuple[dict[str, Box], dict[str, Box]]
"""Of hosts, and frames of racks."""


def right_of(placed: Boxes) -> float:
    """How wide a picture of these is."""
    every = [*placed[0].values(), *placed[1].values()]
    return max((box.x + box.width for box in every), default=0) + FRAME


def bottom_of(placed: Boxes, top: float) -> float:
    """How high a picture of these is; there may be none below `top`."""
    every = [*placed[0].values(), *placed[1].values()]
    return max((box.y + box.height for box in every), default=top) + FRAME


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Hosts of one size in rows, group after group."""

    width: float
    height: float
    gutter: int
    groups: dict[str, list[str]]

    def placed(self, top: float) -> Boxes:
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


def _cell_width(found: Picture) -> int:
    highest = max((cell.content for host in found.hosts for cell in host.primaries), default=0)
    signed = any(cell.kind in SIGNS for host in found.hosts for cell in host.mirrors)
    return max(22, (len(str(highest)) + signed) * _DIGIT + 8)


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


# --- The colours of all pictures, for light and dark surroundings.
#
# No colour stands alone: kinds of mirrors have a sign or a shape, loads a height, groups a number.


_LIGHT = {
    "back": "#ffffff",
    "frame": "#f6f8fa",
    "frame-edge": "#d0d7de",
    "box": "#ffffff",
    "box-edge": "#8c959f",
    "focus": "#0969da",
    "text": "#1f2328",
    "soft": "#59636e",
    "alarm": "#cf222e",
    "track": "#eaeef2",
    "own": "#59636e",
    "load-1": "#fec44f",
    "load-2": "#ec7014",
    "load-3": "#b23c02",
    "load-4": "#5c1a00",
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
    "focus": "#4493f8",
    "text": "#f0f6fc",
    "soft": "#9198a1",
    "alarm": "#ff7b72",
    "track": "#21262d",
    "own": "#9198a1",
    "load-1": "#96701c",
    "load-2": "#d97a22",
    "load-3": "#f7b05f",
    "load-4": "#ffe9c9",
    CellKind.PRIMARY: "#1f6feb",
    CellKind.STAYS: "#3d444d",
    "stays-text": "#f0f6fc",
    CellKind.ADDED: "#238636",
    CellKind.MOVED: "#bd561d",
    CellKind.RECOVERED: "#8957e5",
    CellKind.LEAVES: "#d29922",
    CellKind.BLOCKED: "#da3633",
}
_SOLID = (
    CellKind.PRIMARY,
    CellKind.ADDED,
    CellKind.MOVED,
    CellKind.RECOVERED,
    CellKind.BLOCKED,
)
_ARROWS = {CellKind.ADDED: "none", CellKind.MOVED: "7 3", CellKind.RECOVERED: "2 3"}
"""How the line of an arrow is broken, for those who do not see its colour."""
GROUP_COLORS = ("#0072b2", "#a84300", "#007a5a", "#8f3b76", "#6b6b00", "#44546a")
"""White letters on them have a contrast of 4.5 or more; told apart with any colour vision. They begin
anew where there are more groups: the number tells.
"""
_FONT = "font-family:ui-sans-serif,system-ui,'Segoe UI',Helvetica,Arial,'DejaVu Sans',sans-serif"


def style_sheet() -> str:
    """CSS for everything in a picture; what lies around it is left alone."""
    dark = _rules(_DARK)
    groups = "".join(
        f".gm .group-{at}{{fill:{color}}}" for at, color in enumerate(GROUP_COLORS, start=1)
    )
    return (
        f".gm text{{{_FONT}}}{_rules(_LIGHT)}{groups}.gm text.in-group{{fill:#ffffff}}"
        ".gm .tip{visibility:hidden}.gm g:hover>.tip,.gm g:focus>.tip{visibility:visible}"
        f".gm g:focus{{outline:none}}@media (prefers-color-scheme:dark){{{dark}}}"
    )


def _rules(color: Mapping[str, str]) -> str:
    rules = [
        f".gm .back{{fill:{color['back']}}}",
        f".gm .frame{{fill:{color['frame']};stroke:{color['frame-edge']}}}",
        f".gm .box{{fill:{color['box']};stroke:{color['box-edge']}}}",
        f".gm g:focus>.box{{stroke:{color['focus']};stroke-width:3}}",
        f".gm text{{fill:{color['text']}}}",
        f".gm text.soft{{fill:{color['soft']}}}",
        f".gm text.alarm{{fill:{color['alarm']}}}",
        f".gm .track{{fill:{color['track']}}}",
        f".gm .own{{fill:{color['own']}}}",
        f".gm .bar{{fill:{color['box-edge']}}}",
        f".gm .lost{{fill:none;stroke:{color['alarm']};stroke-dasharray:3 2}}",
        f".gm .cross{{fill:none;stroke:{color['alarm']}}}",
        f".gm rect.stays{{fill:{color[CellKind.STAYS]}}}",
        f".gm text.in-stays{{fill:{color['stays-text']}}}",
        f".gm rect.leaves{{fill:none;stroke:{color[CellKind.LEAVES]};stroke-dasharray:3 2}}",
        f".gm text.in-leaves{{fill:{color[CellKind.LEAVES]}}}",
        f".gm text.halo{{stroke:{color['back']};stroke-width:4px;paint-order:stroke}}",
    ]
    rules += [
        f".gm .load-{level}{{fill:{color[f'load-{level}']}}}" for level in range(1, len(LEVELS) + 1)
    ]
    rules += [
        f".gm rect.{kind}{{fill:{color[kind]}}}.gm text.in-{kind}{{fill:#ffffff}}"
        for kind in _SOLID
    ]
    rules += [
        f".gm path.{kind}{{stroke:{color[kind]};stroke-dasharray:{dashes};fill:none}}"
        f".gm polygon.{kind}{{fill:{color[kind]}}}"
        for kind, dashes in _ARROWS.items()
    ]
    return "".join(rules)
