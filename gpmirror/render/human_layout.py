"""Copies by host and what the layout survives, before, during and after, for a terminal."""

from gpmirror.cluster.counting import counted
from gpmirror.plan.model import HostLoad, Plan, Survival
from gpmirror.render.columns import folded
from gpmirror.render.prose import heading, paragraph
from gpmirror.render.quantities import yes
from gpmirror.render.spans import Line, Span, Style, line, styled
from gpmirror.simulate.phrases import factor

FULL_LIST = 40
"""Up to so many hosts are all shown."""
FIRST = 20
"""So many of a longer list are shown; the rest is counted."""

HostRow = tuple[str, str, str, str, str]
"""Host, primaries, mirrors before, during, after."""


def layout_section(plan: Plan, *, width: int) -> list[Line]:
    """The per-host table and the survival lines."""
    rows = host_rows(plan)
    shown = rows if len(rows) <= FULL_LIST else rows[:FIRST]
    head = tuple((Span(word, Style.FAINT),) for word in _HEAD)
    cells = [head, *(_cells(row) for row in shown)]
    table = folded(cells, width=width - 2, lead=1, numbers=frozenset({1, 2, 3, 4}))
    lines = [*heading("Hosts"), *((Span("  "), *one) for one in table)]
    if len(rows) > len(shown):
        rest = counted(len(rows) - len(shown), "host")
        cut = f"... {rest} not listed here; `gpmirror show PLAN --format json` lists all"
        lines += paragraph(cut, width=width, hang=2)
    return [*lines, *heading("Survival"), *_survival(plan, width=width)]


_HEAD = ("host", "primaries", "mirrors before", "during", "after")


def host_rows(plan: Plan) -> list[HostRow]:
    """One row a host in ring order; hosts that only the catalog knows follow."""
    before, during, after = (
        {load.host: load for load in stage.hosts}
        for stage in (plan.layout.before, plan.layout.during, plan.layout.after)
    )
    return [
        _host_row(host, before.get(host), during.get(host), after.get(host))
        for host in dict.fromkeys([*after, *before, *during])
    ]


def survival_texts(plan: Plan) -> list[str]:
    """What is survived and what losses cost, `before -> after`, a line each."""
    before, after = plan.layout.before.survival, plan.layout.after.survival
    texts = [
        f"Survives any 1 host: {yes(before.any_host)} -> {yes(after.any_host)}",
        f"fatal host pairs: {_pairs(before)} -> {_pairs(after)}",
        f"contents with one copy only: {before.single} -> {after.single}",
    ]
    if before.none or after.none:
        texts.append(f"contents with no live copy: {before.none or 0} -> {after.none or 0}")
    if before.any_rack is not None or after.any_rack is not None:
        texts.insert(1, f"Survives any 1 rack: {yes(before.any_rack)} -> {yes(after.any_rack)}")
    return [*texts, *_loads(before, after)]


def _loads(before: Survival, after: Survival) -> list[str]:
    if before.worst_load == after.worst_load:
        return [f"worst load after losing one host: {_load(after)}"]
    return [
        f"worst load after losing one host, before: {_load(before)}",
        f"worst load after losing one host, after: {_load(after)}",
    ]


def _survival(plan: Plan, *, width: int) -> list[Line]:
    lines: list[Line] = []
    for text in survival_texts(plan):
        lines += paragraph(text, width=width, hang=2, style=_style(text))
    return lines


def _style(text: str) -> Style:
    if not text.startswith("Survives"):
        return Style.PLAIN
    return Style.ADD if text.endswith("-> yes") else Style.ALARM


def _pairs(found: Survival) -> str:
    return f"{found.fatal_pairs} of {found.pairs}"


def _load(found: Survival) -> str:
    if found.worst_load is None:
        return "nobody takes over"
    lost, survivor, before, after = found.worst_load
    times = "" if found.worst_factor is None else f" (x{factor(found.worst_factor)})"
    return f"lose {lost}: {survivor} {before} -> {after} primaries{times}"


def _host_row(
    host: str, before: HostLoad | None, during: HostLoad | None, after: HostLoad | None
) -> HostRow:
    old, new = _primaries(before), _primaries(after)
    primaries = new if old == new else f"{old} -> {new}"
    return (host, primaries, _mirrors(before), _mirrors(during), _mirrors(after))


def _primaries(load: HostLoad | None) -> str:
    return "0" if load is None else str(load.primaries)


def _mirrors(load: HostLoad | None) -> str:
    return "0" if load is None else str(load.mirrors)


def _cells(row: HostRow) -> tuple[Line, ...]:
    style = Style.PLAIN if row[2] == row[4] else Style.STRONG
    return (*(line(text) for text in row[:4]), (styled(row[4], style),))
