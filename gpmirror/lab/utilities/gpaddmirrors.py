"""gpaddmirrors: mirrors for a cluster that has none."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from optparse import OptionParser, Values
from pathlib import Path

from gpmirror.lab.releases import Release
from gpmirror.lab.utilities import colon_files, console, pipe_files
from gpmirror.lab.utilities.array import Array, check_colon, check_pipe, oddity
from gpmirror.lab.utilities.catalog import Catalog
from gpmirror.lab.utilities.console import (
    RULE,
    STARS,
    BadOption,
    Broken,
    Console,
    Refused,
    Session,
    Stop,
)
from gpmirror.lab.utilities.recovery import (
    Crew,
    Recovery,
    allow_replication,
    copy_all,
    era,
    instance,
    resynchronise,
    stand_still,
    table,
    task_of,
)
from gpmirror.lab.utilities.remote import Outcome, Remote, Task
from gpmirror.model.segment import Mode, Role, Segment, Status
from gpmirror.native.lines import AddLine
from gpmirror.values import dataclass

# --- gpaddmirrors on 6: rows first, then base backups; half a failure leaves `n d` rows.


check_later = check_pipe

_ADDED = (
    STARS,
    "Mirror segments have been added; data synchronization is in progress.",
    "Data synchronization will continue in the background.",
    "Use  gpstate -s  to check the resynchronization progress.",
    STARS,
)


def execute_later(crew: Crew, catalog: Catalog, recoveries: Sequence[Recovery]) -> int:
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


# --- gpaddmirrors on 5: directories first, rows at once in mode r, data in the background.


check_old = check_colon

_DOT_SECONDS = 1.0

_ADDED_ON_5 = (
    STARS,
    "Mirror segments have been added; data synchronization is in progress.",
    "Data synchronization will continue in the background.",
    "",
    "Use  gpstate -s  to check the resynchronization progress.",
    STARS,
)


def hostname_of(session: Session, address: str) -> str:
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


def execute_old(crew: Crew, catalog: Catalog, recoveries: Sequence[Recovery]) -> int:
    """0, or 1 when a mirror did not start. Raises Refused before the catalog is changed."""
    console = crew.session.console
    console.info(f"{len(recoveries)} segment(s) to add")
    console.info("Building template directory")
    validate_old(crew, recoveries)
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
    for line in _ADDED_ON_5:
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


def validate_old(crew: Crew, recoveries: Sequence[Recovery]) -> None:
    """Raises Refused where a directory is not empty, or its parent is not there."""
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


# --- Where gpaddmirrors itself would put mirrors: group and spread, ports counted per host.


_LOWEST, _HIGHEST = 6432, 61000


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """`offset` is `-p`, `spread` is `-s`, `old` counts replication ports too."""

    offset: int
    spread: bool
    old: bool

    def check_offset(self, segments: Sequence[Segment], coordinator_port: int) -> None:
        """Raises BadOption for an offset whose ports may leave the range that 6 wants."""
        ports = [coordinator_port, *(s.port for s in segments)]
        near, far = sorted((self.offset, 3 * self.offset))
        if min(ports) + near < _LOWEST or max(ports) + far > _HIGHEST:
            said = "Value of port offset supplied via -p option produces ports outside of the"
            more = f"Mirror port base range must be between {_LOWEST} and {_HIGHEST}"
            raise BadOption(f"{said} valid range{more}")


def _primaries_by_host(array: Array) -> dict[str, list[Segment]]:
    found: dict[str, list[Segment]] = {}
    for s in array.segments:
        if s.preferred_role is Role.PRIMARY:
            found.setdefault(s.hostname, []).append(s)
    return {host: sorted(found[host], key=lambda s: s.port) for host in sorted(found)}


def wanted_directories(array: Array) -> int:
    """How many directories must be given: the most primaries on one host."""
    return max((len(found) for found in _primaries_by_host(array).values()), default=0)


def read_directories(
    name: str, text: str, count: int, filespaces: Sequence[str]
) -> dict[str, list[str]]:
    """Directories by filespace, "" for the data directory itself. Raises Broken as natively."""
    found: dict[str, list[str]] = {"": []}
    current = ""
    for line in filter(None, (raw.strip() for raw in text.splitlines())):
        if line.startswith("filespace ") and filespaces:
            current = line.removeprefix("filespace ").strip()
            found[current] = []
        elif not line.startswith("/"):
            said = "Path entered config file is invalid; it must be a full path."
            raise Broken(f"{said}  Path: '{line}'")
        else:
            found[current].append(line)
    for paths in found.values():
        if len(paths) != count:
            few = f"{len(paths)} were" if len(paths) < count else "more were"
            said = f"Number of data directories must equal {count} but {few} read from {name}"
            raise Broken(said)
    if len(found) - 1 < len(filespaces):
        said = f"{len(found) - 1} of {len(filespaces)} filespaces from {name}"
        raise Broken(f"Only read directories for {said}")
    return found


def place(
    array: Array, layout: Layout, paths: Mapping[str, list[str]], coordinator_name: str
) -> list[AddLine]:
    """One line a primary, in the native order: hosts sorted as bytes, then by port."""
    hosts = _primaries_by_host(array)
    names = list(hosts)
    placed = dict.fromkeys(names, 0)
    head, found, _ = coordinator_name.rpartition("-1")
    prefix = head if found else "gp"
    lines = []
    for i, name in enumerate(names):
        distance = 1
        for j, primary in enumerate(hosts[name]):
            target = (i + distance) % len(names)
            if layout.spread and target == i:
                distance += 1
                target = (i + distance) % len(names)
            peers = hosts[names[target]]
            k = placed[names[target]]
            placed[names[target]] += 1
            distance += layout.spread
            lines.append(_line(layout, paths, prefix, (primary, hosts[name][0], j), (peers[0], k)))
    return lines


def _line(
    layout: Layout,
    paths: Mapping[str, list[str]],
    prefix: str,
    primary: tuple[Segment, Segment, int],
    target: tuple[Segment, int],
) -> AddLine:
    """`primary` with the first of its host and its number there; `target` likewise."""
    (segment, own_first, j), (first, k) = primary, target
    leaf = f"{prefix}{segment.content}"
    more = {name: f"{found[k]}/{leaf}" for name, found in paths.items()}
    base = first.port + k
    return AddLine(
        content=segment.content,
        address=first.address,
        port=base + layout.offset,
        directory=more.pop(""),
        replication_port=base + 2 * layout.offset if layout.old else None,
        primary_replication_port=own_first.port + j + 3 * layout.offset if layout.old else None,
        filespaces=tuple(sorted(more.items())),
    )


# --- gpaddmirrors: mirrors for a cluster that has none.


_ODD_QUESTION = (
    "\n\nAre you sure you want to continue with this gpaddmirrors session? Yy|Nn (default=N):\n> "
)
_QUESTION = "\nContinue with add mirrors procedure Yy|Nn (default=N):\n> "


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What the file or the calculator asks for, and which filespaces it names."""

    lines: list[AddLine]
    filespaces: list[str]


def run(session: Session, argv: list[str]) -> int:
    """The utility's exit status. Raises what the native one ends with."""
    found = parser(session.lab.release)
    values, rest = found.parse_args(argv)
    session.console.info(f"Starting gpaddmirrors with args: {' '.join(argv)}")
    console.no_arguments(found, rest)
    console.check_batches(values, old=session.old)
    directory = session.data_directory(values.data_directory)
    if session.faults.exit_zero_do_nothing and not values.output:
        return 0
    catalog = Catalog(session.lab, old=session.old)
    try:
        return _add(session, catalog, values, directory)
    finally:
        catalog.close()


def parser(release: Release) -> OptionParser:
    """The options of this release."""
    found = console.parser(release, "gpaddmirrors", "%prog [--help] [options] ")
    console.add_working(found, release)
    found.add_option("-m", dest="directories")
    found.add_option("-s", action="store_true", dest="spread", default=False)
    found.add_option("-p", type="int", default=1000, dest="offset")
    return found


def _add(session: Session, catalog: Catalog, values: Values, directory: Path) -> int:
    console, old = session.console, session.old
    if old:
        console.info(f"master Greenplum Version: '{catalog.version()}'")
    console.info("Obtaining Segment details from master...")
    array = catalog.load()
    console.info("Heap checksum setting consistent across cluster")
    if array.has_mirrors:
        said = "GPDB physical mirroring cannot be added.  The cluster is already configured with"
        raise Refused(f"{said} Mirrors.")
    wanted = _wanted(session, catalog, array, values)
    if odd := oddity(array.segments):
        _warn_of(session, odd, asks=session.lab.release.asks_of_odd_arrays or not values.quietly)
    recoveries = _recoveries(session, catalog, array, wanted)
    after = [r.target for r in recoveries] + [r.source for r in recoveries]
    after += [s for s in array.segments if s.content not in {r.target.content for r in recoveries}]
    (check_old if old else check_later)(after)
    if values.output:
        Path(values.output).write_text(_text(old, wanted), encoding="utf-8")
        console.info(f"Configuration file output to {values.output} successfully.")
        return 0
    _summary(session, values, directory, recoveries)
    if not values.quietly:
        _confirm(session)
    remote = Remote(session.lab)
    crew = Crew(session=session, remote=remote, hosts=values.hosts, per_host=values.per_host)
    return (execute_old if old else execute_later)(crew, catalog, recoveries)


def _warn_of(session: Session, odd: str, *, asks: bool) -> None:
    """Tell of a non-standard array, and ask. Raises Stop for no, Broken at the end of input."""
    for line in (
        "The current system appears to be non-standard.",
        odd,
        "gpaddmirrors will not be able to symmetrically distribute the new mirrors.",
        "It is recommended that you specify your own input file with appropriate values.",
    ):
        session.console.warning(line)
    while asks:
        answer = _answer(session, _ODD_QUESTION)
        if answer.lower() in ("y", "yes"):
            return
        if answer.lower() in ("", "n", "no"):
            session.console.info("User Aborted. Exiting...")
            raise Stop(0)


def _answer(session: Session, question: str) -> str:
    try:
        return session.console.ask(question)
    except EOFError as error:
        raise Broken(str(error)) from error


def _wanted(session: Session, catalog: Catalog, array: Array, values: Values) -> _Wanted:
    if values.input:
        text = Path(values.input).read_text(encoding="utf-8", errors="surrogateescape")
        if not session.old:
            return _Wanted(lines=pipe_files.read_add(values.input, text), filespaces=[])
        names, lines = colon_files.read_add(values.input, text)
        return _Wanted(lines=lines, filespaces=names)
    filespaces = sorted(catalog.filespaces()) if session.old else []
    layout = Layout(offset=values.offset, spread=values.spread, old=session.old)
    if not session.old:
        layout.check_offset([*array.segments], session.lab.coordinator_port)
    count = wanted_directories(array)
    if values.directories:
        text = Path(values.directories).read_text(encoding="utf-8")
        paths = read_directories(values.directories, text, count, filespaces)
    else:
        paths = _asked_directories(session, count, filespaces)
    prefix = session.lab.coordinator_data.name
    return _Wanted(lines=place(array, layout, paths, prefix), filespaces=filespaces)


def _asked_directories(
    session: Session, count: int, filespaces: Sequence[str]
) -> dict[str, list[str]]:
    paths: dict[str, list[str]] = {}
    for name in ("", *filespaces):
        what = f"filespace '{name}' directory" if name else "data directory"
        for i in range(1, count + 1):
            question = f"Enter mirror segment {what} location {i} of {count} >\n"
            paths.setdefault(name, []).append(_answer(session, question))
    return paths


def _text(old: bool, wanted: _Wanted) -> str:  # noqa: FBT001 which generation's file
    if old:
        return colon_files.write_add(wanted.filespaces, wanted.lines)
    return pipe_files.write_add(wanted.lines)


def _recoveries(
    session: Session, catalog: Catalog, array: Array, wanted: _Wanted
) -> list[Recovery]:
    """In the file's order, dbids counted on from the highest. Raises Broken as natively."""
    primaries = array.primaries
    if len(wanted.lines) != len(primaries):
        said = f"(specified {len(wanted.lines)} mirror(s) for {len(primaries)} primarie(s))"
        raise Broken(f"Wrong number of mirrors specified {said}")
    if session.old:
        check_filespaces(catalog.filespaces(), wanted.filespaces)
    rows = []
    for number, line in enumerate(wanted.lines, start=1):
        if line.content not in primaries:
            raise Broken(str(line.content))
        source = _with_replication_port(primaries[line.content], line)
        target = _mirror(session, line, array.top_dbid + number)
        rows.append(Recovery(target=target, source=source))
    return rows


def _with_replication_port(primary: Segment, line: AddLine) -> Segment:
    if line.primary_replication_port is None:
        return primary
    return with_replication_port(primary, line.primary_replication_port)


def _mirror(session: Session, line: AddLine, dbid: int) -> Segment:
    """6 takes the address for the hostname; 5 asks the host for its name."""
    hostname = hostname_of(session, line.address) if session.old else line.address
    return Segment(
        dbid=dbid,
        content=line.content,
        role=Role.MIRROR,
        preferred_role=Role.MIRROR,
        mode=Mode.RESYNCING if session.old else Mode.NOT_IN_SYNC,
        status=Status.DOWN,
        port=line.port,
        hostname=hostname,
        address=line.address,
        directory=line.directory,
        replication_port=line.replication_port,
        filespaces=line.filespaces,
    )


def _summary(
    session: Session, values: Values, directory: Path, recoveries: Sequence[Recovery]
) -> None:
    console, port = session.console, session.lab.coordinator_port
    console.info("Greenplum Add Mirrors Parameters")
    lines = [
        RULE,
        f"{'Greenplum master data directory':<40}= {directory}",
        f"{'Greenplum master port':<40}= {port}",
    ]
    if session.old:
        lines.append(f"{'Parallel batch limit':<40}= {values.hosts}")
    else:
        lines.append(f"{'Batch size':<40}= {values.hosts}")
    if session.lab.release.per_host_option:
        lines.append(f"{'Segment batch size':<40}= {values.per_host}")
    lines.append(RULE)
    for number, recovery in enumerate(recoveries, start=1):
        rows = instance("Primary", recovery.source) + instance("Mirror", recovery.target)
        lines += [RULE, f"Mirror {number} of {len(recoveries)}", RULE, *table(rows)]
    for line in (*lines, RULE):
        console.info(line)


def _confirm(session: Session) -> None:
    if _answer(session, _QUESTION).lower() not in ("y", "yes"):
        session.console.info("User abort requested, Exiting...")
        raise Stop(4)
