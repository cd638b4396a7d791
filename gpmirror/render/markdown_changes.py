"""The changes of a plan as a Markdown table."""

from gpmirror.cluster.segment import Slot
from gpmirror.plan.model import Action, Change, Plan
from gpmirror.render.human_changes import remarks
from gpmirror.render.markdown_text import code, escaped, row
from gpmirror.render.marks import MARKS
from gpmirror.render.slots import slot_text

ROWS_SHOWN = 30
"""So many changes stand in the open; the rest is folded away."""


def change_rows(plan: Plan) -> list[str]:
    """One row a change, by action, in the order they are read."""
    return [_row(change) for action in MARKS for change in plan.changes if change.action is action]


def table(rows: list[str]) -> list[str]:
    """The rows under their heading; nothing for no rows."""
    return [*_HEAD, *rows, ""] if rows else []


def more_rows(rows: list[str]) -> list[str]:
    """The rows under their heading, for use inside a folded part."""
    return [*_HEAD, *rows]


_HEAD = (
    row("", "content", "primary", "now", "planned", "why"),
    row("---", "---:", "---", "---", "---", "---"),
)


def _row(change: Change) -> str:
    why = f"{escaped(change.reason)} ({escaped(change.source)})"
    return row(
        f"{escaped(MARKS[change.action].sign)} {change.action.value}",
        str(change.content),
        code(change.primary),
        _slot(change.from_),
        _planned(change),
        why,
    )


def _planned(change: Change) -> str:
    parts = [_destination(change), escaped(remarks(change))]
    return ", ".join(part for part in parts if part)


def _destination(change: Change) -> str:
    match change.action:
        case Action.REBALANCE:
            return "roles return"
        case Action.RECOVER if change.to == change.from_:
            return "in place"
        case _:
            return _slot(change.to)


def _slot(slot: Slot | None) -> str:
    return "" if slot is None else code(slot_text(slot))
