"""What other strategies and hosts would mean, as one table: for a terminal, Markdown, programs."""

from collections.abc import Callable, Iterator, Sequence

from gpmirror.diagnostics import Diagnostic
from gpmirror.model.text import counted, remaining_text, size_text
from gpmirror.plan.model import plain
from gpmirror.render.json import document
from gpmirror.render.markdown import escaped
from gpmirror.render.markdown import row as markdown_row
from gpmirror.render.text import (
    BLANK,
    GAP,
    Line,
    Span,
    Style,
    folded,
    line,
    needed,
    painted,
    paragraph,
    proof_text,
    styled,
)
from gpmirror.simulate.surveys import factor_told
from gpmirror.values import dataclass
from gpmirror.whatif import Comparison, Figures, Refusal, Row

# --- The columns: what each says of a layout, and where it stands when a line is too narrow for all.


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """`says` words a figure. `is_cost`: of the way there, which the layout as it is has not."""

    head: str
    says: Callable[[Figures], str]
    is_cost: bool
    is_number: bool = True


_NOTHING = "-"
"""Where there is no way to go."""


def _bytes(found: Figures) -> str:
    if found.bytes is None:
        return "unknown"
    if not found.bytes and found.catching_up:
        return "what changed"
    return size_text(found.bytes) if found.bytes else "none"


def _time(found: Figures) -> str:
    if found.seconds is None or found.catching_up:
        return "unknown"
    return remaining_text(found.seconds) if found.bytes else "none"


def _survives(answer: bool | None) -> str:  # noqa: FBT001 - the answer is the value to be worded
    """None: there are no two racks."""
    if answer is None:
        return _NOTHING
    return "survives" if answer else "fatal"


def _pairs(found: Figures) -> str:
    return f"{found.survival.fatal_pairs:,} of {found.survival.pairs:,}"


def _load(found: Figures) -> str:
    factor = found.survival.worst_factor
    return _NOTHING if factor is None else f"x{factor_told(factor)}"


def _mirrors(found: Figures) -> str:
    return f"{found.fewest:,}-{found.most:,}" if found.fewest != found.most else f"{found.most:,}"


def _policy(found: Figures) -> str:
    return "kept" if all(one.ok for one in found.policy) else "broken"


def _columns(found: Sequence[Figures]) -> list[_Column]:
    """Those that say something: additions, recoveries, racks and the policy only where there are any."""
    add, recover = any(f.summary.add for f in found), any(f.summary.recover for f in found)
    blocked = any(f.summary.blocked for f in found)
    racks = any(f.survival.any_rack is not None for f in found)
    policy = any(f.policy for f in found)
    wanted = [
        (add, _Column(head="adds", says=lambda f: f"{f.summary.add:,}", is_cost=True)),
        (True, _Column(head="moves", says=lambda f: f"{f.summary.move:,}", is_cost=True)),
        (recover, _Column(head="recovers", says=lambda f: f"{f.summary.recover:,}", is_cost=True)),
        (blocked, _Column(head="blocked", says=lambda f: f"{f.summary.blocked:,}", is_cost=True)),
        (True, _Column(head="bytes", says=_bytes, is_cost=True)),
        (True, _Column(head="waves", says=lambda f: f"{f.waves:,}", is_cost=True)),
        (True, _Column(head="time", says=_time, is_cost=True)),
        (True, _word("any host", lambda f: _survives(f.survival.any_host))),
        (racks, _word("any rack", lambda f: _survives(f.survival.any_rack))),
        (True, _Column(head="fatal pairs", says=_pairs, is_cost=False)),
        (True, _Column(head="worst load", says=_load, is_cost=False)),
        (True, _Column(head="mirrors a host", says=_mirrors, is_cost=False)),
        (policy, _word("policy", _policy)),
    ]
    return [column for is_wanted, column in wanted if is_wanted]


def _word(head: str, says: Callable[[Figures], str]) -> _Column:
    return _Column(head=head, says=says, is_cost=False, is_number=False)


def _cell(column: _Column, row: Row, found: Figures) -> str:
    return _NOTHING if column.is_cost and row.strategy is None else column.says(found)


def _name(row: Row) -> str:
    return f"{row.name} (spec)" if row.is_spec else row.name


def _figured(rows: Sequence[Row]) -> list[tuple[Row, Figures]]:
    return [(row, row.found) for row in rows if isinstance(row.found, Figures)]


def refusal_text(found: Refusal) -> str:
    """`infeasible: ...`: why there are no figures."""
    return f"infeasible: {found.text}"


def figures_text(row: Row, found: Figures) -> list[str]:
    """The figures in a few words: what it takes, and what is reached."""
    costs = []
    if row.strategy is not None:
        changes = [
            counted(number, word)
            for number, word in (
                (found.summary.add, "add"),
                (found.summary.move, "move"),
                (found.summary.recover, "recover"),
                (found.summary.blocked, "blocked mirror"),
            )
            if number
        ]
        took = [*changes, counted(found.waves, "wave")] if changes else ["nothing to do"]
        costs.append(", ".join([*took, *([f"{_bytes(found)} of bytes"] if found.bytes else [])]))
    load = "" if found.survival.worst_factor is None else f"worst load {_load(found)}; "
    return [*costs, f"{load}{_pairs(found)} pairs fatal", f"{_mirrors(found)} mirrors a host"]


# --- The table for a terminal: one where the line is wide enough, else costs first, then survival.


_LEAST_WIDTH = 40
_STYLES = {"fatal": Style.ALARM, "broken": Style.ALARM, _NOTHING: Style.FAINT}


def whatif_human(found: Comparison, *, width: int, color: bool) -> str:
    """The rows with what was changed above them and what they rest on below."""
    columns = max(width, _LEAST_WIDTH)
    lines = [
        (Span("gpmirror whatif", Style.STRONG), *line(f"  {found.cluster}, {found.source}")),
        *_notes(found.notes, columns),
        BLANK,
        *_table(found.rows, columns),
    ]
    remarks = whatif_remarks(found)
    lines += [BLANK, *_notes(remarks, columns)] if remarks else []
    return painted(lines, color=color)


def _notes(texts: Sequence[str], width: int) -> list[Line]:
    return [part for text in texts for part in paragraph(text, width=width, indent=0, hang=2)]


def _table(rows: Sequence[Row], width: int) -> list[Line]:
    figured = _figured(rows)
    columns = _columns([found for _, found in figured])
    names = max(len(_name(row)) for row in rows)
    lines: list[Line] = []
    for part in _parts(rows, columns, names, width):
        # why there are no figures stands once, in the first part
        lines += [BLANK] * bool(lines) + [*_part(rows, part, names, width, refusals=not lines)]
    return lines


def _parts(
    rows: Sequence[Row], columns: Sequence[_Column], names: int, width: int
) -> list[list[_Column]]:
    """All columns side by side, else the costs above the rest, in as many parts as the width asks for."""
    if needed(_cells(rows, columns, names)) <= width:
        return [[*columns]]
    parts: list[list[_Column]] = []
    for column in columns:
        last = parts[-1] if parts else []
        is_alike = bool(last) and last[-1].is_cost is column.is_cost
        if is_alike and needed(_cells(rows, [*last, column], names)) <= width:
            last.append(column)
        else:
            parts.append([column])
    return parts


def _cells(rows: Sequence[Row], columns: Sequence[_Column], names: int) -> list[list[Line]]:
    head = [
        styled(word, Style.FAINT) for word in ("layout".ljust(names), *(c.head for c in columns))
    ]
    body = [
        [line(_name(row).ljust(names)), *(_styled(_cell(one, row, found)) for one in columns)]
        for row, found in _figured(rows)
    ]
    return [[(one,) for one in head], *body]


def _styled(text: str) -> Line:
    return (styled(text, _STYLES.get(text, Style.PLAIN)),)


def _part(
    rows: Sequence[Row], columns: Sequence[_Column], names: int, width: int, *, refusals: bool
) -> Iterator[Line]:
    """A line a row below the head; a refusal takes the place of all figures, on as many as it needs."""
    numbers = frozenset(at for at, one in enumerate(columns, start=1) if one.is_number)
    cells = _cells(rows, columns, names)
    head, *body = folded(cells, width=width, lead=len(columns) + 1, numbers=numbers)
    yield head
    left = iter(body)
    for row in rows:
        if isinstance(row.found, Figures):
            yield next(left)
        elif refusals:
            text = f"{_name(row).ljust(names)}{' ' * GAP}{refusal_text(row.found)}"
            yield from paragraph(text, width=width, indent=0, hang=names + GAP, style=Style.CARE)


def _proof(found: Figures) -> str | None:
    return None if found.plan is None else proof_text(found.plan)


def whatif_remarks(found: Comparison) -> list[str]:
    """What the figures rest on, what would make room for a strategy that is infeasible, and which layouts break the spec's policy."""
    figured = _figured(found.rows)
    remarks = []
    if len(found.hosts) == 1 and any(row.strategy is not None for row, _ in figured):
        remarks.append("one host: every strategy puts each mirror beside its primary")
    remarks += [row.remark for row in found.rows if row.remark is not None]
    refused = [(row.name, row.found) for row in found.rows if isinstance(row.found, Refusal)]
    remarks += [f"{name}: {hint}" for name, one in refused if (hint := one.reasons[0].hint)]
    remarks += [f"{row.name}: {proof}" for row, one in figured if (proof := _proof(one))]
    for row, figures in figured:
        broken = [f"{one.rule} ({one.evidence})" for one in figures.policy if not one.ok]
        if broken:
            remarks.append(f"{row.name} breaks the policy: {'; '.join(broken)}")
    if any(figures.seconds for _, figures in figured) and found.rate is not None:
        remarks.append(f"times assume that a host sends and receives {size_text(found.rate)}/s")
    if found.sizes_are_missing:
        remarks.append(
            "bytes and times are unknown because the catalog shows no sizes: `gpmirror snapshot "
            "--sizes` saves them, and the live catalog is asked for them"
        )
    return remarks


# --- The table as Markdown, and for programs.


def whatif_markdown(found: Comparison) -> str:
    """One table; what was changed above it, what it rests on below."""
    figured = _figured(found.rows)
    columns = _columns([figures for _, figures in figured])
    heads = ["layout", *(column.head for column in columns)]
    rules = ["---", *("---:" if column.is_number else "---" for column in columns)]
    lines = [f"### gpmirror whatif: {escaped(found.cluster)}, {escaped(found.source)}", ""]
    lines += [*(f"- {escaped(text)}" for text in found.notes), *([""] if found.notes else [])]
    lines += [markdown_row(*heads), markdown_row(*rules)]
    for row in found.rows:
        if isinstance(row.found, Figures):
            figures = row.found
            cells = [_cell(column, row, figures) for column in columns]
        else:
            cells = [refusal_text(row.found), *([""] * (len(columns) - 1))]
        lines.append(markdown_row(escaped(_name(row)), *map(escaped, cells)))
    remarks = whatif_remarks(found)
    lines += ["", *(f"- {escaped(text)}" for text in remarks)] if remarks else []
    return "\n".join(lines) + "\n"


def whatif_json(found: Comparison) -> str:
    """Every figure, unknown ones as null; a strategy that is infeasible has `reasons` instead."""
    return document(
        {
            "cluster": found.cluster,
            "spec": found.spec_file,
            "catalog": found.source,
            "added": [_host(found, name) for name in found.added],
            "drained": list(found.drained),
            "left_out": list(found.left_out),
            "notes": list(found.notes),
            "rate": found.rate,
            "rows": [_row(row) for row in found.rows],
        }
    )


def _host(found: Comparison, name: str) -> dict[str, object]:
    host = next(one for one in found.hosts if one.name == name)
    return {
        "name": host.name,
        "addresses": list(host.addresses),
        "rack": host.rack,
        "weight": host.weight,
        "roots": list(host.roots),
    }


def _row(row: Row) -> dict[str, object]:
    head: dict[str, object] = {
        "layout": row.name,
        "strategy": None if row.strategy is None else row.strategy.value,
        "block_size": row.block_size,
        "is_spec": row.is_spec,
        "remark": row.remark,
    }
    match row.found:
        case Refusal():
            reasons = [_reason(one) for one in row.found.reasons]
            return {**head, "feasible": False, "reasons": reasons}
        case Figures():
            return {**head, "feasible": True, **_figures(row.found)}


def _reason(found: Diagnostic) -> dict[str, object]:
    place = None if found.place is None else str(found.place)
    return {"code": found.code, "message": found.message, "place": place, "hint": found.hint}


def _figures(found: Figures) -> dict[str, object]:
    survival = found.survival
    worst = None
    if survival.worst_load is not None:
        lost, survivor, before, after = survival.worst_load
        worst = {
            "lost": lost,
            "survivor": survivor,
            "before": before,
            "after": after,
            "factor": survival.worst_factor,
        }
    return {
        **plain(found.summary),
        "bytes": found.bytes,
        "seconds": found.seconds,
        "catching_up": found.catching_up,
        "waves": found.waves,
        "any_host": survival.any_host,
        "any_rack": survival.any_rack,
        "fatal_pairs": survival.fatal_pairs,
        "pairs": survival.pairs,
        "worst_load": worst,
        "mirrors": {"fewest": found.fewest, "most": found.most},
        "policy": [plain(one) for one in found.policy],
        "proof": _proof(found),
    }
