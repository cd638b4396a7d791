"""Whether a table holds all rows: the printed count, cut lines, rows after an interruption, and the
query above it.
"""

import re
from collections.abc import Iterator, Sequence

from gpmirror.catalog import codes
from gpmirror.catalog.marks import is_rule
from gpmirror.catalog.source import Source
from gpmirror.catalog.tables import Kind, Shape, Table
from gpmirror.diagnostics import Diagnostic

_MOST_ROWS = 100_000
"""Three times what two-byte dbids allow; more is no catalog."""

_FARTHEST_QUERY = 40
"""Lines above a table in which the query that printed it is looked for."""

_LONGEST_QUERY_LINE = 2_000
_QUERY = re.compile(
    r"\bselect\b[^;]{1,2000}?\bfrom\s+(?:\w+\.)?gp_segment_configuration\b(?P<rest>[^;\"]*)",
    re.IGNORECASE,
)
_CONDITIONS = re.compile(
    r"\bwhere\b(.*?)(?=\border\s+by\b|\bgroup\s+by\b|\blimit\b|\n\s*\n|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_OPERATOR = re.compile(r"[=<>~]|\b(?:in|is|like|between|exists|not)\b", re.IGNORECASE)
_LIMIT = re.compile(r"\b(?:limit|offset|fetch\s+first)\s+\d+", re.IGNORECASE)
_PROMPT = re.compile(r"^\s*\S{0,64}[-=('\"][#>] ?")
_NO_SELECTION = re.compile(
    # a join, a filespace's own columns, or all contents but the coordinator's
    r"\(?\s*(?:[\w.]+\s*=\s*[a-z_]\w*\.\w+|(?:\w+\.)?fs\w+\s*(?:=|<>|!=|in\b).*"
    r"|(?:\w+\.)?content\s*(?:>\s*'?-1'?|>=\s*'?0'?|(?:<>|!=)\s*'?\(?-1\)?'?)|true|1\s*=\s*1)\s*\)?",
    re.IGNORECASE | re.DOTALL,
)

_SAVE_AGAIN = "save the whole output again, for example with `psql -P pager=off -o FILE`"


def check_complete(source: Source, table: Table, tables: Sequence[Table]) -> list[Diagnostic]:
    """Everything that shows that rows of `table` are missing; `tables` are all that were found."""
    if len(table.rows) > _MOST_ROWS and table.kind is Kind.SEGMENTS:
        return [_too_many(source, table)]
    if table.kind is Kind.SEGMENTS and (selection := _selection(source, table, tables)):
        return [selection]
    if not table.rows and not table.problems and not table.declared:
        return [_no_rows(source, table)] if table.kind is Kind.SEGMENTS else []
    found = list(table.problems)
    if table.declared is not None:
        if table.declared != len(table.rows) + len(table.problems):
            found.append(_miscounted(source, table))
    elif table.kind is Kind.SEGMENTS and table.shape is Shape.ACROSS:
        limit = min((t.first_line - 1 for t in tables if t.first_line > table.end), default=None)
        found.extend(_strays(source, table, limit))
    return found


def _miscounted(source: Source, table: Table) -> Diagnostic:
    return Diagnostic(
        code=codes.TRUNCATED,
        message=f"{table.kind.value} is truncated: the text says ({table.declared} rows), "
        f"{len(table.rows)} were read",
        place=source.place(table.first_line),
        hint=_SAVE_AGAIN,
    )


def _selection(source: Source, table: Table, tables: Sequence[Table]) -> Diagnostic | None:
    """What the query that printed the table left out, where the text shows that query."""
    above = max((one.end for one in tables if one.end < table.first_line), default=0)
    start = max(above, table.first_line - 1 - _FARTHEST_QUERY)
    lines = [
        _PROMPT.sub("", line[:_LONGEST_QUERY_LINE])
        for line in source.lines[start : table.first_line - 1]
    ]
    queries = list(_QUERY.finditer("\n".join(lines)))
    if not queries:
        return None
    rest = queries[-1]["rest"]
    where = _CONDITIONS.search(rest)
    parts = re.split(r"\band\b", where[1], flags=re.IGNORECASE) if where else []
    chosen = [
        part.strip()
        for part in parts
        if _OPERATOR.search(part) and not _NO_SELECTION.fullmatch(part.strip())
    ]
    limit = _LIMIT.search(rest)
    if not chosen and limit is None:
        return None
    said = f"WHERE {' AND '.join(chosen)}" if chosen else str(limit and limit[0])
    position = queries[-1].start("rest") + (where.start() if where and chosen else 0)
    line = start + 1 + "\n".join(lines).count("\n", 0, position)
    return Diagnostic(
        code=codes.SELECTION,
        message=f"the query selects some rows only: {' '.join(said.split())[:120]}",
        place=source.place(line),
        hint="save `SELECT * FROM gp_segment_configuration`, without a condition",
    )


def _no_rows(source: Source, table: Table) -> Diagnostic:
    below = _row_below_a_blank_line(source, table)
    if below is not None:
        return Diagnostic(
            code=codes.STRAY_ROWS,
            message=f"a blank line ends the table in line {below}, and no `(N rows)` line below "
            "proves that the rows after it are all",
            place=source.place(below),
            hint="delete the blank lines between the rows; " + _SAVE_AGAIN,
        )
    return Diagnostic(
        code=codes.NO_ROWS,
        message="the table has no rows",
        place=source.place(table.first_line),
        hint="run the query on the coordinator and save its whole output",
    )


def _row_below_a_blank_line(source: Source, table: Table) -> int | None:
    """The line number of the blank line after which rows go on."""
    lines = source.lines
    at = table.end
    while at < len(lines) and not lines[at].strip():
        at += 1
    goes_on = table.end < at < len(lines) and (is_rule(lines[at]) or _is_row(lines[at], table))
    return table.end + 1 if goes_on else None


def _too_many(source: Source, table: Table) -> Diagnostic:
    return Diagnostic(
        code=codes.OUT_OF_RANGE,
        message=f"the table has {len(table.rows):,} rows, the limit is {_MOST_ROWS:,}",
        place=source.place(table.first_line),
        hint="check that the text is one catalog",
    )


def _strays(source: Source, table: Table, limit: int | None) -> Iterator[Diagnostic]:
    """Rows of the table's own form between its end and the next table; the first is enough."""
    lines = source.lines
    for index in range(table.end, len(lines) if limit is None else limit):
        cut_off = index == table.end and lines[index].strip().isdigit()
        if cut_off or _is_row(lines[index], table):
            yield Diagnostic(
                code=codes.STRAY_ROWS,
                message=f"line {index + 1} looks like a row of the table that starts in line "
                f"{table.first_line}, but the table is interrupted before it",
                place=source.place(index + 1),
                hint=_SAVE_AGAIN,
            )
            return


def _is_row(line: str, table: Table) -> bool:
    if table.separator not in line:
        return False
    cells = line.strip().removeprefix(table.separator).split(table.separator)
    alike = abs(len(cells) - len(table.names)) <= 1
    return alike and cells[0].strip().isdigit() and cells[1].strip().lstrip("-").isdigit()
