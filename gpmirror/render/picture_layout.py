"""Where the hosts of a picture are drawn: a grid, each rack in a frame of its own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gpmirror.render.picture import Picture, PictureHost

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
