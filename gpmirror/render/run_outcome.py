"""What became of a plan, content by content, judged from the catalog: the honest table."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from gpmirror.cluster.counting import counted, ranges
from gpmirror.plan.model import Action, Change, Plan
from gpmirror.render.columns import folded
from gpmirror.render.marks import MARKS
from gpmirror.render.prose import paragraph
from gpmirror.render.spans import BLANK, Line, Span, Style, line, styled
from gpmirror.verify.model import ContentHealth, CopyState, Health

MOST_ROWS = 40
"""Up to so many contents are all shown."""
FIRST_ROWS = 20
"""So many of a longer list are shown; the rest is counted."""

DONE = "done"
_AT_TARGET = {
    CopyState.SYNCED: DONE,
    CopyState.SYNCING: "catching up",
    CopyState.SINGLE: "down",
    CopyState.NONE: "no live copy",
}
_UNTOLD = {**_AT_TARGET, CopyState.SYNCED: "in sync"}
_STYLES = {"down": Style.ALARM, "no live copy": Style.ALARM, "catching up": Style.CARE}
_HEAD = ("", "content", "state", "primary", "mirror now", "why")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A content after a run. `state` is `done`, `in sync` (host and port do not show whether it
    was moved), `catching up`, `down`, `no live copy`, `running` (its utility is still at work) or
    `not started`; `change` None: the plan did not touch it.
    """

    health: ContentHealth
    state: str
    change: Change | None


def outcomes(plan: Plan, health: Health, underway: Collection[int] = ()) -> tuple[Outcome, ...]:
    """Every content that the plan changes, and every other that is not in sync. A utility is still
    at work on those `underway`.
    """
    changes = {found.content: found for found in plan.changes if found.action in _CHANGING}
    return tuple(
        Outcome(health=found, state=_state(found, change, underway), change=change)
        for found in health.contents
        if (change := changes.get(found.content)) or found.state is not CopyState.SYNCED
    )


_CHANGING = frozenset(Action) - {Action.BLOCKED}


def outcome_lines(found: Iterable[Outcome], *, width: int) -> list[Line]:
    """What is done in one line, all else in a table."""
    every = list(found)
    done = [one.health.content for one in every if one.state == DONE]
    rest = [one for one in every if one.state != DONE]
    lines: list[Line] = []
    if done:
        text = f"{counted(len(done), 'content')} done and in sync: {ranges(done)}"
        lines += paragraph(text, width=width, hang=2, style=Style.ADD)
    return [*lines, *_table(rest, width=width)]


def _state(found: ContentHealth, change: Change | None, underway: Collection[int]) -> str:
    if change is None:
        return _AT_TARGET[found.state]
    if found.content in underway:
        return "running"
    if _is_there(found, change):
        is_told = change.from_ == change.to or not _same_port(change)
        return _AT_TARGET[found.state] if is_told else _UNTOLD[found.state]
    if found.state in {CopyState.SYNCED, CopyState.SYNCING} or found.mirror is None:
        return "not started"
    return _AT_TARGET[found.state]


def _same_port(change: Change) -> bool:
    """Whether only a directory or an address moves: host and port are the same before and after."""
    old, new = change.from_, change.to
    if old is None or new is None:
        return False
    return (old.host, old.port) == (new.host, new.port)


def _is_there(found: ContentHealth, change: Change) -> bool:
    """Whether the copy is where the plan wants it; roles where the plan returns them."""
    if change.action is Action.REBALANCE:
        return not found.switched
    if change.to is None or found.mirror is None:
        return False
    hosts = {change.to.host, change.to.address, change.hostname_after}
    places = {f"{host}:{change.to.port}" for host in hosts}
    # of a content whose roles are switched the plan may change what is now the primary
    return bool(places & ({found.mirror, found.primary} if found.switched else {found.mirror}))


def _table(rest: list[Outcome], *, width: int) -> list[Line]:
    if not rest:
        return []
    shown = rest if len(rest) <= MOST_ROWS else rest[:FIRST_ROWS]
    head = tuple(line(styled(word, Style.FAINT)) if word else BLANK for word in _HEAD)
    rows = [head, *(_row(found) for found in shown)]
    table = folded(rows, width=width - 2, lead=3, numbers=frozenset({1}))
    lines = [(Span("  "), *found) for found in table]
    if len(shown) < len(rest):
        left = [found.health.content for found in rest[FIRST_ROWS:]]
        text = f"... {counted(len(left), 'content')} more not done: {ranges(left)}"
        lines += paragraph(text, width=width, hang=2)
    return lines


def _row(found: Outcome) -> tuple[Line, ...]:
    mark = (Span("-"),) if found.change is None else (MARKS[found.change.action].span,)
    health = found.health
    return (
        mark,
        line(str(health.content)),
        line(styled(found.state, _STYLES.get(found.state, Style.PLAIN))),
        line(health.primary),
        line(health.mirror or "none"),
        line(health.reason or _remark(found)),
    )


def _remark(found: Outcome) -> str:
    if found.change is None:
        return "not in this plan"
    if found.state == "running":
        return "its utility goes on"
    return "moved or not: host and port are the same" if found.state == "in sync" else ""
