"""The differences of two plans, or of two catalogs, for a person at a terminal."""

from collections.abc import Iterable

from gpmirror.model.segment import Segment
from gpmirror.model.text import counted
from gpmirror.plan.compare import (
    FactDifference,
    Kind,
    ObservedDifference,
    PlanDifference,
    RowDifference,
)
from gpmirror.plan.model import Change
from gpmirror.render.folding import remarks
from gpmirror.render.plan import why_text
from gpmirror.render.text import Line, Style, heading, painted, paragraph, slot_text

NO_DIFFERENCES = "No differences."

_FULL_LIST = 200
"""Up to so many entries of one kind are shown; the rest is counted."""

_STYLES: dict[Kind, Style] = {
    "added": Style.ADD,
    "removed": Style.ALARM,
    "moved": Style.CARE,
    "switched": Style.ROLE,
    "changed": Style.CARE,
}


def difference_human(
    found: PlanDifference, *, first: str, second: str, width: int, color: bool
) -> str:
    """What differs between two plans, called by their names; exactly `No differences.` if none."""
    if not found.differs:
        return f"{NO_DIFFERENCES}\n"
    lines = [
        *_told("Made from", found.facts, width=width),
        *_changes(f"Only in {first}", found.only_first, Style.ALARM, width=width),
        *_changes(f"Only in {second}", found.only_second, Style.ADD, width=width),
        *_changed("In both, differently", found.changed, width=width),
        *_told("Waves", found.waves, width=width),
        *_told("Hazards and guards", found.dangers, width=width),
    ]
    return painted([*_title(first, second, width=width), *lines], color=color)


def observed_difference_human(
    found: ObservedDifference, *, first: str, second: str, width: int, color: bool
) -> str:
    """What differs between two catalogs; exactly `No differences.` if nothing does."""
    if not found.differs:
        return f"{NO_DIFFERENCES}\n"
    lines = [*_title(first, second, width=width), *observed_differences(found, width=width)]
    return painted(lines, color=color)


def observed_differences(found: ObservedDifference, *, width: int) -> list[Line]:
    """What differs between two catalogs, without a title; nothing if nothing does."""
    rows = [(_row_text(row), _STYLES[row.kind]) for row in found.rows]
    return [
        *_told("Server", found.facts, width=width),
        *_entries("Segments", rows, width=width),
    ]


def change_text(change: Change) -> str:
    """One change in one sentence."""
    slots = " -> ".join(slot_text(slot) for slot in (change.from_, change.to) if slot is not None)
    parts = (f"content {change.content}: {change.action.value} {slots}".rstrip(), remarks(change))
    return "; ".join(part for part in (*parts, why_text(change)) if part)


def row_text(row: Segment) -> str:
    """A catalog row in one sentence: place, roles, status and mode."""
    directory = "directory unknown" if row.directory is None else row.directory
    address = "" if row.address == row.hostname else f" at {row.address}"
    roles = f"role {row.role}, prefers {row.preferred_role}"
    place = f"{row.hostname}:{row.port}{address} {directory}"
    return f"{place} ({roles}, status {row.status}, mode {row.mode}, dbid {row.dbid})"


def _title(first: str, second: str, *, width: int) -> list[Line]:
    return paragraph(f"{first} -> {second}", width=width, indent=0, style=Style.STRONG)


def _entries(title: str, texts: Iterable[tuple[str, Style]], *, width: int) -> list[Line]:
    found = list(texts)
    lines = heading(title) if found else []
    for text, style in found[:_FULL_LIST]:
        lines += paragraph(text, width=width, hang=2, style=style)
    if len(found) > _FULL_LIST:
        rest = counted(len(found) - _FULL_LIST, "difference")
        lines += paragraph(f"... {rest} not listed here", width=width)
    return lines


def _told(title: str, facts: Iterable[FactDifference], *, width: int) -> list[Line]:
    texts = [(f"{fact.name}: {fact.first} -> {fact.second}", Style.CARE) for fact in facts]
    return _entries(title, texts, width=width)


def _changes(title: str, changes: Iterable[Change], style: Style, *, width: int) -> list[Line]:
    return _entries(title, [(change_text(change), style) for change in changes], width=width)


def _changed(title: str, pairs: Iterable[tuple[Change, Change]], *, width: int) -> list[Line]:
    texts: list[tuple[str, Style]] = []
    for one, other in pairs:
        texts += [(f"- {change_text(one)}", Style.ALARM), (f"+ {change_text(other)}", Style.ADD)]
    return _entries(title, texts, width=width)


def _row_text(found: RowDifference) -> str:
    row = found.row
    kind = "primary" if row.is_preferred_primary else "mirror"
    sides = " -> ".join(row_text(side) for side in (found.first, found.second) if side is not None)
    return f"{found.kind}: content {row.content} {kind} {sides}"
