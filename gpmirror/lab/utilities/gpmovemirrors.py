"""gpmovemirrors: gprecoverseg with two groups, a backout file, and old directories deleted (6)."""

import contextlib
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from optparse import OptionParser, Values
from pathlib import Path

from gpmirror.lab.releases import Release
from gpmirror.lab.utilities import colon_files, console, pipe_files
from gpmirror.lab.utilities.array import Array
from gpmirror.lab.utilities.catalog import Catalog
from gpmirror.lab.utilities.console import Broken, Refused, Session, significant
from gpmirror.lab.utilities.locks import pid_lock
from gpmirror.lab.utilities.recovery import Crew, Recovery, add_lines
from gpmirror.lab.utilities.remote import Remote
from gpmirror.model.segment import Role, Segment
from gpmirror.native.lines import Location, MoveLine

_FAILED, _LOCKED = 3, 1
_GROUPS = 2
_MOST = 128


class _Failed(Exception):
    """Anything that goes wrong: exit 3."""


def run(session: Session, argv: list[str]) -> int:
    """0, 1 when its own lock is held, 3 for any failure. It never asks."""
    found = parser(session.lab.release)
    values, _ = found.parse_args(argv)
    if not values.input or not _within(values):
        found.print_help()
        return 0
    try:
        directory = session.data_directory(values.data_directory)
        return _locked(session, values, directory)
    except (_Failed, Refused, Broken, OSError) as error:
        session.console.error(f"gpmovemirrors failed: {error} \n\nExiting...")
        return _FAILED


def parser(release: Release) -> OptionParser:
    """The options of this release."""
    found = console.parser(release, "gpmovemirrors", "%prog [options]")
    found.add_option("-i", "--input", dest="input")
    found.add_option("-C", "--continue", action="store_true", default=False, dest="go_on")
    console.add_batches(found, release)
    return found


def _within(values: Values) -> bool:
    return all(1 <= size <= _MOST for size in (values.hosts, values.per_host))


def _locked(session: Session, values: Values, directory: Path) -> int:
    with pid_lock(session.console, directory, session.lab.release.locking) as held:
        if not held:
            return 0 if session.old else _LOCKED
        _tell_options(session, values, directory)
        if session.faults.exit_zero_do_nothing:
            return 0
        catalog = Catalog(session.lab, old=session.old)
        try:
            return _move(session, catalog, values, directory)
        finally:
            catalog.close()


def _tell_options(session: Session, values: Values, directory: Path) -> None:
    word = session.lab.release.coordinator_word
    rows = {"input": values.input, f"{word}-data-directory": directory, "batch-size": values.hosts}
    if session.lab.release.per_host_option:
        rows["segment-batch-size"] = values.per_host
    rows["verbose"] = values.verbose
    lines = [f"  --{name:<21} = {value}" for name, value in rows.items()]
    head = "Option values for this invocation of gpmovemirrors are:"
    for line in ("Invocation of gpmovemirrors mirrors", head, "", *lines, ""):
        session.console.info(line)


def _move(session: Session, catalog: Catalog, values: Values, directory: Path) -> int:
    text = Path(values.input).read_text(encoding="utf-8", errors="surrogateescape")
    filespaces, lines = _lines(session, values.input, text)
    array = catalog.load()
    olds = [_old(array, values.input, i, line) for i, line in enumerate(lines, start=1)]
    if not session.old:
        _allow(session, values, array, lines, olds)
    _write_backout(session, values.input, filespaces, list(zip(olds, lines, strict=True)))
    _recover(session, values, directory)
    if not session.old:
        _remove(session, catalog.load(), olds)
    return 0


def _lines(session: Session, name: str, text: str) -> tuple[list[str], list[MoveLine]]:
    rows = list(significant(text))
    for number, row in rows[1:] if session.old else rows:
        groups = len(row.split())
        if groups != _GROUPS:
            raise _Failed(_invalid(name, number, f"expected 2 groups but found {groups}"))
        parts = [len(group.split("|")) for group in row.split()]
        if not session.old and parts != [3, 3]:
            said = "%d format: a number is required, not list"
            raise _Failed(_invalid(name, number, said))
    if session.old:
        return colon_files.read_recover(name, text)
    return [], pipe_files.read_recover(name, text, session.lab.release)


def _invalid(name: str, number: int, said: str) -> str:
    return f"Invalid input file on line {number} of file {name}: {said}"


def _old(array: Array, name: str, number: int, line: MoveLine) -> Segment:
    old = line.old
    spot = (old.address, old.port, old.directory)
    where = f"address = {old.address}, port = {old.port}, segment data directory = {old.directory}"
    for segment in array.segments:
        if (segment.address, segment.port, segment.directory) == spot:
            if segment.role is Role.PRIMARY:
                said = "Old mirror segment is not currently in a mirror role"
                raise _Failed(_invalid(name, number, f"{said}: {where}"))
            return segment
    said = "Old mirror segment does not exist with given information"
    raise _Failed(_invalid(name, number, f"{said}: {where}"))


def _allow(
    session: Session,
    values: Values,
    array: Array,
    lines: Sequence[MoveLine],
    olds: Sequence[Segment],
) -> None:
    console, crew = session.console, _crew(session, values)
    recoveries = []
    for line, old in zip(lines, olds, strict=True):
        primary, new = array.primaries[old.content], line.target
        where = f"{primary.hostname}:{primary.directory} with new mirror {new.address} information"
        console.info(f"Updating pg_hba.conf entries on primary {where}")
        recoveries.append(Recovery(target=_at(old, new), source=primary, failed=old))
    if not recoveries:
        console.info("None of the reachable segments require update to pg_hba.conf")
        return
    add_lines(crew, recoveries)


def _at(old: Segment, new: Location) -> Segment:
    return replace(old, hostname=new.address, address=new.address, port=new.port)


def _crew(session: Session, values: Values) -> Crew:
    remote = Remote(session.lab)
    return Crew(session=session, remote=remote, hosts=values.hosts, per_host=values.per_host)


def _write_backout(
    session: Session, name: str, filespaces: list[str], moves: list[tuple[Segment, MoveLine]]
) -> None:
    """The file that moves everything back."""
    lines = [MoveLine(old=line.target, new=_place(old)) for old, line in moves]
    text = pipe_files.write_recover(lines)
    if session.old:
        text = colon_files.write_recover(filespaces, lines)
    Path(f"{name}_backout_{time.strftime('%m%d%y%H%M%S')}").write_text(text, encoding="utf-8")


def _place(segment: Segment) -> Location:
    return Location(
        address=segment.address,
        port=segment.port,
        directory=segment.directory or "",
        replication_port=segment.replication_port,
        filespaces=segment.filespaces,
    )


def _recover(session: Session, values: Values, directory: Path) -> None:
    """A gprecoverseg of its own, which goes on when this process is killed."""
    release = session.lab.release
    batches = [] if release.old else ["-B", str(values.hosts)]
    batches += ["-b", str(values.per_host)] if release.per_host_option else []
    words = ["-i", values.input, *batches, "-v", "-a", "-d", str(directory)]
    shown = shlex.join(words)
    session.console.info(f"About to run gprecoverseg with options: {shown}")
    log = session.logs / f"gpmovemirrors.{os.getpid()}.gprecoverseg"
    argv = [sys.executable, "-m", "gpmirror.lab.utilities", "gprecoverseg", *words]
    with log.open("w", encoding="utf-8") as out:
        code = subprocess.run(argv, stdout=out, stderr=out, check=False).returncode
    said = log.read_text(encoding="utf-8", errors="replace")
    with contextlib.suppress(OSError):
        log.unlink()
    if code:
        command = f"'$GPHOME/bin/gprecoverseg {shown}'"
        rc = f"cmd had rc={code} completed=True halted=False"
        error = f"ExecutionError: 'non-zero rc: {code}' occurred.  Details: {command}  {rc}"
        raise _Failed(f"{error}\n  stdout='{said}'")


def _remove(session: Session, array: Array, olds: Sequence[Segment]) -> None:
    """Old directories that are no mirror's place any more. Raises _Failed: the move stands."""
    still = {(s.address, s.directory) for s in array.segments}
    remote = Remote(session.lab)
    for old in olds:
        if (old.address, old.directory) in still or not old.directory:
            continue
        said = f"About to remove old mirror segment directories: {old.directory}"
        session.console.info(said)
        done = remote.run(old.address, f"rm -rf -- {shlex.quote(old.directory)}")
        if done.returncode:
            raise _Failed(f"{old.directory} on {old.address}: {done.stderr.strip()}")
