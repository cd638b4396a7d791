"""A plan as a Markdown comment for code review, within the size that review tools accept."""

from gpmirror.cluster.counting import counted
from gpmirror.plan.model import Plan
from gpmirror.plan.planfile import plan_id
from gpmirror.render.human import banners, catalog_text, server_text
from gpmirror.render.human_checks import (
    allowance_texts,
    guard_text,
    hazard_text,
    next_action_texts,
    shown_warnings,
    switched_texts,
    verdict_text,
)
from gpmirror.render.human_layout import folded_hosts, host_rows, survival_texts
from gpmirror.render.human_waves import exposure_texts, waves_title
from gpmirror.render.markdown_changes import ROWS_SHOWN, change_tables
from gpmirror.render.markdown_text import code, escaped, folded_away, name_only, row
from gpmirror.render.markdown_waves import wave_blocks
from gpmirror.render.summary import summary_line

BYTE_BUDGET = 60_000
"""Most bytes of the text in UTF-8; rows and blocks beyond it are dropped and counted."""

_START, _END = 300, 200
"""Characters kept of the start and of the end of a very long message."""

_RESERVE = 600
"""Bytes kept for the sentences that say what was dropped."""


def plan_markdown(plan: Plan) -> str:
    """The whole comment. Its first line is a hidden marker by which a bot finds its own comment."""
    fixed = [*_opening(plan), *_warnings(plan), *_exposure(plan)]
    closing = _closing(plan)
    budget = BYTE_BUDGET - _RESERVE - _bytes(fixed) - _bytes(closing)
    opened, rest, hidden = change_tables(plan)
    shown = _within(opened, budget)
    hosts = _hosts(plan, (budget - _bytes(shown)) // 3)
    more = _more(rest, hidden, budget - _bytes(shown) - _bytes(hosts))
    left = budget - _bytes(shown) - _bytes(hosts) - _bytes(more)
    return "\n".join([*fixed, *shown, *more, *_waves(plan, left), *hosts, *closing])


def _opening(plan: Plan) -> list[str]:
    server = server_text(plan)
    return [
        f"<!-- gpmirror:plan:{name_only(plan.cluster)} -->",
        f"## gpmirror plan for {escaped(plan.cluster)}: {_verdict(plan)}",
        "",
        f"**{escaped(summary_line(plan))}**",
        "",
        f"Spec {code(plan.spec_file)}, {escaped(f'catalog {catalog_text(plan)}, {server}')}.",
        "",
        *(line for text in banners(plan) for line in ("> [!IMPORTANT]", f"> {escaped(text)}", "")),
    ]


def _verdict(plan: Plan) -> str:
    if not plan.summary.differs:
        return "no changes"
    if any(not hazard.allowed for hazard in plan.hazards) or any(
        guard.exceeded and not guard.allowed for guard in plan.guards
    ):
        return "needs allowing"
    if plan.summary.blocked:
        return f"{counted(plan.summary.blocked, 'content')} blocked"
    return "changes"


def _warnings(plan: Plan) -> list[str]:
    """What breaks a limit, and then the plain remarks, at most a screen of each."""
    alarms = [hazard_text(found) for found in plan.hazards]
    alarms += [guard_text(found) for found in plan.guards if found.exceeded]
    alarms += [verdict_text(found) for found in plan.policy if found.before and not found.after]
    notes = [*shown_warnings(plan), *switched_texts(plan), *next_action_texts(plan)]
    # whoever approves the plan approves these: none is left out
    allowed = [f"> - {escaped(text)}" for text in allowance_texts(plan)]
    lead = ["> [!WARNING]", *allowed, ""] if allowed else []
    return [*lead, *_alert("WARNING", alarms), *_alert("NOTE", notes)]


def _alert(kind: str, texts: list[str]) -> list[str]:
    if not texts:
        return []
    items = [f"> - {escaped(_shortened(text))}" for text in texts[:30]]
    if len(texts) > len(items):
        items.append(f"> - and {len(texts) - len(items)} more, in the plan file")
    return [f"> [!{kind}]", *items, ""]


def _shortened(text: str) -> str:
    """A long message keeps its start and its end and says what was left out."""
    left_out = len(text) - _START - _END
    if left_out <= 0:
        return text
    return f"{text[:_START]} ... ({left_out} characters left out) ... {text[-_END:]}"


def _exposure(plan: Plan) -> list[str]:
    texts = exposure_texts(plan)
    return [*(f"- {escaped(text)}" for text in texts), ""] if texts else []


def _more(rest: list[str], hidden: int, budget: int) -> list[str]:
    if not rest:
        return []
    head, *lines, _, end, blank = folded_away(f"{counted(hidden, 'more line')} of changes", rest)
    return [head, *_within(lines, budget // 2), "", end, blank]


def _waves(plan: Plan, budget: int) -> list[str]:
    blocks = wave_blocks(plan)
    kept: list[str] = [f"**{escaped(waves_title(plan))}**", ""] if blocks else []
    for number, block in enumerate(blocks):
        if _bytes(kept) + _bytes(block) > budget:
            rest = counted(len(blocks) - number, "wave")
            return [*kept, f"{rest} not shown: too long for a comment; see the plan file.", ""]
        kept += block
    return kept


def _hosts(plan: Plan, budget: int) -> list[str]:
    head = row("host", "preferred primaries", "mirrors before", "during", "after")
    rows = folded_hosts(host_rows(plan))
    body = (row(code(host), *map(escaped, cells)) for host, *cells in rows)
    lines = _within([head, row("---", *["---:"] * 4), *body], budget)
    if len(rows) <= ROWS_SHOWN:
        return [*lines, ""]
    return folded_away(counted(len(rows), "host"), lines)


def _closing(plan: Plan) -> list[str]:
    texts = [*survival_texts(plan), *map(verdict_text, plan.policy[:20])]
    return [*(f"- {escaped(text)}" for text in texts), "", f"Plan id {code(plan_id(plan))}", ""]


def _within(lines: list[str], budget: int) -> list[str]:
    """As many leading lines as fit, and how many are left out."""
    used = 0
    for number, line in enumerate(lines):
        used += _bytes([line])
        if used > budget:
            rest = counted(len(lines) - number, "row")
            return [*lines[:number], "", f"{rest} not shown: too long for a comment.", ""]
    return lines


def _bytes(lines: list[str]) -> int:
    return sum(len(line.encode()) + 1 for line in lines)
