"""`gpstate -e`: switched, unsynchronised, down and recovering segments; a stale progress file too."""

from collections.abc import Callable, Sequence

import psycopg

from gpmirror.cluster.segment import Mode, Segment
from gpmirror.lab.utilities.array import Array
from gpmirror.lab.utilities.session import Session

Row = Sequence[object]
_Section = tuple[str, Row, list[Row]]


def show_table(
    session: Session, head: Row, rows: Sequence[Row], bad: Callable[[Row], bool] | None = None
) -> None:
    """Aligned columns; a `bad` row is a warning."""
    widths = [max(len(str(row[i])) for row in (head, *rows)) for i in range(len(head))]
    for row in (head, *rows):
        cells = "   ".join(str(c).ljust(w) for c, w in zip(row, widths, strict=True))
        if bad is not None and row is not head and bad(row):
            session.console.warning(f"{cells}   <<<<<<<<")
        else:
            session.console.info(f"   {cells}")


def report(session: Session, array: Array) -> int:
    """What is wrong with mirroring; 1 when anything is."""
    console = session.console
    console.info("Gathering data from segments...")
    console.rule()
    console.info("Segment Mirroring Status Report")
    console.rule()
    if not array.has_mirrors:
        console.warning("Physical mirroring is not configured")
        return 1
    sections = [*_switched(array), *_unsynchronised(session, array), *_down(session, array)]
    sections += _recovering(session, array)
    for title, head, rows in sections:
        console.info(title)
        show_table(session, head, rows)
        console.rule()
    if not sections:
        console.info("All segments are running normally")
    return 1 if sections else 0


def _switched(array: Array) -> list[_Section]:
    rows: list[Row] = [
        (p.hostname, p.port, array.mirrors[c].hostname, array.mirrors[c].port)
        for c, p in array.primaries.items()
        if p.is_switched and c in array.mirrors
    ]
    head = ("Current Primary", "Port", "Mirror", "Port")
    return [("Segments with Primary and Mirror Roles Switched", head, rows)] if rows else []


def _unsynchronised(session: Session, array: Array) -> list[_Section]:
    pairs = [
        (p, array.mirrors[c])
        for c, p in array.primaries.items()
        if c in array.mirrors and p.mode is not Mode.SYNCED
    ]
    if session.old:
        return [
            *_old_section(pairs, Mode.CHANGE_TRACKING, "Primaries in Change Tracking"),
            *_old_section(pairs, Mode.RESYNCING, "Segment Pairs in Resynchronization"),
        ]
    head = ("Current Primary", "Port", "WAL sync remaining bytes", "Mirror", "Port")
    rows: list[Row] = [(p.hostname, p.port, "Unknown", m.hostname, m.port) for p, m in pairs]
    return [("Unsynchronized Segment Pairs", head, rows)] if rows else []


def _old_section(
    pairs: Sequence[tuple[Segment, Segment]], mode: Mode, title: str
) -> list[_Section]:
    head = ("Current Primary", "Port", "Change tracking size", "Mirror", "Port")
    rows: list[Row] = [
        (p.hostname, p.port, "0 bytes", m.hostname, m.port) for p, m in pairs if p.mode is mode
    ]
    return [(title, head, rows)] if rows else []


def _down(session: Session, array: Array) -> list[_Section]:
    rows: list[Row] = []
    for s in array.segments:
        if not s.is_up:
            if not session.old:
                rows.append((s.hostname, s.port, "Down", "Down in configuration"))
        elif not answers(session, s):
            status = "Process error -- database process may be down"
            rows.append((s.hostname, s.port, "Up", status))
    title = "Downed Segments (may include segments where status could not be retrieved)"
    return [(title, ("Segment", "Port", "Config status", "Status"), rows)] if rows else []


def answers(session: Session, segment: Segment) -> bool:
    """Whether the server of a segment takes connections."""
    try:
        ip = session.lab.resolve(segment.address)
        where = session.lab.conninfo(host=ip, port=segment.port, connect_timeout=5)
        psycopg.connect(**where).close()  # type: ignore[arg-type]
    except psycopg.Error:
        return False
    return True


def _recovering(session: Session, array: Array) -> list[_Section]:
    """What `recovery_progress.file` says, however old it is: a killed run leaves it (6)."""
    try:
        text = (session.logs / "recovery_progress.file").read_text(encoding="utf-8")
    except OSError:
        return []
    by_dbid = {str(s.dbid): s for s in array.segments}
    rows: list[Row] = []
    for line in text.splitlines():
        kind, dbid, rest = (*line.split(":", 2), "", "")[:3]
        done, _, total = rest.strip().split(" ")[0].partition("/")
        segment = by_dbid.get(dbid)
        if segment is not None and done.isdigit() and total.isdigit():
            percent = f"{int(done) * 100 // max(1, int(total))}%"
            rows.append((segment.hostname, segment.port, kind, done, total, percent))
    head = ("Segment", "Port", "Recovery type", "Completed bytes (kB)", "Total bytes (kB)")
    return [("Segments in recovery", (*head, "Percentage completed"), rows)] if rows else []
