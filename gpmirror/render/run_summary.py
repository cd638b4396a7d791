"""The last lines of a run: what was done, what was not, and what to do next."""

from collections.abc import Collection

from gpmirror.cluster.counting import ranges
from gpmirror.errors import ExitCode
from gpmirror.events import RunEnded
from gpmirror.plan.model import Plan
from gpmirror.render.prose import heading, paragraph
from gpmirror.render.run_outcome import outcome_lines, outcomes
from gpmirror.render.spans import BLANK, Line, Style, line, painted, styled
from gpmirror.verify.model import CopyState, Health

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
    switched = [one.content for one in health.contents if one.switched] if health else []
    if switched and "--rebalance" not in told:
        text = f"content {ranges(switched)}: roles are switched; `gpmirror apply --rebalance --allow cancels-queries`"
        actions.append(f"{text} returns them, cancelling running queries")
    return actions


def _look(health: Health | None) -> str:
    """Only what is on its way is worth waiting for."""
    states = {one.state for one in health.contents} if health else set()
    if CopyState.SYNCING in states:
        return "`gpmirror status --wait 2h` waits until every mirror is in sync"
    return "`gpmirror status` shows the copies, `gpmirror plan` what is left"
