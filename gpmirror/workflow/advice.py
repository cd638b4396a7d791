"""What a run that went well leaves to a person, what protects data first."""

from collections.abc import Iterator, Sequence

from gpmirror.cluster.counting import counted, named
from gpmirror.plan.back import leaves_directories
from gpmirror.plan.model import Action, Change, Plan
from gpmirror.plan.replan import replaced_hosts, to_forget
from gpmirror.verify import ContentHealth, CopyState, Health

_LACKS = {
    CopyState.NONE: "no live copy",
    CopyState.SINGLE: "one copy only",
    CopyState.SYNCING: "two copies that are not in sync",
}
_MENDS = {
    CopyState.NONE: "`gpmirror plan` says what is down",
    CopyState.SINGLE: "`gpmirror apply` brings the other one back",
    CopyState.SYNCING: "`gpmirror status --wait 2h` waits for them",
}
_REASONS = 2


def advice(plan: Plan, run: str, health: Health, beyond: Sequence[Change]) -> tuple[str, ...]:
    """One line for each thing that is left. `beyond` is what the layout still asks of the contents
    that the plan is done with; `run` did it.
    """
    blocked = {change.content for change in plan.changes if change.action is Action.BLOCKED}
    synced = {one.content for one in health.contents if one.state is CopyState.SYNCED}
    return (
        *_copies(health, blocked),
        *_roles(health),
        *_moves(beyond),
        *_blocked(len(blocked & synced)),
        *_replaced(plan, blocked),
        *_directories(plan, run),
    )


def _copies(health: Health, blocked: set[int]) -> Iterator[str]:
    """Contents that are not in sync, although the plan is done."""
    for state, lacks in _LACKS.items():
        found = [one for one in health.contents if one.state is state]
        stuck = [one for one in found if one.content in blocked]
        free = [one for one in found if one.content not in blocked]
        if free:
            yield f"{_told(free, lacks)}: {_MENDS[state]}"
        if stuck:
            yield f"{_told(stuck, lacks)}, blocked: `gpmirror plan` says by what"


def _told(found: Sequence[ContentHealth], lacks: str) -> str:
    has = "has" if len(found) == 1 else "have"
    return f"{named(one.content for one in found)} {has} {lacks} ({_reasons(found)})"


def _reasons(found: Sequence[ContentHealth]) -> str:
    if len(found) == 1:
        return found[0].reason
    shown = [f"content {one.content}: {one.reason}" for one in found[:_REASONS]]
    rest = len(found) - len(shown)
    return "; ".join([*shown, f"and {rest} more"] if rest else shown)


def _roles(health: Health) -> Iterator[str]:
    switched = [one.content for one in health.contents if one.switched]
    if switched:
        verb = (
            "is not in its preferred role"
            if len(switched) == 1
            else "are not in their preferred roles"
        )
        then = "" if health.all_synced else ", once every mirror is in sync"
        yield (
            f"{named(switched)} {verb}: return {'it' if len(switched) == 1 else 'them'} with "
            f"`gpmirror apply --rebalance --allow cancels-queries` in a maintenance window{then}"
        )


def _moves(beyond: Sequence[Change]) -> Iterator[str]:
    """Mirrors that had to stay where they are until now. Those whose roles are switched wait on."""
    moves = [change.content for change in beyond if change.action is Action.MOVE]
    if moves:
        yield f"plan again: {named(moves)} {'is' if len(moves) == 1 else 'are'} to move"


def _blocked(count: int) -> Iterator[str]:
    """Those that are in sync: the others are named with what they lack."""
    if count:
        are = "is" if count == 1 else "are"
        yield f"{counted(count, 'content')} {are} blocked: `gpmirror plan` says why"


def _replaced(plan: Plan, blocked: set[int]) -> Iterator[str]:
    """A dead host that nothing of the catalog stands on any more: its `replaces` has done its work."""
    done = {change.content for change in plan.changes} - blocked
    for new, old, there in replaced_hosts(plan):
        if there <= done:
            yield to_forget(new, old)


def _directories(plan: Plan, run: str) -> Iterator[str]:
    """What moved mirrors left behind, where the utility did not delete it."""
    gone = {c for one in plan.hazards if one.name == "deletes-old-directory" for c in one.contents}
    moves = [one for one in plan.changes if one.action is Action.MOVE and one.content not in gone]
    if leaves_directories(moves):
        yield (
            f"the moved mirrors' old directories are still there: `gpmirror prune {run}` deletes "
            "them after proof, once you trust the new copies"
        )
