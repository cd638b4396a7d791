"""Copies by host and what the layout survives, before, during and after, for a terminal."""

from collections.abc import Iterable

from gpmirror.cluster.hostlist import compress, natural
from gpmirror.plan.model import HostLoad, Plan, Survival
from gpmirror.render.columns import folded
from gpmirror.render.prose import heading
from gpmirror.render.quantities import yes
from gpmirror.render.spans import Line, Span, Style, line, styled
from gpmirror.simulate.phrases import times

HostRow = tuple[str, str, str, str, str]
"""Host, primaries, mirrors before, during, after."""


def layout_section(plan: Plan, *, width: int, verbose: bool = False) -> list[Line]:
    """The table of hosts; hosts with the same figures share a line unless `verbose`."""
    rows = host_rows(plan)
    rows = rows if verbose else folded_hosts(rows)
    head = tuple((Span(word, Style.FAINT),) for word in _HEAD)
    cells = [head, *(_cells(row) for row in rows)]
    table = folded(cells, width=width - 2, lead=1, numbers=frozenset({1, 2, 3, 4}))
    return [*heading("Hosts"), *((Span("  "), *one) for one in table)]


_HEAD = ("host", "preferred primaries", "mirrors before", "during", "after")


def host_rows(plan: Plan) -> list[HostRow]:
    """One row a host, sdw2 before sdw10."""
    before, during, after = (
        {load.host: load for load in stage.hosts}
        for stage in (plan.layout.before, plan.layout.during, plan.layout.after)
    )
    return [
        _host_row(host, before.get(host), during.get(host), after.get(host))
        for host in sorted({*after, *before, *during}, key=natural)
    ]


def folded_hosts(rows: Iterable[HostRow]) -> list[HostRow]:
    """Hosts in a row with the same figures as one, `sdw[1-4]`: the figures are those of each."""
    figures = {row[0]: row for row in rows}
    folds: list[HostRow] = []
    for text, hosts in compress((host, row[1:]) for host, row in figures.items()):
        _, *told = figures[hosts[0]]
        primaries, before, during, after = told
        name = f"{text}, each" if len(hosts) > 1 else text
        folds.append((name, primaries, before, during, after))
    return folds


def survival_texts(plan: Plan) -> list[str]:
    """What is survived and what losses cost, `before -> after`, a line each."""
    before, after = plan.layout.before.survival, plan.layout.after.survival
    texts = [
        f"Survives any 1 host: {yes(before.any_host)} -> {yes(after.any_host)}",
        f"Two-host failures that lose data: {_pairs(before)} -> {_pairs(after)}",
        f"segments without a synchronized mirror: {before.single} -> {after.single}",
    ]
    if before.none or after.none:
        texts.append(f"segments with no live copy: {before.none or 0} -> {after.none or 0}")
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


def _pairs(found: Survival) -> str:
    return f"{found.fatal_pairs} of {found.pairs}"


def _load(found: Survival) -> str:
    if found.worst_load is None:
        return "no mirrors to fail over to"
    lost, survivor, before, after = found.worst_load
    told = f"lose {lost}: {survivor} {before} -> {after} primaries"
    return told if found.worst_factor is None else f"{told} ({times(before, found.worst_factor)})"


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
