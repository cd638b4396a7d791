"""What a run that went well says at its end."""

from gpmirror.errors import ExitCode
from gpmirror.plan.model import Plan
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
    """The plan has no waves."""
    blocked = plan.summary.blocked
    words = f"Nothing to apply: {blocked} blocked." if blocked else "Nothing to apply."
    return Outcome(code=ExitCode.OK, summary=words)


def _rehearsed(plan: Plan) -> str:
    return (
        f"Rehearsal complete: nothing was changed; apply would run {len(plan.waves)} "
        f"{'wave' if len(plan.waves) == 1 else 'waves'} as shown."
    )


def _counts(run: Run) -> str:
    did = run.plan.summary
    return (
        f"Apply complete: {did.add} added, {did.move} moved, {did.recover} recovered, "
        f"{did.rebalance} rebalanced; every mirror of the plan is in sync."
    )


def _next(run: Run) -> tuple[str, ...]:
    found = []
    switched = [] if run.health is None else [c.content for c in run.health.contents if c.switched]
    if switched:
        shown = ", ".join(str(content) for content in switched[:8])
        found.append(
            f"{len(switched)} contents act with switched roles ({shown}): return them with "
            "`gpmirror apply --rebalance` in a quiet hour"
        )
    if run.plan.summary.blocked:
        found.append(f"{run.plan.summary.blocked} contents are blocked: `gpmirror plan` says why")
    return tuple(found)
