"""The outcome of the host checks."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gpmirror.plan.model import Hazard


class Result(StrEnum):
    """A check's outcome; bad and unknown both block."""

    OK = "ok"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check on one host. `name` is what `--allow unchecked:NAME` takes. `detail` names subject,
    value and limit; `remedy` the next action, empty when the check is ok. `override` is what
    `--allow` takes to go on although the check is bad, where there is such a name.
    """

    host: str
    name: str
    result: Result
    detail: str
    remedy: str = ""
    override: str = ""

    def is_allowed(self, allowed: Collection[str]) -> bool:
        """Whether somebody accepts by name what was found, or could not be found."""
        match self.result:
            case Result.OK:
                return True
            case Result.BAD:
                return self.override in allowed
            case Result.UNKNOWN:
                return f"unchecked:{self.name}" in allowed or self.override in allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """All checks, by host in plan order and then by the order of the table of checks; hazards that
    only a look at the hosts can find (`same-machine`, `ephemeral-port`); remarks about hosts that
    are only left and may be unreachable; `sizes` are bytes by content, as measured on the primaries'
    hosts.
    """

    checks: tuple[Check, ...]
    hazards: tuple[Hazard, ...]
    notes: tuple[str, ...] = ()
    sizes: Mapping[int, int] = field(default_factory=dict)

    def blocking(self, allowed: Collection[str]) -> tuple[Check, ...]:
        """What stops an apply: bad checks and unknown ones, unless they are allowed by name."""
        return tuple(check for check in self.checks if not check.is_allowed(allowed))

    def overridden(self, allowed: Collection[str]) -> tuple[Check, ...]:
        """Bad checks that somebody allowed: the run goes on over them, and tells the figures."""
        return tuple(
            check
            for check in self.checks
            if check.result is Result.BAD and check.is_allowed(allowed)
        )
