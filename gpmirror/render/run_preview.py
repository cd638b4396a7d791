"""What a person sees before saying yes: what is at stake, every change, the commands that make it."""

from gpmirror.cluster.counting import counted
from gpmirror.cluster.hostlist import natural, one_expression
from gpmirror.plan.model import Action, Plan
from gpmirror.plan.planfile import plan_id
from gpmirror.render.events_text import short_id
from gpmirror.render.fitting import fitted
from gpmirror.render.human import LEAST_WIDTH, banners, exposure_section, server_text, title_lines
from gpmirror.render.human_changes import changes_section
from gpmirror.render.human_checks import hazards_section, warning_texts
from gpmirror.render.human_waves import waves_section
from gpmirror.render.prose import heading, paragraph
from gpmirror.render.spans import BLANK, Line, Style, line, painted, styled
from gpmirror.render.summary import summary_line

MOST_REMARKS = 4
"""So many warnings that only the plan file says are shown; the rest is counted."""
MOST_REMARK = 600
"""So many characters of a remark are shown."""
_KEY = 12


def question(plan: Plan, *, clears: bool = False) -> str:
    """What is asked after the preview; `clears`: and after a list of cut-off copies that go first."""
    first = "Delete the cut-off copies named above, then apply" if clears else "Apply"
    checks = "" if clears else "After your yes every host is checked before anything changes.\n"
    return f"{checks}{first} these changes to cluster {plan.cluster}? Only 'yes' is accepted:"


def preview(
    plan: Plan,
    *,
    rest_of: str | None = None,
    server: str | None = None,
    width: int = 100,
    color: bool = False,
) -> str:
    """What is exposed, every change, the command lines that make it, and nearest to the question what
    is dangerous; the fixed summary last. `rest_of` names the run whose rest it is, `server` the one
    that was connected to where that is not the one of the plan.
    """
    columns = max(width, LEAST_WIDTH)
    lines: list[Line] = [
        *title_lines("gpmirror apply", plan, width=columns),
        *_facts(plan, rest_of, server or _coordinator(plan), width=columns),
        *_remarks(plan, width=columns),
        *exposure_section(plan, width=columns),
        *changes_section(plan, width=columns),
        *waves_section(plan, width=columns),
        *hazards_section(plan, width=columns),
        BLANK,
    ]
    text = fitted(painted(lines, color=color), width=columns)
    return text + painted([line(styled(summary_line(plan), Style.STRONG))], color=color)


def _facts(plan: Plan, rest_of: str | None, coordinator: str, *, width: int) -> list[Line]:
    entries = {
        "server": server_text(plan),
        "plan": f"{short_id(plan_id(plan))} made from {_cut(plan.spec_file)}",
        "coordinator": coordinator,
        "hosts": _hosts(plan),
    }
    lines: list[Line] = []
    for key, text in entries.items():
        if text:
            lines += paragraph(f"{key:<{_KEY}} {text}", width=width, hang=_KEY + 1)
    for text in banners(plan) if rest_of is None else [f"the rest of run {rest_of}"]:
        lines += paragraph(text, width=width, hang=2, style=Style.CARE)
    return lines


def _coordinator(plan: Plan) -> str:
    host, _, _ = plan.fingerprint.coordinator.partition(" ")
    known = plan.settings.coordinator
    user = f"{known.user}@" if known.user else ""
    return f"{user}{known.host}:{known.port}" if known.host and known.port else f"{user}{host}"


def _hosts(plan: Plan) -> str:
    """Who gets copies, who is only left, whose roles swap: all but those that are left must answer."""
    steps = [step for wave in plan.waves for step in wave.steps]
    returning = {s.content for w in plan.waves if w.action is Action.REBALANCE for s in w.steps}
    targets = {step.to.host for step in steps if step.to is not None}
    swaps = {change.primary for change in plan.changes if change.content in returning}
    swaps |= {step.from_.host for step in steps if step.to is None and step.from_ is not None}
    left = {step.from_.host for step in steps if step.from_ is not None} - targets - swaps
    return "; ".join(
        f"{words} {one_expression(sorted(found, key=natural))}"
        for words, found in (
            (f"{counted(len(targets), 'host')} to get copies:", targets),
            (f"{counted(len(left), 'host')} only left:", left),
            (f"roles swap on {counted(len(swaps), 'host')}:", swaps),
        )
        if found
    )


def _cut(text: str) -> str:
    """A remark scrolls nothing else away."""
    return text if len(text) <= MOST_REMARK else f"{text[:MOST_REMARK]} ..."


def _remarks(plan: Plan, *, width: int) -> list[Line]:
    """First all that the planner says: whoever wrote the file cannot push it out."""
    own, foreign = warning_texts(plan)
    lines = heading("Warnings") if own or foreign else []
    for text in (*own, *foreign[:MOST_REMARKS]):
        lines += paragraph(_cut(text), width=width, hang=2, style=Style.CARE)
    if len(foreign) > MOST_REMARKS:
        rest = counted(len(foreign) - MOST_REMARKS, "warning")
        lines += paragraph(
            f"... {rest} more from the file; `gpmirror show PLAN` lists all", width=width
        )
    return lines
