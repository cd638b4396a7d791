"""Catalog text of any shape, or bytes of unknown form, into the observed cluster."""

from collections.abc import Sequence

from gpmirror.catalog.detect import Detected, column_evidence, settle, version_evidence
from gpmirror.catalog.filespaces import read_directories, split_join, with_directories
from gpmirror.catalog.find import check_complete, find_tables, pick
from gpmirror.catalog.rows import missing_columns, read_rows
from gpmirror.catalog.sanity import check_sane
from gpmirror.catalog.snapshot import read_snapshot
from gpmirror.catalog.tables import Table, TableKind, decoded, source_of
from gpmirror.diagnostics import Diagnostic, Source, base_name
from gpmirror.errors import InvalidInput
from gpmirror.model.dialect import DIALECTS, DialectName
from gpmirror.model.observed import Observed, in_canonical_order
from gpmirror.model.segment import SYSTEM_FILESPACE, Segment

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
    verdict = _verdict(source, text, printed, dialect, has_entries=bool(entries))
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


def _verdict(
    source: Source, text: str, table: Table, dialect: DialectName | None, *, has_entries: bool
) -> Detected:
    columns = column_evidence(table, has_entries=has_entries)
    return settle(source, columns, version_evidence(source, text), dialect)


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
