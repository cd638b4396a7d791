"""gp_primarymirror of 5, as much of it as tells how a copy on this host does: `getMirrorStatus`."""

import os
import sys
from pathlib import Path

from gpmirror.lab.utilities import console
from gpmirror.lab.utilities.console import Session, Stop
from gpmirror.lab.utilities.copying import sql

_STATE = (
    """SELECT CASE WHEN pg_is_in_recovery() THEN current_setting('primary_conninfo') <> '' END"""
)
_TOLD = {
    "": ("PrimarySegment", "Ready", "NotInitialized", "Up"),
    "t": ("MirrorSegment", "Ready", "NotInitialized", "Up"),
    "f": ("MirrorSegment", "Fault", "FaultMirror", "Down"),
}


def run(session: Session, argv: list[str]) -> int:
    """0 where the server answers; it tells on standard error, as natively. Raises Stop."""
    found = console.parser(session.lab.release, "gp_primarymirror", "%prog -h HOST -p PORT")
    found.remove_option("-h")
    found.add_option("-h", dest="host")
    found.add_option("-p", type="int", dest="port")
    values, _ = found.parse_args(argv)
    own = next(h for h in session.lab.everywhere if Path(os.environ["HOME"]) == h.home)
    if sys.stdin.read().strip() != "getMirrorStatus":
        raise Stop(1)
    done = sql(session.lab, (own.ip, values.port), _STATE)
    if done.returncode != 0:
        session.console.stderr("failed to connect: Connection refused (errno: 111)")
        return 1
    mode, state, fault, database = _TOLD[done.stdout.strip()]
    for line in (
        f"Success: mode:{mode}",
        f"segmentState:{state}",
        f"faultType:{fault}",
        f"databaseStatus:{database}",
    ):
        session.console.stderr(line)
    return 0
