"""Changes that wait for a slot which this plan does not free: they do without it."""

from collections.abc import Mapping, Sequence

from gpmirror.cluster.segment import Slot
from gpmirror.plan.interim import Interim, Obstacle
from gpmirror.plan.model import Action, Change
from gpmirror.plan.occupancy import Key, keys_of, occupants


def settle_hopeless(
    changes: Sequence[Change],
    mirrors: Mapping[int, Slot],
    fixed: Mapping[Key, str],
    interim: Interim,
) -> list[Change]:
    """The changes, to a fixed point: what blocks one may be that another does something else."""
    held = occupants(mirrors.items())
    result = list(changes)
    while True:
        leaving = {change.content: change.action for change in result if relocates(change)}
        reasons = [_obstacle(change, held, leaving, fixed) for change in result]
        if not any(reasons):
            return result
        result = [
            interim.instead(change, reason) if reason else change
            for change, reason in zip(result, reasons, strict=True)
        ]


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
) -> Obstacle | None:
    if change.action is Action.BLOCKED or change.to is None or change.to == change.from_:
        return None
    own = keys_of(change.from_) if change.from_ is not None else ()
    for key in keys_of(change.to):
        if key in own:
            continue
        if key in fixed:
            return Obstacle(
                f"{_kind(key)} on {key[0]} is held by {fixed[key]}",
                "change the spec, or plan again once it is free (a primary that acts there since a "
                "failover goes back with `gpmirror apply --rebalance`)",
            )
        holder = held.get(key, change.content)
        if holder == change.content:
            continue
        if holder not in leaving:
            return Obstacle(
                f"{_kind(key)} on {key[0]} is held by the mirror of content {holder}, "
                "which this plan does not move",
                "change the spec, or plan again without a selection and once that content can move",
            )
        if isinstance(key[1], str) and leaving[holder] is Action.RECOVER:
            return Obstacle(
                f"{_kind(key)} on {key[0]} is left full by the recovery of content {holder}",
                "empty it when that is done, then plan again",
            )
    return None


def _kind(key: Key) -> str:
    return f"port {key[1]}" if isinstance(key[1], int) else f"directory {key[1]}"
