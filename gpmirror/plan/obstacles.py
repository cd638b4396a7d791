"""Changes that wait for a slot which this plan does not free: they are blocked, with the reason."""

from collections.abc import Mapping, Sequence

from gpmirror.cluster.segment import Slot
from gpmirror.plan.classify import blocked_by
from gpmirror.plan.model import Action, Change
from gpmirror.plan.occupancy import Key, keys_of, occupants


def block_hopeless(
    changes: Sequence[Change], mirrors: Mapping[int, Slot], fixed: Mapping[Key, str]
) -> list[Change]:
    """The changes, to a fixed point: what blocks one may be that another was blocked."""
    held = occupants(mirrors.items())
    result = list(changes)
    while True:
        leaving = {change.content: change.action for change in result if relocates(change)}
        reasons = [_obstacle(change, held, leaving, fixed) for change in result]
        if not any(reasons):
            return result
        result = [
            blocked_by(change, _with_way_out(change, reason)) if reason else change
            for change, reason in zip(result, reasons, strict=True)
        ]


def _with_way_out(change: Change, reason: str) -> str:
    """A second copy is worth more than its place: say how a down one comes back without the slot."""
    if change.action is not Action.RECOVER or change.from_ is None:
        return reason
    host, port = change.from_.host, change.from_.port
    return (
        f"{reason}; until that is free, a pin to another slot brings the copy back (to {host}:{port}, "
        f"where it was, if {host} still stands)"
    )


def relocates(change: Change) -> bool:
    """Whether a copy leaves one slot for another."""
    return (
        change.action in {Action.MOVE, Action.RECOVER}
        and change.to is not None
        and change.to != change.from_
    )


def _obstacle(
    change: Change,
    held: Mapping[Key, int],
    leaving: Mapping[int, Action],
    fixed: Mapping[Key, str],
) -> str | None:
    if change.action is Action.BLOCKED or change.to is None or change.to == change.from_:
        return None
    own = keys_of(change.from_) if change.from_ is not None else ()
    for key in keys_of(change.to):
        if key in own:
            continue
        if key in fixed:
            return f"{_kind(key)} on {key[0]} is held by {fixed[key]}"
        holder = held.get(key, change.content)
        if holder == change.content:
            continue
        if holder not in leaving:
            return (
                f"{_kind(key)} on {key[0]} is held by the mirror of content {holder}, "
                "which this plan does not move"
            )
        if isinstance(key[1], str) and leaving[holder] is Action.RECOVER:
            return (
                f"{_kind(key)} on {key[0]} is left full by the recovery of content {holder}: "
                "empty it when that is done"
            )
    return None


def _kind(key: Key) -> str:
    return f"port {key[1]}" if isinstance(key[1], int) else f"directory {key[1]}"
