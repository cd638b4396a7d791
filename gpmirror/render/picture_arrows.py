"""Arrows between hosts: curves that end at the edge of a box, thicker for more copies."""

from collections.abc import Collection
from html import escape
from math import hypot

from gpmirror.render.picture import MEANINGS, Arrow
from gpmirror.render.picture_layout import Box
from gpmirror.render.spans import visible

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
        f'd="M{_at(start)} Q{_at(middle)} {_at(tail)}"/>'
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
    return " ".join(_at(point) for point in points)


def _at(point: Point) -> str:
    return f"{point[0]:.1f},{point[1]:.1f}"
