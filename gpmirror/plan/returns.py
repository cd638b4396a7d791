"""Roles that go back: the utility switches every pair that it can, so the plan names all of them."""

from collections.abc import Iterable, Sequence

from gpmirror.cluster.dialect import Dialect
from gpmirror.plan.classify import Classified, blocked_by
from gpmirror.plan.model import Action, Change
from gpmirror.plan.phases import Phases
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
        if change.action is Action.RECOVER and state.contents[change.content].switched
    )


def staying_single(changes: Iterable[Change], state: State) -> list[int]:
    """Contents that have one copy and do not get the other one back by these changes."""
    fixed = {c.content for c in changes if c.action in {Action.RECOVER, Action.ADD}}
    return sorted(
        content.number
        for content in state.contents.values()
        if len(content.live_hosts) < 2 and content.number not in fixed  # noqa: PLR2004 - both copies
    )


def must_block(phases: Phases, single: Sequence[int], dialect: Dialect) -> bool:
    """Whether no role may return in this plan: `single` contents stay as they are to its end. From 6
    on a plan that does nothing else is left to the gate before its wave, which looks again.
    """
    returning = [wave.action is Action.REBALANCE for wave in phases.waves]
    return bool(single) and any(returning) and (dialect.file_replication or not all(returning))


def block_returns(
    changes: Sequence[Change], single: Sequence[int], dialect: Dialect
) -> list[Change]:
    """Rebalances become blocked, so that the other changes are done."""
    who = "4.3 and 5 switch roles back" if dialect.file_replication else "roles return"
    reason = (
        f"{who} only when all segments are in sync; content {single[0]} is not: bring it in sync "
        "first (`gpmirror plan` without `--rebalance` says how), then plan again"
    )
    return [
        blocked_by(change, reason) if change.action is Action.REBALANCE else change
        for change in changes
    ]
