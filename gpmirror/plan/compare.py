"""What differs between two plans, or between two observed catalogs."""

from collections.abc import Iterable, Iterator
from typing import Literal

from gpmirror.model.observed import Observed
from gpmirror.model.segment import Segment, same_place
from gpmirror.plan.model import Change, Guard, Hazard, Plan, Wave
from gpmirror.values import dataclass

# --- What differs between two plans: changes, waves, dangers and what they were made from.


@dataclass(frozen=True, slots=True, kw_only=True)
class FactDifference:
    """One fact that the two sides tell differently, in words; `-` where a side lacks it."""

    name: str
    first: str
    second: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDifference:
    """All differences, by content or by name; all empty when the plans do the same.

    `changed` holds contents that both plans touch, each in another way.
    """

    facts: tuple[FactDifference, ...]
    only_first: tuple[Change, ...]
    only_second: tuple[Change, ...]
    changed: tuple[tuple[Change, Change], ...]
    waves: tuple[FactDifference, ...]
    dangers: tuple[FactDifference, ...]

    @property
    def differs(self) -> bool:
        """Whether there is any difference."""
        return any(
            (self.facts, self.only_first, self.only_second, self.changed, self.waves, self.dangers)
        )


def plans_differ(first: Plan, second: Plan) -> PlanDifference:
    """What the second plan says differently from the first. The source's name does not count."""
    ours = {change.content: change for change in first.changes}
    theirs = {change.content: change for change in second.changes}
    both = [(ours[content], theirs[content]) for content in ours if content in theirs]
    return PlanDifference(
        facts=tuple(_told_apart(_facts(first), _facts(second))),
        only_first=tuple(change for change in first.changes if change.content not in theirs),
        only_second=tuple(change for change in second.changes if change.content not in ours),
        changed=tuple((one, other) for one, other in both if one != other),
        waves=tuple(_told_apart(_waves(first), _waves(second))),
        dangers=tuple(_told_apart(_dangers(first), _dangers(second))),
    )


def _told_apart(first: dict[str, str], second: dict[str, str]) -> Iterator[FactDifference]:
    for name in dict.fromkeys((*first, *second)):
        ours, theirs = first.get(name, "-"), second.get(name, "-")
        if ours != theirs:
            yield FactDifference(name=name, first=ours, second=theirs)


def _facts(plan: Plan) -> dict[str, str]:
    return {
        "cluster": plan.cluster,
        "dialect": plan.dialect.value,
        "server version": plan.observed.server_version or "unknown",
        "system identifier": plan.observed.system_identifier or "unknown",
        "spec": f"{plan.spec_file} {plan.spec_digest[:12]}",
        "catalog": plan.observed.digest[:12],
        "selection": plan.selection or "everything",
        "review only": "yes" if plan.review_only else "no",
        "allowed": ", ".join(plan.allowed) or "nothing",
    }


def _waves(plan: Plan) -> dict[str, str]:
    return {f"wave {wave.number}": _wave(wave) for wave in plan.waves}


def _wave(wave: Wave) -> str:
    """Contents in order, and the runs; the text of the files follows from the changes."""
    contents = ", ".join(str(step.content) for step in wave.steps)
    runs = "; ".join(" ".join(run.argv) for run in wave.native)
    return f"{wave.action.value} {contents} with {runs}"


def _dangers(plan: Plan) -> dict[str, str]:
    return {**_numbered(map(_hazard, plan.hazards)), **dict(map(_guard, plan.guards))}


def _numbered(named: Iterable[tuple[str, str]]) -> dict[str, str]:
    """By name; a name that comes again gets a number."""
    found: dict[str, str] = {}
    for name, text in named:
        again = sum(known.partition(" #")[0] == name for known in found)
        found[f"{name} #{again + 1}" if again else name] = text
    return found


def _hazard(hazard: Hazard) -> tuple[str, str]:
    allowed = "allowed" if hazard.allowed else "not allowed"
    return f"hazard {hazard.name}", f"{hazard.message} ({allowed})"


def _guard(guard: Guard) -> tuple[str, str]:
    value = "unknown" if guard.value is None else str(guard.value)
    judged = "exceeded" if guard.exceeded else "within"
    allowed = ", allowed" if guard.allowed else ""
    return f"guard {guard.name}", f"{value} of {guard.limit} {guard.unit} ({judged}{allowed})"


# --- What differs between two observed catalogs: rows added, removed, moved, switched, up or down.


Kind = Literal["added", "removed", "moved", "switched", "changed"]
"""What happened to a row: it came, it went, its place changed, its acting role changed, or only its
status, mode or dbid did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDifference:
    """One row by content and preferred role; `first` or `second` is None where a side lacks it."""

    kind: Kind
    first: Segment | None
    second: Segment | None

    @property
    def row(self) -> Segment:
        """The row on the side that has it, the second preferred."""
        row = self.second if self.second is not None else self.first
        assert row is not None  # noqa: S101 - one side always has the row
        return row


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedDifference:
    """All differences in canonical order of rows; both empty when the catalogs say the same."""

    facts: tuple[FactDifference, ...]
    rows: tuple[RowDifference, ...]

    @property
    def differs(self) -> bool:
        """Whether there is any difference."""
        return bool(self.facts or self.rows)


def catalogs_differ(first: Observed, second: Observed) -> ObservedDifference:
    """What the second catalog says differently. Directories, replication ports, versions and
    identifiers that a side does not show equal any.
    """
    ours = {(row.content, row.preferred_role): row for row in first.segments}
    theirs = {(row.content, row.preferred_role): row for row in second.segments}
    keys = sorted({*ours, *theirs}, key=lambda key: (key[0], key[1] == "m"))
    compared = (_row(ours.get(key), theirs.get(key)) for key in keys)
    return ObservedDifference(
        facts=_catalog_facts(first, second),
        rows=tuple(found for found in compared if found is not None),
    )


def _row(first: Segment | None, second: Segment | None) -> RowDifference | None:
    kind = _kind(first, second)
    return None if kind is None else RowDifference(kind=kind, first=first, second=second)


def _kind(first: Segment | None, second: Segment | None) -> Kind | None:
    if first is None:
        return "added"
    if second is None:
        return "removed"
    if first.hostname != second.hostname or not same_place(first, second):
        return "moved"
    if first.role is not second.role:
        return "switched"
    states = ((row.dbid, row.status, row.mode) for row in (first, second))
    return "changed" if len(set(states)) > 1 else None


def _catalog_facts(first: Observed, second: Observed) -> tuple[FactDifference, ...]:
    told = (
        ("dialect", first.dialect.name.value, second.dialect.name.value),
        ("server version", first.server_version, second.server_version),
        ("system identifier", first.system_identifier, second.system_identifier),
    )
    return tuple(
        FactDifference(name=name, first=ours, second=theirs)
        for name, ours, theirs in told
        if ours is not None and theirs is not None and ours != theirs
    )
