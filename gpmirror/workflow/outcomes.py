"""What a run that went well says at its end."""

from gpmirror.errors import ExitCode, Failure
from gpmirror.events.durations import elapsed_text
from gpmirror.plan.model import Action, Plan
from gpmirror.workflow.running import Outcome, Run


def complete(run: Run) -> Outcome:
    """All of the plan is done and proved, or was rehearsed."""
    if run.wishes.rehearsal:
        return Outcome(code=ExitCode.OK, summary=_rehearsed(run.plan))
    return Outcome(
        code=ExitCode.OK, summary=_counts(run), next_actions=_next(run), health=run.health
    )


def already(run: Run) -> Outcome:
    """The plan was carried out before."""
    named = f" (run {run.wishes.applied_by})" if run.wishes.applied_by else ""
    return Outcome(
        code=ExitCode.OK, summary=f"already applied{named}, 0 changes", health=run.health
    )


def nothing(plan: Plan) -> Outcome:
    """The plan has no waves. Raises Failure: not because all is well, but blocked."""
    blocked = [change for change in plan.changes if change.action is Action.BLOCKED]
    if blocked:
        told = "; ".join(f"content {change.content}: {change.reason}" for change in blocked[:8])
        raise Failure(
            f"nothing can be applied, {len(blocked)} contents are blocked: {told}",
            hint="see to these first; `gpmirror runs` lists runs that may have to be resumed",
        )
    return Outcome(code=ExitCode.OK, summary="Nothing to apply.")


def _rehearsed(plan: Plan) -> str:
    return (
        f"Rehearsal complete: nothing was changed; apply would run {len(plan.waves)} "
        f"{'wave' if len(plan.waves) == 1 else 'waves'} as shown."
    )


def _counts(run: Run) -> str:
    """Returned roles are those of the waves: a content may be recovered first."""
    did = run.plan.summary
    returned = sum(len(w.contents) for w in run.plan.waves if w.action is Action.REBALANCE)
    return (
        f"Apply complete: {did.add} added, {did.move} moved, {did.recover} recovered, "
        f"{returned} rebalanced in {elapsed_text(run.seconds())}; every mirror is in sync."
    )


def _next(run: Run) -> tuple[str, ...]:
    found = []
    switched = [] if run.health is None else [c.content for c in run.health.contents if c.switched]
    if switched:
        shown = ", ".join(str(content) for content in switched[:8])
        many = "1 content acts" if len(switched) == 1 else f"{len(switched)} contents act"
        found.append(
            f"{many} with switched roles ({shown}): return them with "
            "`gpmirror apply --rebalance --allow cancels-queries` in a quiet hour"
        )
    if run.plan.summary.blocked:
        found.append(f"{run.plan.summary.blocked} contents are blocked: `gpmirror plan` says why")
    return tuple(found)
