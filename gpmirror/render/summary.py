"""The one line a plan comes down to; its wording is fixed."""

from gpmirror.plan.model import Plan, Summary

NO_CHANGES = "No changes. The catalog matches the spec."


def summary_line(plan: Plan) -> str:
    """What the plan does in one line; `No changes.` only where nothing differs or is blocked."""
    return _counts(plan.summary) if plan.summary.differs else NO_CHANGES


def _counts(found: Summary) -> str:
    return (
        f"Plan: {found.add} to add, {found.move} to move, {found.recover} to recover, "
        f"{found.rebalance} to rebalance; {found.unchanged} unchanged, {found.blocked} blocked, "
        f"{found.switched} switched."
    )
