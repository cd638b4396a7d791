"""gprecoverseg on 6: stop, wait until marked down, write rows, copy or rewind, start."""

import time
from collections.abc import Sequence

from gpmirror.lab.utilities.add_later import make, set_up, tell_failures
from gpmirror.lab.utilities.catalog import Catalog
from gpmirror.lab.utilities.failures import Broken
from gpmirror.lab.utilities.hba import allow_replication
from gpmirror.lab.utilities.recovery import Crew, Recovery, stand_still, task_of

_MARKED_DOWN_SECONDS = 1800
_STARS = "*" * 32
_PASSED_OVER = {"coordinator": "gpsegstop", "master": "shared memory cleanup and gpsegstop"}
_RECOVERED = (
    _STARS,
    "Segments successfully recovered.",
    _STARS,
    "Recovered mirror segments need to sync WAL with primary segments.",
    "Use 'gpstate -e' to check progress of WAL sync remaining bytes",
)


def execute(
    crew: Crew,
    catalog: Catalog,
    recoveries: Sequence[Recovery],
    silent: frozenset[str] = frozenset(),
) -> int:
    """0, or 1 when some were not recovered: those whose copy failed go back to where the catalog
    had them, those that only did not start stay at the new place. Old directories stay. Nothing is
    stopped on `silent` hosts.
    """
    console = crew.session.console
    allow_replication(crew, recoveries)
    console.info(f"{len(recoveries)} segment(s) to recover")
    stop_failed(crew, recoveries, silent)
    up = {r.failed.dbid for r in recoveries if r.failed is not None and r.failed.is_up}
    if up:
        wait_until_down(crew, catalog, up)
    set_up(crew, recoveries)
    stand_still(crew.session)
    console.info("Updating configuration for mirrors")
    for recovery in recoveries:
        catalog.place(recovery.target)
    ended = make(crew, recoveries)
    headline = "Failed to recover the following segments. You must run gprecoverseg -F for all"
    failed = tell_failures(crew, ended, f"{headline} incremental failures")
    for recovery, _, outcome in ended:
        if outcome.failed == "copy" and recovery.failed is not None and not recovery.in_place:
            catalog.place(recovery.failed)
    console.info("Triggering FTS probe")
    catalog.probe()
    if failed:
        console.error("gprecoverseg failed. Please check the output for more details.")
        return 1
    for line in _RECOVERED:
        console.info(line)
    return 0


def stop_failed(
    crew: Crew, recoveries: Sequence[Recovery], silent: frozenset[str] = frozenset()
) -> None:
    """Stop what runs at the old places; hosts that are gone are passed over."""
    console = crew.session.console
    olds = [r for r in recoveries if r.failed is not None]
    if any(r.failed.hostname not in silent for r in olds if r.failed):
        console.info(f"Ensuring {len(olds)} failed segment(s) are stopped")
    tasks = []
    for recovery in olds:
        failed = recovery.failed or recovery.target
        if failed.hostname in silent:
            what = _PASSED_OVER[crew.session.lab.release.coordinator_word]
            where = f"{failed.hostname} segment: {failed.content}"
            console.info(f"Skipping {what} on unreachable host: {where}")
            continue
        old = Recovery(target=failed, source=recovery.source, failed=failed)
        tasks.append((failed.address, task_of(crew.session, old)))
    directories = {task.dbid: task.directory for _, task in tasks}
    for dbid, (_, outcome) in crew.all_do("stop", tasks).items():
        if outcome.said and not outcome.failed:
            console.info(f"{outcome.said}: {directories[dbid]}")
    console.info("Ensuring that shared memory is cleaned up for stopped segments")


def wait_until_down(crew: Crew, catalog: Catalog, dbids: set[int]) -> None:
    """Stopped mirrors that the catalog still calls up: nothing is copied before they are down."""
    console = crew.session.console
    console.info("Waiting for segments to be marked down.")
    console.info("This may take up to 1800 seconds on large clusters.")
    deadline = time.monotonic() + _MARKED_DOWN_SECONDS
    while time.monotonic() < deadline:
        catalog.probe()
        up = {s.dbid for s in catalog.load().segments if s.is_up} & dbids
        if not up:
            console.raw("\n")
            console.info(f"{len(dbids)} of {len(dbids)} segments have been marked down.")
            return
        console.raw(".")
        time.sleep(0.2)
    raise Broken("segments were not marked down")
