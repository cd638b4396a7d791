"""gpstate, as much of it as a recovery is judged by: -e, -m, -s, -Q and the summary."""

from collections.abc import Callable, Sequence

import psycopg

from gpmirror.lab.utilities import console
from gpmirror.lab.utilities.array import Array
from gpmirror.lab.utilities.catalog import Catalog
from gpmirror.lab.utilities.console import BadOption, Session
from gpmirror.model.segment import Mode, Role, Segment

# --- `gpstate -e`: switched, unsynchronised, down and recovering segments; a stale progress file too.


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


# --- gpstate, as much of it as a recovery is judged by: -e, -m, -s, -Q and the summary.


_MODES = {
    Mode.SYNCED: "Synchronized",
    Mode.RESYNCING: "Resynchronizing",
    Mode.CHANGE_TRACKING: "Change Tracking",
    Mode.NOT_IN_SYNC: "Not In Sync",
}


def run(session: Session, argv: list[str]) -> int:
    """0, or 1 where the asked kind of problem exists. Raises BadOption, psycopg.Error."""
    found = console.parser(session.lab.release, "gpstate", "%prog [--help] [options] ")
    for letter in "bcefimpsQ":
        found.add_option(f"-{letter}", action="append_const", const=letter, dest="shown")
    found.add_option("-B", type="int", default=16, dest="hosts")
    values, rest = found.parse_args(argv)
    session.console.info(f"Starting gpstate with args: {' '.join(argv)}")
    console.no_arguments(found, rest)
    shown = values.shown or ["b"]
    if len(shown) > 1:
        raise BadOption("Too many output options specified")
    session.console.info("Obtaining Segment details from master...")
    catalog = Catalog(session.lab, old=session.old)
    try:
        array = catalog.load()
    finally:
        catalog.close()
    return _SHOW.get(shown[0], _summary)(session, array)


def _mirrors(session: Session, array: Array) -> int:
    console = session.console
    console.rule()
    console.info("-Current GPDB mirror list and status")
    mirrors = [s for s in array.segments if s.preferred_role is Role.MIRROR]
    if not mirrors:
        console.warning("-Mirror not used")
        console.rule()
        return 0
    console.info(f"-Type = {'Spread' if array.spread else 'Group'}")
    console.rule()
    head = ("Mirror", "Datadir", "Port", "Status", "Data Status")
    rows = [(s.address, s.directory, s.port, *_standing(s)) for s in mirrors]
    show_table(session, head, rows, lambda row: row[3] == "Failed")
    console.rule()
    failed = sum(1 for s in mirrors if not s.is_up)
    acting = sum(1 for s in mirrors if s.role is Role.PRIMARY)
    if acting:
        console.warning(f"{acting} segment(s) configured as mirror(s) are acting as primaries")
    if failed:
        console.warning(f"{failed} segment(s) configured as mirror(s) have failed")
    return 1 if failed else 0


def _standing(segment: Segment) -> tuple[str, str]:
    if not segment.is_up:
        return "Failed", ""
    acting = segment.role is Role.PRIMARY
    return ("Acting as Primary" if acting else "Passive"), _MODES[segment.mode]


def _quick(session: Session, array: Array) -> int:
    console = session.console
    console.info("-Quick Greenplum database status from Master instance only")
    console.rule()
    down = [s for s in array.segments if not s.is_up]
    up = len(array.segments) - len(down)
    console.info(f"# of up segments, from configuration table     = {up}")
    if down:
        console.info(f"# of down segments, from configuration table   = {len(down)}")
        show_table(
            session,
            ("Down Segment", "Datadir", "Port"),
            [(s.address, s.directory, s.port) for s in down],
        )
    console.rule()
    return 1 if down and session.lab.release.quick_fails else 0


def _details(session: Session, array: Array) -> int:
    console = session.console
    console.info("Gathering data from segments...")
    console.rule()
    console.info("Segment Instance Status Report")
    warned = False
    for s in array.segments:
        serves = s.is_up and answers(session, s)
        behind = array.has_mirrors and s.mode is Mode.NOT_IN_SYNC
        warned = warned or not serves or behind
        role = "Primary" if s.role is Role.PRIMARY else "Mirror"
        preferred = "Primary" if s.preferred_role is Role.PRIMARY else "Mirror"
        rows = {
            "Hostname": s.hostname,
            "Address": s.address,
            "Datadir": s.directory,
            "Port": s.port,
            "Current role": role,
            "Preferred role": preferred,
            "Mirror status": _MODES[s.mode],
            "Configuration reports status as": "Up" if s.is_up else "Down",
            "Segment status": "Up" if serves else "Down",
        }
        console.rule()
        for key, value in rows.items():
            console.info(f"      {key:<38}= {value}")
    return 1 if warned else 0


def _summary(session: Session, array: Array) -> int:
    console = session.console
    console.info("Gathering data from segments...")
    console.info("Greenplum instance status summary")
    console.rule()
    for role, name in ((Role.PRIMARY, "primary"), (Role.MIRROR, "mirror")):
        own = [s for s in array.segments if s.preferred_role is role]
        down = sum(1 for s in own if not s.is_up)
        console.info(f"   {f'Total {name} segments':<58}= {len(own)}")
        console.info(f"   {f'Total {name} segment failures (at master)':<58}= {down}")
    console.rule()
    return 0


_SHOW: dict[str, Callable[[Session, Array], int]] = {
    "e": report,
    "m": _mirrors,
    "s": _details,
    "Q": _quick,
}
