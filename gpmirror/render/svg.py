"""Pictures as SVG: a plan, strategies side by side, hosts that may be down together.

Each is a whole file or one element of a page. A host has words for a pointer that rests on it, for
the keyboard and for who listens; what a colour says, a sign or a shape says too.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from textwrap import wrap

from gpmirror.model.layout import Layout
from gpmirror.model.text import counted
from gpmirror.plan.model import Plan
from gpmirror.render.drawing import (
    BAR_HEIGHT,
    CELL_GAP,
    CELL_HEIGHT,
    FRAME,
    GROUP_COLORS,
    GUTTER,
    HEAD,
    LEAST_WIDTH,
    LEVELS,
    MEANINGS,
    MOST_ARROWS,
    MOST_HOSTS,
    NARROW,
    PAD,
    SIGNS,
    STRIP_GAP,
    STRIP_HEIGHT,
    STRIP_WORD,
    Box,
    Cell,
    CellKind,
    Grid,
    Picture,
    PictureHost,
    PictureLayout,
    Strip,
    arrow_count,
    arrow_svg,
    bottom_of,
    laid_out,
    picture,
    right_of,
    strips,
    style_sheet,
)
from gpmirror.render.stopping import group_words, groups_summary
from gpmirror.render.text import summary_line, visible
from gpmirror.render.whatif import figures_text, refusal_text, whatif_remarks
from gpmirror.run.status import Groups
from gpmirror.values import dataclass
from gpmirror.whatif import Comparison, Refusal, Row

# --- What all pictures have: the element around them, a title, a legend.


_NAMESPACE = 'xmlns="http://www.w3.org/2000/svg"'
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_CHARACTER = 6.1
"""Pixels that a character of a legend takes, about."""
_SENTENCE = 5.5
"""The same of a sentence: long ones come nearer to the mean."""
_WIDE_CHARACTER = 6.4
"""The same where a text must not reach beyond the edge."""
_LEGEND_LINE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """A picture's words: `title` names it, `summary` is what it comes down to."""

    title: str
    heading: str
    summary: str
    width: float
    height: float


def _element(page: _Page, css: str | None, body: Iterable[str]) -> str:
    width, height = round(page.width), round(page.height)
    box = f'viewBox="0 0 {width} {height}"'
    return "\n".join(
        [
            f'<svg {_NAMESPACE} class="gm" width="{width}" height="{height}" {box} role="group">',
            f"<title>{_text(page.title)}</title>",
            f"<desc>{_text(page.summary)}</desc>",
            f"<style>{css or style_sheet()}</style>",
            f'<rect class="back" width="{width}" height="{height}"/>',
            f'<text x="{FRAME}" y="30" font-size="17" font-weight="600">{_text(page.heading)}</text>',
            f'<text x="{FRAME}" y="50" font-size="12" class="soft">{_text(page.summary)}</text>',
            *body,
            "</svg>",
        ]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """A legend's entry: a mark of 14 pixels, drawn at its place, and words."""

    words: str
    mark: str = ""
    is_soft: bool = False


def _legend(entries: Iterable[_Entry], top: float, width: float) -> tuple[list[str], float]:
    """The entries in lines of at most `width` pixels, and where the next thing may begin."""
    lines: list[str] = []
    x, y = float(FRAME), top
    for one in entries:
        room = len(one.words) * (_SENTENCE if one.is_soft else _CHARACTER) + (20 if one.mark else 0)
        if x > FRAME and x + room > width - FRAME:
            x, y = float(FRAME), y + _LEGEND_LINE
        if one.mark:
            lines.append(f'<g transform="translate({x:.1f} {y:.1f})">{one.mark}</g>')
        at = x + 20 if one.mark else x
        soft = ' class="soft"' if one.is_soft else ""
        lines.append(
            f'<text x="{at:.1f}" y="{y + 11:.1f}" font-size="12"{soft}>{_text(one.words)}</text>'
        )
        x += room + 18
    return lines, y + _LEGEND_LINE


_LOST = '<rect class="lost" x="0.5" y="0.5" width="13" height="13"/>'
_CROSSED = '<path class="cross" stroke-width="2" d="M2 2l10 10m0-10l-10 10"/>'
"""What contents lost look like in a strip, and on the diagonal of a small picture."""


def _load_legend(order: str, lost: str) -> Iterator[_Entry]:
    """What the heights and colours of loads mean; `lost` is the mark of contents lost, if there are any."""
    yield _Entry(words=f"Load of the others if a host is lost{order}:", is_soft=True)
    for level, (_, words) in enumerate(LEVELS, start=1):
        height = 14 * level / len(LEVELS)
        mark = (
            '<rect class="track" width="14" height="14"/>'
            f'<rect class="load-{level}" y="{14 - height:.1f}" width="14" height="{height:.1f}"/>'
        )
        yield _Entry(words=words, mark=mark)
    if lost:
        yield _Entry(words="contents lost", mark=lost)


def _at(box: Box) -> str:
    return f'x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}"'


def _text(text: str) -> str:
    return escape(visible(text))


def _rack(name: str, box: Box) -> str:
    label = f"rack {name}" if name else "no rack"
    return (
        f'<rect class="frame" {_at(box)} rx="10"/>'
        f'<text x="{box.x + 14:.1f}" y="{box.y + 22:.1f}" font-size="12" class="soft">'
        f"{_text(label)}</text>"
    )


def _host(name: str, words: str, box: Box, body: Iterable[str], *, is_reached: bool) -> str:
    """A host's box with its words; the keyboard reaches it where hosts are few enough to go through."""
    reached = ' tabindex="0"' if is_reached else ""
    return "".join(
        [
            f'<g role="img"{reached}><title>{_text(words)}</title>',
            f'<rect class="box" {_at(box)} rx="7"/>',
            (
                f'<text x="{box.x + PAD:.1f}" y="{box.y + 17:.1f}" font-size="12" '
                f'font-weight="600">{_text(_shortened(name, box))}</text>'
            ),
            *body,
            "</g>",
        ]
    )


_BOLD = 7.7
"""Pixels of a character of a host's name."""


def _shortened(name: str, box: Box) -> str:
    most = int((box.width - 2 * PAD) // _BOLD)
    return name if len(name) <= most else f"{name[: most // 2]}…{name[-(most // 2 - 1) :]}"


# --- A plan: hosts by rack, primaries and mirrors as cells, arrows for what moves, loads below.


def plan_svg(plan: Plan) -> str:
    """A whole SVG file with its own colours for light and dark; the same plan, the same bytes."""
    return f"{_DECLARATION}{svg_element(plan)}\n"


def svg_element(plan: Plan, *, css: str | None = None) -> str:
    """The `svg` element alone, for a page that holds it."""
    found = picture(plan)
    gutter = GUTTER if _has_arrows(found) else NARROW
    rough = laid_out(found, top=0, gutter=gutter)
    legend, top = _legend(_kind_legend(found), 64, rough.width)
    loads, top = _legend(_strip_legend(found, is_beside=rough.is_beside), top, rough.width)
    layout = laid_out(found, top=top, gutter=gutter)
    page = _Page(
        title=f"Mirrors of {plan.cluster}, before and after",
        heading=plan.cluster,
        summary=summary_line(plan),
        width=layout.width,
        height=layout.height,
    )
    racks = (_rack(name, box) for name, box in layout.racks.items())
    body = [*legend, *loads, *racks, *_arrows(found, layout), *_hosts(found, layout)]
    return _element(page, css, body)


def _kind_legend(found: Picture) -> Iterator[_Entry]:
    """What occurs."""
    kinds = {cell.kind for host in found.hosts for cell in (*host.primaries, *host.mirrors)}
    for kind in CellKind:
        if kind in kinds:
            sign = SIGNS.get(kind, "")
            mark = (
                f'<rect class="{kind}" width="14" height="14" rx="{_corner(kind)}"/>'
                f'<text class="in-{kind}" x="7" y="11" font-size="11" text-anchor="middle">{sign}'
                "</text>"
            )
            yield _Entry(words=MEANINGS[kind], mark=mark)
    if len(found.arrows) > MOST_ARROWS:
        pairs = f"{counted(len(found.arrows), 'arrow')} between hosts left out"
        yield _Entry(words=pairs, is_soft=True)


def _strip_legend(found: Picture, *, is_beside: bool) -> Iterator[_Entry]:
    told = [one for host in found.hosts for one in (host.before, host.after) if one is not None]
    order = "" if all(host.before is None for host in found.hosts) else _ORDERS[is_beside]
    yield from _load_legend(order, _LOST if any(one.lost for one in told) else "")


_ORDERS = {True: ", left before and right after", False: ""}
"""Strips one above the other have words beside them."""


def _corner(kind: CellKind) -> int:
    """Primaries have square corners, so that they are told from mirrors without colour."""
    return 0 if kind is CellKind.PRIMARY else 4


def _arrows(found: Picture, layout: PictureLayout) -> list[str]:
    if not _has_arrows(found):
        return []
    hosts = layout.hosts
    met = [(arrow, hosts[arrow.source], hosts[arrow.target]) for arrow in found.arrows]
    return [
        *(arrow_svg(arrow, source, target) for arrow, source, target in met),
        *filter(None, (arrow_count(*one, hosts.values()) for one in met)),
    ]


def _has_arrows(found: Picture) -> bool:
    return 0 < len(found.arrows) <= MOST_ARROWS


def _hosts(found: Picture, layout: PictureLayout) -> Iterator[str]:
    count = len(found.hosts)
    for host in found.hosts:
        box = layout.hosts[host.name]
        is_reached = count <= MOST_HOSTS
        body = _bars(host, box, layout) if layout.is_barred else _cells(host, box, layout, count)
        tips = [_tip(f"{host.name}: {host.after.words}", box, layout.width)] if is_reached else []
        yield _host(host.name, _words(host), box, [*body, *tips], is_reached=is_reached)


def _tip(words: str, box: Box, width: float) -> str:
    """Shown below a host that the pointer or the keyboard is on, where no other host stands: a browser
    shows its own tooltips to the pointer alone.
    """
    x = max(FRAME, min(box.x, width - FRAME - len(words) * _CHARACTER))
    y = box.y + box.height + _TIP
    return f'<text class="halo tip" x="{x:.1f}" y="{y:.1f}" font-size="11">{_text(words)}</text>'


_TIP = 12
"""Pixels below a host's box; the gutter is wider."""


def _cells(host: PictureHost, box: Box, layout: PictureLayout, count: int) -> Iterator[str]:
    placed = [
        *_grid(host.primaries, box.x + PAD, box.y + HEAD, layout),
        *_grid(host.mirrors, box.x + PAD, box.y + layout.mirrors_at, layout),
    ]
    yield from (_cell(cell, x, y, layout.cell_width) for cell, x, y in placed)
    yield from _both_strips(host, box, layout, count)


def _grid(
    cells: tuple[Cell, ...], x: float, y: float, layout: PictureLayout
) -> Iterator[tuple[Cell, float, float]]:
    for number, cell in enumerate(cells):
        row, column = divmod(number, layout.cells_a_row)
        across = x + column * (layout.cell_width + CELL_GAP)
        yield cell, across, y + row * (CELL_HEIGHT + CELL_GAP)


def _cell(cell: Cell, x: float, y: float, width: int) -> str:
    return (
        f'<rect class="{cell.kind}" x="{x:.1f}" y="{y:.1f}" width="{width}" '
        f'height="{CELL_HEIGHT}" rx="{_corner(cell.kind)}"/>'
        f'<text class="in-{cell.kind}" x="{x + width / 2:.1f}" y="{y + 12.5:.1f}" font-size="11" '
        f'text-anchor="middle">{SIGNS.get(cell.kind, "")}{cell.content}</text>'
    )


def _words(host: PictureHost) -> str:
    """`sdw1; 4 primary; 3 mirror that stays; ...`: what the cells say, counted, and what its loss does."""
    cells = (*host.primaries, *host.mirrors)
    counts = Counter(cell.kind for cell in cells)
    parts = [f"{counts[kind]} {MEANINGS[kind]}" for kind in CellKind if counts[kind]]
    if host.before is None or host.before.words == host.after.words:
        return "; ".join([host.name, *parts, host.after.words])
    return "; ".join([host.name, *parts, f"before, {host.before.words}; after, {host.after.words}"])


def _bars(host: PictureHost, box: Box, layout: PictureLayout) -> Iterator[str]:
    """Primaries and mirrors as bars of kinds, as long as they are many, and the worst of a loss."""
    most = max(1, layout.most_copies)
    for cells, at in ((host.primaries, HEAD), (host.mirrors, layout.mirrors_at)):
        x, y = box.x + PAD, box.y + at
        room = layout.cell_width - _NUMBER
        counts = Counter(cell.kind for cell in cells)
        for kind in CellKind:
            if count := counts[kind]:
                width = room * count / most
                yield (
                    f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
                    f'height="{BAR_HEIGHT}"/>'
                )
                x += width
        stay = len(cells) - counts[CellKind.LEAVES]
        yield f'<text class="soft" x="{x + 4:.1f}" y="{y + 8.5:.1f}" font-size="10">{stay}</text>'
    x, y = box.x + PAD, box.y + layout.strips_at
    changed = host.before is not None and host.before.words != host.after.words
    for one in filter(None, (host.before if changed else None, host.after)):
        yield _mark(one, x, y)
        x += layout.cell_width / 2


_NUMBER = 20
"""Pixels behind a bar for its number."""


def _mark(found: Strip, x: float, y: float) -> str:
    """A loss as one cell: how high the worst load is, with its factor; or how many contents are lost."""
    if found.lost:
        return (
            f'<rect class="lost" x="{x + 0.5:.1f}" y="{y + 0.5:.1f}" width="9" '
            f'height="{STRIP_HEIGHT - 1}"/><text class="alarm" x="{x + 12:.1f}" y="{y + 11:.1f}" '
            f'font-size="10">-{found.lost}</text>'
        )
    height = STRIP_HEIGHT * found.level / len(LEVELS)
    told = "" if found.worst is None else f"x{found.worst.factor:.1f}"
    return (
        f'<rect class="track" x="{x:.1f}" y="{y:.1f}" width="10" height="{STRIP_HEIGHT}"/>'
        f'<rect class="load-{found.level}" x="{x:.1f}" y="{y + STRIP_HEIGHT - height:.1f}" '
        f'width="10" height="{height:.1f}"/><text x="{x + 13:.1f}" y="{y + 11:.1f}" '
        f'font-size="10">{told}</text>'
    )


def _both_strips(host: PictureHost, box: Box, layout: PictureLayout, count: int) -> Iterator[str]:
    """The strip before and the one after, of the same scale, so that a survivor keeps its place."""
    x, y, width = box.x + PAD, box.y + layout.strips_at, box.width - 2 * PAD
    if host.before is None:
        yield _strip(host.after, Box(x=x, y=y, width=width, height=STRIP_HEIGHT), count)
        return
    if layout.is_beside:
        half = (width - 2 * CELL_GAP) / 2
        for one, at in ((host.before, x), (host.after, x + half + 2 * CELL_GAP)):
            yield _strip(one, Box(x=at, y=y, width=half, height=STRIP_HEIGHT), count)
        return
    for one, word, at in (
        (host.before, "before", y),
        (host.after, "after", y + STRIP_HEIGHT + STRIP_GAP),
    ):
        yield f'<text class="soft" x="{x:.1f}" y="{at + 11:.1f}" font-size="10">{word}</text>'
        strip = Box(x=x + STRIP_WORD, y=at, width=width - STRIP_WORD, height=STRIP_HEIGHT)
        yield _strip(one, strip, count)


_OWN = 2
"""Pixels of the line at the host's own place."""


def _strip(found: Strip, box: Box, count: int) -> str:
    """A cell a survivor in ring order, as high as its load; the host's own place is a line."""
    unit = box.width / max(1, count)
    wide = unit - 1 if unit > 3 else unit  # noqa: PLR2004 - a gap only where there is room
    name = "lost" if found.lost else "track"
    parts = [f'<rect class="{name}" {_at(box)}/>']
    thin = min(wide, _OWN)
    own = Box(
        x=box.x + found.place * unit + (wide - thin) / 2, y=box.y, width=thin, height=box.height
    )
    parts.append(f'<rect class="own" {_at(own)}/>')
    for level in range(1, len(LEVELS) + 1):
        height = box.height * level / len(LEVELS)
        path = "".join(
            f"M{box.x + burden.place * unit:.1f} {box.y + box.height:.1f}"
            f"v-{height:.1f}h{wide:.1f}v{height:.1f}z"
            for burden in found.burdens
            if burden.level == level
        )
        parts += [f'<path class="load-{level}" d="{path}"/>'] * bool(path)
    return f"<g><title>{_text(found.words)}</title>{''.join(parts)}</g>"


# --- Strategies side by side: who takes over from whom, and how many mirrors each host holds.


_SIDE = 300
_COARSE = 5
"""Pixels of a cell from which on its size tells the load beside its colour."""
_PANEL, _PANEL_GAP = _SIDE + 24, 18
_PANEL_HEAD, _MIRRORS = 84, 34
_PANELS_A_ROW = 3
"""At most; fewer where that fills the last row better."""
_LINE = 15
_MOST_LINES = 20
"""Of why a strategy is infeasible; the title says all of it."""


def whatif_svg(found: Comparison) -> str:
    """A whole SVG file: a small picture a row of the table."""
    lossy = any(
        not isinstance(row.found, Refusal) and not row.found.survival.any_host for row in found.rows
    )
    rows = -(-len(found.rows) // _PANELS_A_ROW)
    a_row = -(-len(found.rows) // rows)
    width = max(2 * FRAME + a_row * (_PANEL + _PANEL_GAP) - _PANEL_GAP, LEAST_WIDTH)
    hosts = max(
        (len(row.found.layout.hosts) for row in found.rows if not isinstance(row.found, Refusal)),
        default=0,
    )
    legend, top = _legend(_load_legend("", _CROSSED if lossy else ""), 64, width)
    most = int((width - 2 * FRAME) / _WIDE_CHARACTER)
    for text in (*_matrix_words(_together(hosts)), *found.notes, *whatif_remarks(found)):
        for line in wrap(visible(text), most):
            more, top = _legend([_Entry(words=line, is_soft=True)], top, width)
            legend += more
    top += 6
    tall = _PANEL_HEAD + _SIDE + _MIRRORS + PAD
    panels = []
    for at, row in enumerate(found.rows):
        down, across = divmod(at, a_row)
        x, y = FRAME + across * (_PANEL + _PANEL_GAP), top + down * (tall + _PANEL_GAP)
        panels.append(_panel(row, Box(x=x, y=y, width=_PANEL, height=tall)))
    page = _Page(
        title=f"What other strategies would mean for {found.cluster}",
        heading=f"{found.cluster}: what if",
        summary=f"catalog {found.source}, spec {found.spec_file}",
        width=width,
        height=top + rows * (tall + _PANEL_GAP),
    )
    return f"{_DECLARATION}{_element(page, None, [*legend, *panels])}\n"


def _matrix_words(together: int) -> Iterator[str]:
    """How to read a small picture, a line each."""
    yield "A row for each lost host, a column for each that takes over; below, mirrors a host"
    if together > 1:
        yield f"{together} neighbours of the ring share a cell, which shows the worst of them"


def _together(hosts: int) -> int:
    """How many hosts share a line and a column, so that a panel has no more than can be seen."""
    return -(-hosts // MOST_HOSTS) or 1


def _panel(row: Row, box: Box) -> str:
    name = f"{row.name} (the spec's)" if row.is_spec else row.name
    if isinstance(row.found, Refusal):
        told = [refusal_text(row.found)]
        body = ""
    else:
        told = figures_text(row, row.found)
        body = _matrix(
            row.found.layout, Box(x=box.x + 12, y=box.y + _PANEL_HEAD, width=_SIDE, height=_SIDE)
        )
    lines = [line for text in told for line in wrap(visible(text), 48)]
    if len(lines) > _MOST_LINES:
        lines = [*lines[:_MOST_LINES], "..."]
    words = "".join(
        f'<text class="soft" x="{box.x + 12:.1f}" y="{box.y + 38 + at * _LINE:.1f}" '
        f'font-size="12">{_text(line)}</text>'
        for at, line in enumerate(lines)
    )
    return (
        f'<g role="img" tabindex="0"><title>{_text(": ".join((name, *told)))}</title>'
        f'<rect class="box" {_at(box)} rx="8"/>'
        f'<text x="{box.x + 12:.1f}" y="{box.y + 20:.1f}" font-size="14" font-weight="600">'
        f"{_text(name)}</text>{words}{body}</g>"
    )


def _matrix(layout: Layout, box: Box) -> str:
    """A line for each lost host, a column for each survivor; beyond so many hosts the worst of several
    neighbours. As many cells as there are pairs of hosts that share a content.
    """
    mirrors = Counter(pair.mirror for pair in layout.pairs if pair.mirror is not None)
    names = list(dict.fromkeys([*layout.hosts, *sorted({*_holders(layout)})]))
    together = _together(len(names))
    count = -(-len(names) // together)
    unit = box.width / max(1, count)
    levels: dict[tuple[int, int], int] = {}
    lost: dict[int, bool] = {}
    for one in strips(layout, names).values():
        line = one.place // together
        lost[line] = lost.get(line, False) or one.lost > 0
        for burden in one.burdens:
            at = (line, burden.place // together)
            levels[at] = max(levels.get(at, 0), burden.level)
    parts = [f'<rect class="track" {_at(box)}/>']
    parts += [_squares(levels, level, unit, box) for level in range(1, len(LEVELS) + 1)]
    fine = [at for at, is_lost in lost.items() if not is_lost and unit >= _COARSE]
    own = "".join(_square(at, at, unit, 0.3, box) for at in fine)
    parts += [f'<path class="own" d="{own}"/>'] * bool(own)
    crosses = "".join(_cross(at, unit, box) for at, is_lost in lost.items() if is_lost)
    parts += [f'<path class="cross" stroke-width="{min(2, unit / 4):.1f}" d="{crosses}"/>'] * bool(
        crosses
    )
    heights = [
        max(mirrors[name] for name in names[at * together : (at + 1) * together])
        for at in range(count)
    ]
    return "".join([*parts, _mirror_bars(heights, unit, box)])


def _holders(layout: Layout) -> Iterator[str]:
    for pair in layout.pairs:
        yield from filter(None, (pair.primary, pair.mirror))


def _squares(levels: Mapping[tuple[int, int], int], level: int, unit: float, box: Box) -> str:
    share = 0.3 + 0.62 * level / len(LEVELS)
    path = "".join(
        _square(line, column, unit, share, box)
        for (line, column), found in sorted(levels.items())
        if found == level
    )
    return f'<path class="load-{level}" d="{path}"/>' if path else ""


def _square(line: int, column: int, unit: float, share: float, box: Box) -> str:
    side = unit * share if unit >= _COARSE else unit
    inset = (unit - side) / 2
    x, y = box.x + column * unit + inset, box.y + line * unit + inset
    return f"M{x:.1f} {y:.1f}h{side:.1f}v{side:.1f}h-{side:.1f}z"


def _cross(at: int, unit: float, box: Box) -> str:
    side = unit * 0.6
    x, y = box.x + at * unit + unit * 0.2, box.y + at * unit + unit * 0.2
    return f"M{x:.1f} {y:.1f}l{side:.1f} {side:.1f}m0-{side:.1f}l-{side:.1f} {side:.1f}"


def _mirror_bars(mirrors: Sequence[int], unit: float, box: Box) -> str:
    most = max([1, *mirrors])
    floor = box.y + box.height + _MIRRORS
    wide = unit - 1 if unit >= _COARSE else unit
    path = "".join(
        f"M{box.x + at * unit:.1f} {floor:.1f}v-{(_MIRRORS - 8) * number / most:.1f}"
        f"h{wide:.1f}v{(_MIRRORS - 8) * number / most:.1f}z"
        for at, number in enumerate(mirrors)
        if number
    )
    return f'<path class="bar" d="{path}"/>'


# --- Groups of hosts that may be down together, as colours with the group's number.


_TAG = 26
_GROUP_WIDTH, _GROUP_HEIGHT = 96, 28
_NAME_CHARACTER, _WIDEST_NAME = 7.4, 220


def groups_svg(groups: Groups, *, cluster: str | None, racks: Mapping[str, str]) -> str:
    """A whole SVG file: every host in ring order with the number of its group, racks in frames."""
    found = groups.found
    losses = [*(one.loss for one in found.groups), *(one.loss for one in found.left_out)]
    hosts = losses[0].copies.hosts if losses else found.empty
    name = cluster or groups.reading.observed.source
    numbers = {host: at for at, one in enumerate(found.groups, start=1) for host in one.hosts}
    entries = [_group_entry(at, one.hosts) for at, one in enumerate(found.groups, start=1)]
    if len(numbers) < len(hosts):
        entries.append(_Entry(words=f"in no group: {counted(len(hosts) - len(numbers), 'host')}"))
    by_rack: dict[str, list[str]] = {}
    for host in hosts:
        by_rack.setdefault(racks.get(host, ""), []).append(host)
    widest = min(max(map(len, hosts), default=0) * _NAME_CHARACTER, _WIDEST_NAME)
    grid = Grid(
        width=max(_GROUP_WIDTH, widest + _TAG + 2 * PAD),
        height=_GROUP_HEIGHT,
        gutter=NARROW // 2,
        groups=by_rack,
    )
    width = max(LEAST_WIDTH, right_of(grid.placed(0)))
    legend, top = _legend(entries, 64, width)
    placed = grid.placed(top)
    page = _Page(
        title=f"Hosts of {name} that may be down together",
        heading=f"{name}: maintenance groups",
        summary=groups_summary(groups),
        width=width,
        height=bottom_of(placed, top),
    )
    boxes, frames = placed
    body = [*legend, *(_rack(rack, box) for rack, box in frames.items())]
    words, is_reached = group_words(groups), len(hosts) <= MOST_HOSTS
    for host in hosts:
        box, number = boxes[host], numbers.get(host)
        told = f"{host}; {words.get(host, 'in no group')}"
        body.append(_host(host, told, box, _tagged(number, box), is_reached=is_reached))
    return f"{_DECLARATION}{_element(page, None, body)}\n"


def _group_entry(number: int, group: Sequence[str]) -> _Entry:
    mark = _tag(number, Box(x=0, y=0, width=14, height=14), 10)
    return _Entry(words=f"group {number}: {counted(len(group), 'host')}", mark=mark)


def _tag(number: int, box: Box, size: int) -> str:
    """The group's colour with its number; where groups outnumber colours the number alone tells."""
    color = (number - 1) % len(GROUP_COLORS) + 1
    x, y = box.x + box.width / 2, box.y + box.height / 2 + size * 0.36
    return (
        f'<rect class="group-{color}" {_at(box)} rx="3"/><text class="in-group" x="{x:.1f}" '
        f'y="{y:.1f}" font-size="{size}" text-anchor="middle">{number}</text>'
    )


def _tagged(number: int | None, box: Box) -> list[str]:
    if number is None:
        x, y = box.x + box.width - _TAG / 2 - 3, box.y + box.height / 2 + 4
        return [f'<text class="soft" x="{x:.1f}" y="{y:.1f}" text-anchor="middle">-</text>']
    tag = Box(x=box.x + box.width - _TAG - 3, y=box.y + 4, width=_TAG, height=box.height - 8)
    return [_tag(number, tag, 12)]
