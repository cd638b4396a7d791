"""What a look at a down copy's directory found: whose it is, and whether it can be caught up."""

from collections.abc import Sequence
from dataclasses import dataclass

from gpmirror.cluster.observed import CopyFact
from gpmirror.preflight.facts import Parent, Place, Process
from gpmirror.preflight.processes import writers


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was seen of one down copy. `parent` is the nearest existing directory above `path`,
    None: not looked for; `processes` those of its host; `primary` the system identifier of the
    acting primary, None or empty: not known.
    """

    path: str
    parent: Parent | None
    place: Place
    processes: Sequence[Process]
    primary: str | None


def copy_fact(look: Look) -> CopyFact:
    """The fact."""
    place = look.place
    if writers(look.processes, look.path):
        return "copying"
    if not place.exists:
        return "absent" if _is_told_absent(look.parent) else "unknown"
    if not (place.readable and place.is_directory):
        return "unknown"
    if place.identifier is None:
        return "no_pg_control"
    return _compared(place, look.primary)


def _is_told_absent(parent: Parent | None) -> bool:
    """Below a directory that we may not search everything looks absent."""
    return parent is None or not parent.is_directory or parent.searchable


def _compared(place: Place, primary: str | None) -> CopyFact:
    """A copy and its primary share the system identifier; every content has its own."""
    if not primary:
        return "unknown"
    if primary != place.identifier:
        return "foreign"
    # a finished copy that never started has both files and needs no second one
    partial = place.backup_label and not place.standby_signal
    return "backup_label" if partial else "rewindable"
