"""The end of a run: proof from the catalog that the plan is carried out."""

from collections.abc import Collection

from gpmirror.cluster.counting import counted
from gpmirror.errors import Unverified
from gpmirror.plan.model import Action, Change, Plan
from gpmirror.plan.replan import what_is_beyond, what_is_left
from gpmirror.verify import CopyState, Health
from gpmirror.workflow.looking import look_until
from gpmirror.workflow.outcomes import complete
from gpmirror.workflow.running import Outcome, Run


def verify(run: Run) -> Outcome:
    """Nothing of the plan is left, and every copy of it is in sync. Raises Unverified (11)."""
    with run.phase("verify") as detail:
        mine = {c.content for c in run.plan.changes if c.action is not Action.BLOCKED}
        observed, health = look_until(run, lambda _, found: not _loose(found, mine))
        left = what_is_left(run.plan, observed).changes
        words = [f"content {change.content} is still to {change.action.value}" for change in left]
        words += _loose(health, mine)
        if words:
            raise Unverified(
                "the catalog does not prove the plan: " + "; ".join(words[:8]),
                hint="`gpmirror status` shows the copies, `gpmirror plan` what is left",
            )
        beyond = what_is_beyond(run.plan, observed).changes
        detail.append(f"{counted(len(mine), 'content')} in sync, {_rest(run.plan, beyond, health)}")
    return complete(run, health, beyond)


def _rest(plan: Plan, beyond: Collection[Change], health: Health) -> str:
    """What a second plan would hold, as far as this one can tell: it knows its own contents alone."""
    if beyond:
        return "a later plan has more to do"
    if any(change.action is Action.BLOCKED for change in plan.changes):
        return "nothing but what is blocked is left"
    whole = plan.selection is None and health.all_synced
    return "a second plan is empty" if whole else "nothing of this plan is left"


def _loose(health: Health, mine: Collection[int]) -> list[str]:
    return [
        f"content {found.content}: {found.reason}"
        for found in health.contents
        if found.content in mine and found.state is not CopyState.SYNCED
    ]
