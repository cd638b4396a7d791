"""What is done instead of a change whose new slot this plan cannot free: protection comes first."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gpmirror.plan.classify import blocked_by, told
from gpmirror.plan.model import Action, Change
from gpmirror.plan.occupancy import Relocation
from gpmirror.plan.temporary import TemporarySlots


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What keeps a new slot from being free, and what a person can do about it."""

    what: str
    way: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Interim:
    """`in_place` recovers down copies where they were, those on hosts that still get mirrors; `free`
    gives slots on the hosts where the others are to come back.
    """

    in_place: Mapping[int, Change]
    free: TemporarySlots

    def instead(self, change: Change, obstacle: Obstacle) -> Change:
        """A copy that lives stays where it is. One that is down comes back all the same, and moves
        when a later plan finds the slot free.
        """
        if change.action is not Action.RECOVER or change.from_ is None or change.to is None:
            return blocked_by(change, f"{obstacle.what}: {obstacle.way}")
        in_place = self.in_place.get(change.content)
        if in_place is not None:
            return replace(in_place, reason=_reason(in_place.reason, change, obstacle))
        moving = Relocation(content=change.content, from_=change.from_, to=change.to)
        aside = self.free.slot(moving)
        if aside is None:
            crowded = no_free_port(change)
            return blocked_by(change, f"{obstacle.what}, and {crowded.what}: {crowded.way}")
        return replace(change, to=aside, reason=_reason(change.reason, change, obstacle))


def no_free_port(change: Change) -> Obstacle:
    """Why there is no temporary slot."""
    host = "" if change.to is None else change.to.host
    return Obstacle(f"no free port for a temporary slot on {host}", "free one, then plan again")


def _reason(reason: str, change: Change, obstacle: Obstacle) -> str:
    wanted = "" if change.to is None else told(change.to)
    return f"{reason}; to {wanted} in a later plan: {obstacle.what}"
