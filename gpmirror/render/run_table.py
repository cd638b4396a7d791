"""The runs that a journal knows, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gpmirror.render.columns import folded
from gpmirror.render.spans import Line, Style, line, painted, styled

RunState = Literal[
    "running",
    "complete",
    "partial",
    "failed",
    "refused",
    "detached",
    "interrupted",
    "unknown",
]

_STYLES: dict[RunState, Style] = {
    "running": Style.ROLE,
    "complete": Style.ADD,
    "partial": Style.CARE,
    "failed": Style.ALARM,
    "detached": Style.CARE,
}
_HEAD = ("run", "started", "cluster", "state", "plan", "waves")
_ID = 8
"""Characters of a plan's id: a run has its own name, and a line 80 columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run. `started` is text as it is to be shown, `plan` the plan's whole id."""

    run: str
    started: str
    cluster: str
    state: RunState
    plan: str
    waves_done: int
    waves: int


def runs_table(rows: Sequence[RunRow], *, width: int = 100, color: bool = False) -> str:
    """One line a run in the order given; a sentence where there is none."""
    if not rows:
        return painted([line("no runs yet: `gpmirror apply` makes the first")], color=color)
    head = tuple(line(styled(word, Style.FAINT)) for word in _HEAD)
    table = [head, *(_row(found) for found in rows)]
    return painted(folded(table, width=width, lead=1, numbers=frozenset()), color=color)


def _row(found: RunRow) -> tuple[Line, ...]:
    return (
        line(found.run),
        line(found.started),
        line(found.cluster),
        line(styled(found.state, _STYLES.get(found.state, Style.PLAIN))),
        line(found.plan[:_ID]),
        line(f"{found.waves_done} of {found.waves}"),
    )
