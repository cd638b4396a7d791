"""The proof of an inferred spec: its text, loaded, planned against the same observed cluster."""

from gpmirror.cluster.observed import Observed
from gpmirror.errors import DiagnosedError
from gpmirror.placement import place
from gpmirror.plan.build import build_plan
from gpmirror.plan.model import Action, Plan
from gpmirror.plan.request import Request
from gpmirror.spec import load
from gpmirror.spec.model import Spec

SPEC_NAME = "gpmirror.yaml"


def prove(text: str, observed: Observed) -> tuple[Spec, Plan]:
    """Load and plan. Raises InvalidInput and Infeasible as these do."""
    spec = load(text.encode(), SPEC_NAME)
    return spec, build_plan(spec, observed, place(spec, observed), Request())


def is_proved(plan: Plan) -> bool:
    """Whether the plan adds nothing, and neither moves a mirror nor recovers one elsewhere."""
    return not any(
        change.action in {Action.ADD, Action.MOVE}
        or (change.action is Action.RECOVER and change.from_ != change.to)
        for change in plan.changes
    )


def adds_only(plan: Plan) -> bool:
    """Whether the plan of a mirrorless cluster adds, or says why it cannot, and nothing else."""
    return all(change.action in {Action.ADD, Action.BLOCKED} for change in plan.changes)


def proved(text: str, observed: Observed) -> tuple[Spec, Plan] | None:
    """Spec and plan of a text that passes; None where it does not."""
    try:
        spec, plan = prove(text, observed)
    except DiagnosedError:
        return None
    return (spec, plan) if is_proved(plan) else None


def remaining(plan: Plan) -> tuple[str, ...]:
    """What the plan still finds, in sentences."""
    summary = plan.summary
    found = []
    if summary.recover:
        found.append(f"{summary.recover} to recover in place: {_contents(plan, Action.RECOVER)}")
    if summary.blocked:
        found.append(f"{summary.blocked} blocked: {_contents(plan, Action.BLOCKED)}")
    if summary.switched:
        found.append(f"{summary.switched} with switched roles: content {_listed(plan.switched)}")
    return tuple(found)


def _contents(plan: Plan, action: Action) -> str:
    found = tuple(change.content for change in plan.changes if change.action is action)
    return f"content {_listed(found)}"


def _listed(contents: tuple[int, ...]) -> str:
    shown = ", ".join(str(content) for content in contents[:8])
    more = len(contents) - 8
    return f"{shown} and {more} more" if more > 0 else shown
