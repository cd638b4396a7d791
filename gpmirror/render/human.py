"""A plan for a person at a terminal: what is at stake, what changes, in which steps; the summary last."""

from gpmirror.cluster.counting import counted
from gpmirror.plan.codes import REVIEW_ONLY
from gpmirror.plan.model import Plan
from gpmirror.plan.planfile import plan_id
from gpmirror.render.fitting import fitted
from gpmirror.render.human_changes import changes_section
from gpmirror.render.human_checks import hazards_section, policy_section, to_allow
from gpmirror.render.human_layout import layout_section
from gpmirror.render.human_waves import exposure_texts, waves_section
from gpmirror.render.prose import heading, paragraph
from gpmirror.render.quantities import size_text
from gpmirror.render.spans import BLANK, Line, Span, Style, line, painted, styled
from gpmirror.render.summary import summary_line

LEAST_WIDTH = 40
"""Narrower terminals get text for this width."""


def plan_human(plan: Plan, *, width: int, color: bool, verbose: bool = False) -> str:
    """The whole plan in lines of `width` terminal columns; a longer name or path goes on below.
    `verbose`: a line for each content, host and wave.

    The last line is the fixed summary; the plan's id stands on the line before it.
    """
    columns = max(width, LEAST_WIDTH)
    lines = [
        *_header(plan, width=columns),
        *hazards_section(plan, width=columns),
        *exposure_section(plan, width=columns),
        *changes_section(plan, width=columns, verbose=verbose),
        *waves_section(plan, width=columns, verbose=verbose),
        *layout_section(plan, width=columns, verbose=verbose),
        *policy_section(plan, width=columns),
        BLANK,
        line(styled(f"plan {plan_id(plan)}", Style.FAINT)),
    ]
    text = fitted(painted(lines, color=color), width=columns)
    return text + painted([line(styled(summary_line(plan), Style.STRONG))], color=color)


def gist(plan: Plan) -> str:
    """The plan in one sentence: what, in how many steps, how much, what needs allowing."""
    found = plan.summary
    counts = {
        "to add": found.add,
        "to move": found.move,
        "to recover": found.recover,
        "to rebalance": found.rebalance,
        "blocked": found.blocked,
    }
    told = [f"{number:,} {what}" for what, number in counts.items() if number]
    if not told:
        return "no changes" if plan.selection is None else f"no changes in {plan.selection}"
    text = ", ".join(told)
    if plan.waves:
        text += f"; {counted(len(plan.waves), 'wave')}"
    if plan.exposure.bytes:
        text += f", {size_text(plan.exposure.bytes)} to copy"
    number = to_allow(plan)
    if number:
        return f"{text}; {number} {'hazard needs' if number == 1 else 'hazards need'} --allow"
    return f"{text}; no --allow needed" if plan.waves else text


def exposure_section(plan: Plan, *, width: int) -> list[Line]:
    """What is exposed while the plan runs, and for how long; nothing without waves."""
    texts = exposure_texts(plan)
    lines = heading("Exposure") if texts else []
    for text in texts:
        lines += paragraph(text, width=width, hang=2)
    return lines


def server_text(plan: Plan) -> str:
    """Dialect and, where known, the server's version: `gp6 (6.24.3)`."""
    version = plan.observed.server_version
    return plan.dialect.value if version is None else f"{plan.dialect.value} ({version})"


def banners(plan: Plan) -> list[str]:
    """What limits this plan: part of the cluster only, review only."""
    texts: list[str] = []
    if plan.selection is not None:
        texts.append(f"PARTIAL PLAN: only {plan.selection}; the rest of the cluster is left out")
    if plan.review_only:
        texts.append(
            "REVIEW ONLY: the catalog text does not show the directories, so lines are incomplete and "
            f"`gpmirror apply` refuses this plan. {REVIEW_ONLY.fix}"
        )
    return texts


def catalog_text(plan: Plan) -> str:
    """Where the observed state came from and how many contents it mirrors."""
    found = plan.observed
    return (
        f"{found.source}, {counted(found.contents, 'content')}, {found.mirrored:,} of them mirrored"
    )


def title_lines(word: str, plan: Plan, *, width: int) -> list[Line]:
    """The line that opens a screen: what it is, of which cluster, and the plan in one sentence."""
    found = paragraph(f"{word}  {plan.cluster}: {gist(plan)}", width=width, indent=0, hang=2)
    after = found[0][0].text.removeprefix(word)
    return [(Span(word, Style.STRONG), *line(after)), *found[1:]]


def _header(plan: Plan, *, width: int) -> list[Line]:
    lines = title_lines("gpmirror plan", plan, width=width)
    facts = {"server": server_text(plan), "spec": plan.spec_file, "catalog": catalog_text(plan)}
    for key, text in facts.items():
        lines += paragraph(f"{key:<7}  {text}", width=width, hang=9)
    for text in banners(plan):
        lines += paragraph(text, width=width, hang=2, style=Style.CARE)
    return lines
