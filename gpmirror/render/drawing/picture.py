"""A plan and a layout as pictures before they are drawn: hosts with cells, arrows, loads."""

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum

from gpmirror.model.layout import Layout
from gpmirror.model.text import counted
from gpmirror.plan.model import Action, Change, Plan
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
