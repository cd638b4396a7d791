"""`gprecoverseg -r`: stop primaries that should be mirrors, let their partners take over."""

import time
from collections.abc import Callable, Sequence

from gpmirror.cluster.segment import Mode, Role, Segment
from gpmirror.lab.utilities.array import Array
from gpmirror.lab.utilities.catalog import Catalog
from gpmirror.lab.utilities.console import RULE, STARS
from gpmirror.lab.utilities.failures import Broken, Stop
from gpmirror.lab.utilities.recover_lines import silent_hosts
from gpmirror.lab.utilities.recovery import Crew, Recovery, instance, table, task_of

_PROMOTION_SECONDS = 600
_Pair = tuple[Segment, Segment]


def run(crew: Crew, catalog: Catalog, recover: Callable[[], int]) -> int:
    """0 also when a pair could not be returned (6). Raises Broken where 5 refuses all of them."""
    console = crew.session.console
    console.info("Obtaining Segment details from master...")
    array = catalog.load()
    switched = [s for s in array.segments if s.is_switched]
    if crew.session.old:
        _refuse_unready(array)
    else:
        silent_hosts(crew, array)
    if not switched:
        said = "No segments are running in their non-preferred role and need to be rebalanced."
        console.info(said)
        return 0
    _summary(crew, switched)
    pairs = _pairs(crew, array, switched)
    if not pairs:
        console.info("No segments to rebalance")
    elif _return_roles(crew, catalog, pairs, recover):
        raise Stop(1)
    for line in (STARS, "The rebalance operation has completed successfully.", STARS):
        console.info(line)
    return 0


def _refuse_unready(array: Array) -> None:
    if not all(s.is_up for s in array.segments):
        raise Broken("Down segments still exist.  All segments must be up to rebalance.")
    if not all(s.mode is Mode.SYNCED for s in array.segments):
        said = "Some segments are not yet synchronized."
        raise Broken(f"{said}  All segments must be synchronized to rebalance.")


def _summary(crew: Crew, switched: Sequence[Segment]) -> None:
    lines = [
        "Greenplum instance recovery parameters",
        RULE,
        "Recovery type              = Rebalance",
    ]
    for number, segment in enumerate(switched, start=1):
        rows = instance("Unbalanced", segment)
        rows.append(("Balanced role", _title(segment.preferred_role)))
        rows.append(("Current role", _title(segment.role)))
        lines += [RULE, f"Unbalanced segment {number} of {len(switched)}", RULE, *table(rows)]
    for line in (*lines, RULE):
        crew.session.console.info(line)


def _title(role: Role) -> str:
    return "Primary" if role is Role.PRIMARY else "Mirror"


def _pairs(crew: Crew, array: Array, switched: Sequence[Segment]) -> list[_Pair]:
    """Acting primary and acting mirror of every content that may be returned now."""
    console = crew.session.console
    said = "Getting unbalanced segments"
    if not crew.session.old:
        said = "Determining primary and mirror segment pairs to rebalance"
    console.info(said)
    found = []
    for content in sorted({s.content for s in switched}):
        primary, mirror = array.primaries[content], array.mirrors[content]
        ready = all(s.is_up and s.mode is Mode.SYNCED for s in (primary, mirror))
        if ready and crew.remote.reaches(primary.address):
            found.append((primary, mirror))
            continue
        who = f"primary segment dbid {primary.dbid} with its mirror dbid {mirror.dbid}"
        why = "one is either down, unreachable, or not synchronized"
        console.warning(f"Not rebalancing {who} because {why}")
    return found


def _return_roles(
    crew: Crew, catalog: Catalog, pairs: Sequence[_Pair], recover: Callable[[], int]
) -> int:
    console = crew.session.console
    console.info("Stopping unbalanced primary segments...")
    tasks = [
        (p.address, task_of(crew.session, Recovery(target=p, source=m, failed=p))) for p, m in pairs
    ]
    crew.all_do("stop", tasks)
    console.raw(".. \n")
    console.info("Triggering segment reconfiguration")
    _wait_for_promotion(crew, catalog, {mirror.dbid for _, mirror in pairs})
    console.info("Starting segment synchronization")
    console.info(f"{'=' * 29}START ANOTHER RECOVER{'=' * 41}")
    code = recover()
    console.info(f"{'=' * 30}END ANOTHER RECOVER{'=' * 42}")
    return code


def _wait_for_promotion(crew: Crew, catalog: Catalog, dbids: set[int]) -> None:
    """Until the partners act as primaries, take connections, and the stopped ones are down."""
    deadline = time.monotonic() + _PROMOTION_SECONDS
    while time.monotonic() < deadline:
        catalog.probe()
        acting = [s for s in catalog.load().segments if s.dbid in dbids]
        if all(s.is_acting_primary and _takes_writes(crew, s) for s in acting):
            return
        time.sleep(0.2)
    raise Broken("segments were not promoted")


def _takes_writes(crew: Crew, segment: Segment) -> bool:
    import psycopg

    ip = crew.session.lab.resolve(segment.address)
    where = crew.session.lab.conninfo(host=ip, port=segment.port, connect_timeout=5)
    try:
        with psycopg.connect(**where) as server:  # type: ignore[arg-type]
            row = server.execute("SELECT pg_is_in_recovery()").fetchone()
    except psycopg.Error:
        return False
    return row is not None and not row[0]
