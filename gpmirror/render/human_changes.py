"""The changes of a plan for a terminal: each rule once, below it its lines, folded to the width."""

from itertools import groupby

from gpmirror.cluster.counting import counted, ranges
from gpmirror.plan.model import Action, Change, Plan
from gpmirror.render.columns import folded, needed
from gpmirror.render.folding import Fold, Ruled, parts
from gpmirror.render.marks import MARKS
from gpmirror.render.prose import heading, paragraph
from gpmirror.render.spans import BLANK, Line, Span, Style, line, styled

IN_TURN = (
    "hosts, ports and directories are in the order of the contents; --verbose lists each content"
)


_WHAT = {Action.ADD: "mirror", Action.MOVE: "mirror"}
_STORAGE = 5
"""Which cell of a line holds the directories."""


def changes_section(plan: Plan, *, width: int, verbose: bool = False) -> list[Line]:
    """Every change, none left out; nothing for a plan without any."""
    found = parts(plan, verbose=verbose)
    if not found:
        return []
    lines = heading("Changes")
    for part in found:
        for ruled in part.ruled:
            lines += ruled_lines(part.action, ruled, width=width)
        if part.action is Action.ADD and (told := primary_ports_text(plan)):
            first, *rest = paragraph(told, width=width, hang=2)
            lines += [(Span("  "), Span(first[0].text.strip(), Style.ADD)), *rest]
    folds = (fold for part in found for ruled in part.ruled for fold in ruled.folds)
    if any("[" in fold.hosts for fold in folds):
        lines += paragraph(f"({IN_TURN})", width=width, hang=1, style=Style.FAINT)
    return lines


def primary_ports_text(plan: Plan) -> str:
    """What an addition changes of the primaries themselves (4.3, 5); empty from 6 on."""
    added = {change.content for change in plan.changes if change.action is Action.ADD}
    ports = {
        one.primary.replication_port
        for one in plan.desired.contents
        if one.content in added and one.primary.replication_port is not None
    }
    if not ports:
        return ""
    return (
        f"+ set the replication port of {counted(len(added), 'primary', 'primaries')}, once: "
        f"{ranges(ports)}"
    )


def why_text(change: Change) -> str:
    """The reason and the line that asks for it."""
    return f"{change.reason} ({change.source})"


def ruled_lines(action: Action, ruled: Ruled, *, width: int) -> list[Line]:
    """The rule, with what all its lines share, and its lines."""
    rows, shared, storage = list(ruled.folds), "", ""
    if len({row.notes for row in rows}) == 1:
        shared = rows[0].notes
    cells = [_cells(row, notes="" if shared else row.notes) for row in rows]
    if len(rows) > 1 and len({row.pattern for row in rows}) == 1 and needed(cells) > width - 4:
        storage = rows[0].pattern
        cells = [(*row[:_STORAGE], BLANK, *row[_STORAGE + 1 :]) for row in cells]
    lines = _title(action, ruled, shared, width=width)
    for directory in ruled.directories or filter(None, [storage]):
        lines += paragraph(f"directory {directory}", width=width, indent=4, hang=2)
    return [*lines, *_table(cells, width=width)]


def _table(rows: list[tuple[Line, ...]], *, width: int) -> list[Line]:
    """The lines under each other; one that is too wide for the screen has its cells below it."""
    lines: list[Line] = []
    for is_long, found in groupby(rows, key=lambda row: needed([row]) > 2 * (width - 4)):
        if is_long:
            for hosts, *others in found:
                lines += paragraph(_plain(hosts), width=width, indent=4, hang=2)
                for cell in filter(None, others):
                    lines += paragraph(_plain(cell), width=width, indent=6, hang=2)
        else:
            alike = list(found)
            table = folded([(BLANK,) * len(alike[0]), *alike], width=width - 4, lead=2)[1:]
            lines += [(Span("    "), *one) for one in table]
    return lines


def _plain(cell: Line) -> str:
    return "".join(span.text for span in cell)


def rule_text(ruled: Ruled) -> str:
    """The rule and the line of the spec that asks for it."""
    source = f" ({ruled.rule.source})" if ruled.rule.source else ""
    return f"{ruled.rule.text}{source}"


def count_text(action: Action, ruled: Ruled) -> str:
    """`+ add 8 mirrors`."""
    what = counted(len(ruled.contents), _WHAT.get(action, "segment"))
    return f"{MARKS[action].sign} {action.value} {what}"


def _title(action: Action, ruled: Ruled, shared: str, *, width: int) -> list[Line]:
    mark = MARKS[action]
    head = count_text(action, ruled)
    told = "; ".join(part for part in (shared, rule_text(ruled)) if part)
    first, *rest = paragraph(f"{head}  {told}", width=width, hang=4)
    after = first[0].text.removeprefix(f"  {head}")
    return [(Span("  "), Span(head, mark.style), Span(after)), *rest]


def _cells(row: Fold, *, notes: str) -> tuple[Line, ...]:
    return (
        line(row.hosts),
        line(row.named),
        line(row.ports),
        line(row.replication),
        line(row.address),
        line(row.storage),
        line(styled(f"({notes})", Style.FAINT)) if notes else BLANK,
    )
