"""Diagnostics for hosts and racks that a layout does not have."""

from collections.abc import Iterable, Sequence

from gpmirror.diagnostics import Diagnostic
from gpmirror.simulate.codes import UNKNOWN_HOST, UNKNOWN_RACK

_NAMES_SHOWN = 8
_LONGEST_GUESSED = 255  # a host name is never longer; keeps hostile names from costing time


def unknown_host(name: str, hosts: Sequence[str]) -> Diagnostic:
    """A host to lose that is not among `hosts`."""
    return Diagnostic(
        code=UNKNOWN_HOST,
        message=f"host {quoted(name)} is not one of the {len(hosts)} hosts of this layout",
        hint=_hint(name, hosts, prefix="host:"),
    )


def unknown_rack(name: str, racks: Sequence[str]) -> Diagnostic:
    """A rack to lose that is not among `racks`."""
    if not racks:
        return Diagnostic(
            code=UNKNOWN_RACK,
            message=f"rack {quoted(name)} cannot be lost: this layout names no racks",
            hint="give the hosts a `rack:` in the spec and simulate the spec",
        )
    return Diagnostic(
        code=UNKNOWN_RACK,
        message=f"rack {quoted(name)} is not one of the {len(racks)} racks of this layout",
        hint=_hint(name, racks, prefix="rack:"),
    )


def quoted(name: str) -> str:
    """The name as typed, control characters escaped, cut short where absurdly long."""
    return repr(name if len(name) <= _LONGEST_GUESSED else name[:40] + "...")


def _hint(name: str, known: Sequence[str], *, prefix: str) -> str:
    near = _nearest(name, known)
    if near is not None:
        return f"did you mean `{prefix}{near}`?"
    return f"known: {_listed(known)}" if known else "the layout is empty"


def _nearest(name: str, known: Iterable[str]) -> str | None:
    # only a mistake pays for this import, not every plan
    from difflib import get_close_matches

    if len(name) > _LONGEST_GUESSED:
        return None
    by_folded = {candidate.casefold(): candidate for candidate in known}
    found = get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f", +{more} more" if more > 0 else "")
