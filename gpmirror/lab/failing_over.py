"""A primary's death on order: its mirror acts as primary afterwards, the host lives on."""

import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from gpmirror.errors import Failure
from gpmirror.lab.layout import Lab
from gpmirror.lab.servers import crash

_ROWS = {  # by whether directories stand in filespaces
    False: "SELECT role::text, mode::text, status::text, address, datadir"
    " FROM gp.gp_segment_configuration WHERE content = %s",
    True: "SELECT c.role::text, c.mode::text, c.status::text, c.address, e.fselocation"
    " FROM gp.gp_segment_configuration c"
    " JOIN gp.pg_filespace_entry e ON e.fsedbid = c.dbid AND e.fsefsoid = 3052"
    " WHERE c.content = %s",
}
_SECONDS = 60.0
_AGAIN = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copy:
    """A copy as the catalog has it."""

    mode: str
    status: str
    address: str
    directory: Path


def fail_over(lab: Lab, content: int) -> tuple[str, str]:
    """Kill a content's acting primary and wait until its mirror acts. Names of the host that acts
    now and of the one whose copy is down. Raises Failure: there is no mirror in sync to take over.
    """
    primary, mirror = _pair(lab, content)
    crash([primary.directory])
    deadline = time.monotonic() + _SECONDS
    while _copies(lab, content)["p"].directory != mirror.directory:
        if time.monotonic() > deadline:
            raise Failure(
                f"the mirror of content {content} on {mirror.address} does not take over within "
                f"{_SECONDS:.0f} s",
                hint="`gpmirror lab status` shows whether the prober runs",
            )
        time.sleep(_AGAIN)
    return lab.host_of(mirror.address).name, lab.host_of(primary.address).name


def _pair(lab: Lab, content: int) -> tuple[_Copy, _Copy]:
    copies = _copies(lab, content)
    if "p" not in copies:
        raise Failure(
            f"the practice cluster has no content {content}", hint="`gpmirror lab status` lists it"
        )
    mirror = copies.get("m")
    if mirror is None:
        raise Failure(
            f"content {content} has no mirror that could take over",
            hint="`gpmirror apply` adds mirrors",
        )
    if (mirror.status, mirror.mode) != ("u", "s"):
        raise Failure(
            f"the mirror of content {content} on {mirror.address} is not in sync (status "
            f"{mirror.status}, mode {mirror.mode}): nothing could take over",
            hint="`gpmirror plan` says how to repair it",
        )
    return copies["p"], mirror


def _copies(lab: Lab, content: int) -> dict[str, _Copy]:
    """A content's copies by acting role."""
    try:
        with psycopg.connect(**lab.conninfo(connect_timeout=5)) as server:  # type: ignore[arg-type]
            rows = server.execute(_ROWS[lab.release.old].encode(), (content,)).fetchall()
    except psycopg.OperationalError as error:
        raise Failure(
            "the coordinator of the practice cluster does not answer",
            hint=f"`gpmirror lab restore {lab.coordinator.name}` first",
        ) from error
    return {
        role: _Copy(mode=mode, status=status, address=address, directory=Path(directory))
        for role, mode, status, address, directory in rows
    }
