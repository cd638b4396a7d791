"""Which running programs stand in the way of a plan, and how to tell them from their look-alikes."""

from collections.abc import Sequence

UTILITIES = (
    "gpaddmirrors",
    "gpmovemirrors",
    "gprecoverseg",
    "gpexpand",
    "gpshrink",
    "ggrebalance",
    "gpbackup",
    "gprestore",
    "gpinitstandby",
    "gpactivatestandby",
    "gpstart",
    "gpstop",
)
"""Programs of the coordinator's host that change the cluster or must not be disturbed."""

COPIERS = (
    "pg_basebackup",
    "pg_rewind",
    "gpsegrecovery",
    "gpsegsetuprecovery",
    "gpconfigurenewsegment",
    "rsync",
)
"""Programs that write a copy's directory."""

_INTERPRETERS = ("python", "bash", "sh", "dash", "env", "perl")
_LOOKED_AT = 5


def _bracketed(name: str) -> str:
    """A pattern for the name that does not match its own text in a command line."""
    return f"[{name[0]}]{name[1:]}"


PROCESS_PATTERN = "|".join(_bracketed(name) for name in (*UTILITIES, *COPIERS))
"""Extended regular expression; a first sieve, `program_of` decides."""


def program_of(arguments: Sequence[str]) -> str | None:
    """The utility or copier that a command line runs, None for editors, pagers and the like."""
    if not arguments:
        return None
    own = _base(arguments[0])
    if own in _KNOWN:
        return own
    if own.rstrip("0123456789.") not in _INTERPRETERS:
        return None
    return next((name for word in arguments[1:_LOOKED_AT] if (name := _base(word)) in _KNOWN), None)


def _base(word: str) -> str:
    return word.rpartition("/")[2].removesuffix(".py")


_KNOWN = frozenset((*UTILITIES, *COPIERS))
