"""Directories of 4.3 and 5: pg_filespace_entry and pg_filespace, or a join with them."""

from collections.abc import Iterable, Sequence
from dataclasses import field, replace

from gpmirror.catalog import cells, codes
from gpmirror.catalog.rows import directory_column
from gpmirror.catalog.tables import NULLS, Table, TableKind, TableShape
from gpmirror.diagnostics import Diagnostic, Source
from gpmirror.model.segment import SYSTEM_FILESPACE, Segment
from gpmirror.values import dataclass

_SYSTEM_OID = "3052"
_ENTRY_QUERY = "save `SELECT * FROM pg_filespace_entry` of the same moment with the segments"
_NAME_QUERY = "add the output of `SELECT oid, fsname FROM pg_filespace` to the text"


@dataclass(slots=True, kw_only=True)
class Directories:
    """Directory by filespace name, by dbid, and what was wrong on the way."""

    by_dbid: dict[int, dict[str, str]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    problems: list[Diagnostic] = field(default_factory=list)


def split_join(table: Table) -> tuple[Table, Table | None]:
    """A segment table joined with filespaces (a row a filespace) as the two tables it came from."""
    key = next((name for name in ("fsname", "fsefsoid") if name in table.names), None)
    told = directory_column(table)
    if key is None or told is None:
        return table, None
    where = [table.names.index(name) for name in (key, "dbid", told)]
    entries = replace(
        table,
        kind=TableKind.ENTRIES,
        names=(key, "fsedbid", "fselocation"),
        rows=[[row[index] for index in where] for row in table.rows],
        shape=TableShape.FOLDED,
        declared=None,
        problems=(),
    )
    return _without_repeats(table, set(where) - {where[1]}), entries


def read_directories(
    source: Source, tables: Iterable[Table], named: Sequence[Table]
) -> Directories:
    """All entries of pg_filespace_entry tables; `named` are pg_filespace tables."""
    found = Directories()
    entries = [
        (table, row, line)
        for table in tables
        for row, line in zip(table.rows, table.lines, strict=True)
    ]
    names = _names_by_oid(named, {_key(table, row) for table, row, _ in entries})
    for table, row, line in entries:
        name = row[table.names.index("fsname")] if "fsname" in table.names else None
        name = name or names.get(_key(table, row))
        if name is None:
            found.problems.append(_unnamed(source, table, row, line))
        else:
            _take(source, found, table, row, (name, line))
    return found


def with_directories(
    source: Source, segments: Sequence[Segment], found: Directories
) -> tuple[list[Segment], list[Diagnostic]]:
    """Segments with their directories, and a finding for each that has not all of them."""
    problems: list[Diagnostic] = []
    complete: list[Segment] = []
    for segment in segments:
        own = found.by_dbid.get(segment.dbid, {})
        needed = found.names if segment.content >= 0 else {SYSTEM_FILESPACE}
        problems.extend(_lacking(source, segment, name) for name in sorted(needed - own.keys()))
        further = sorted((name, path) for name, path in own.items() if name != SYSTEM_FILESPACE)
        complete.append(
            replace(segment, directory=own.get(SYSTEM_FILESPACE), filespaces=tuple(further))
        )
    return complete, problems


def _without_repeats(table: Table, varying: set[int]) -> Table:
    """One row a dbid where nothing but the filespace differs."""
    seen: set[tuple[str, ...]] = set()
    kept: list[int] = []
    for number, row in enumerate(table.rows):
        same = tuple(cell for index, cell in enumerate(row) if index not in varying)
        if same not in seen:
            seen.add(same)
            kept.append(number)
    names = tuple("" if index in varying else name for index, name in enumerate(table.names))
    return replace(
        table,
        names=names,
        rows=[table.rows[number] for number in kept],
        lines=[table.lines[number] for number in kept],
    )


def _key(table: Table, row: list[str]) -> str:
    return row[table.names.index("fsefsoid")] if "fsefsoid" in table.names else _SYSTEM_OID


def _names_by_oid(named: Sequence[Table], oids: set[str]) -> dict[str, str]:
    """Filespace names by object id. Without an oid column a single name fits a single id."""
    names = {_SYSTEM_OID: SYSTEM_FILESPACE}
    nameless = sorted(oids - {_SYSTEM_OID})
    for table in named:
        listed = [row[table.names.index("fsname")] for row in table.rows]
        if "oid" in table.names:
            at = table.names.index("oid")
            names |= dict(zip((row[at] for row in table.rows), listed, strict=True))
            continue
        others = [name for name in listed if name != SYSTEM_FILESPACE]
        if len(others) == len(nameless) == 1:
            names[nameless[0]] = others[0]
    return names


def _take(
    source: Source, found: Directories, table: Table, row: list[str], entry: tuple[str, int]
) -> None:
    name, line = entry
    location = row[table.names.index("fselocation")]
    if location in NULLS:
        return
    try:
        dbid = cells.dbid(row[table.names.index("fsedbid")])
        path = cells.directory(location)
        name = cells.name(name)
    except cells.BadCell as bad:
        found.problems.append(_bad(source, line, bad))
        return
    known = found.by_dbid.setdefault(dbid, {}).setdefault(name, path)
    found.names.add(name)
    if known != path:
        message = f"dbid {dbid} has two directories in filespace {name}: {known} and {path}"
        found.problems.append(_broken(source, line, message))


def _bad(source: Source, line: int, bad: cells.BadCell) -> Diagnostic:
    message = f"pg_filespace_entry: {bad.message}"
    hint = bad.hint or codes.CODES[bad.code].fix
    return Diagnostic(code=bad.code, message=message, place=source.place(line), hint=hint)


def _unnamed(source: Source, table: Table, row: list[str], line: int) -> Diagnostic:
    return Diagnostic(
        code=codes.UNNAMED_FILESPACE,
        message=f"filespace {_key(table, row)} has no name: the text has no pg_filespace row for it",
        place=source.place(line),
        hint=_NAME_QUERY,
    )


def _lacking(source: Source, segment: Segment, name: str) -> Diagnostic:
    message = f"dbid {segment.dbid} has no directory in filespace {name}"
    return _broken(source, segment.line, message)


def _broken(source: Source, line: int, message: str) -> Diagnostic:
    return Diagnostic(
        code=codes.BROKEN_FILESPACES,
        message=message,
        place=source.place(line),
        hint=_ENTRY_QUERY,
    )
