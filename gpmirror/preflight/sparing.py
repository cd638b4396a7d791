"""What of a plan needs none of the hosts that do not answer."""

from collections.abc import Iterable
from shlex import quote

from gpmirror.cluster.counting import spans
from gpmirror.plan.model import Action, Change, Plan
from gpmirror.preflight.model import Check, Result


def advice_without_silent(plan: Plan, checks: Iterable[Check]) -> str | None:
    """The selection that brings back what can come back meanwhile, a sentence; None: every host
    answers, or nothing can. Recoveries alone: mirrors move only while all else is in sync, and
    neither an `add` nor a rebalance can be cut.
    """
    silent = {c.host for c in checks if c.name == "reachable" and c.result is Result.BAD}
    changes = [change for change in plan.changes if change.action is not Action.BLOCKED]
    if any(change.action in {Action.ADD, Action.REBALANCE} for change in changes):
        return None
    recoveries = [change for change in changes if change.action is Action.RECOVER]
    spared = sorted(change.content for change in recoveries if not silent & _needed(change))
    if not silent or not spared or len(spared) == len(changes):
        return None
    spec = "" if plan.spec_file == "gpmirror.yaml" else f" {quote(plan.spec_file)}"
    return (
        f"`gpmirror apply{spec} --content {spans(spared)}` brings back what does not need "
        f"{', '.join(sorted(silent))}"
    )


def _needed(change: Change) -> set[str]:
    """From 6 on a copy leaves a silent host only where its name answers all the same."""
    slots = (change.from_, change.to)
    return {change.primary, *(slot.host for slot in slots if slot is not None)}
