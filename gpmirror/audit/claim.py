"""A claim of a plan, what is false about it, and how values are told in both."""

from collections.abc import Iterator

from gpmirror.model.segment import Slot
from gpmirror.model.text import counted
from gpmirror.values import dataclass

CLAIMS = {
    "plan_id": "The id is the sha256 of the file's content.",
    "form": "Every value stands in the file in the form in which gpmirror writes it.",
    "settings": "Limits, guards and names are such as a spec may say.",
    "catalog": "The rows do not contradict each other; their digest and counts are true.",
    "hosts": "No host is listed twice, every row belongs to one at most, every primary to one.",
    "desired": "A mirror for every content; legal ports and directories, none twice, none inside "
    "another; primaries stay where they are or go to the host that replaces theirs.",
    "classes": "Every content has the first class of the table that fits, and its change leads from "
    "where its copy is to where the layout wants it; what is blocked, or comes back elsewhere, has a "
    "slot that stays taken.",
    "changes": "Each change tells the host that acts, the size and how a copy comes back.",
    "drained": "No mirror goes to a host of weight 0 unless a pin puts it there.",
    "summary": "The counts of contents by class, which are switched, the selection, and whether the plan may be "
    "applied.",
    "steps": "Every change is done once, by steps that lead from its old place to its new one; a "
    "temporary slot is left again.",
    "order": "Add, recover, move, rebalance; lines in ring order.",
    "limits": "No wave of copies exceeds the limits in all, from a host and to a host. A wave that adds "
    "mirrors has none, for gpaddmirrors adds all in one run; a return of roles copies nothing.",
    "slots": "No port and no directory is held twice at any moment; one that is freed is used again in "
    "a later wave at the earliest.",
    "pairs": "No wave brings both copies of a content to one host, unless a hazard tells it.",
    "minimum": "No plan of these recoveries and moves has fewer waves under the limits than `exposure.bound`; the "
    "plan has so many, and at most `exposure.depth` more where slots wait for each other.",
    "native": "The utilities' files, read back as the utilities read them, say exactly the steps.",
    "commands": "The utilities, their options and file names are those for these waves.",
    "host-actions": "The parents of new directories are made, and nothing else.",
    "hostnames": "The hostnames that the catalog will have, and the pairs of names that decide them.",
    "exposure": "Contents with one copy in each wave, how many the worst host would take, bytes and "
    "times.",
    "layout": "Copies of each host and what is survived, before, during and after: hosts, racks, "
    "fatal pairs, the worst load.",
    "policy": "Each rule of the policy, before and after, with the figures of its evidence.",
    "hazards": "Every danger that follows from the plan is told, with its contents, and allowed only "
    "where the plan allows it.",
    "guards": "The figures of the guards and whether they are exceeded.",
    "certificate": "No layout has a better first level, and so on through the levels (strategy balanced): "
    "the bound reckoned from the prices in the file equals the cost reckoned from the layout.",
    "fingerprint": "The rows of all touched contents, and everything in use.",
}
"""Every claim by its stable name, and what it says."""


@dataclass(frozen=True, slots=True)
class Falsehood:
    """One thing in which a plan is not true: where it stands in the file, what it says there, and
    what is true.
    """

    where: str
    claimed: str
    true: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a plan claims. `name` is stable, `said` the claim in words, `false` what is wrong with it."""

    name: str
    said: str
    false: tuple[Falsehood, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether it is true."""
        return not self.false


def have(number: int, thing: str) -> str:
    """`1 content has`, `2 contents have`."""
    return f"{counted(number, thing)} {'has' if number == 1 else 'have'}"


def differ(where: str, claimed: object, true: object) -> Iterator[Falsehood]:
    """What is false where a value should be another one."""
    if claimed != true:
        yield Falsehood(where, told(claimed), told(true))


def told(value: object) -> str:
    """A value in words: a slot as `sdw1:7000 /data/gpseg0`, nothing as `none`."""
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case Slot():
            return _slot_told(value)
        case tuple() | list() | set() | frozenset():
            return ", ".join(told(one) for one in value) or "none"
        case _:
            return str(value)


def _slot_told(slot: Slot) -> str:
    address = "" if slot.address == slot.host else f" ({slot.address})"
    ports = (
        f"{slot.port}" if slot.replication_port is None else f"{slot.port}/{slot.replication_port}"
    )
    paths = " ".join((slot.directory or "?", *(f"{name}={path}" for name, path in slot.filespaces)))
    return f"{slot.host}{address}:{ports} {paths}"
