"""gpstate, as much of it as a recovery is judged by: -e, -m, -s, -Q and the summary."""

from collections.abc import Callable

from gpmirror.cluster.segment import Mode, Role, Segment
from gpmirror.lab.utilities import options
from gpmirror.lab.utilities.array import Array
from gpmirror.lab.utilities.catalog import Catalog
from gpmirror.lab.utilities.failures import BadOption
from gpmirror.lab.utilities.mirroring_report import answers, report, show_table
from gpmirror.lab.utilities.session import Session

_MODES = {
    Mode.SYNCED: "Synchronized",
    Mode.RESYNCING: "Resynchronizing",
    Mode.CHANGE_TRACKING: "Change Tracking",
    Mode.NOT_IN_SYNC: "Not In Sync",
}


def run(session: Session, argv: list[str]) -> int:
    """0, or 1 where the asked kind of problem exists. Raises BadOption, psycopg.Error."""
    found = options.parser(session.lab.release, "gpstate", "%prog [--help] [options] ")
    for letter in "bcefimpsQ":
        found.add_option(f"-{letter}", action="append_const", const=letter, dest="shown")
    found.add_option("-B", type="int", default=16, dest="hosts")
    values, rest = found.parse_args(argv)
    session.console.info(f"Starting gpstate with args: {' '.join(argv)}")
    options.no_arguments(found, rest)
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
