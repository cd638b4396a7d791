"""What a run that went well says at its end."""

from collections.abc import Sequence
from dataclasses import replace

from gpmirror.cluster.counting import counted, elapsed_text
from gpmirror.errors import ExitCode, Failure
from gpmirror.plan.model import Action, Change, Plan
from gpmirror.verify import Health
from gpmirror.workflow.advice import advice
from gpmirror.workflow.running import Outcome, Run


def complete(run: Run, health: Health, beyond: Sequence[Change]) -> Outcome:
    """All of the plan is done and proved; `beyond` is what a later plan does to its contents."""
    return Outcome(
        code=ExitCode.OK,
        summary=_counts(run, health),
        next_actions=advice(run.plan, run.name, health, beyond),
        health=health,
    )


def rehearsed(plan: Plan) -> Outcome:
    """All of the plan was rehearsed."""
    waves = counted(len(plan.waves), "wave")
    return Outcome(
        code=ExitCode.OK,
        summary=f"Rehearsal complete: nothing was changed; apply would run {waves} as shown.",
    )


def already(run: Run, proved: Outcome) -> Outcome:
    """The plan was carried out before, as was proved again."""
    by = f" (run {run.wishes.applied_by})" if run.wishes.applied_by else ""
    return replace(proved, summary=f"already applied{by}, 0 changes")


def nothing(plan: Plan) -> Outcome:
    """The plan has no waves. Raises Failure: not because all is well, but blocked."""
    blocked = [change for change in plan.changes if change.action is Action.BLOCKED]
    if blocked:
        told = "; ".join(f"content {change.content}: {change.reason}" for change in blocked[:8])
        are = "is" if len(blocked) == 1 else "are"
        raise Failure(
            f"nothing can be applied, {counted(len(blocked), 'content')} {are} blocked: {told}",
            hint="see to these first; `gpmirror runs` lists runs that may have to be resumed",
        )
    return Outcome(code=ExitCode.OK, summary="Nothing to apply.")


def _counts(run: Run, health: Health) -> str:
    """Returned roles are those of the waves: a content may be recovered first."""
    did = run.plan.summary
    returned = sum(len(w.contents) for w in run.plan.waves if w.action is Action.REBALANCE)
    return (
        f"Apply complete: {did.add} added, {did.move} moved, {did.recover} recovered, "
        f"{returned} rebalanced in {elapsed_text(run.seconds())}; "
        f"every mirror{'' if health.all_synced else ' of the plan'} is in sync."
    )
