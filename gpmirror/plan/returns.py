"""Roles that go back: the utility switches every pair that it can, so the plan names all of them."""

from collections.abc import Iterable, Sequence

from gpmirror.plan.classify import Classified, blocked_by
from gpmirror.plan.model import Action, Change
from gpmirror.plan.request import Request
from gpmirror.plan.state import State


def find_returns(
    classified: Classified, selected: Iterable[Change], state: State, request: Request
) -> frozenset[int]:
    """Contents that are recovered with their roles switched, and go back in the same plan: none
    where no rebalance was asked for or the selection leaves it out.
    """
    left_out = {change.content for change in classified.changes} - {c.content for c in selected}
    if not request.rebalance or any(
        change.action is Action.REBALANCE and change.content in left_out
        for change in classified.changes
    ):
        return frozenset()
    return frozenset(
        change.content
        for change in selected
        if change.action is Action.RECOVER and state.copies[change.content].switched
    )


def staying_single(changes: Iterable[Change], state: State) -> list[int]:
    """Contents that have one copy and do not get the other one back by these changes."""
    mended = {c.content for c in changes if c.action in {Action.RECOVER, Action.ADD}}
    return sorted(
        c.content for c in state.copies.values() if c.is_single and c.content not in mended
    )


def block_returns(changes: Sequence[Change], single: Sequence[int]) -> list[Change]:
    """Rebalances become blocked: 4.3 and 5 switch roles back only when all segments are in sync."""
    reason = (
        f"4.3 and 5 switch roles back only when all segments are in sync; content {single[0]} "
        "is not"
    )
    return [
        blocked_by(change, reason) if change.action is Action.REBALANCE else change
        for change in changes
    ]
