"""Temporary slots: how copies that wait for each other around get out of each other's way."""

from collections.abc import Mapping, Sequence

from gpmirror.cluster.segment import Slot
from gpmirror.plan.interim import Interim, no_free_port
from gpmirror.plan.model import Action, Change
from gpmirror.plan.obstacles import relocates
from gpmirror.plan.occupancy import (
    Key,
    Relocation,
    cuts,
    cycle_breakers,
    needs,
    occupants,
)
from gpmirror.plan.temporary import TemporarySlots


def find_detours(
    changes: Sequence[Change],
    mirrors: Mapping[int, Slot],
    free: TemporarySlots,
    longest: int,
) -> dict[int, Slot | None]:
    """Temporary slots by content: for the cheapest member of each cycle, for every `longest`-th
    member of a chain (each waits for the one before), and for copies that are recovered (before any
    move) into a slot that only a move frees. None: no free port there.
    """
    moving = [
        Relocation(content=change.content, from_=change.from_, to=change.to)
        for change in changes
        if relocates(change) and change.from_ is not None and change.to is not None
    ]
    held = occupants(mirrors.items())
    chosen = _choose(moving, changes, held, longest)
    return {item.content: free.slot(item) for item in moving if item.content in chosen}


def _choose(
    moving: Sequence[Relocation],
    changes: Sequence[Change],
    held: Mapping[Key, int],
    longest: int,
) -> set[int]:
    waits = needs(moving, held)
    recovering = {change.content for change in changes if change.action is Action.RECOVER}
    early = {c for c, blockers in waits.items() if c in recovering and blockers - recovering}
    rest = {c: blockers for c, blockers in waits.items() if c not in early}
    cost = {change.content: change.size or 0 for change in changes}
    breakers = set(cycle_breakers(rest, cost))
    chains = {c: blockers for c, blockers in rest.items() if c not in breakers}
    return early | breakers | cuts(chains, longest)


def without_detour(
    changes: Sequence[Change], detours: Mapping[int, Slot | None], interim: Interim
) -> list[Change]:
    """Changes that need a temporary slot where there is none do without their new slot."""
    return [
        interim.instead(change, no_free_port(change))
        if change.to is not None and detours.get(change.content, change.to) is None
        else change
        for change in changes
    ]
