"""A run for people: what is shown before the question, its end, and past runs."""

from collections.abc import Collection, Iterable, Sequence
from typing import Literal

from gpmirror.errors import ExitCode
from gpmirror.events import RunEnded
from gpmirror.model.names import natural, one_expression
from gpmirror.model.text import counted, ranges
from gpmirror.plan.model import Action, Change, Plan
from gpmirror.plan.planfile import plan_id
from gpmirror.render.plan import (
    LEAST_WIDTH,
    banners,
    changes_section,
    exposure_section,
    hazards_section,
    server_text,
    title_lines,
    warning_texts,
)
from gpmirror.render.progress import short_id
from gpmirror.render.text import (
    BLANK,
    MARKS,
    Line,
    Span,
    Style,
    fitted,
    folded,
    heading,
    line,
    painted,
    paragraph,
    styled,
    summary_line,
)
from gpmirror.render.waves import waves_section
from gpmirror.run.outcome import roles_texts
from gpmirror.values import dataclass
from gpmirror.verify import ContentHealth, CopyState, Health

# --- What became of a plan, content by content, judged from the catalog: the honest table.


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
class ContentOutcome:
    """A content after a run. `state` is `done`, `in sync` (host and port do not show whether it
    was moved), `catching up`, `down`, `no live copy`, `running` (its utility is still at work) or
    `not started`; `change` None: the plan did not touch it.
    """

    health: ContentHealth
    state: str
    change: Change | None


def outcomes(
    plan: Plan, health: Health, underway: Collection[int] = ()
) -> tuple[ContentOutcome, ...]:
    """Every content that the plan changes, and every other that is not in sync. A utility is still
    at work on those `underway`.
    """
    changes = {found.content: found for found in plan.changes if found.action in _CHANGING}
    return tuple(
        ContentOutcome(health=found, state=_state(found, change, underway), change=change)
        for found in health.contents
        if (change := changes.get(found.content)) or found.state is not CopyState.SYNCED
    )


_CHANGING = frozenset(Action) - {Action.BLOCKED}


def outcome_lines(found: Iterable[ContentOutcome], *, width: int) -> list[Line]:
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


def _table(rest: list[ContentOutcome], *, width: int) -> list[Line]:
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


def _row(found: ContentOutcome) -> tuple[Line, ...]:
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


def _remark(found: ContentOutcome) -> str:
    if found.change is None:
        return "not in this plan"
    if found.state == "running":
        return "its utility goes on"
    return "moved or not: host and port are the same" if found.state == "in sync" else ""


# --- What a person sees before saying yes: what is at stake, every change, the commands that make it.


MOST_REMARKS = 4
"""So many warnings that only the plan file says are shown; the rest is counted."""
MOST_REMARK = 600
"""So many characters of a remark are shown."""
_KEY = 12


def question(plan: Plan, *, clears: bool = False, spec: str | None = None) -> str:
    """What is asked after the preview; `clears`: and after a list of cut-off copies that go first;
    `spec`: the file that says so, where the operator did not name it.
    """
    first = "Delete the cut-off copies named above, then apply" if clears else "Apply"
    checks = "" if clears else "After your yes every host is checked before anything changes.\n"
    source = f", as {spec} says" if spec else ""
    return (
        f"{checks}{first} these changes to cluster {plan.cluster}{source}? Only 'yes' is accepted:"
    )


def preview(
    plan: Plan,
    *,
    rest_of: str | None = None,
    server: str | None = None,
    width: int = 100,
    color: bool = False,
) -> str:
    """What is exposed, every change, the command lines that make it, and nearest to the question what
    is dangerous; the fixed summary last. `rest_of` names the run whose rest it is, `server` the one
    that was connected to where that is not the one of the plan.
    """
    columns = max(width, LEAST_WIDTH)
    lines: list[Line] = [
        *title_lines("gpmirror apply", plan, width=columns),
        *_facts(plan, rest_of, server or _coordinator(plan), width=columns),
        *_remarks(plan, width=columns),
        *exposure_section(plan, width=columns),
        *changes_section(plan, width=columns),
        *waves_section(plan, width=columns),
        *hazards_section(plan, width=columns),
        BLANK,
    ]
    text = fitted(painted(lines, color=color), width=columns)
    return text + painted([line(styled(summary_line(plan), Style.STRONG))], color=color)


def _facts(plan: Plan, rest_of: str | None, coordinator: str, *, width: int) -> list[Line]:
    entries = {
        "server": server_text(plan),
        "plan": f"{short_id(plan_id(plan))} made from {_cut(plan.spec_file)}",
        "coordinator": coordinator,
        "hosts": _hosts(plan),
    }
    lines: list[Line] = []
    for key, text in entries.items():
        if text:
            lines += paragraph(f"{key:<{_KEY}} {text}", width=width, hang=_KEY + 1)
    for text in banners(plan) if rest_of is None else [f"the rest of run {rest_of}"]:
        lines += paragraph(text, width=width, hang=2, style=Style.CARE)
    return lines


def _coordinator(plan: Plan) -> str:
    host, _, _ = plan.fingerprint.coordinator.partition(" ")
    known = plan.settings.coordinator
    user = f"{known.user}@" if known.user else ""
    return f"{user}{known.host}:{known.port}" if known.host and known.port else f"{user}{host}"


def _hosts(plan: Plan) -> str:
    """Who gets copies, who is only left, whose roles swap: all but those that are left must answer."""
    steps = [step for wave in plan.waves for step in wave.steps]
    returning = {s.content for w in plan.waves if w.action is Action.REBALANCE for s in w.steps}
    targets = {step.to.host for step in steps if step.to is not None}
    swaps = {change.primary for change in plan.changes if change.content in returning}
    swaps |= {step.from_.host for step in steps if step.to is None and step.from_ is not None}
    left = {step.from_.host for step in steps if step.from_ is not None} - targets - swaps
    return "; ".join(
        f"{words} {one_expression(sorted(found, key=natural))}"
        for words, found in (
            (f"{counted(len(targets), 'host')} to get copies:", targets),
            (f"{counted(len(left), 'host')} that mirrors leave:", left),
            (f"roles swap on {counted(len(swaps), 'host')}:", swaps),
        )
        if found
    )


def _cut(text: str) -> str:
    """A remark scrolls nothing else away."""
    return text if len(text) <= MOST_REMARK else f"{text[:MOST_REMARK]} ..."


def _remarks(plan: Plan, *, width: int) -> list[Line]:
    """First all that the planner says: whoever wrote the file cannot push it out."""
    own, foreign = warning_texts(plan)
    lines = heading("Warnings") if own or foreign else []
    for text in (*own, *foreign[:MOST_REMARKS]):
        lines += paragraph(_cut(text), width=width, hang=2, style=Style.CARE)
    if len(foreign) > MOST_REMARKS:
        rest = counted(len(foreign) - MOST_REMARKS, "warning")
        lines += paragraph(
            f"... {rest} more from the file; `gpmirror show PLAN` lists all", width=width
        )
    return lines


# --- The last lines of a run: what was done, what was not, and what to do next.


_UNFINISHED = frozenset({ExitCode.PARTIAL, ExitCode.UNVERIFIED, ExitCode.INTERRUPTED})


def summary(
    ended: RunEnded,
    health: Health | None = None,
    plan: Plan | None = None,
    *,
    underway: Collection[int] = (),
    width: int = 100,
    color: bool = False,
) -> str:
    """The result in one line; of an unfinished run first a table of
    what became of each content, where catalog and plan are known; then NEXT ACTIONS. A utility is
    still at work on the contents `underway`.
    """
    lines: list[Line] = []
    found = outcomes(plan, health, underway) if plan is not None and health is not None else ()
    if ended.exit_code in _UNFINISHED and found:
        lines += [*outcome_lines(found, width=width), BLANK]
    style = Style.STRONG if ended.exit_code == ExitCode.OK else Style.ALARM
    lines += [line(styled(text, style)) for text in ended.summary.split("\n")]
    actions = _next_actions(ended, health)
    if actions:
        lines += heading("NEXT ACTIONS")
    for text in (one for action in actions for one in action.split("\n")):
        lines += paragraph(text, width=width, hang=2)
    return painted(lines, color=color)


def _next_actions(ended: RunEnded, health: Health | None) -> list[str]:
    """What the run says, and what nobody may forget even if it does not say it."""
    actions = list(ended.next_actions)
    told = " ".join(actions)
    # an interrupted run says itself how to go on, save where it changed nothing
    if ended.exit_code == ExitCode.PARTIAL and "resume" not in told:
        actions.append(f"`gpmirror resume {ended.run}` goes on from what the catalog shows")
    if ended.exit_code == ExitCode.UNVERIFIED and "status" not in told:
        actions.append(_look(health))
    if health is not None and "--rebalance" not in told:
        actions += roles_texts(health)
    return actions


def _look(health: Health | None) -> str:
    """Only what is on its way is worth waiting for."""
    states = {one.state for one in health.contents} if health else set()
    if CopyState.SYNCING in states:
        return "`gpmirror status --wait 2h` waits until every mirror is in sync"
    return "`gpmirror status` shows the copies, `gpmirror plan` what is left"


# --- The runs that a journal knows, newest first.


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

_STATE_STYLES: dict[RunState, Style] = {
    "running": Style.ROLE,
    "complete": Style.ADD,
    "partial": Style.CARE,
    "failed": Style.ALARM,
    "detached": Style.CARE,
}
_COLUMNS = ("run", "started", "cluster", "state", "plan", "waves")
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
    head = tuple(line(styled(word, Style.FAINT)) for word in _COLUMNS)
    table = [head, *(_run_cells(found) for found in rows)]
    return painted(folded(table, width=width, lead=1, numbers=frozenset()), color=color)


def _run_cells(found: RunRow) -> tuple[Line, ...]:
    return (
        line(found.run),
        line(found.started),
        line(found.cluster),
        line(styled(found.state, _STATE_STYLES.get(found.state, Style.PLAIN))),
        line(found.plan[:_ID]),
        line(f"{found.waves_done} of {found.waves}"),
    )
