"""A plan as a Markdown comment for code review, within the size that review tools take."""

import re
from collections.abc import Iterable

from gpmirror.model.text import counted, ranges
from gpmirror.plan.model import Action, NativeRun, Plan, Wave, WaveExposure
from gpmirror.plan.planfile import plan_id
from gpmirror.plan.timing import waits_of
from gpmirror.render.folding import COLUMNS, Fold, Lines, Ruled, opened
from gpmirror.render.plan import (
    allowance_texts,
    banners,
    catalog_text,
    count_text,
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
from gpmirror.render.text import proof_text, summary_line, visible
from gpmirror.render.waves import (
    command_text,
    exposed_text,
    exposure_texts,
    made_texts,
    waves_title,
)

# --- Text that is safe inside Markdown: cells, code spans and fenced blocks.


_SPECIAL = re.compile(r"([\\`*_{}\[\]<|#])")
_MENTION = re.compile(r"@(?=\w)")


def escaped(text: str) -> str:
    """Text inside a line: no markup, no HTML, no mention of a person, no table border."""
    quoted = _SPECIAL.sub(r"\\\1", visible(text)).replace("\\<", "&lt;")
    return _MENTION.sub("@&#8203;", quoted)


def name_only(text: str) -> str:
    """What of a cluster name may stand in a hidden marker."""
    return re.sub(r"[^A-Za-z0-9._-]|--", "_", text)


def code(text: str) -> str:
    """A code span that holds any text, inside a table too."""
    shown = visible(text).replace("|", "\\|")
    ticks = "`" * (_longest_run(shown) + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def fenced(text: str) -> list[str]:
    """A fenced block whose fence is longer than any run of backticks inside."""
    lines = [visible(line) for line in text.splitlines()]
    fence = "`" * max(3, max(map(_longest_run, lines), default=0) + 1)
    return [f"{fence}text", *lines, fence]


def row(*cells: str) -> str:
    """A table row of cells that are escaped already."""
    return f"| {' | '.join(cells)} |"


def folded_away(title: str, lines: list[str]) -> list[str]:
    """Lines behind a title that opens on a click."""
    return ["<details>", f"<summary>{title}</summary>", "", *lines, "", "</details>", ""]


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


# --- The changes of a plan as Markdown tables: each rule once, above its lines.


ROWS_SHOWN = 30
"""So many lines of changes stand in the open; the rest is folded away."""

_HEAD = (row(*COLUMNS), row("---", "---", "---", "---", "---"))


def change_tables(plan: Plan) -> tuple[list[str], list[str], int]:
    """What stands in the open, what is folded away, and how many lines of changes that are."""
    shown, rest, hidden = opened(plan, ROWS_SHOWN)
    return _tables(shown), _tables(rest), hidden


def _tables(found: Iterable[Lines]) -> list[str]:
    return [line for lines in found for line in _table(*lines)]


def _table(action: Action, ruled: Ruled, folds: tuple[Fold, ...]) -> list[str]:
    title = f"**{escaped(count_text(action, ruled))}**: {escaped(rule_text(ruled))}"
    told = [f"- directory {code(text.removeprefix('directory '))}" for text in ruled.directories]
    return [title, "", *told, *([""] if told else []), *_HEAD, *map(_row, folds), ""]


def _row(fold: Fold) -> str:
    storage = code(fold.storage) if fold.storage else ""
    return row(
        code(fold.hosts), escaped(fold.named), escaped(fold.place), storage, escaped(fold.notes)
    )


# --- The waves of a plan as folded parts of a Markdown comment, native files included.


def wave_blocks(plan: Plan) -> list[list[str]]:
    """One folded part a wave: exposure, command lines, host actions and files."""
    exposures = {found.wave: found for found in plan.exposure.waves}
    return [_block(plan, wave, exposures.get(wave.number)) for wave in plan.waves]


def _block(plan: Plan, wave: Wave, exposure: WaveExposure | None) -> list[str]:
    contents = f"{counted(len(wave.contents), 'content')} ({ranges(wave.contents)})"
    lines = []
    if exposure is not None:
        told = exposed_text(exposure, plan, waits_of(plan, [wave]).seconds)
        lines = [escaped(told), ""]
    for text in made_texts([wave]):
        lines += [f"First {escaped(text)}.", ""]
    for run in wave.native:
        lines += _run(run)
    return folded_away(f"wave {wave.number}: {wave.action.value} {contents}", lines)


def _run(run: NativeRun) -> list[str]:
    lines = [*fenced(command_text(run)), ""]
    if run.file_name is None or run.file_text is None:
        return lines
    return [*lines, f"{code(run.file_name)}:", "", *fenced(run.file_text), ""]


# --- A plan as a Markdown comment for code review, within the size that review tools accept.


BYTE_BUDGET = 60_000
"""Most bytes of the text in UTF-8; rows and blocks beyond it are dropped and counted."""

_START, _END = 300, 200
"""Characters kept of the start and of the end of a very long message."""

_RESERVE = 600
"""Bytes kept for the sentences that say what was dropped."""


def plan_markdown(plan: Plan, *, budget: int = BYTE_BUDGET) -> str:
    """The whole comment. Its first line is a hidden marker by which a bot finds its own comment.
    What must be told in any case may be longer than a small `budget` of bytes.
    """
    fixed = [*_opening(plan), *_warnings(plan), *_exposure(plan)]
    closing = _closing(plan)
    budget = max(budget - _RESERVE - _bytes(fixed) - _bytes(closing), 0)
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
        *([] if (proof := proof_text(plan)) is None else [f"Balanced: {escaped(proof)}.", ""]),
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
