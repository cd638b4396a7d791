"""The one line a plan comes down to; its wording is fixed."""

from gpmirror.plan.model import Plan, Summary

NO_CHANGES = "No changes. The catalog matches the spec."
NO_CHANGES_SEEN = "No changes. The catalog matches the spec; directories were not compared."


def summary_line(plan: Plan) -> str:
    """What the plan does in one line; `No changes.` only where nothing differs or is blocked, and
    only of a whole plan: what a selection leaves out may differ. A catalog that does not show
    directories cannot match in them, and the line says so.
    """
    if plan.summary.differs or plan.selection is not None:
        return _counts(plan.summary)
    return NO_CHANGES_SEEN if plan.review_only else NO_CHANGES


def _counts(found: Summary) -> str:
    return (
        f"Plan: {found.add} to add, {found.move} to move, {found.recover} to recover, "
        f"{found.rebalance} to rebalance; {found.unchanged} unchanged, {found.blocked} blocked, "
        f"{found.switched} switched."
    )
