"""No copy is placed inside another's directory, nor around one: what is done to the outer directory
happens to the inner one too. What stands so already is left in peace; only new places are judged.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gpmirror.cluster.nesting import ancestors, normal
from gpmirror.cluster.observed import Observed
from gpmirror.diagnostics import Diagnostic, Place, Related
from gpmirror.placement.hosts import HostMap
from gpmirror.placement.model import Placed

Spot = tuple[str, str]
"""(host, directory)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Use:
    """Who has a directory, or is to have it; `place` None: it stands there now."""

    what: str
    place: Place | None


def nested_directories(
    observed: Observed, hosts: HostMap, contents: Iterable[tuple[Placed, Place]]
) -> Iterator[Diagnostic]:
    """Every new directory (GPM-P113) that lies in another copy's, or holds one; each placed content
    comes with the place to blame.
    """
    uses = _uses(observed, hosts, contents)
    for (host, path), inner in sorted(uses.items()):
        for above in ancestors(path):
            outer = uses.get((host, above))
            if outer is not None and (inner.place is not None or outer.place is not None):
                yield _nested(host, (path, inner), (above, outer))


def _uses(
    observed: Observed, hosts: HostMap, contents: Iterable[tuple[Placed, Place]]
) -> Mapping[Spot, _Use]:
    """What stands now, wherever it is to go: old directories stay when a copy leaves them."""
    uses: dict[Spot, _Use] = {}
    for row in observed.segments:
        of = f"a copy of content {row.content}" if row.content >= 0 else "the coordinator"
        what = f"{of} (dbid {row.dbid}) stands there"
        for path in (row.directory, *(path for _, path in row.filespaces)):
            if path is not None:
                uses[hosts.host_of(row), normal(path)] = _Use(what=what, place=None)
    for placed, place in contents:
        wanted = ((placed.primary_slot, "primary"), (placed.mirror, "mirror"))
        for slot, kind in wanted:
            what = f"the {kind} of content {placed.content} is to stand there"
            for path in slot.directories:
                uses.setdefault((slot.host, normal(path)), _Use(what=what, place=place))
    return uses


def _nested(host: str, inner: tuple[str, _Use], outer: tuple[str, _Use]) -> Diagnostic:
    place = inner[1].place or outer[1].place
    assert place is not None  # noqa: S101 - one of them is new
    second = outer[1].place
    return Diagnostic(
        code="GPM-P113",
        message=(
            f"directory {inner[0]} on {host} lies inside {outer[0]}: {inner[1].what}, and "
            f"{outer[1].what}; whoever clears the outer one away destroys the inner one"
        ),
        place=place,
        hint="choose other `roots` or another `directory` template, or pin the content elsewhere",
        related=(Related(place=second, label=outer[1].what),)
        if second is not None and second != place
        else (),
    )
