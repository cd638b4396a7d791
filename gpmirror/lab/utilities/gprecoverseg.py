"""gprecoverseg: bring failed mirrors back, move mirrors that are up, return roles."""

from collections.abc import Sequence
from optparse import OptionParser, Values
from pathlib import Path

from gpmirror.lab.releases import Release
from gpmirror.lab.utilities import (
    options,
    rebalance,
    recover_later,
    recover_old,
)
from gpmirror.lab.utilities.array import Array, check_colon, check_pipe
from gpmirror.lab.utilities.catalog import Catalog
from gpmirror.lab.utilities.console import RULE
from gpmirror.lab.utilities.failures import BadOption, Broken, Refused, Stop
from gpmirror.lab.utilities.locks import pid_lock
from gpmirror.lab.utilities.recover_lines import left_in, lines_text, silent_hosts
from gpmirror.lab.utilities.recovery import Crew, Recovery, instance, table
from gpmirror.lab.utilities.remote import Remote
from gpmirror.lab.utilities.session import Session

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
        options.no_arguments(found, rest)
        options.check_batches(values, old=session.old)
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
    found = options.parser(release, "gprecoverseg", "%prog [--help] [options] ")
    options.add_working(found, release)
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
        return rebalance.run(crew, catalog, lambda: _recover(crew, catalog, _plain(values)))
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
        return recover_old.execute(crew, catalog, wanted)
    return recover_later.execute(crew, catalog, wanted, silent)


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
