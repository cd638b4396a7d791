"""A plan as one HTML page for review: no script, nothing fetched, light and dark."""

from collections.abc import Iterable, Sequence
from html import escape

from gpmirror.model.text import counted, ranges
from gpmirror.plan.model import Action, Plan, Wave, WaveExposure
from gpmirror.plan.planfile import plan_id
from gpmirror.plan.timing import waits_of
from gpmirror.render.folding import COLUMNS, Fold, Lines, Ruled, opened
from gpmirror.render.plan import (
    allowance_texts,
    banners,
    catalog_text,
    count_text,
    directory_text,
    folded_hosts,
    guard_text,
    hazard_text,
    host_rows,
    next_action_texts,
    rule_text,
    server_text,
    shown_warnings,
    survival_texts,
    switched_texts,
    verdict_text,
)
from gpmirror.render.svg import svg_element
from gpmirror.render.text import proof_text, summary_line, visible
from gpmirror.render.waves import (
    command_text,
    exposed_text,
    exposure_texts,
    made_texts,
    waves_title,
)

# --- How the page of a plan looks; the picture in it brings its own colours.


PAGE_STYLE = """
:root{color-scheme:light dark;--text:#1f2328;--soft:#59636e;--back:#fff;--edge:#d0d7de;
--tint:#f6f8fa;--fine:#1a7f37;--care:#bc4c00;--alarm:#cf222e;--role:#0969da}
@media (prefers-color-scheme:dark){:root{--text:#f0f6fc;--soft:#9198a1;--back:#0d1117;
--edge:#30363d;--tint:#151b23;--fine:#3fb950;--care:#f0883e;--alarm:#f85149;--role:#58a6ff}}
body{margin:2rem auto;max-width:1200px;padding:0 1rem;color:var(--text);background:var(--back);
font:15px/1.5 ui-sans-serif,system-ui,'Segoe UI',Helvetica,Arial,sans-serif}
h1{font-size:1.6rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}
.summary{font-size:1.1rem;font-weight:600;margin:.2rem 0}.soft,footer{color:var(--soft)}
footer{margin-top:2rem;font-size:.85rem;overflow-wrap:anywhere}
.alarm{color:var(--alarm)}.fine{color:var(--text)}
.wide{overflow-x:auto}svg.gm{max-width:none;border-radius:10px}
table{border-collapse:collapse;font-size:.9rem}
th{color:var(--soft);font-weight:500;text-align:left}
th,td{border-bottom:1px solid var(--edge);padding:.3rem .8rem .3rem 0;vertical-align:top}
code,pre{font:.85em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre{background:var(--tint);border-radius:6px;overflow-x:auto;padding:.7rem}
details{border-bottom:1px solid var(--edge);padding:.4rem 0}summary{cursor:pointer}
ul{margin:.3rem 0;padding-left:1.2rem}
b.add{color:var(--fine)}b.move{color:var(--care)}b.recover,b.blocked{color:var(--alarm)}
b.rebalance{color:var(--role)}
@media print{details{display:block}}
""".strip()


# --- Pieces of an HTML page: everything that is not ours is escaped here.


def text(words: str) -> str:
    """Words as HTML; control characters are written out."""
    return escape(visible(words))


def code(words: str) -> str:
    """A name, path or command."""
    return f"<code>{text(words)}</code>" if words else ""


def block(words: str) -> str:
    """A file as it is."""
    lines = "\n".join(map(visible, words.rstrip("\n").split("\n")))
    return f"<pre>{escape(lines)}</pre>"


def section(title: str, body: Iterable[str]) -> list[str]:
    """A heading with what belongs to it; nothing for no body."""
    found = list(body)
    return [f"<h2>{text(title)}</h2>", *found] if found else []


def items(texts: Iterable[tuple[str, str]]) -> list[str]:
    """A list of (class, words); nothing for no words."""
    found = [f'<li class="{kind}">{text(words)}</li>' for kind, words in texts]
    return ["<ul>", *found, "</ul>"] if found else []


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table whose cells are HTML already; nothing for no rows."""
    body = ["<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>" for cells in rows]
    if not body:
        return []
    heading = "".join(f"<th>{text(word)}</th>" for word in head)
    return ['<div class="wide"><table>', f"<tr>{heading}</tr>", *body, "</table></div>"]


def folded(summary: str, lines: Iterable[str]) -> list[str]:
    """A part that opens on a click, without a script."""
    return [f"<details><summary>{text(summary)}</summary>", *lines, "</details>"]


# --- A plan as one HTML page for review: no script, nothing fetched, light and dark.


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
        *([] if (proof := proof_text(plan)) is None else [f"<p>Balanced: {text(proof)}.</p>"]),
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
    told = items(("", directory_text(words)) for words in ruled.directories)
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
        told = exposed_text(exposure, plan, waits_of(plan, [wave]).seconds)
        lines = [f"<p>{text(told)}</p>"]
    lines += (f"<p>{text(f'First {words}.')}</p>" for words in made_texts([wave]))
    for run in wave.native:
        lines.append(block(command_text(run)))
        if run.file_name is not None and run.file_text is not None:
            lines += [f"<p>{code(run.file_name)}</p>", block(run.file_text)]
    count = f"{counted(len(wave.contents), 'content')} ({ranges(wave.contents)})"
    return folded(f"wave {wave.number}: {wave.action.value} {count}", lines)
