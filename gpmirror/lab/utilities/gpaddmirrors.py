"""gpaddmirrors: mirrors for a cluster that has none."""

from collections.abc import Sequence
from dataclasses import dataclass
from optparse import OptionParser, Values
from pathlib import Path

from gpmirror.cluster.segment import Mode, Role, Segment, Status
from gpmirror.gputils.lines import AddLine
from gpmirror.lab.releases import Release
from gpmirror.lab.utilities import add_later, add_old, colon_files, options, pipe_files
from gpmirror.lab.utilities.array import Array, oddity
from gpmirror.lab.utilities.calculator import Layout, place, read_directories, wanted_directories
from gpmirror.lab.utilities.catalog import Catalog
from gpmirror.lab.utilities.console import RULE
from gpmirror.lab.utilities.failures import Broken, Refused, Stop
from gpmirror.lab.utilities.recovery import Crew, Recovery, instance, table
from gpmirror.lab.utilities.remote import Remote
from gpmirror.lab.utilities.session import Session

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
    options.no_arguments(found, rest)
    options.check_batches(values, old=session.old)
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
    found = options.parser(release, "gpaddmirrors", "%prog [--help] [options] ")
    options.add_working(found, release)
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
    (add_old.check if old else add_later.check)(after)
    if values.output:
        Path(values.output).write_text(_text(old, wanted), encoding="utf-8")
        console.info(f"Configuration file output to {values.output} successfully.")
        return 0
    _summary(session, values, directory, recoveries)
    if not values.quietly:
        _confirm(session)
    remote = Remote(session.lab)
    crew = Crew(session=session, remote=remote, hosts=values.hosts, per_host=values.per_host)
    return (add_old.execute if old else add_later.execute)(crew, catalog, recoveries)


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
        add_old.check_filespaces(catalog.filespaces(), wanted.filespaces)
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
    return add_old.with_replication_port(primary, line.primary_replication_port)


def _mirror(session: Session, line: AddLine, dbid: int) -> Segment:
    """6 takes the address for the hostname; 5 asks the host for its name."""
    hostname = add_old.hostname(session, line.address) if session.old else line.address
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
