"""A plan as one HTML page for review: no script, nothing fetched, light and dark."""

from collections.abc import Iterable

from gpmirror.cluster.counting import counted, ranges
from gpmirror.plan.model import Action, Plan, Wave, WaveExposure
from gpmirror.plan.pace import stopping_seconds
from gpmirror.plan.planfile import plan_id
from gpmirror.render.folding import COLUMNS, Fold, Lines, Ruled, opened
from gpmirror.render.html_style import PAGE_STYLE
from gpmirror.render.html_text import block, code, folded, items, section, table, text
from gpmirror.render.human import banners, catalog_text, server_text
from gpmirror.render.human_changes import count_text, rule_text
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
from gpmirror.render.human_waves import exposed_text, exposure_texts, made_texts, waves_title
from gpmirror.render.native import command_text
from gpmirror.render.summary import summary_line
from gpmirror.render.svg import svg_element

ROWS_SHOWN = 60
"""So many changes stand in the open; the rest is folded away."""
_HOSTS = ("host", "preferred primaries", "mirrors before", "during", "after")


def plan_html(plan: Plan) -> str:
    """The whole page; the same plan gives the same bytes."""
    hosts = folded_hosts(host_rows(plan))
    lines = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>gpmirror plan for {text(plan.cluster)}</title>",
        f"<style>{PAGE_STYLE}</style></head><body>",
        *_opening(plan),
        *section("Hazards and guards", _dangers(plan)),
        *section("Exposure", items(("", words) for words in exposure_texts(plan))),
        f'<div class="wide">{svg_element(plan)}</div>',
        *section("Changes", _changes(plan)),
        *section(waves_title(plan), _waves(plan)),
        *section("Hosts", table(_HOSTS, ([*map(text, row)] for row in hosts))),
        *section("Survival", items(("", words) for words in survival_texts(plan))),
        *section("Policy", _policy(plan)),
        *section("Warnings", _notes(plan)),
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


def _dangers(plan: Plan) -> list[str]:
    """Hazards and exceeded guards, first those that need allowing."""
    found = [
        *((_class(is_fine=one.allowed), hazard_text(one)) for one in plan.hazards),
        *((_class(is_fine=one.allowed), guard_text(one)) for one in plan.guards if one.exceeded),
    ]
    told = [("alarm", words) for words in allowance_texts(plan)]
    return items([*told, *sorted(found, key=lambda entry: entry[0])])


def _policy(plan: Plan) -> list[str]:
    return items((_class(is_fine=one.after), verdict_text(one)) for one in plan.policy)


def _notes(plan: Plan) -> list[str]:
    told = (*shown_warnings(plan), *switched_texts(plan), *next_action_texts(plan))
    return items(("", words) for words in told)


def _class(*, is_fine: bool) -> str:
    return "fine" if is_fine else "alarm"


def _changes(plan: Plan) -> list[str]:
    """Each rule once, below it its lines; what goes beyond a screen opens on a click."""
    shown, rest, hidden = opened(plan, ROWS_SHOWN)
    more = folded(counted(hidden, "more line"), _tables(rest)) if rest else []
    return [*_tables(shown), *more]


def _tables(found: Iterable[Lines]) -> list[str]:
    return [line for lines in found for line in _table(*lines)]


def _table(action: Action, ruled: Ruled, folds: tuple[Fold, ...]) -> list[str]:
    head = f'<b class="{action.value}">{text(count_text(action, ruled))}</b>'
    told = items(("", f"directory {words}") for words in ruled.directories)
    return [
        f"<p>{head} {text(rule_text(ruled))}</p>",
        *told,
        *table(COLUMNS, map(_row, folds)),
    ]


def _row(fold: Fold) -> tuple[str, ...]:
    return (
        code(fold.hosts),
        text(fold.named),
        text(fold.place),
        code(fold.storage) if fold.storage else "",
        text(fold.notes),
    )


def _waves(plan: Plan) -> Iterable[str]:
    exposures = {found.wave: found for found in plan.exposure.waves}
    for wave in plan.waves:
        yield from _wave(plan, wave, exposures.get(wave.number))


def _wave(plan: Plan, wave: Wave, exposure: WaveExposure | None) -> list[str]:
    lines = []
    if exposure is not None:
        told = exposed_text(exposure, plan.exposure.none, stopping_seconds(wave))
        lines = [f"<p>{text(told)}</p>"]
    lines += (f"<p>{text(f'First {words}.')}</p>" for words in made_texts([wave]))
    for run in wave.native:
        lines.append(block(command_text(run)))
        if run.file_name is not None and run.file_text is not None:
            lines += [f"<p>{code(run.file_name)}</p>", block(run.file_text)]
    count = f"{counted(len(wave.contents), 'content')} ({ranges(wave.contents)})"
    return folded(f"wave {wave.number}: {wave.action.value} {count}", lines)
