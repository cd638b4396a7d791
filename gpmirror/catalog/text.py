"""Catalog text of any shape, or bytes of unknown form, into the observed cluster."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from gpmirror.catalog import codes
from gpmirror.catalog.detect import Detected, column_evidence, settle, version_evidence
from gpmirror.catalog.filespaces import read_directories, split_join, with_directories
from gpmirror.catalog.rows import missing_columns, read_rows
from gpmirror.catalog.sanity import check_sane
from gpmirror.catalog.shapes import (
    FIRST_NAMES,
    read_array_list,
    read_grid,
    read_records,
    read_spaced,
    starts_record,
)
from gpmirror.catalog.snapshot import read_snapshot
from gpmirror.catalog.tables import (
    Table,
    TableKind,
    TableShape,
    decoded,
    is_rule,
    printed_count,
    source_of,
)
from gpmirror.diagnostics import Diagnostic, Related, Source, base_name
from gpmirror.errors import InvalidInput
from gpmirror.model.dialect import DIALECTS, DialectName
from gpmirror.model.observed import Observed, in_canonical_order
from gpmirror.model.segment import SYSTEM_FILESPACE, Segment

# --- Finds the catalog tables in a text and says what is wrong when there are none.


_SIGNS = ("dbid", "fsname", "DBID", "FSNAME", "oid|", "[ ", "* ")
_LONGEST_HEADER = 5_000
_JOINED_CELLS = 16
"""A line with more separators than any header has rows in it as well."""

_MOST_SHOWN = 20
_MOST_TABLES = 500
"""Enough to see that a text is no catalog; the rest is not looked at."""

_SAVE_ALL = "save the whole output of `SELECT * FROM gp_segment_configuration`"
_IMPORT_READS = "`gpmirror import --catalog FILE` reads it; for the catalog " + _SAVE_ALL

_SAYS = re.compile(r"\s*[^\s#-]")
"""A line that is neither blank nor a comment of YAML."""

_MOST_LINES_NAMED = 2_000
_NO_CATALOGS = tuple(
    (re.compile(form), what, way_out)
    for form, what, way_out in (
        (
            (
                r"failedAddress|newAddress|recoveryPort|<SPACE>|<(?:contentI[Dd]|address|port|data_dir)[^>]*>"
                r"|(?i:content_?id)[|:](?:address|host(?:name)?)[|:]port"
            ),
            "a form of the manual with placeholders",
            "fill it in for gpmirror with real hosts, or " + _SAVE_ALL,
        ),
        (
            r"\bgpstate[:.][\w.-]*:?\S*-\[(?:INFO|WARN\w*|ERROR)\]",
            "output of gpstate, which tells neither every row nor every column",
            _SAVE_ALL,
        ),
        (
            r"\bgp[a-z]+[:.][\w.-]*:?\S*-\[(?:INFO|DEBUG|WARN\w*|ERROR|CRITICAL|FATAL)\]",
            "the log of a native utility",
            _SAVE_ALL,
        ),
        (
            r"^\s*[^\s|:]+([|:])[^\s|:]+\1\d{1,5}\1/[^|:]*\1\d+\1\d+\1[pm](?:\1\d+)?\s*$",
            "an input file of gpexpand",
            _IMPORT_READS,
        ),
        (
            r"^\s*\d+\|[^|\s]+\|\d{1,5}\|/|^\s*mirror\d+=|^filespaceOrder=.*",
            "an input file of gpaddmirrors",
            _IMPORT_READS,
        ),
        (
            r"^\s*[^\s|:]+([|:])(?:[^\s|:]+\1)?\d{1,5}\1/\S*(?:\s+\S+\1\d{1,5}\1\S*)?\s*$",
            "an input file of gprecoverseg or gpmovemirrors",
            _IMPORT_READS,
        ),
        (
            (
                r"^\s*(?:ARRAY_NAME|SEG_PREFIX|PORT_BASE|MASTER_HOSTNAME|COORDINATOR_HOSTNAME"
                r"|MIRROR_PORT_BASE|QD_PRIMARY_ARRAY)=|^\s*declare -a \w+=\("
            ),
            "a configuration of gpinitsystem",
            _IMPORT_READS,
        ),
        (
            r"^\s*(?:psql: )?(?:error|ERROR|FATAL): ",
            "an error that psql printed",
            "fix what it says, then " + _SAVE_ALL,
        ),
    )
)


def find_tables(source: Source) -> list[Table]:
    """Every table of interest, in text order; a segment list where there is no header at all."""
    found: list[Table] = []
    end = 0
    for index in _promising(source.lines):
        if index >= end and (table := _table_at(source, index)) is not None:
            found.append(table)
            end = max(table.end, index + 1)
        if len(found) > _MOST_TABLES:
            break
    if not any(table.kind is TableKind.SEGMENTS for table in found):
        listed = read_array_list(source)
        return found if listed is None else [listed]
    return found


def pick(source: Source, tables: list[Table], number: int | None) -> Table:
    """The segment table to read; `number` counts from 1.

    Raises:
        InvalidInput: there is none, no such one, or several and no number.
    """
    candidates = [table for table in tables if table.kind is TableKind.SEGMENTS]
    if not candidates:
        raise InvalidInput([_nothing_found(source)])
    if number is not None:
        if not 1 <= number <= len(candidates):
            raise InvalidInput([_no_such_table(source, candidates, number)])
        return candidates[number - 1]
    if len(candidates) > 1:
        raise InvalidInput([_several(source, candidates)])
    return candidates[0]


def _promising(lines: Sequence[str]) -> list[int]:
    """Indexes of lines where a table may start; a plain scan, since the text may be long."""
    return [
        index
        for index, line in enumerate(lines)
        if any(sign in line for sign in _SIGNS) and len(line) <= _LONGEST_HEADER
    ]


def _table_at(source: Source, index: int) -> Table | None:
    line = source.lines[index]
    if starts_record(line):
        return read_records(source, index)
    lowered = line.lower()
    if any(name in lowered for name in ("content", "fsname", "fsedbid")):
        return _printed(source, index)
    starts = lowered.lstrip().startswith(FIRST_NAMES)
    return read_records(source, index) if starts else None


def _printed(source: Source, index: int) -> Table | None:
    """The table below a header line. Where blank lines stand between its rows, as web pages put them,
    its printed row count must prove that no row is lost.
    """
    table = read_grid(source, index) or read_spaced(source, index)
    if table is not None and table.declared == len(table.rows) and not table.problems:
        return table
    kept = _filled_lines(source.lines, index)
    if kept[-1] - kept[0] + 1 == len(kept) or printed_count(source.lines[kept[-1]]) is None:
        return table
    dense = replace(source, lines=[source.lines[at] for at in kept])
    found = read_grid(dense, 0) or read_spaced(dense, 0)
    if found is None or found.problems or found.declared != len(found.rows):
        return table
    return replace(
        found,
        lines=[kept[line - 1] + 1 for line in found.lines],
        first_line=index + 1,
        end=kept[-1] + 1,
    )


def _filled_lines(lines: Sequence[str], index: int) -> list[int]:
    """Indexes of the lines that are not blank, from a header to the next printed count; the next
    header ends them as well.
    """
    kept = [index]
    for at in range(index + 1, len(lines)):
        if any(sign in lines[at] for sign in _SIGNS):
            break
        if lines[at].strip():
            kept.append(at)
            if printed_count(lines[at]) is not None:
                break
    return kept


def _nothing_found(source: Source) -> Diagnostic:
    for line, text in enumerate(source.lines, 1):
        if text.count("|") > _JOINED_CELLS and ("gp_segment_conf" in text or "dbid" in text):
            return Diagnostic(
                code=codes.NO_HEADER,
                message=f"the line ends are lost: line {line} holds a whole table in one line, "
                f"{text.count('|')} cell separators",
                place=source.place(line),
                hint="the cells cannot be told apart safely; " + _SAVE_ALL + " with its line ends",
            )
    first = next((n for n, text in enumerate(source.lines, 1) if _SAYS.match(text)), 0)
    if first and source.lines[first - 1].startswith("apiVersion: gpmirror/"):
        return Diagnostic(
            code=codes.NO_TABLE,
            message="no catalog table found: this is a spec of gpmirror",
            place=source.place(first),
            hint="name it as SPEC, and for `--catalog` " + _SAVE_ALL,
        )
    for line, text in enumerate(source.lines[:_MOST_LINES_NAMED], 1):
        for form, what, way_out in _NO_CATALOGS:
            if len(text) <= _LONGEST_HEADER and form.search(text):
                return Diagnostic(
                    code=codes.NO_TABLE,
                    message=f"no catalog table found: this is {what}",
                    place=source.place(line),
                    hint=way_out,
                )
    return Diagnostic(
        code=codes.NO_TABLE,
        message="no catalog table found: looked for a header with dbid, content, role, "
        "preferred_role, mode, status, port, hostname and address, for a segment list and for "
        f"a snapshot in {len(source.lines)} lines",
        place=source.place(0),
        hint=_SAVE_ALL,
    )


def _several(source: Source, tables: list[Table]) -> Diagnostic:
    shown = tables[:_MOST_SHOWN]
    spans = [f"table {number}: {_span(table)}" for number, table in enumerate(shown, 1)]
    if len(tables) > len(shown):
        spans.append("...")
    return Diagnostic(
        code=codes.SEVERAL_TABLES,
        message=f"the text has {len(tables)} gp_segment_configuration tables, that is "
        f"{len(tables)} states: " + ", ".join(spans),
        place=source.place(tables[0].first_line),
        hint=f"pick one with --table N, 1 to {len(tables)}",
        related=tuple(
            Related(place=source.place(table.first_line), label=f"table {number}")
            for number, table in enumerate(shown[1:], 2)
        ),
    )


def _no_such_table(source: Source, tables: list[Table], number: int) -> Diagnostic:
    spans = ", ".join(_span(table) for table in tables[:_MOST_SHOWN])
    return Diagnostic(
        code=codes.SEVERAL_TABLES,
        message=f"there is no table {number}: the text has {len(tables)} "
        f"gp_segment_configuration table{'s' * (len(tables) > 1)} ({spans})",
        place=source.place(0),
        hint=f"--table counts from 1 to {len(tables)}",
    )


def _span(table: Table) -> str:
    return f"lines {table.first_line} to {table.end}"


# --- Whether a table holds all rows: the printed count, cut lines, rows after an interruption, and the
# query above it.


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
    if len(table.rows) > _MOST_ROWS and table.kind is TableKind.SEGMENTS:
        return [_too_many(source, table)]
    if table.kind is TableKind.SEGMENTS and (selection := _selection(source, table, tables)):
        return [selection]
    if not table.rows and not table.problems and not table.declared:
        return [_no_rows(source, table)] if table.kind is TableKind.SEGMENTS else []
    found = list(table.problems)
    if table.declared is not None:
        if table.declared != len(table.rows) + len(table.problems):
            found.append(_miscounted(source, table))
    elif table.kind is TableKind.SEGMENTS and table.shape is TableShape.ACROSS:
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


# --- Catalog text of any shape into the observed cluster.


_MAYBE_CUT = (
    "the text has no `(N rows)` line, so it may be cut off: save the whole output of "
    "`SELECT * FROM gp_segment_configuration`"
)
_DAMAGED = (
    "the text is complete as far as can be told, so the catalog itself is damaged: "
    "have it repaired before any mirror work"
)


def read_text(
    text: str, name: str, *, dialect: DialectName | None = None, table: int | None = None
) -> Observed:
    """The cluster that catalog text shows; see `gpmirror.catalog.read_catalog`."""
    source = source_of(text, name)
    tables = find_tables(source)
    printed = pick(source, tables, table)
    chosen, joined = split_join(printed)
    entries = [joined] if joined else [found for found in tables if found.kind is TableKind.ENTRIES]
    columns = column_evidence(printed, has_entries=bool(entries))
    verdict = settle(source, columns, version_evidence(source, text), dialect)
    known = DIALECTS[verdict.name]
    _refuse(missing_columns(source, chosen, has_directories=known.has_filespaces))
    incomplete = check_complete(source, printed, tables)
    segments, problems = read_rows(source, chosen, known)
    _refuse([*incomplete, *problems])
    if entries and known.has_filespaces:
        segments = _with_directories(source, segments, entries, tables)
    hint = _MAYBE_CUT if chosen.declared is None else _DAMAGED
    _refuse(check_sane(source, segments, hint))
    return _observed(source, chosen, segments, verdict)


def _with_directories(
    source: Source, segments: list[Segment], entries: Sequence[Table], tables: Sequence[Table]
) -> list[Segment]:
    named = [found for found in tables if found.kind is TableKind.FILESPACES]
    found = read_directories(source, entries, named)
    cut = [one for table in [*entries, *named] for one in check_complete(source, table, tables)]
    _refuse([*cut, *found.problems])
    complete, problems = with_directories(source, segments, found)
    _refuse(problems)
    return complete


def _observed(
    source: Source, table: Table, segments: Sequence[Segment], verdict: Detected
) -> Observed:
    filespaces = {name for row in segments for name, _ in row.filespaces}
    return Observed(
        segments=in_canonical_order(segments),
        dialect=DIALECTS[verdict.name],
        dialect_assumed=verdict.assumed,
        server_version=verdict.version,
        filespaces=tuple(sorted(filespaces - {SYSTEM_FILESPACE})),
        source=base_name(source.file),
        notes=(*verdict.notes, *_notes(table, segments)),
    )


def _notes(table: Table, segments: Sequence[Segment]) -> list[str]:
    notes: list[str] = []
    if not any(row.content < 0 for row in segments):
        notes.append("the catalog has no coordinator row (content -1)")
    if table.counted and table.declared is None:
        notes.append("the table has no (N rows) line: nothing proves that it is complete")
    if any(row.directory is None for row in segments if row.content >= 0):
        notes.append("directories are unknown: the text has no pg_filespace_entry table")
    return notes


def _refuse(problems: Sequence[Diagnostic]) -> None:
    if problems:
        raise InvalidInput(problems)


# --- Bytes of unknown form into the observed cluster.


def read_catalog(
    data: bytes, name: str, *, dialect: DialectName | None = None, table: int | None = None
) -> Observed:
    """The observed cluster in a saved catalog: a snapshot, or text with catalog tables.

    `name` is used in messages, `dialect` is what the spec says, `table` picks one of several
    tables of a text, counted from 1.

    Raises:
        InvalidInput: it cannot be read, contradicts itself or the dialect, or is no sane cluster.
    """
    text = decoded(data, name)
    if text.lstrip()[:1] == "{":
        return read_snapshot(text, name, dialect=dialect)
    return read_text(text, name, dialect=dialect, table=table)
