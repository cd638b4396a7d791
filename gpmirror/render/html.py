"""A plan as one HTML page for review: no script, nothing fetched, light and dark."""

from collections.abc import Iterable

from gpmirror.cluster.counting import counted, ranges
from gpmirror.cluster.segment import Slot
from gpmirror.plan.model import Action, Change, Plan, Wave, WaveExposure
from gpmirror.plan.pace import stopping_left, stopping_seconds
from gpmirror.plan.planfile import plan_id
from gpmirror.render.copying import copy_time
from gpmirror.render.html_style import PAGE_STYLE
from gpmirror.render.html_text import block, code, folded, items, section, table, text
from gpmirror.render.human import banners, catalog_text, server_text
from gpmirror.render.human_changes import remarks, why_text
from gpmirror.render.human_checks import guard_text, hazard_text, switched_texts, verdict_text
from gpmirror.render.human_layout import host_rows, survival_texts
from gpmirror.render.human_waves import at_once_text, exposed_text, fewest_waves
from gpmirror.render.marks import MARKS
from gpmirror.render.native import command_text
from gpmirror.render.quantities import first_few
from gpmirror.render.slots import slot_text
from gpmirror.render.summary import summary_line
from gpmirror.render.svg import svg_element

ROWS_SHOWN = 60
"""So many changes stand in the open; the rest is folded away."""
_CHANGES = ("", "content", "primary", "now", "planned", "why")
_HOSTS = ("host", "primaries", "mirrors before", "during", "after")


def plan_html(plan: Plan) -> str:
    """The whole page; the same plan gives the same bytes."""
    lines = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>gpmirror plan for {text(plan.cluster)}</title>",
        f"<style>{PAGE_STYLE}</style></head><body>",
        *_opening(plan),
        f'<div class="wide">{svg_element(plan)}</div>',
        *_weighing(plan),
        *section("Changes", _changes(plan)),
        *section("Waves", _waves(plan)),
        *section("Hosts", table(_HOSTS, ([*map(text, row)] for row in host_rows(plan)))),
        *section("Survival", items(("", words) for words in survival_texts(plan))),
        f"<footer>plan {text(plan_id(plan))}</footer>",
        "</body></html>",
    ]
    return "\n".join(lines) + "\n"


def _opening(plan: Plan) -> list[str]:
    facts = f"{server_text(plan)}; spec {plan.spec_file}; catalog {catalog_text(plan)}"
    return [
        f"<h1>{text(plan.cluster)}</h1>",
        f'<p class="summary">{text(summary_line(plan))}</p>',
        f'<p class="soft">{text(facts)}</p>',
        *(f'<p class="alarm">{text(words)}</p>' for words in banners(plan)),
    ]


def _weighing(plan: Plan) -> list[str]:
    """What a reviewer must weigh: hazards and guards, policy, remarks."""
    dangers = [
        *((_class(is_fine=one.allowed), hazard_text(one)) for one in plan.hazards),
        *((_class(is_fine=one.allowed), guard_text(one)) for one in plan.guards if one.exceeded),
    ]
    policy = [(_class(is_fine=one.after), verdict_text(one)) for one in plan.policy]
    notes = [("", words) for words in (*plan.warnings, *switched_texts(plan))]
    return [
        *section("Hazards and guards", items(dangers)),
        *section("Policy", items(policy)),
        *section("Warnings", items(notes)),
    ]


def _class(*, is_fine: bool) -> str:
    return "fine" if is_fine else "alarm"


def _changes(plan: Plan) -> list[str]:
    rows = [_row(change) for action in MARKS for change in plan.changes if change.action is action]
    rest = rows[ROWS_SHOWN:]
    more = folded(counted(len(rest), "more change"), table(_CHANGES, rest)) if rest else []
    return [*table(_CHANGES, rows[:ROWS_SHOWN]), *more]


def _row(change: Change) -> tuple[str, ...]:
    mark = MARKS[change.action]
    return (
        f'<b class="{change.action.value}">{text(mark.sign)} {change.action.value}</b>',
        str(change.content),
        code(change.primary),
        _slot(change.from_),
        ", ".join(part for part in (_destination(change), text(remarks(change))) if part),
        text(why_text(change)),
    )


def _destination(change: Change) -> str:
    match change.action:
        case Action.REBALANCE:
            return "roles return"
        case Action.RECOVER if change.to == change.from_:
            return "in place"
        case _:
            return _slot(change.to)


def _slot(slot: Slot | None) -> str:
    return "" if slot is None else code(slot_text(slot))


def _waves(plan: Plan) -> Iterable[str]:
    exposures = {found.wave: found for found in plan.exposure.waves}
    for wave in plan.waves:
        yield from _wave(plan, wave, exposures.get(wave.number))
    if plan.waves:
        words = (
            at_once_text(plan),
            copy_time(plan.exposure, stopping_left(plan)),
            fewest_waves(plan),
        )
        yield from items(("", found) for found in words if found)


def _wave(plan: Plan, wave: Wave, exposure: WaveExposure | None) -> list[str]:
    lines = []
    if exposure is not None:
        told = exposed_text(exposure, plan.exposure.none, stopping_seconds(wave))
        lines = [f"<p>{text(told)}</p>"]
    if wave.host_actions:
        hosts = first_few(sorted({found.host for found in wave.host_actions}))
        actions = counted(len(wave.host_actions), "host action")
        lines.append(f"<p>{text(f'First {actions} on {hosts}.')}</p>")
    for run in wave.native:
        lines.append(block(command_text(run)))
        if run.file_name is not None and run.file_text is not None:
            lines += [f"<p>{code(run.file_name)}</p>", block(run.file_text)]
    count = f"{counted(len(wave.contents), 'content')} ({ranges(wave.contents)})"
    return folded(f"wave {wave.number}: {wave.action.value} {count}", lines)
