"""What differs between two plans: changes, waves, dangers and what they were made from."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gpmirror.plan.model import Change, Guard, Hazard, Plan, Wave


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
