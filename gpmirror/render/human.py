"""A plan for a person at a terminal: what, why, in which steps, at what risk; the summary last."""

from gpmirror.cluster.counting import counted
from gpmirror.plan.model import Plan
from gpmirror.plan.planfile import plan_id
from gpmirror.render.human_changes import changes_section
from gpmirror.render.human_checks import checks_section
from gpmirror.render.human_layout import layout_section
from gpmirror.render.human_waves import waves_section
from gpmirror.render.prose import paragraph
from gpmirror.render.spans import BLANK, Line, Span, Style, line, painted, styled
from gpmirror.render.summary import summary_line

LEAST_WIDTH = 40
"""Narrower terminals get text for this width."""


def plan_human(plan: Plan, *, width: int, color: bool) -> str:
    """The whole plan in lines of `width` terminal columns, except where a name or path is longer.

    The last line is the fixed summary; the plan's id stands on the line before it.
    """
    columns = max(width, LEAST_WIDTH)
    lines = [
        *_header(plan, width=columns),
        *changes_section(plan, width=columns),
        *waves_section(plan, width=columns),
        *layout_section(plan, width=columns),
        *checks_section(plan, width=columns),
        BLANK,
        line(styled(f"plan {plan_id(plan)}", Style.FAINT)),
        line(styled(summary_line(plan), Style.STRONG)),
    ]
    return painted(lines, color=color)


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
            "REVIEW ONLY: the catalog does not tell all directories, so the lines below are "
            "incomplete and `gpmirror apply` refuses this plan"
        )
    return texts


def catalog_text(plan: Plan) -> str:
    """Where the observed state came from and how many contents it mirrors."""
    found = plan.observed
    return (
        f"{found.source}, {counted(found.contents, 'content')}, {found.mirrored:,} of them mirrored"
    )


def _header(plan: Plan, *, width: int) -> list[Line]:
    lines: list[Line] = [
        (Span("gpmirror plan", Style.STRONG), *line(f"  {plan.cluster}, {server_text(plan)}"))
    ]
    for text in (f"spec     {plan.spec_file}", f"catalog  {catalog_text(plan)}"):
        lines += paragraph(text, width=width, hang=9)
    for text in banners(plan):
        lines += paragraph(text, width=width, hang=2, style=Style.CARE)
    return lines
