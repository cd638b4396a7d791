"""The changes of a plan as Markdown tables: each rule once, above its lines."""

from gpmirror.plan.model import Action, Plan
from gpmirror.render.folding import Fold, Ruled, parts
from gpmirror.render.human_changes import count_text, rule_text
from gpmirror.render.markdown_text import code, escaped, row

ROWS_SHOWN = 30
"""So many lines of changes stand in the open; the rest is folded away."""

_COLUMNS = ("hosts", "contents", "ports", "directory", "")
_HEAD = (row(*_COLUMNS), row("---", "---", "---", "---", "---"))


def change_tables(plan: Plan) -> tuple[list[str], list[str], int]:
    """What stands in the open, what is folded away, and how many lines of changes that are."""
    opened: list[str] = []
    more: list[str] = []
    left, hidden = ROWS_SHOWN, 0
    for part in parts(plan):
        for ruled in part.ruled:
            shown, rest = ruled.folds[:left], ruled.folds[left:]
            opened += _table(part.action, ruled, shown)
            more += _table(part.action, ruled, rest)
            left, hidden = left - len(shown), hidden + len(rest)
    return opened, more, hidden


def _table(action: Action, ruled: Ruled, folds: tuple[Fold, ...]) -> list[str]:
    if not folds:
        return []
    title = f"**{escaped(count_text(action, ruled))}**: {escaped(rule_text(ruled))}"
    told = [f"- directory {code(text)}" for text in ruled.directories]
    return [title, "", *told, *([""] if told else []), *_HEAD, *map(_row, folds), ""]


def _row(fold: Fold) -> str:
    ports = ", ".join(part for part in (fold.ports, fold.replication, fold.address) if part)
    storage = code(fold.storage) if fold.storage else ""
    return row(code(fold.hosts), escaped(fold.named), escaped(ports), storage, escaped(fold.notes))
