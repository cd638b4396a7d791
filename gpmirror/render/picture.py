"""A plan as a picture before it is drawn: hosts with cells, arrows between hosts."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from gpmirror.plan.model import Action, Change, Plan


class Kind(StrEnum):
    """What a cell or an arrow stands for; the value is its class in the style sheet."""

    PRIMARY = "primary"
    STAYS = "stays"
    ADDED = "added"
    MOVED = "moved"
    RECOVERED = "recovered"
    LEAVES = "leaves"
    BLOCKED = "blocked"


MEANINGS = {
    Kind.PRIMARY: "primary",
    Kind.STAYS: "mirror that stays",
    Kind.ADDED: "mirror added",
    Kind.MOVED: "mirror moved here",
    Kind.RECOVERED: "mirror recovered",
    Kind.LEAVES: "mirror leaves this place",
    Kind.BLOCKED: "blocked",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One copy of a content on a host."""

    content: int
    kind: Kind


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

    kind: Kind
    source: str
    target: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Hosts in ring order, those only the catalog knows last; arrows by source and target."""

    hosts: tuple[PictureHost, ...]
    arrows: tuple[Arrow, ...]


_KINDS = {Action.ADD: Kind.ADDED, Action.MOVE: Kind.MOVED, Action.RECOVER: Kind.RECOVERED}


def picture(plan: Plan) -> Picture:
    """The plan's layouts before and after in one picture."""
    changes = {change.content: change for change in plan.changes}
    primaries: dict[str, list[Cell]] = {}
    mirrors: dict[str, list[Cell]] = {}
    for found in plan.desired.contents:
        primary = Cell(content=found.content, kind=Kind.PRIMARY)
        primaries.setdefault(found.primary.host, []).append(primary)
        change = changes.get(found.content)
        stays = None if found.mirror is None else found.mirror.host
        for host, kind in _mirrors(change, stays):
            mirrors.setdefault(host, []).append(Cell(content=found.content, kind=kind))
    racks = {host.name: host.rack for host in plan.desired.hosts}
    arrows = _arrows(plan.changes)
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
    return cell.kind is Kind.LEAVES, cell.content


def _mirrors(change: Change | None, stays: str | None) -> list[tuple[str, Kind]]:
    """Where a content's mirror is drawn, and as what."""
    if change is None or change.action is Action.REBALANCE:
        return [] if stays is None else [(stays, Kind.STAYS)]
    old = None if change.from_ is None else change.from_.host
    if change.action is Action.BLOCKED:
        place = old or stays
        return [] if place is None else [(place, Kind.BLOCKED)]
    new = None if change.to is None else change.to.host
    cells = [] if old is None or change.from_ == change.to else [(old, Kind.LEAVES)]
    return cells if new is None else [*cells, (new, _KINDS[change.action])]


def _arrows(changes: Iterable[Change]) -> tuple[Arrow, ...]:
    counts: Counter[tuple[str, str, Kind]] = Counter()
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
