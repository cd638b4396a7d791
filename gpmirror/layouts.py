"""A repository of layouts: what one command found of each of many specs, and what has drifted."""

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, TypeVar

from gpmirror.diagnostics import Diagnostic
from gpmirror.errors import DiagnosedError, ExitCode, GpmirrorError, worst_of
from gpmirror.model.observed import Observed
from gpmirror.model.text import counted, moment_text
from gpmirror.plan.model import Plan
from gpmirror.values import dataclass

if TYPE_CHECKING:
    from gpmirror.plan.compare import ObservedDifference

Found_co = TypeVar("Found_co", covariant=True)

LIVE = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why a command came to no end for a spec: findings with places, or a message."""

    message: str
    hint: str | None
    findings: tuple[Diagnostic, ...] = ()

    @classmethod
    def of(cls, error: Exception) -> "Trouble":
        """What an error says."""
        if isinstance(error, DiagnosedError):
            return cls(
                message=_findings_text(error.diagnostics), hint=None, findings=error.diagnostics
            )
        if isinstance(error, GpmirrorError):
            return cls(message=error.message, hint=error.hint)
        return cls(message=f"{type(error).__name__}: {error}", hint="this is a bug in gpmirror")


def _findings_text(found: tuple[Diagnostic, ...]) -> str:
    first = found[0]
    place = "" if first.place is None else f" ({first.place})"
    more = f"; {counted(len(found) - 1, 'more finding')}" if len(found) > 1 else ""
    return f"{first.code}: {first.message}{place}{more}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried(Generic[Found_co]):
    """What a command made of one spec: `found` where it came to an end, else `trouble`."""

    spec: str
    exit_code: ExitCode
    found: Found_co | None = None
    trouble: Trouble | None = None


def worst(rows: Iterable[Tried[object]]) -> ExitCode:
    """The exit code of all rows together."""
    return worst_of(row.exit_code for row in rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan and where its catalog came from: `snapshot` is the saved file, None for the live one."""

    plan: Plan
    snapshot: str | None


class Outcome(StrEnum):
    """What a reviewer has to know first of one spec or of many; the later, the worse."""

    SAME = "no changes"
    CHANGES = "changes"
    NEEDS_ALLOWING = "needs allowing"
    BLOCKED = "blocked"
    INFEASIBLE = "infeasible"
    INVALID = "invalid"
    ERROR = "error"


def outcome_of(row: Tried[Planned]) -> Outcome:
    """What is said of one spec's plan."""
    if row.found is None:
        ends = {ExitCode.INVALID: Outcome.INVALID, ExitCode.INFEASIBLE: Outcome.INFEASIBLE}
        return ends.get(row.exit_code, Outcome.ERROR)
    plan = row.found.plan
    if plan.summary.blocked:
        return Outcome.BLOCKED
    if needs(plan):
        return Outcome.NEEDS_ALLOWING
    return Outcome.CHANGES if plan.summary.differs else Outcome.SAME


def outcome_of_all(rows: Iterable[Tried[Planned]]) -> Outcome:
    """The worst of them."""
    order = list(Outcome)
    return max(map(outcome_of, rows), key=order.index, default=Outcome.SAME)


def needs(plan: Plan) -> list[str]:
    """The flags without which `apply` refuses the plan."""
    flags = [one.flag for one in plan.hazards if not one.allowed]
    flags += [one.flag for one in plan.guards if one.exceeded and not one.allowed]
    return list(dict.fromkeys(flags))


def snapshot_text(file: str, taken: str | None) -> str:
    """What a plan without the cluster rests on, and how old it is."""
    when = "that does not say when it was taken" if taken is None else f"taken {moment_text(taken)}"
    return f"offline: {file}, a snapshot {when}; the live cluster is not asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A live cluster against what the repository says of it. `snapshot` names the saved catalog, with
    when it was taken and the rows that changed since; None: there is none beside the spec.
    """

    plan: Plan
    source: str
    snapshot: str | None
    taken: str | None
    since: "ObservedDifference | None"

    @property
    def differs(self) -> bool:
        """Whether the spec or the snapshot says anything else than the cluster."""
        return self.plan.summary.differs or (self.since is not None and self.since.differs)


def drift_of(plan: Plan, live: Observed, snapshot: str | None, saved: Observed | None) -> Drift:
    """What differs between the live catalog, the plan over it, and the snapshot."""
    from gpmirror.plan.compare import catalogs_differ

    return Drift(
        plan=plan,
        source=live.source,
        snapshot=snapshot,
        taken=None if saved is None else saved.taken,
        since=None if saved is None else catalogs_differ(saved, live),
    )
