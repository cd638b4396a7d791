"""Policy, hazards, guards, protections and warnings of a plan for a terminal."""

import re

from gpmirror.cluster.counting import ranges
from gpmirror.plan.codes import REVIEW_ONLY_WARNING
from gpmirror.plan.hazards import ALLOWABLE, COMMAND_HAZARDS
from gpmirror.plan.model import Action, Guard, Hazard, Plan, Verdict
from gpmirror.plan.replan import replaced_hosts, to_forget
from gpmirror.render.human_layout import survival_texts
from gpmirror.render.prose import heading, paragraph
from gpmirror.render.quantities import size_text
from gpmirror.render.spans import Line, Style

_NO_PRIMARIES = re.compile(r"(?<![0-9])(0 -> [0-9]+ primaries \(x[0-9.]+)\)")
"""Evidence of a host that had no primaries: its load is compared with the other hosts' mean."""

_UNPROTECT, _UNCHECKED = "unprotect:", "unchecked:"

SWITCHED_HINT = "plan with `--rebalance` to return them"


def hazards_section(plan: Plan, *, width: int) -> list[Line]:
    """Hazards and exceeded guards; first those that still need allowing."""
    entries = [
        *((hazard_text(one), one.allowed) for one in plan.hazards),
        *((guard_text(one), one.allowed) for one in plan.guards if one.exceeded),
    ]
    entries.sort(key=lambda entry: entry[1])
    told = allowance_texts(plan)
    lines = heading("Hazards and guards") if entries or told else []
    for text, is_allowed in entries:
        style = Style.PLAIN if is_allowed else Style.ALARM
        lines += paragraph(text, width=width, hang=2, style=style)
    for text in told:
        lines += paragraph(text, width=width, hang=2, style=Style.CARE)
    return lines


def allowance_texts(plan: Plan) -> list[str]:
    """What the plan allows of which it shows no hazard or guard: the look at the hosts may find it,
    and then nobody is asked. Names of checks are free words, so they stand last.
    """
    shown = {one.flag for one in plan.hazards} | {one.flag for one in plan.guards if one.exceeded}
    names = [name for name in plan.allowed if _flag(name) not in shown]
    names.sort(key=lambda name: (name.startswith(_UNCHECKED), name))
    return [f"{name}: allowed in advance by the plan: {_meaning(name)}" for name in names]


def shown_warnings(plan: Plan) -> list[str]:
    """All but what the banner of the plan says already."""
    return [text for text in plan.warnings if text != REVIEW_ONLY_WARNING]


def warning_texts(plan: Plan) -> tuple[list[str], list[str]]:
    """The planner's warnings, each once, and those that nothing but the plan file says."""
    foreign = dict.fromkeys(plan.unproved)
    own = [text for text in dict.fromkeys(plan.warnings) if text not in foreign]
    return own, [f"from the file: {text}" for text in foreign]


def _flag(name: str) -> str:
    lifted = name.removeprefix(_UNPROTECT)
    return f"--allow {name}" if lifted == name else f"--unprotect {lifted}"


def _meaning(name: str) -> str:
    kind, _, what = name.partition(":")
    if name in COMMAND_HAZARDS:
        return "it counts on the command line alone"
    if name in ALLOWABLE:
        return ALLOWABLE[name].title
    if name.startswith(_UNCHECKED):
        return f"go on although the check {what} could not be made"
    return (
        f"go on beyond the limit {what}" if kind == "guard" else f"move {what}, which is protected"
    )


def to_allow(plan: Plan) -> int:
    """How many hazards and guards need allowing before the plan can be applied."""
    hazards = sum(not one.allowed for one in plan.hazards)
    return hazards + sum(one.exceeded and not one.allowed for one in plan.guards)


def policy_section(plan: Plan, *, width: int) -> list[Line]:
    """What is survived, the spec's policy, guards within their limits, switched roles and warnings;
    sections without content are left out.
    """
    survival = [(text, _survival_style(text)) for text in survival_texts(plan)]
    verdicts = [(verdict_text(one), _verdict_style(one)) for one in plan.policy]
    guards = [(guard_text(one), Style.PLAIN) for one in _guards(plan) if not one.exceeded]
    entries = (
        ("Survival and policy", [*survival, *verdicts, *guards]),
        ("Switched roles", [(text, Style.ROLE) for text in switched_texts(plan)]),
        ("Warnings", [(text, Style.CARE) for text in shown_warnings(plan)]),
        ("Next actions", [(text, Style.PLAIN) for text in next_action_texts(plan)]),
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
    told = _NO_PRIMARIES.sub(r"\1 of the average host's)", verdict.evidence)
    evidence = f": {told}" if told else ""
    return f"{verdict.rule}: {passed}{evidence} ({verdict.source})"


def switched_texts(plan: Plan) -> list[str]:
    """The contents whose roles are switched and stay so, with the next action."""
    if not plan.switched:
        return []
    returned = {wave_content for wave in plan.waves for wave_content in wave.contents}
    left = [content for content in plan.switched if content not in returned]
    return [f"content {ranges(left)}: {SWITCHED_HINT}"] if left else []


def next_action_texts(plan: Plan) -> list[str]:
    """The ways out of the loss of a host, and what a replacement that is over leaves in the spec."""
    lost = [
        f"every segment on {host} is down. If the host comes back, apply this plan then. If it is "
        f"lost, list a new host with `replaces: {host}` in its place. To go on without it for now, "
        f"give it `weight: 0`: its mirrors move to other hosts. Then plan again"
        for host in _dead_hosts(plan)
    ]
    over = [to_forget(new, old) for new, old, there in replaced_hosts(plan) if not there]
    return [*lost, *over]


def _dead_hosts(plan: Plan) -> list[str]:
    """Hosts of the spec that the plan recovers in place, or cannot, and on which nothing is up."""
    if plan.catalog is None:
        return []
    waiting = {
        change.from_.host
        for change in plan.changes
        if change.action in {Action.RECOVER, Action.BLOCKED}
        if change.from_ is not None and change.to in {change.from_, None}
    }
    dead = []
    for host in plan.desired.hosts:
        names = {host.name, *host.addresses}
        rows = [
            row
            for row in plan.catalog.segments
            if row.content >= 0 and (row.hostname in names or row.address in names)
        ]
        if host.weight and host.name in waiting and rows and not any(row.is_up for row in rows):
            dead.append(host.name)
    return dead


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


def _survival_style(text: str) -> Style:
    if not text.startswith("Survives"):
        return Style.PLAIN
    return Style.ADD if text.endswith("-> yes") else Style.ALARM


def _verdict_style(verdict: Verdict) -> Style:
    return Style.ADD if verdict.after else Style.ALARM
