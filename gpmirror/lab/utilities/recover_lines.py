"""Which mirrors a gprecoverseg is asked to make, and where: its file, or the segments down."""

from collections.abc import Sequence
from dataclasses import replace
from optparse import Values
from pathlib import Path

from gpmirror.cluster.segment import Role, Segment
from gpmirror.gputils.lines import Location, MoveLine
from gpmirror.lab.utilities import add_old, colon_files, pipe_files
from gpmirror.lab.utilities.array import Array
from gpmirror.lab.utilities.failures import Broken, Refused
from gpmirror.lab.utilities.recovery import Recovery
from gpmirror.lab.utilities.session import Session


def wanted_lines(session: Session, array: Array, values: Values) -> list[MoveLine]:
    """What `-i` lists, else every segment that is down, with `-p` on new hosts. Raises Refused,
    Broken as natively.
    """
    if values.input:
        text = Path(values.input).read_text(encoding="utf-8", errors="surrogateescape")
        if session.old:
            _, lines = colon_files.read_recover(values.input, text)
        else:
            lines = pipe_files.read_recover(values.input, text)
        _check_conflicts(lines)
        return lines
    failed = [s for s in array.segments if not s.is_up]
    new = dict(zip(_failed_hosts(failed), (values.new_hosts or "").split(","), strict=False))
    return [_line_for(array, s, new.get(s.hostname) or None) for s in failed]


def _failed_hosts(failed: Sequence[Segment]) -> list[str]:
    return sorted({s.hostname for s in failed})


def _line_for(array: Array, segment: Segment, new_host: str | None) -> MoveLine:
    directory = segment.directory or ""
    old = Location(address=segment.address, port=segment.port, directory=directory)
    if new_host is None:
        return MoveLine(old=old)
    used = {p for s in array.segments if s.hostname == new_host for p in (s.port,)}
    port = min(s.port for s in array.segments)
    while port in used:
        port += 1
    new = Location(
        address=new_host,
        port=port,
        directory=directory,
        replication_port=segment.replication_port,
        filespaces=segment.filespaces,
    )
    return MoveLine(old=old, new=new)


def _check_conflicts(lines: Sequence[MoveLine]) -> None:
    """Raises Refused where the file names a segment or a new place twice."""
    failed: dict[tuple[str, str], int] = {}
    targets: dict[tuple[str, str], int] = {}
    for number, line in enumerate(lines, start=1):
        old = (line.old.address, line.old.directory)
        first = failed.setdefault(old, number)
        if first != number:
            said = f"Cannot recover the same failed segment {old[0]} and data directory {old[1]}"
            raise Refused(f"config file lines {first} and {number} conflict: {said} twice.")
        if line.new is None:
            continue
        new = (line.new.address, line.new.directory)
        first = targets.setdefault(new, number)
        if first != number:
            said = f"Cannot recover to the same segment {new[0]} and data directory {new[1]}"
            raise Refused(f"config file lines {first} and {number} conflict: {said} twice.")


def lines_text(session: Session, lines: list[MoveLine], filespaces: list[str]) -> str:
    """The text of `-o`."""
    if session.old:
        return colon_files.write_recover(filespaces, lines)
    return pipe_files.write_recover(lines)


def recovery_of(session: Session, array: Array, line: MoveLine, *, full: bool) -> Recovery:
    """Raises Broken, Refused where the named segment is no mirror of the catalog."""
    old = line.old
    for s in array.segments:
        if (s.address, s.port, s.directory) == (old.address, old.port, old.directory):
            break
    else:
        separator = ":" if session.old else "|"
        spot = separator.join((old.address, str(old.port), old.directory))
        said = "A segment to recover was not found in configuration.  This segment is described by"
        raise Broken(f"{said} address{separator}port{separator}directory '{spot}'")
    source = array.primaries[s.content]
    if s.role is Role.PRIMARY:
        raise Refused(f"Segment to recover from for content {s.content} is not a primary")
    if line.new is None:
        return Recovery(target=s, source=source, failed=s, full=full)
    return Recovery(target=_moved(session, s, line.new), source=source, failed=s, full=True)


def _moved(session: Session, segment: Segment, new: Location) -> Segment:
    hostname = add_old.hostname(session, new.address) if session.old else new.address
    return replace(
        segment,
        hostname=hostname,
        address=new.address,
        port=new.port,
        directory=new.directory,
        replication_port=new.replication_port,
        filespaces=new.filespaces,
    )
