"""What a person sees before saying yes: the plan on one screen, however large the cluster."""

from collections.abc import Sequence
from shlex import quote

from gpmirror.cluster.counting import counted, ranges
from gpmirror.plan.model import Action, Guard, Hazard, Plan, Wave, WaveExposure
from gpmirror.plan.pace import stopping_left, stopping_seconds
from gpmirror.plan.planfile import plan_id
from gpmirror.render.columns import folded
from gpmirror.render.copying import copy_time, wave_copies, wave_time
from gpmirror.render.events_text import short_id
from gpmirror.render.human import LEAST_WIDTH, banners, server_text
from gpmirror.render.human_checks import guard_text, hazard_text
from gpmirror.render.human_waves import at_once_text
from gpmirror.render.marks import MARKS
from gpmirror.render.prose import heading, paragraph
from gpmirror.render.quantities import first_few
from gpmirror.render.spans import BLANK, Line, Span, Style, line, painted, styled
from gpmirror.render.summary import summary_line

MOST_WAVES = 8
"""Up to so many waves are all shown."""
FIRST_WAVES = 6
"""So many of a longer list are shown; the rest is counted."""
MOST_REMARKS = 4
"""So many warnings are shown; the rest is counted."""
MOST_REMARK = 600
"""So many characters of a remark are shown."""
_KEY = 12
_MOST_RANGES = 6


def question(plan: Plan, *, clears: bool = False) -> str:
    """What is asked after the preview; `clears`: and after a list of cut-off copies that go first."""
    first = "Delete the cut-off copies named above, then apply" if clears else "Apply"
    return f"{first} these changes to cluster {plan.cluster}? Only 'yes' is accepted:"


def preview(
    plan: Plan,
    *,
    rest_of: str | None = None,
    server: str | None = None,
    width: int = 100,
    color: bool = False,
) -> str:
    """What will happen in which waves, on which hosts, at what risk; the fixed summary last.
    `rest_of` names the run whose rest it is, `server` the one that was connected to where that is not
    the one of the plan.
    """
    columns = max(width, LEAST_WIDTH)
    lines: list[Line] = [
        line(styled("gpmirror apply", Style.STRONG), f"  {plan.cluster}, {server_text(plan)}"),
        *_facts(plan, rest_of, server or _coordinator(plan), width=columns),
        *_waves(plan, width=columns),
        *_dangers(plan, width=columns),
        BLANK,
        line(styled(summary_line(plan), Style.STRONG)),
    ]
    return painted(lines, color=color)


def _facts(plan: Plan, rest_of: str | None, coordinator: str, *, width: int) -> list[Line]:
    entries = {
        "plan": f"{short_id(plan_id(plan))} made from {_cut(plan.spec_file)}",
        "coordinator": coordinator,
        "hosts": _hosts(plan),
        "copies": copy_time(plan.exposure, stopping_left(plan)),
        "exposure": at_once_text(plan) if plan.waves else "",
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
    order = {host.name: at for at, host in enumerate(plan.desired.hosts)}
    targets = {step.to.host for step in steps if step.to is not None}
    swaps = {change.primary for change in plan.changes if change.content in returning}
    swaps |= {step.from_.host for step in steps if step.to is None and step.from_ is not None}
    left = {step.from_.host for step in steps if step.from_ is not None} - targets - swaps
    return "; ".join(
        f"{words} {first_few(sorted(found, key=lambda name: (order.get(name, -1), name)))}"
        for words, found in (
            (f"{counted(len(targets), 'host')} to get copies:", targets),
            (f"{counted(len(left), 'host')} only left:", left),
            (f"roles swap on {counted(len(swaps), 'host')}:", swaps),
        )
        if found
    )


def _waves(plan: Plan, *, width: int) -> list[Line]:
    if not plan.waves:
        return []
    shown = plan.waves if len(plan.waves) <= MOST_WAVES else plan.waves[:FIRST_WAVES]
    exposures = {found.wave: found for found in plan.exposure.waves}
    head = ("wave", "action", "contents", "to copy", "time", "one copy", "a lost host costs")
    rows = [
        tuple(line(styled(word, Style.FAINT)) for word in head),
        *(_wave_row(wave, exposures.get(wave.number)) for wave in shown),
    ]
    table = folded(rows, width=width - 2, lead=2, numbers=frozenset({0, 5}))
    lines = [*heading(counted(len(plan.waves), "wave").capitalize())]
    lines += [(Span("  "), *found) for found in table]
    lines += _commands(shown, width=width)
    if len(shown) < len(plan.waves):
        # a kind of work that only later waves do is seen too
        known = {wave.action for wave in shown}
        later = {w.action: w for w in reversed(plan.waves) if w.action not in known}
        lines += _commands(sorted(later.values(), key=lambda wave: wave.number), width=width)
        rest = counted(len(plan.waves) - len(shown), "wave")
        lines += paragraph(f"... {rest} more; `gpmirror show PLAN` says more", width=width)
    return lines


def _commands(waves: Sequence[Wave], *, width: int) -> list[Line]:
    """What is run on the coordinator's host, as it stands in the plan."""
    lines: list[Line] = []
    for wave in waves:
        for native in wave.native:
            text = f"{wave.number:>4}  $ {' '.join(map(quote, native.argv))}"
            lines += paragraph(text, width=width, hang=8)
    return lines


def _wave_row(wave: Wave, found: WaveExposure | None) -> tuple[Line, ...]:
    contents = f"{len(wave.contents):,} ({ranges(wave.contents, most=_MOST_RANGES)})"
    lead = (line(str(wave.number)), (MARKS[wave.action].span,), line(contents))
    if found is None:
        return (*lead, BLANK, BLANK, BLANK, BLANK)
    cost = found.worst_host_loses
    lost = f"up to {counted(cost, 'content')}" if cost else "no content"
    time = wave_time(found, stopping_seconds(wave))
    copied = (line(wave_copies(found)), line(time))
    return (*lead, *copied, line(f"{len(found.single):,}"), line(lost))


def _dangers(plan: Plan, *, width: int) -> list[Line]:
    """A few of the warnings, whose words are anybody's, then hazards and exceeded guards with how each
    is allowed, nearest to the question.
    """
    lines = _remarks(plan, width=width)
    entries = [
        *((hazard_text(found), _weight(found)) for found in plan.hazards),
        *((guard_text(found), _weight(found)) for found in plan.guards if found.exceeded),
    ]
    if entries:
        lines += heading("Hazards and guards")
    for text, style in entries:
        lines += paragraph(text, width=width, hang=2, style=style)
    return lines


def _cut(text: str) -> str:
    """A remark scrolls nothing else away."""
    return text if len(text) <= MOST_REMARK else f"{text[:MOST_REMARK]} ..."


def _weight(found: Hazard | Guard) -> Style:
    return Style.PLAIN if found.allowed else Style.ALARM


def _remarks(plan: Plan, *, width: int) -> list[Line]:
    if not plan.warnings:
        return []
    lines = heading("Warnings")
    for text in plan.warnings[:MOST_REMARKS]:
        lines += paragraph(_cut(text), width=width, hang=2, style=Style.CARE)
    if len(plan.warnings) > MOST_REMARKS:
        rest = counted(len(plan.warnings) - MOST_REMARKS, "warning")
        lines += paragraph(f"... {rest} more; `gpmirror show PLAN` lists all", width=width)
    return lines
