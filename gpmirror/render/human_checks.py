"""Policy, hazards, guards, protections and warnings of a plan for a terminal."""

from gpmirror.cluster.counting import ranges
from gpmirror.plan.model import Guard, Hazard, Plan, Verdict
from gpmirror.render.prose import heading, paragraph
from gpmirror.render.quantities import size_text
from gpmirror.render.spans import Line, Style

SWITCHED_HINT = "plan with `--rebalance` to return them"


def checks_section(plan: Plan, *, width: int) -> list[Line]:
    """Everything a reviewer must weigh; sections without content are left out."""
    entries = (
        ("Policy", [(verdict_text(one), _verdict_style(one)) for one in plan.policy]),
        ("Hazards", [(hazard_text(one), _allowed_style(one)) for one in plan.hazards]),
        ("Guards", [(guard_text(one), _guard_style(one)) for one in _guards(plan)]),
        ("Switched roles", [(text, Style.ROLE) for text in switched_texts(plan)]),
        ("Warnings", [(text, Style.CARE) for text in plan.warnings]),
    )
    lines: list[Line] = []
    for title, texts in entries:
        if texts:
            lines += heading(title)
        for text, style in texts:
            lines += paragraph(text, width=width, hang=2, style=style)
    return lines


def hazard_text(hazard: Hazard) -> str:
    """Name, contents, message, and whether it is allowed or which flag does."""
    contents = f" (content {ranges(hazard.contents)})" if hazard.contents else ""
    allowed = _permission(hazard.flag, is_allowed=hazard.allowed)
    return f"{hazard.name}{contents}: {hazard.message}; {allowed}"


def guard_text(guard: Guard) -> str:
    """The plan's figure against the limit; for an exceeded one also the flag."""
    value = "unknown" if guard.value is None else _amount(guard.value, guard.unit)
    limit = f"limit {_amount(guard.limit, guard.unit)}"
    if guard.exceeded:
        allowed = _permission(guard.flag, is_allowed=guard.allowed)
        return f"{guard.name}: {value} exceeds {limit}; {allowed}"
    if guard.value is None or guard.value > guard.limit:
        return f"{guard.name}: {value}, {limit} not judged: too few contents"
    return f"{guard.name}: {value} within {limit}"


def verdict_text(verdict: Verdict) -> str:
    """The rule, before and after, with the evidence and where the rule stands."""
    passed = f"{_kept(verdict.before)} -> {_kept(verdict.after)}"
    evidence = f": {verdict.evidence}" if verdict.evidence else ""
    return f"{verdict.rule}: {passed}{evidence} ({verdict.source})"


def switched_texts(plan: Plan) -> list[str]:
    """The contents whose roles are switched and stay so, with the next action."""
    if not plan.switched:
        return []
    returned = {wave_content for wave in plan.waves for wave_content in wave.contents}
    left = [content for content in plan.switched if content not in returned]
    return [f"content {ranges(left)}: {SWITCHED_HINT}"] if left else []


def _guards(plan: Plan) -> tuple[Guard, ...]:
    """A plan without changes has nothing to guard."""
    return plan.guards if plan.changes else ()


def _kept(kept: bool) -> str:  # noqa: FBT001 - the answer is the value to be worded
    return "kept" if kept else "VIOLATED"


def _permission(flag: str, *, is_allowed: bool) -> str:
    return f"allowed by {flag}" if is_allowed else f"not allowed yet, {flag} allows it"


def _amount(value: int, unit: str) -> str:
    match unit:
        case "bytes" | "B":
            return size_text(value)
        case "percent" | "%":
            return f"{value} %"
        case _:
            return f"{value:,} {unit}".rstrip()


def _verdict_style(verdict: Verdict) -> Style:
    return Style.ADD if verdict.after else Style.ALARM


def _allowed_style(hazard: Hazard) -> Style:
    return Style.PLAIN if hazard.allowed else Style.ALARM


def _guard_style(guard: Guard) -> Style:
    return Style.ALARM if guard.exceeded and not guard.allowed else Style.PLAIN
