"""The outcome of the host checks."""

from collections.abc import Collection
from dataclasses import dataclass
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
    value and limit; `remedy` the next action, empty when the check is ok.
    """

    host: str
    name: str
    result: Result
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """All checks, by host in plan order and then by the order of the table of checks; hazards that
    only a look at the hosts can find (`same-machine`, `ephemeral-port`); remarks about hosts that
    are only left and may be unreachable.
    """

    checks: tuple[Check, ...]
    hazards: tuple[Hazard, ...]
    notes: tuple[str, ...] = ()

    def blocking(self, allowed: Collection[str]) -> tuple[Check, ...]:
        """What stops an apply: bad checks, and unknown ones unless `unchecked:NAME` is allowed."""
        return tuple(
            check
            for check in self.checks
            if check.result is Result.BAD
            or (check.result is Result.UNKNOWN and f"unchecked:{check.name}" not in allowed)
        )
