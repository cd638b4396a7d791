"""gprecoverseg: bring failed mirrors back, move mirrors that are up, return roles."""

import time
from collections.abc import Callable, Sequence
from optparse import OptionParser, Values
from pathlib import Path

from gpmirror.lab.releases import Release
from gpmirror.lab.utilities import console
from gpmirror.lab.utilities.array import Array, check_colon, check_pipe
from gpmirror.lab.utilities.catalog import Catalog
from gpmirror.lab.utilities.console import RULE, STARS, BadOption, Broken, Refused, Session, Stop
from gpmirror.lab.utilities.gpaddmirrors import (
    make,
    set_up,
    start_mirrors,
    tell_failures,
    validate_old,
)
from gpmirror.lab.utilities.locks import pid_lock
from gpmirror.lab.utilities.recover_lines import left_in, lines_text, silent_hosts
from gpmirror.lab.utilities.recovery import (
    Crew,
    Recovery,
    allow_replication,
    instance,
    stand_still,
    table,
    task_of,
)
from gpmirror.lab.utilities.remote import Remote
from gpmirror.model.segment import Mode, Role, Segment

# --- gprecoverseg on 6: stop, wait until marked down, write rows, copy or rewind, start.


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


def execute_later(
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


# --- gprecoverseg on 5: stop, write rows, start, resynchronise in the background.


_RECOVERED_ON_5 = (
    STARS,
    "Updating segments for resynchronization is completed.",
    "For segments updated successfully, resynchronization will continue in the background.",
    "",
    "Use  gpstate -s  to check the resynchronization progress.",
    STARS,
)


def execute_old(crew: Crew, catalog: Catalog, recoveries: Sequence[Recovery]) -> int:
    """0, or 1 when a mirror did not start. Raises Refused where a mirror is to go into a directory
    that is not empty, be it its own old one: it is stopped and down by then (5.8.1).
    """
    console = crew.session.console
    console.info(f"{len(recoveries)} segment(s) to recover")
    stop_failed(crew, recoveries)
    up = {r.failed.dbid for r in recoveries if r.failed is not None and r.failed.is_up}
    if up:
        wait_until_down(crew, catalog, up)
    validate_old(crew, [r for r in recoveries if not r.in_place])
    stand_still(crew.session)
    console.info("Updating configuration with new mirrors")
    for recovery in recoveries:
        catalog.place(recovery.target)
    if not start_mirrors(crew, catalog, recoveries):
        return 1
    for line in _RECOVERED_ON_5:
        console.info(line)
    return 0


# --- `gprecoverseg -r`: stop primaries that should be mirrors, let their partners take over.


_PROMOTION_SECONDS = 600
_Pair = tuple[Segment, Segment]


def return_roles(crew: Crew, catalog: Catalog, recover: Callable[[], int]) -> int:
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
    _rebalance_summary(crew, switched)
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


def _rebalance_summary(crew: Crew, switched: Sequence[Segment]) -> None:
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


# --- gprecoverseg: bring failed mirrors back, move mirrors that are up, return roles.


_QUESTION = "\nContinue with segment recovery procedure Yy|Nn (default=N):\n> "


def run(session: Session, argv: list[str]) -> int:
    """The utility's exit status; 0 also where a lock, live or stale, kept it from doing anything.
    Raises what the native one ends with.
    """
    found = parser(session.lab.release)
    values, rest = found.parse_args(argv)
    directory = session.data_directory(values.data_directory)
    with pid_lock(session.console, directory, session.lab.release.locking) as held:
        if not held:
            return 0
        session.console.info(f"Starting gprecoverseg with args: {' '.join(argv)}")
        console.no_arguments(found, rest)
        console.check_batches(values, old=session.old)
        _check_together(session.lab.release, values)
        if session.faults.exit_zero_do_nothing and not values.output:
            return 0
        catalog = Catalog(session.lab, old=session.old)
        try:
            return _recover_or_rebalance(session, catalog, values)
        finally:
            catalog.close()


def parser(release: Release) -> OptionParser:
    """The options of this release."""
    found = console.parser(release, "gprecoverseg", "%prog [--help] [options] ")
    console.add_working(found, release)
    found.add_option("-F", action="store_true", dest="full", default=False)
    found.add_option("-r", action="store_true", dest="rebalance", default=False)
    found.add_option("-p", dest="new_hosts")
    if release.old:
        found.add_option("-s", dest="spares")
        found.add_option("-S", dest="spares_output")
        found.add_option("--persistent-check", action="store_true", default=False)
    else:
        found.add_option("-s", action="store_true", dest="sequential", default=False)
        found.add_option("--no-progress", action="store_true", default=False)
    if release.differential:
        found.add_option("--differential", action="store_true", default=False)
    if release.replay_lag:
        found.add_option("--replay-lag", type="float", dest="replay_lag")
    return found


def _check_together(release: Release, values: Values) -> None:
    """Raises BadOption for options that exclude each other."""
    differential = bool(getattr(values, "differential", False))
    places = [bool(values.new_hosts), bool(values.rebalance), bool(values.input)]
    if differential and not release.differential_with_input:
        places.append(True)
    if sum(places) > 1:
        raise BadOption("Only one of -i, -p and -r may be specified")
    if differential and (values.new_hosts or values.rebalance):
        raise BadOption("Only one of -p, -r and --differential may be specified")
    if differential and values.full:
        raise BadOption("Only one of -F and --differential may be specified")
    if differential and values.output:
        raise BadOption("Invalid -o provided with --differential argument")
    alone = release.replay_lag and not release.replay_lag_alone and not values.rebalance
    if alone and values.replay_lag:
        raise BadOption("--replay-lag should be used only with -r")


def _recover_or_rebalance(session: Session, catalog: Catalog, values: Values) -> int:
    remote = Remote(session.lab)
    crew = Crew(session=session, remote=remote, hosts=values.hosts, per_host=values.per_host)
    if values.rebalance:
        return return_roles(crew, catalog, lambda: _recover(crew, catalog, _plain(values)))
    return _recover(crew, catalog, values)


def _plain(values: Values) -> Values:
    """What a rebalance recovers with: nothing but the batches."""
    found = Values(dict(vars(values)))
    found.input = found.output = found.new_hosts = None
    found.quietly, found.full = True, False
    return found


def _recover(crew: Crew, catalog: Catalog, values: Values) -> int:
    session, console = crew.session, crew.session.console
    if session.old:
        console.info("Checking if segments are ready to connect")
    console.info("Obtaining Segment details from master...")
    array = catalog.load()
    if not array.has_mirrors:
        if session.old:  # after five tries, half a minute (5.8.1, recorded)
            raise Broken("Unable to connect to database and start transaction")
        said = "GPDB Mirroring replication is not configured for this Greenplum Database instance."
        raise Refused(said)
    if not session.old:
        _see_that_primaries_answer(crew, catalog, array)
    filespaces = sorted(catalog.filespaces()) if session.old else []
    silent = frozenset() if session.old else silent_hosts(crew, array)
    asked = left_in(crew, catalog, array, values, silent)
    if values.output:
        text = lines_text(session, asked, filespaces, silent)
        Path(values.output).write_text(text, encoding="utf-8")
        console.info(f"Configuration file output to {values.output} successfully.")
        return 0
    wanted = [recovery for _, recovery in asked]
    if not wanted:
        console.info("No segments to recover")
        return 0
    _check(session, array, wanted)
    word = session.lab.release.coordinator_word
    said = f"Heap checksum setting is consistent between {word} and the segments that are"
    console.info(f"{said} candidates for recoverseg")
    _summary(session, values, wanted)
    if not values.quietly:
        _confirm(session)
    if session.old:
        return execute_old(crew, catalog, wanted)
    return execute_later(crew, catalog, wanted, silent)


def _see_that_primaries_answer(crew: Crew, catalog: Catalog, array: Array) -> None:
    """Raises Broken: a primary is dead and its mirror is not called to serve yet. What is asked of
    all segments has the prober look, so that the next run finds that done (Greengage 6.27.1,
    recorded).
    """
    dead = [
        primary
        for content, primary in array.primaries.items()
        if (mirror := array.mirrors.get(content)) is not None
        if mirror.is_up and mirror.mode is Mode.SYNCED and not _takes_writes(crew, primary)
    ]
    if not dead:
        return
    catalog.probe()
    said = "failed to acquire resources on one or more segments"
    detail = "DETAIL:  FTS detected one or more segments are down"
    raise Broken(f"error 'ERROR:  {said}\n{detail}\n' in 'SET CLIENT_MIN_MESSAGES='ERROR''")


def _check(session: Session, array: Array, wanted: Sequence[Recovery]) -> None:
    after = {s.dbid: s for s in array.segments} | {r.target.dbid: r.target for r in wanted}
    (check_colon if session.old else check_pipe)(after.values())


def _summary(session: Session, values: Values, wanted: Sequence[Recovery]) -> None:
    kind = "Recovery type              = Standard"
    if values.input:
        kind = "Recovery from configuration -i option supplied"
    lines = ["Greenplum instance recovery parameters", RULE, kind]
    for number, recovery in enumerate(wanted, start=1):
        lines += [RULE, f"Recovery {number} of {len(wanted)}", RULE, *_described(recovery)]
    for line in (*lines, RULE):
        session.console.info(line)


def _described(recovery: Recovery) -> list[str]:
    rows: list[tuple[str, object]] = []
    rows.append(("Synchronization mode", "Full" if recovery.full else "Incremental"))
    if recovery.failed is not None:
        rows += instance("Failed", recovery.failed)
    rows += instance("Recovery Source", recovery.source)
    if recovery.in_place:
        rows.append(("Recovery Target", "in-place"))
    else:
        rows += instance("Recovery Target", recovery.target)
    return table(rows)


def _confirm(session: Session) -> None:
    try:
        answer = session.console.ask(_QUESTION)
    except EOFError as error:
        raise Broken(str(error)) from error
    if answer.lower() not in ("y", "yes"):
        session.console.info("User abort requested, Exiting...")
        raise Stop(4)
