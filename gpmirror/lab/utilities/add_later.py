"""gpaddmirrors on 6: rows first, then base backups; half a failure leaves `n d` rows."""

from collections.abc import Sequence

from gpmirror.lab.utilities.array import check_pipe
from gpmirror.lab.utilities.catalog import Catalog
from gpmirror.lab.utilities.console import STARS
from gpmirror.lab.utilities.failures import Broken, Refused
from gpmirror.lab.utilities.hba import allow_replication
from gpmirror.lab.utilities.recovery import (
    Crew,
    Recovery,
    copy_all,
    era,
    stand_still,
    task_of,
)
from gpmirror.lab.utilities.tasks import Outcome, Task

check = check_pipe

_ADDED = (
    STARS,
    "Mirror segments have been added; data synchronization is in progress.",
    "Data synchronization will continue in the background.",
    "Use  gpstate -s  to check the resynchronization progress.",
    STARS,
)


def execute(crew: Crew, catalog: Catalog, recoveries: Sequence[Recovery]) -> int:
    """0, or 1 when some mirrors failed. Raises Broken, Refused before the catalog is changed."""
    console = crew.session.console
    if len({r.target.content for r in recoveries}) < len(recoveries):
        console.info("Starting to create new pg_hba.conf on primary segments")
        raise Broken("'NoneType' object has no attribute 'unreachable'")
    allow_replication(crew, recoveries)
    console.info(f"{len(recoveries)} segment(s) to add")
    set_up(crew, recoveries)
    stand_still(crew.session)
    console.info("Updating configuration for mirrors")
    catalog.add(r.target for r in recoveries)
    ended = make(crew, recoveries)
    failed = tell_failures(crew, ended, "Failed to add the following segments")
    console.info("Triggering FTS probe")
    catalog.probe()
    if failed:
        console.error("gpaddmirrors failed. Please check the output for more details.")
        return 1
    for line in _ADDED:
        console.info(line)
    return 0


def set_up(crew: Crew, recoveries: Sequence[Recovery]) -> None:
    """Look whether new directories are empty; an overwriting copy is not asked. Raises Refused."""
    console = crew.session.console
    console.info("Setting up the required segments for recovery")
    tasks = [(r.target.address, task_of(crew.session, r)) for r in recoveries if r.failed is None]
    ports = {task.dbid: task.port for _, task in tasks}
    answers = crew.all_do("empty", tasks)
    bad = {dbid: found for dbid, found in answers.items() if found[1].failed}
    if not bad:
        return
    console.info("Failed to setup recovery for the following segments")
    for dbid, (address, outcome) in bad.items():
        said = f"error: for segment with port {ports[dbid]}: {outcome.said}"
        console.error(f" hostname: {address}; port: {ports[dbid]}; {said}")
    raise Refused


def make(crew: Crew, recoveries: Sequence[Recovery]) -> list[tuple[Recovery, Task, Outcome]]:
    """Copy and start."""
    said = "Initiating segment recovery. Upon completion, will start the successfully recovered"
    crew.session.console.info(f"{said} segments")
    crew.session.console.info(era())
    return copy_all(crew, recoveries)


def tell_failures(
    crew: Crew, ended: Sequence[tuple[Recovery, Task, Outcome]], headline: str
) -> bool:
    """Whether any mirror failed; each is named with the step at which it did."""
    console = crew.session.console
    copies = [(r, t) for r, t, o in ended if o.failed == "copy"]
    starts = [(r, t) for r, t, o in ended if o.failed == "start"]
    if copies:
        console.info(headline)
    for recovery, task in copies:
        where = f" hostname: {recovery.target.hostname}; port: {task.port}; logfile: {task.log};"
        console.info(f"{where} recoverytype: {'full' if task.full else 'incremental'}")
    if starts:
        said = "Failed to start the following segments. Please check the latest logs located in"
        console.info(f"{said} segment's data directory")
    for recovery, task in starts:
        where = f" hostname: {recovery.target.hostname}; port: {task.port};"
        console.info(f"{where} datadir: {task.directory}")
    return bool(copies or starts)
