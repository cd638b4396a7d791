"""gpaddmirrors on 5: directories first, rows at once in mode r, data in the background."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from gpmirror.cluster.segment import Segment
from gpmirror.lab.utilities.array import check_colon
from gpmirror.lab.utilities.catalog import Catalog
from gpmirror.lab.utilities.console import STARS, Console
from gpmirror.lab.utilities.failures import Broken, Refused, Stop
from gpmirror.lab.utilities.recovery import (
    Crew,
    Recovery,
    copy_all,
    era,
    resynchronise,
    stand_still,
    task_of,
)
from gpmirror.lab.utilities.remote import Remote
from gpmirror.lab.utilities.session import Session

check = check_colon

_DOT_SECONDS = 1.0

_ADDED = (
    STARS,
    "Mirror segments have been added; data synchronization is in progress.",
    "Data synchronization will continue in the background.",
    "",
    "Use  gpstate -s  to check the resynchronization progress.",
    STARS,
)


def hostname(session: Session, address: str) -> str:
    """What the host at an address calls itself. Raises Broken where none answers."""
    host = Remote(session.lab).host(address)
    if host is None:
        session.console.warning(f"Failed to resolve hostname for {address}")
        raise Broken(f"Segment Host Address {address} is unreachable")
    return host.name


def with_replication_port(primary: Segment, port: int) -> Segment:
    """The primary as its line leaves it."""
    return replace(primary, replication_port=port)


def check_filespaces(existing: Mapping[str, int], named: Sequence[str]) -> None:
    """Raises Broken where the header's filespaces are not the cluster's."""
    for name in named:
        if name not in existing:
            raise Broken(f'Mirror config refers to filespace that does not exist: "{name}"')
    for name, oid in existing.items():
        if name not in named:
            raise Broken(f"{oid}L")


def execute(crew: Crew, catalog: Catalog, recoveries: Sequence[Recovery]) -> int:
    """0, or 1 when a mirror did not start. Raises Refused before the catalog is changed."""
    console = crew.session.console
    console.info(f"{len(recoveries)} segment(s) to add")
    console.info("Building template directory")
    _validate(crew, recoveries)
    console.info("Copying template directory file")
    console.info("Configuring new segments")
    _create_directories(crew, recoveries)
    console.info("Cleaning files")
    for r in recoveries:
        where = f"{r.target.hostname}:{r.target.directory}:content={r.target.content}"
        said = f"Starting file move procedure for {where}"
        console.info(f"{said}:dbid={r.target.dbid}:mode=r:status=u")
    stand_still(crew.session)
    console.info("Updating configuration with new mirrors")
    catalog.add(r.target for r in recoveries)
    for recovery in recoveries:
        catalog.set_replication_port(recovery.source)
    if not start_mirrors(crew, catalog, recoveries):
        return 1
    for line in _ADDED:
        console.info(line)
    return 0


def start_mirrors(crew: Crew, catalog: Catalog, recoveries: Sequence[Recovery]) -> bool:
    """Start mirrors and tell primaries of them: both go to mode r at once, and the data follows in
    the background. A mirror whose old copy serves starts here. Whether all started; rows say
    the same of one that did not.
    """
    console = crew.session.console
    console.info("Updating mirrors")
    console.info("Starting mirrors")
    console.info(era())
    said = "Commencing parallel primary and mirror segment instance startup, please wait..."
    console.info(said)
    full = [r for r in recoveries if r.full]
    ports = [(r.target.address, task_of(crew.session, r)) for r in full]
    outcomes = {dbid: found for dbid, (_, found) in crew.all_do("port", ports).items()}
    ended = copy_all(crew, [r for r in recoveries if not r.full])
    outcomes |= {task.dbid: outcome for _, task, outcome in ended}
    console.info("Process results...")
    failed = {dbid for dbid, outcome in outcomes.items() if outcome.failed}
    for recovery in recoveries:
        if recovery.target.dbid in failed:
            _tell_start(crew, recovery, outcomes[recovery.target.dbid].said)
    console.info("Updating configuration to mark mirrors up")
    for recovery in recoveries:
        waits = crew.session.faults.connect_timeout if recovery.target.dbid in failed else None
        catalog.resynchronise(recovery.target, waits=waits)
    console.info("Updating primaries")
    console.info(
        f"Commencing parallel primary conversion of {len(recoveries)} segments, please wait..."
    )
    resynchronise(crew, [r for r in full if r.target.dbid not in failed])
    _await_primaries(console, catalog, failed)
    console.raw(". \n")
    console.info("Process results...")
    for recovery in recoveries:
        if recovery.target.dbid in failed:
            _tell_conversion(crew, recovery)
    console.info("Done updating primaries")
    return not failed


def _await_primaries(console: Console, catalog: Catalog, failed: set[int]) -> None:
    """A primary answers once its mirror is there, or after gp_segment_connect_timeout (5.8.1,
    recorded).
    """
    while failed & catalog.never_started():
        console.raw(".")
        time.sleep(_DOT_SECONDS)


def _validate(crew: Crew, recoveries: Sequence[Recovery]) -> None:
    crew.session.console.info("Validating remote directories")
    tasks = [(r.target.address, task_of(crew.session, r)) for r in recoveries]
    for _address, outcome in crew.all_do("empty", tasks).values():
        if outcome.said:
            host = next(r for r in recoveries if r.target.dbid == outcome.dbid).target.hostname
            raise Refused(f"\nValidation failure on host {host} {outcome.said}")


def _create_directories(crew: Crew, recoveries: Sequence[Recovery]) -> None:
    """Raises Stop where one may not be made; the other hosts' directories stay."""
    tasks = [(r.target.address, task_of(crew.session, r)) for r in recoveries]
    for address, outcome in crew.all_do("make", tasks).values():
        if outcome.failed:
            said = f"Error Executing Command: \n Command was: 'ssh {address} gpconfigurenewsegment'"
            crew.session.console.critical(f"Error occurred: {said}\nrc=1, stderr='{outcome.said}'")
            raise Stop(2)


def _tell_conversion(crew: Crew, recovery: Recovery) -> None:
    s, failure = recovery.source, "failure: Error: MirroringFailure "
    where = f"{s.hostname}:{s.directory}:content={s.content}:dbid={s.dbid}:mode=r:status=u"
    said = "Failed to inform primary segment of updated mirroring state.  Segment: "
    reason = f'REASON: Conversion failed.  stdout:""  stderr:"{failure}{failure}"'
    crew.session.console.warning(f"{said}{where}: {reason}")


def _tell_start(crew: Crew, recovery: Recovery, why: str) -> None:
    t = recovery.target
    where = f"{t.hostname}:{t.directory}:content={t.content}:dbid={t.dbid}:mode=r:status=d"
    said = "Failed to start segment.  The fault prober will shortly mark it as down."
    reason = why if why.startswith("Failure in") else "Start failed; check segment logfile."
    crew.session.console.warning(f"{said} Segment: {where}: REASON: {reason}")
