"""The list of changes for a terminal: one table an action, folded to the width."""

from collections.abc import Iterable

from gpmirror.cluster.counting import counted, ranges
from gpmirror.plan.model import Action, Change, Plan
from gpmirror.render.columns import folded, needed
from gpmirror.render.marks import MARKS
from gpmirror.render.prose import heading, paragraph
from gpmirror.render.slots import arrow_cells, method_text
from gpmirror.render.spans import BLANK, Line, Span, Style, line

FULL_LIST = 40
"""Up to so many changes of one action are all shown."""
FIRST = 20
"""So many of a longer list are shown; the rest is counted."""

_NUMBERS = frozenset({1})
_NOW = {Action.ADD: "", Action.BLOCKED: "mirror"}
_PLANNED = {Action.ADD: "   new mirror", Action.BLOCKED: ""}


def changes_section(plan: Plan, *, width: int) -> list[Line]:
    """Every action's changes. Long lists are cut with the number left out and how to see them."""
    lines: list[Line] = []
    for action in MARKS:
        found = [change for change in plan.changes if change.action is action]
        if found:
            lines += _action_table(action, found, width=width)
    return [*heading("Changes"), *lines[1:]] if lines else []


def why_text(change: Change) -> str:
    """The reason and the line that asks for it."""
    return f"{change.reason} ({change.source})"


def remarks(change: Change) -> str:
    """How a copy is brought back, and the hostname it will have if that changes."""
    hostname = change.hostname_after
    renamed = "" if hostname is None else f"hostname becomes {hostname}"
    return "; ".join(part for part in (method_text(change), renamed) if part)


def _action_table(action: Action, found: list[Change], *, width: int) -> list[Line]:
    shown = found if len(found) <= FULL_LIST else found[:FIRST]
    lines: list[Line] = [BLANK, *_table(action, shown, width=width)]
    if len(found) > len(shown):
        lines += paragraph(_cut(action, len(found), len(shown)), width=width, indent=4, hang=2)
    return lines


def _table(action: Action, shown: list[Change], *, width: int) -> list[Line]:
    """With the reason on each line where all lines fit; else reasons below, each said once."""
    rows = [_row(change) for change in shown]
    whys = [line(why_text(change)) for change in shown]
    full = [_head(action, "why"), *((*row, why) for row, why in zip(rows, whys, strict=True))]
    if needed(full) <= width - 2:
        return _indented(folded(full, width=width - 2, lead=3, numbers=_NUMBERS))
    plain = [_head(action, "")[:6], *rows]
    lines = _indented(folded(plain, width=width - 2, lead=3, numbers=_NUMBERS))
    return [*lines, *_reasons(shown, width=width)]


def _indented(lines: Iterable[Line]) -> list[Line]:
    return [(Span("  "), *one) for one in lines]


def _reasons(shown: list[Change], *, width: int) -> list[Line]:
    contents: dict[str, list[int]] = {}
    for change in shown:
        contents.setdefault(why_text(change), []).append(change.content)
    lines: list[Line] = []
    for why, those in contents.items():
        lines += paragraph(f"why {ranges(those)}: {why}", width=width, indent=4, hang=2)
    return lines


def _head(action: Action, why: str) -> tuple[Line, ...]:
    now = _NOW.get(action, "mirror now")
    planned = _PLANNED.get(action, "   planned")
    words = ("", "content", "primary", now, planned, "", why)
    return tuple((Span(word, Style.FAINT),) if word else BLANK for word in words)


def _cut(action: Action, found: int, shown: int) -> str:
    rest = counted(found - shown, f"{action.value} change")
    return f"... {rest} not listed here; `gpmirror show PLAN --format json` lists all {found:,}"


def _row(change: Change) -> tuple[Line, ...]:
    old, new = arrow_cells(change)
    mark = (MARKS[change.action].span,)
    place = (line(str(change.content)), line(change.primary))
    return (mark, *place, old, new, line(remarks(change)))
