"""The changes of a plan as Markdown tables: each rule once, above its lines."""

from collections.abc import Iterable

from gpmirror.plan.model import Action, Plan
from gpmirror.render.folding import COLUMNS, Fold, Lines, Ruled, opened
from gpmirror.render.human_changes import count_text, rule_text
from gpmirror.render.markdown_text import code, escaped, row

ROWS_SHOWN = 30
"""So many lines of changes stand in the open; the rest is folded away."""

_HEAD = (row(*COLUMNS), row("---", "---", "---", "---", "---"))


def change_tables(plan: Plan) -> tuple[list[str], list[str], int]:
    """What stands in the open, what is folded away, and how many lines of changes that are."""
    shown, rest, hidden = opened(plan, ROWS_SHOWN)
    return _tables(shown), _tables(rest), hidden


def _tables(found: Iterable[Lines]) -> list[str]:
    return [line for lines in found for line in _table(*lines)]


def _table(action: Action, ruled: Ruled, folds: tuple[Fold, ...]) -> list[str]:
    title = f"**{escaped(count_text(action, ruled))}**: {escaped(rule_text(ruled))}"
    told = [f"- directory {code(text)}" for text in ruled.directories]
    return [title, "", *told, *([""] if told else []), *_HEAD, *map(_row, folds), ""]


def _row(fold: Fold) -> str:
    storage = code(fold.storage) if fold.storage else ""
    return row(
        code(fold.hosts), escaped(fold.named), escaped(fold.place), storage, escaped(fold.notes)
    )
