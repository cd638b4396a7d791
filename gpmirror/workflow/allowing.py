"""Whether somebody allowed every danger of a plan by name."""

from collections.abc import Collection, Iterable, Iterator

from gpmirror.errors import Stale, Unsafe
from gpmirror.plan.codes import REVIEW_ONLY
from gpmirror.plan.model import Guard, Hazard, Plan
from gpmirror.preflight.model import Preflight

_UNPROTECT = "--unprotect "


def check_allowed(plan: Plan, allow: Collection[str]) -> None:
    """Raises Unsafe (4), naming each danger that neither the plan nor `allow` allows and the flag
    that would; Stale (5) for a plan that was made for review only.
    """
    check_complete(plan)
    refuse(plan.hazards, plan.guards, allow)


def check_complete(plan: Plan) -> None:
    """Raises Stale (5) for a plan that was made for review only."""
    if plan.review_only:
        raise Stale(REVIEW_ONLY.title, hint=REVIEW_ONLY.fix)


def refuse(hazards: Iterable[Hazard], guards: Iterable[Guard], allow: Collection[str]) -> None:
    """Raises Unsafe (4) for what is not allowed."""
    found = refusals(hazards, guards, allow)
    if found:
        raise Unsafe(
            "\n".join(words for _, words in found),
            hint=f"if that is meant, add: {flags_of(found)}",
        )


def refusals(
    hazards: Iterable[Hazard], guards: Iterable[Guard], allow: Collection[str]
) -> list[tuple[str, str]]:
    """What is not allowed: the flag that would, and the danger in words."""
    return [*_hazards(hazards, allow), *_guards(guards, allow)]


def unallowed(plan: Plan, found: Preflight) -> list[tuple[str, str]]:
    """What `apply` of this plan would refuse (4), with what the hosts told; as `refusals`."""
    return refusals((*plan.hazards, *found.hazards), plan.guards, plan.allowed)


def flags_of(found: Iterable[tuple[str, str]]) -> str:
    """The flags of refusals, each once."""
    return " ".join(dict.fromkeys(flag for flag, _ in found))


def _hazards(hazards: Iterable[Hazard], allow: Collection[str]) -> Iterator[tuple[str, str]]:
    for hazard in hazards:
        if not (hazard.allowed or hazard.name in allow):
            yield hazard.flag, f"{hazard.name}: {hazard.message}"


def _guards(guards: Iterable[Guard], allow: Collection[str]) -> Iterator[tuple[str, str]]:
    for guard in guards:
        if guard.exceeded and not (guard.allowed or f"guard:{guard.name}" in allow):
            value = "unknown" if guard.value is None else f"{guard.value} {guard.unit}"
            yield guard.flag, f"guard {guard.name}: {value}, limit {guard.limit} {guard.unit}"
