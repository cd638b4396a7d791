"""The host checks for a terminal: a line per host, what blocks with its remedy, dangers, a verdict."""

from collections.abc import Iterable, Mapping

from gpmirror.cluster.counting import counted
from gpmirror.plan.model import Plan
from gpmirror.preflight.model import Check, Preflight, Result
from gpmirror.preflight.sparing import advice_without_silent
from gpmirror.render.columns import folded
from gpmirror.render.human_checks import guard_text, hazard_text
from gpmirror.render.prose import heading, paragraph
from gpmirror.render.spans import Line, Span, Style, line, painted, styled
from gpmirror.workflow.allowing import flags_of, unallowed

_STYLES = {Result.OK: Style.ADD, Result.BAD: Style.ALARM, Result.UNKNOWN: Style.CARE}


def preflight_text(plan: Plan, found: Preflight, *, width: int, color: bool) -> str:
    """The whole report; ok checks are counted, not listed."""
    by_host = _by_host(found.checks)
    hazards = (*(one for one in plan.hazards if not one.allowed), *found.hazards)
    guards = [one for one in plan.guards if one.exceeded and not one.allowed]
    dangers = [*map(hazard_text, hazards), *map(guard_text, guards)]
    lines = [*_table(by_host)]
    for host, checks in by_host.items():
        troubles = [check for check in checks if check.result is not Result.OK]
        lines += heading(host) if troubles else []
        for check in troubles:
            lines += _trouble(check, plan, width)
    lines += _section("Hazards", dangers, width)
    lines += _section("Notes", found.notes, width)
    return painted([*lines, (), *_verdict(plan, found, width)], color=color)


def summary(plan: Plan, found: Preflight) -> str:
    """One line: `Preflight: 45 checks on 5 hosts: 44 ok, 1 bad, 0 unknown. Not ready.` and so on. It
    is ready only where `apply` of the same plan would not refuse either.
    """
    counts = {result: sum(c.result is result for c in found.checks) for result in Result}
    told = ", ".join(f"{counts[result]} {result.value}" for result in Result)
    hosts = counted(len(_by_host(found.checks)), "host")
    return (
        f"Preflight: {counted(len(found.checks), 'check')} on {hosts}: {told}. "
        f"{_readiness(plan, found)}"
    )


def _readiness(plan: Plan, found: Preflight) -> str:
    refused = unallowed(plan, found)
    if found.blocking(plan.allowed):
        return "Not ready." + (f" It also needs {flags_of(refused)}." if refused else "")
    if refused:
        return f"Not ready: apply refuses (4) without {flags_of(refused)}."
    over = sorted({one.override for one in found.overridden(plan.allowed)})
    return f"Ready, over what {', '.join(over)} allows." if over else "Ready."


def _by_host(checks: Iterable[Check]) -> dict[str, list[Check]]:
    found: dict[str, list[Check]] = {}
    for check in checks:
        found.setdefault(check.host, []).append(check)
    return found


def _table(by_host: Mapping[str, list[Check]]) -> list[Line]:
    head = [styled(word, Style.STRONG) for word in ("host", "ok", "bad", "unknown")]
    rows: list[list[Line]] = [[(word,) for word in head]]
    for host, checks in by_host.items():
        results = [check.result for check in checks]
        rows.append([line(host), *(_count(results, result) for result in Result)])
    return folded(rows, width=1_000, lead=1, numbers=frozenset({1, 2, 3}))


def _count(results: list[Result], result: Result) -> Line:
    number = results.count(result)
    style = _STYLES[result] if number else Style.FAINT
    return (Span(str(number), style),)


def _trouble(check: Check, plan: Plan, width: int) -> list[Line]:
    text = f"{check.result.value}  {check.name}: {check.detail}"
    lines = paragraph(text, width=width, hang=2, style=_STYLES[check.result])
    if check.remedy:
        lines += paragraph(f"-> {check.remedy}", width=width, indent=4, hang=3)
    if check.override and check.result is Result.BAD:
        allows = "allowed by" if check.override in plan.allowed else "or go on all the same:"
        flag = f"-> {allows} `--allow {check.override}`"
        lines += paragraph(flag, width=width, indent=4, hang=3)
    if check.result is Result.UNKNOWN:
        flag = f"-> or accept it: `--allow unchecked:{check.name}` when planning or applying"
        lines += paragraph(flag, width=width, indent=4, hang=3)
    return lines


def _section(title: str, texts: Iterable[str], width: int) -> list[Line]:
    lines: list[Line] = []
    for text in texts:
        lines += paragraph(text, width=width, hang=2, style=Style.CARE)
    return [*heading(title), *lines] if lines else []


def _verdict(plan: Plan, found: Preflight, width: int) -> list[Line]:
    refused = found.blocking(plan.allowed) or unallowed(plan, found)
    style = Style.ALARM if refused else Style.ADD
    lines = paragraph(summary(plan, found), width=width, indent=0, style=style)
    if spared := advice_without_silent(plan, found.checks):
        lines += paragraph(f"Until then {spared}.", width=width, indent=0)
    return lines
