"""What a look at a down copy's directory found: whose it is, and whether it can be caught up."""

from gpmirror.cluster.observed import CopyFact
from gpmirror.preflight.facts import Place
from gpmirror.preflight.processes import writers
from gpmirror.preflight.questions import Landing
from gpmirror.preflight.survey import Visit


def copy_fact(visit: Visit, landing: Landing, place: Place) -> CopyFact:
    """The fact."""
    if writers(visit.facts.processes or (), landing.path):
        return "copying"
    if not place.exists:
        return "absent"
    if not (place.readable and place.is_directory):
        return "unknown"
    if place.identifier is None:
        return "no_pg_control"
    return _compared(visit, landing, place)


def _compared(visit: Visit, landing: Landing, place: Place) -> CopyFact:
    """A copy and its primary share the system identifier; every content has its own."""
    primary = visit.survey.sources.get(landing.content)
    if primary is None or not primary.server.identifier:
        return "unknown"
    if primary.server.identifier != place.identifier:
        return "foreign"
    # a finished copy that never started has both files and needs no second one
    partial = place.backup_label and not place.standby_signal
    return "backup_label" if partial else "rewindable"
