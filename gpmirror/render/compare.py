"""What differs: two plans, two catalogs, and many clusters from what a repository says of each."""

from collections.abc import Iterable, Mapping, Sequence

from gpmirror.diagnostics import Diagnostic
from gpmirror.errors import ExitCode
from gpmirror.layouts import (
    Drift,
    Outcome,
    Planned,
    Tried,
    Trouble,
    needs,
    outcome_of,
    outcome_of_all,
    worst,
)
from gpmirror.model.text import counted, moment_text
from gpmirror.plan.compare import (
    FactDifference,
    Kind,
    ObservedDifference,
    PlanDifference,
    RowDifference,
)
from gpmirror.plan.model import Change, Plan, plain
from gpmirror.plan.planfile import plan_id
from gpmirror.render.diagnostics import diagnostic_json
from gpmirror.render.json import document, status_document
from gpmirror.render.markdown import BYTE_BUDGET, escaped, plan_markdown
from gpmirror.render.markdown import row as markdown_row
from gpmirror.render.plan import change_text, changes_section, to_allow
from gpmirror.render.status import counts, switched_contents
from gpmirror.render.text import (
    BLANK,
    GAP,
    Line,
    Style,
    folded,
    heading,
    line,
    painted,
    paragraph,
    row_text,
    styled,
    summary_line,
)
from gpmirror.run.status import Reading
from gpmirror.values import dataclass
from gpmirror.verify import CopyState

# --- The differences of two plans, or of two catalogs, for a person at a terminal.


NO_DIFFERENCES = "No differences."

_FULL_LIST = 200
"""Up to so many entries of one kind are shown; the rest is counted."""

_STYLES: dict[Kind, Style] = {
    "added": Style.ADD,
    "removed": Style.ALARM,
    "moved": Style.CARE,
    "switched": Style.ROLE,
    "changed": Style.CARE,
}


def difference_human(
    found: PlanDifference, *, first: str, second: str, width: int, color: bool
) -> str:
    """What differs between two plans, called by their names; exactly `No differences.` if none."""
    if not found.differs:
        return f"{NO_DIFFERENCES}\n"
    lines = [
        *_told("Made from", found.facts, width=width),
        *_changes(f"Only in {first}", found.only_first, Style.ALARM, width=width),
        *_changes(f"Only in {second}", found.only_second, Style.ADD, width=width),
        *_changed("In both, differently", found.changed, width=width),
        *_told("Waves", found.waves, width=width),
        *_told("Hazards and guards", found.dangers, width=width),
    ]
    return painted([*_title(first, second, width=width), *lines], color=color)


def observed_difference_human(
    found: ObservedDifference, *, first: str, second: str, width: int, color: bool
) -> str:
    """What differs between two catalogs; exactly `No differences.` if nothing does."""
    if not found.differs:
        return f"{NO_DIFFERENCES}\n"
    lines = [*_title(first, second, width=width), *observed_differences(found, width=width)]
    return painted(lines, color=color)


def observed_differences(found: ObservedDifference, *, width: int) -> list[Line]:
    """What differs between two catalogs, without a title; nothing if nothing does."""
    rows = [(_row_text(row), _STYLES[row.kind]) for row in found.rows]
    return [
        *_told("Server", found.facts, width=width),
        *_entries("Segments", rows, width=width),
    ]


def _title(first: str, second: str, *, width: int) -> list[Line]:
    return paragraph(f"{first} -> {second}", width=width, indent=0, style=Style.STRONG)


def _entries(title: str, texts: Iterable[tuple[str, Style]], *, width: int) -> list[Line]:
    found = list(texts)
    lines = heading(title) if found else []
    for text, style in found[:_FULL_LIST]:
        lines += paragraph(text, width=width, hang=2, style=style)
    if len(found) > _FULL_LIST:
        rest = counted(len(found) - _FULL_LIST, "difference")
        lines += paragraph(f"... {rest} not listed here", width=width)
    return lines


def _told(title: str, facts: Iterable[FactDifference], *, width: int) -> list[Line]:
    texts = [(f"{fact.name}: {fact.first} -> {fact.second}", Style.CARE) for fact in facts]
    return _entries(title, texts, width=width)


def _changes(title: str, changes: Iterable[Change], style: Style, *, width: int) -> list[Line]:
    return _entries(title, [(change_text(change), style) for change in changes], width=width)


def _changed(title: str, pairs: Iterable[tuple[Change, Change]], *, width: int) -> list[Line]:
    texts: list[tuple[str, Style]] = []
    for one, other in pairs:
        texts += [(f"- {change_text(one)}", Style.ALARM), (f"+ {change_text(other)}", Style.ADD)]
    return _entries(title, texts, width=width)


def _row_text(found: RowDifference) -> str:
    row = found.row
    kind = "primary" if row.is_preferred_primary else "mirror"
    sides = " -> ".join(row_text(side) for side in (found.first, found.second) if side is not None)
    return f"{found.kind}: content {row.content} {kind} {sides}"


# --- Many specs at once: a row a spec with its exit code, then figures, or words where there are none.


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is told of one spec: `cells` under the heads, or `words` in place of all of them."""

    spec: str
    exit_code: ExitCode
    cells: tuple[str, ...] = ()
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """`heads` are the columns after `spec` and `exit`; those in `numbers` stand to the right."""

    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    numbers: frozenset[str] = frozenset()

    @property
    def verdict(self) -> str:
        """The last line: how many specs ended how."""
        codes = [row.exit_code for row in self.rows]
        told = [f"{codes.count(code)} with {code.value}" for code in sorted(set(codes))]
        return f"{counted(len(codes), 'spec')}, by exit code: {', '.join(told)}."


_LEAST_WIDTH = 40


def table_human(found: Table, *, width: int, color: bool) -> str:
    """The rows in the order given, the verdict below."""
    columns = max(width, _LEAST_WIDTH)
    return painted([*_table(found, columns), BLANK, line(found.verdict)], color=color)


def _table(found: Table, width: int) -> list[Line]:
    names = max(len("spec"), *(len(row.spec) for row in found.rows))
    figured = [row for row in found.rows if not row.words]
    heads = ("spec".ljust(names), "exit", *(found.heads if figured else ("result",)))
    body: list[list[Line]] = [
        [line(row.spec), _exit(row.exit_code), *(line(cell) for cell in row.cells)]
        for row in figured
    ]
    numbers = {at for at, head in enumerate(found.heads, start=2) if head in found.numbers}
    cells: list[list[Line]] = [[(styled(head, Style.FAINT),) for head in heads], *body]
    head, *lines = _grouped(folded(cells, width=width, lead=2, numbers=frozenset({1, *numbers})))
    left = iter(lines)
    told = [*head]
    for row in found.rows:
        told += next(left) if not row.words else _words(row, names, width)
    return told


def _grouped(lines: list[Line]) -> list[list[Line]]:
    """A row that went on below its first line stays with it."""
    groups: list[list[Line]] = []
    for one in lines:
        if groups and one and one[0].text.isspace() and not one[0].text.strip():
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _words(row: Row, names: int, width: int) -> list[Line]:
    text = f"{row.spec.ljust(names)}{' ' * GAP}{row.exit_code.value:>4}{' ' * GAP}{row.words}"
    style = Style.PLAIN if row.exit_code is ExitCode.OK else Style.CARE
    return paragraph(text, width=width, indent=0, hang=4, style=style)


def _exit(code: ExitCode) -> Line:
    return (styled(str(code.value), Style.PLAIN if code is ExitCode.OK else Style.CARE),)


def table_markdown(found: Table) -> str:
    """The same as a table of Markdown."""
    rules = ["---:" if head in found.numbers else "---" for head in found.heads]
    lines = [markdown_row("spec", "exit", *found.heads), markdown_row("---", "---:", *rules)]
    for row in found.rows:
        blanks = [""] * max(len(found.heads) - 1, 0)
        cells = row.cells if not row.words else (row.words, *blanks)
        lines.append(
            markdown_row(escaped(row.spec), str(row.exit_code.value), *map(escaped, cells))
        )
    return "\n".join([*lines, "", escaped(found.verdict), ""])


# --- Plans of many specs.


_ALWAYS = ("add", "move", "recover")
_WHERE_ANY = ("rebalance", "blocked", "switched", "to allow")


def plans_table(rows: Sequence[Tried[Planned]]) -> Table:
    """What each spec's plan would do, or why there is none."""
    counts = {row.spec: _counts(row.found.plan) for row in rows if row.found is not None}
    shown = (*_ALWAYS, *(name for name in _WHERE_ANY if any(one[name] for one in counts.values())))
    return Table(
        heads=("cluster", *shown, "catalog"),
        rows=tuple(_planned(row, shown) for row in rows),
        numbers=frozenset(shown),
    )


def _planned(row: Tried[Planned], shown: Sequence[str]) -> Row:
    if row.found is None:
        return _in_trouble(row)
    counts = _counts(row.found.plan)
    figures = (f"{counts[name]:,}" for name in shown)
    cells = (row.found.plan.cluster, *figures, catalog_cell(row.found))
    return Row(spec=row.spec, exit_code=row.exit_code, cells=cells)


def _counts(plan: Plan) -> dict[str, int]:
    return {**plain(plan.summary), "to allow": to_allow(plan)}


def catalog_cell(found: Planned) -> str:
    """`live`, or the date of the snapshot."""
    if found.snapshot is None:
        return "live"
    taken = found.plan.observed.taken
    return "snapshot, no date" if taken is None else f"snapshot of {moment_text(taken)}"


def _in_trouble(row: Tried[object]) -> Row:
    words = "" if row.trouble is None else row.trouble.message
    return Row(spec=row.spec, exit_code=row.exit_code, words=" ".join(words.split()) or "failed")


def plans_json(rows: Sequence[Tried[Planned]], folders: Mapping[str, str] | None) -> str:
    """Every row; `folders` tells where each spec's own files are, None: there are none."""
    return document(
        {
            "exit_code": worst(rows),
            "outcome": outcome_of_all(rows),
            "specs": [
                {
                    **_head(row),
                    "outcome": outcome_of(row),
                    **_plan_keys(row.found),
                    "folder": None if folders is None else folders[row.spec],
                }
                for row in rows
            ],
        }
    )


def _head(row: Tried[object]) -> dict[str, object]:
    return {"spec": row.spec, "exit_code": row.exit_code, "error": _trouble(row.trouble)}


def _trouble(found: Trouble | None) -> dict[str, object] | None:
    if found is None:
        return None
    return {
        "message": found.message,
        "hint": found.hint,
        "findings": [diagnostic_json(one) for one in found.findings],
    }


def _plan_keys(found: Planned | None) -> dict[str, object]:
    if found is None:
        return {"cluster": None, "catalog": None, "plan": None}
    plan = found.plan
    return {
        "cluster": plan.cluster,
        "catalog": {
            "live": found.snapshot is None,
            "source": found.snapshot or plan.observed.source,
            "taken": plan.observed.taken,
        },
        "plan": {
            "plan_id": plan_id(plan),
            "summary": plain(plan.summary),
            "differs": plan.summary.differs,
            "needs": needs(plan),
        },
    }


# --- Plans of many specs as one comment of a review, within the size that code hosts accept.


_RESERVE = 2_000
"""Bytes kept for what the comment says of itself: its mark, what was cut, where the files are."""
_LEAST_SECTION = 3_000
_FINDINGS_SHOWN = 30


def review_markdown(rows: Sequence[Tried[Planned]], folders: Mapping[str, str]) -> str:
    """The table, whether somebody has to approve and why, then each spec that changes or fails, as far
    as there is room; what is left out is named with its folder.
    """
    opening = [
        f"## gpmirror: {outcome_of_all(rows)}",
        "",
        table_markdown(plans_table(rows)),
        f"**Approval needed: {escaped(_approval(rows))}**",
        "",
    ]
    told = [row for row in rows if outcome_of(row) is not Outcome.SAME]
    left = BYTE_BUDGET - _RESERVE - sum(len(text.encode()) + 1 for text in opening)
    sections: list[str] = []
    cut: list[str] = []
    for number, row in enumerate(told):
        text = _section(row, max(left // (len(told) - number), _LEAST_SECTION))
        if len(text.encode()) + 1 > left:
            cut.append(row.spec)
            continue
        sections.append(text)
        left -= len(text.encode()) + 1
    return "\n".join([*opening, *sections, *_cut(cut, folders)])


def _approval(rows: Sequence[Tried[Planned]]) -> str:
    why = [f"{row.spec}: {_reason(row)}" for row in rows if outcome_of(row) is not Outcome.SAME]
    if not why:
        return "no, nothing would change"
    more = f"; and {len(why) - _REASONS} more" if len(why) > _REASONS else ""
    return f"yes, because {'; '.join(why[:_REASONS])}{more}"


_REASONS = 8


def _reason(row: Tried[Planned]) -> str:
    if row.found is None:
        return f"{outcome_of(row)} (exit {row.exit_code.value})"
    flags = needs(row.found.plan)
    asks = f"; apply needs {', '.join(flags)}" if flags else ""
    return f"{_to_do(row.found.plan)}{asks}"


def _section(row: Tried[Planned], budget: int) -> str:
    head = f"### {escaped(row.spec)}\n\n"
    if row.found is not None:
        return head + plan_markdown(row.found.plan, budget=budget - len(head.encode()))
    trouble = row.trouble
    if trouble is None or not trouble.findings:
        hint = "" if trouble is None or trouble.hint is None else f" Hint: {trouble.hint}"
        message = "failed" if trouble is None else trouble.message
        return f"{head}Exit {row.exit_code.value}: {escaped(_one_line(message + '.' + hint))}\n"
    items = [f"- {escaped(_one_line(_finding(one)))}" for one in trouble.findings[:_FINDINGS_SHOWN]]
    if len(trouble.findings) > _FINDINGS_SHOWN:
        items.append(f"- and {len(trouble.findings) - _FINDINGS_SHOWN} more")
    return head + "\n".join([f"Exit {row.exit_code.value}:", "", *items, ""])


def _finding(found: Diagnostic) -> str:
    place = "" if found.place is None else f"{found.place}: "
    hint = "" if found.hint is None else f" Hint: {found.hint}"
    return f"{found.code} {place}{found.message}.{hint}"


def _one_line(text: str) -> str:
    shown = " ".join(text.split())
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]} ..."


_LONGEST = 600


def _cut(specs: Sequence[str], folders: Mapping[str, str]) -> list[str]:
    if not specs:
        return []
    named = [f"- {escaped(spec)}: `plan.md` in {escaped(folders[spec])}" for spec in specs]
    more = len(named) - _CUT_NAMED
    rest = [f"- and {more} more"] if more > 0 else []
    told = counted(len(specs), "plan")
    return [f"{told} not shown here: too long for one comment.", "", *named[:_CUT_NAMED], *rest, ""]


_CUT_NAMED = 12


# --- The state of many clusters.


_STATES = tuple(state.value for state in CopyState)


def statuses_table(rows: Sequence[Tried[tuple[str | None, Reading]]]) -> Table:
    """How many contents of each cluster are in which state."""
    return Table(
        heads=("cluster", "server", "contents", *_STATES, "switched"),
        rows=tuple(_status(row) for row in rows),
        numbers=frozenset({"contents", *_STATES, "switched"}),
    )


def _status(row: Tried[tuple[str | None, Reading]]) -> Row:
    if row.found is None:
        return _in_trouble(row)
    cluster, reading = row.found
    states = counts(reading.health)
    cells = (
        cluster or "",
        reading.observed.source,
        f"{len(reading.health.contents):,}",
        *(f"{states[state]:,}" for state in CopyState),
        f"{len(switched_contents(reading.health)):,}",
    )
    return Row(spec=row.spec, exit_code=row.exit_code, cells=cells)


def statuses_json(rows: Sequence[Tried[tuple[str | None, Reading]]]) -> str:
    """Every row, with the whole status of its cluster."""
    return document(
        {
            "exit_code": worst(rows),
            "specs": [
                {
                    **_head(row),
                    "status": None if row.found is None else status_document(*row.found),
                }
                for row in rows
            ],
        }
    )


# --- What drifted.


def drifts_table(rows: Sequence[Tried[Drift]]) -> Table:
    """What differs of each cluster, or why nobody knows."""
    return Table(
        heads=("cluster", "against the snapshot", "against the spec"),
        rows=tuple(_drifted(row) for row in rows),
    )


def _drifted(row: Tried[Drift]) -> Row:
    if row.found is None:
        return _in_trouble(row)
    cells = (row.found.plan.cluster, _since(row.found), _to_do(row.found.plan))
    return Row(spec=row.spec, exit_code=row.exit_code, cells=cells)


def _since(found: Drift) -> str:
    if found.since is None:
        return "no snapshot"
    number = len(found.since.rows) + len(found.since.facts)
    return counted(number, "difference") if number else "same"


def _to_do(plan: Plan) -> str:
    counts = plain(plan.summary)
    told = [f"{counts[name]:,} {what}" for name, what in _TO_DO.items() if counts[name]]
    return ", ".join(told) or "same"


_TO_DO = {
    "add": "to add",
    "move": "to move",
    "recover": "to recover",
    "rebalance": "to rebalance",
    "blocked": "blocked",
}


def drift_human(found: Drift, *, width: int, color: bool) -> str:
    """One cluster: what changed since the snapshot, what a plan would do; the last line is the
    plan's fixed summary.
    """
    columns = max(width, _LEAST_WIDTH)
    lines = [
        *paragraph(
            f"gpmirror drift  {found.plan.cluster}: {_verdict(found)}", width=columns, indent=0
        ),
        *paragraph(f"live      {found.source}", width=columns, hang=10),
        *paragraph(f"snapshot  {_snapshot(found)}", width=columns, hang=10),
        *paragraph(f"spec      {found.plan.spec_file}", width=columns, hang=10),
    ]
    if found.since is not None:
        lines += observed_differences(found.since, width=columns)
    lines += changes_section(found.plan, width=columns, verbose=False)
    text = painted([*lines, BLANK], color=color)
    return text + painted([line(styled(summary_line(found.plan), Style.STRONG))], color=color)


def _verdict(found: Drift) -> str:
    if not found.differs:
        return "as the repository says"
    return f"snapshot {_since(found)}; spec {_to_do(found.plan)}"


def _snapshot(found: Drift) -> str:
    if found.snapshot is None:
        return "none beside the spec: `gpmirror snapshot SPEC -o snapshot.json` saves one"
    when = "no date" if found.taken is None else f"taken {moment_text(found.taken)}"
    return f"{found.snapshot}, {when}"


def drifts_json(rows: Sequence[Tried[Drift]]) -> str:
    """Every row, with each row of the catalog and each change that differs."""
    return document(
        {
            "exit_code": worst(rows),
            "specs": [{**_head(row), **_drift_keys(row.found)} for row in rows],
        }
    )


def _drift_keys(found: Drift | None) -> dict[str, object]:
    if found is None:
        return {"cluster": None, "differs": None, "snapshot": None, "plan": None}
    snapshot = None
    if found.since is not None:
        snapshot = {
            "file": found.snapshot,
            "taken": found.taken,
            "differs": found.since.differs,
            **plain(found.since),
        }
    return {
        "cluster": found.plan.cluster,
        "differs": found.differs,
        "snapshot": snapshot,
        "plan": {
            "plan_id": plan_id(found.plan),
            "summary": plain(found.plan.summary),
            "differs": found.plan.summary.differs,
            "changes": plain(found.plan.changes),
        },
    }
