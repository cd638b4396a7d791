"""Which mirrors a gprecoverseg is asked to make, and where: its file, or the segments down."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import replace
from optparse import Values
from pathlib import Path

from gpmirror.errors import Failure
from gpmirror.lab.releases import Release
from gpmirror.lab.utilities import colon_files, gpaddmirrors, pipe_files
from gpmirror.lab.utilities.array import Array
from gpmirror.lab.utilities.catalog import Catalog
from gpmirror.lab.utilities.console import Broken, Refused, Session
from gpmirror.lab.utilities.recovery import Crew, Recovery
from gpmirror.lab.utilities.remote import in_parallel
from gpmirror.model.segment import Role, Segment
from gpmirror.native.lines import Location, MoveLine

Asked = tuple[MoveLine, Recovery]
"""A line, and what it asks for."""

_COMMENTS = (
    "# A line that is a comment is of a segment whose host gave no answer.",
    "# To recover it elsewhere, take the mark away and add the new place behind it:",
    "# address|port|directory<space>address|port|directory",
    "",
)


def wanted_lines(session: Session, array: Array, values: Values) -> list[MoveLine]:
    """What `-i` lists, else every segment that is down, with `-p` on new hosts. Raises Refused,
    Broken as natively.
    """
    if values.input:
        text = Path(values.input).read_text(encoding="utf-8", errors="surrogateescape")
        if session.old:
            _, lines = colon_files.read_recover(values.input, text)
        else:
            lines = pipe_files.read_recover(values.input, text, session.lab.release)
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


def silent_hosts(crew: Crew, array: Array) -> frozenset[str]:
    """The hosts of segments that give no answer, told as the release tells them (6 and later)."""
    console, release = crew.session.console, crew.session.lab.release
    silent = _without_answer(crew, (s.hostname for s in array.segments))
    if not silent:
        return silent
    more = "  Any segments on those hosts will be marked down" if not release.host_fields else ""
    console.warning(f"One or more hosts are not reachable via SSH.{more}")
    for host in sorted(silent):
        console.warning(f"Host {host} is unreachable")
    for s in array.segments if release.names_left_out else ():
        if s.hostname in silent:
            console.warning(f"Not recovering segment {s.dbid} because {s.hostname} is unreachable")
    return silent


def _without_answer(crew: Crew, names: Iterable[str]) -> frozenset[str]:
    hosts = list(dict.fromkeys(names))
    answers = in_parallel(crew.remote.answers, hosts, crew.hosts)
    return frozenset(host for host, answered in zip(hosts, answers, strict=True) if not answered)


def left_in(
    crew: Crew, catalog: Catalog, array: Array, values: Values, silent: frozenset[str]
) -> list[Asked]:
    """What is to be done of what is asked for; what is left out is told. The rest of the checks
    come later, and `-o` does not know them. Raises Refused, Broken as natively.
    """
    session, release = crew.session, crew.session.lab.release
    lines = wanted_lines(session, array, values)
    full = values.full or bool(getattr(values, "differential", False))
    asked = [(line, recovery_of(session, array, line, full=full)) for line in lines]
    if session.old:
        return asked if values.output else _left_by_silent_targets(crew, asked)
    targets = (r.target.hostname for line, r in asked if line.new)
    lost = _without_answer(crew, targets) if release.asks_target else frozenset()
    asked = _without_busy(crew, catalog, asked)
    kept = []
    for line, recovery in asked:
        if not _names_relate(session, line, recovery.target.content):
            continue
        if _stays_out(release, line, recovery, silent, values):
            continue
        _check_answers(recovery.source, "source", silent)
        _check_answers(recovery.target, "target", lost if line.new else frozenset())
        kept.append((line, recovery))
    return kept


def _stays_out(
    release: Release, line: MoveLine, recovery: Recovery, silent: frozenset[str], values: Values
) -> bool:
    """Whether it is passed over because the host that it leaves gives no answer."""
    if recovery.failed is None or recovery.failed.hostname not in silent or values.new_hosts:
        return False
    if line.new is not None:
        return not release.dead_host_left
    return not (release.output_comments and values.output)


def _check_answers(segment: Segment, which: str, silent: frozenset[str]) -> None:
    if segment.hostname in silent:
        where = f"{segment.hostname} (content {segment.content})"
        raise Refused(f"The recovery {which} segment {where} is unreachable.")


def _names_relate(session: Session, line: MoveLine, content: int) -> bool:
    """Whether hostname and address of the new place share an IP, where the release minds."""
    new = line.new
    if new is None or new.hostname in (None, new.address) or not session.lab.release.relates_names:
        return True
    try:
        ip, other = session.lab.resolve(new.hostname or ""), session.lab.resolve(new.address)
    except Failure:
        session.console.warning(f"Could not resolve hostname:{new.hostname}.")
    else:
        if ip == other:
            return True
        said = f"Given address:{new.address} not present in resolved hostname:{new.hostname}"
        session.console.warning(f"{said} address list we got:['{ip}']")
    said = f"Not able to co-relate hostname:{new.hostname} with address:{new.address}."
    session.console.warning(f"{said} Skipping recovery for segments with contentId {content}")
    return False


def _without_busy(crew: Crew, catalog: Catalog, asked: list[Asked]) -> list[Asked]:
    """Contents whose primary is being copied from already, or is left in backup mode, wait."""
    contents = {r.target.content for _, r in asked}
    kinds = {"pg_basebackup": catalog.copying() & contents}
    if crew.session.lab.release.minds_backup_mode:
        sources = {r.source.content: r.source for _, r in asked}
        free = [s for c, s in sources.items() if c not in kinds["pg_basebackup"]]
        held = in_parallel(lambda s: _in_backup_mode(crew, s), free, crew.hosts)
        kinds["differential recovery"] = {
            s.content for s, yes in zip(free, held, strict=True) if yes
        }
    for what, busy in kinds.items():
        if busy:
            said = f"Found {what} running for segments with contentIds {sorted(busy)}"
            crew.session.console.warning(f"{said}, skipping recovery of these segments")
    out = set().union(*kinds.values())
    return [(line, r) for line, r in asked if r.target.content not in out]


def _in_backup_mode(crew: Crew, primary: Segment) -> bool:
    """What pg_is_in_backup() goes by: an exclusive backup's label in a primary's directory."""
    label = shlex.quote(f"{primary.directory}/backup_label")
    return crew.remote.run(primary.address, f"test -e {label}").returncode == 0


def _left_by_silent_targets(crew: Crew, asked: list[Asked]) -> list[Asked]:
    """On 5 what goes to a host that gives no answer is left out."""
    console = crew.session.console
    lost = _without_answer(crew, (r.target.address for _, r in asked))
    for _, r in asked:
        if r.target.address in lost:
            said = f"Not recovering segment {r.target.dbid} because {r.target.address}"
            console.warning(f"{said} is unreachable")
    return [(line, r) for line, r in asked if r.target.address not in lost]


def lines_text(
    session: Session, asked: list[Asked], filespaces: list[str], silent: frozenset[str]
) -> str:
    """The text of `-o`: three fields a group, whatever was read."""
    lines = [line for line, _ in asked]
    if session.old:
        return colon_files.write_recover(filespaces, lines)
    rows = pipe_files.write_recover(lines).splitlines()
    if not session.lab.release.output_comments:
        return "".join(f"{row}\n" for row in rows)
    marked = [
        f"#{row}" if r.failed is not None and r.failed.hostname in silent else row
        for row, (_, r) in zip(rows, asked, strict=True)
    ]
    return "".join(f"{row}\n" for row in (*_COMMENTS, *marked))


def recovery_of(session: Session, array: Array, line: MoveLine, *, full: bool) -> Recovery:
    """Raises Broken, Refused where the named segment is no mirror of the catalog."""
    old = line.old
    for s in array.segments:
        named = old.hostname in (None, s.hostname)
        if named and (s.address, s.port, s.directory) == (old.address, old.port, old.directory):
            break
    else:
        separator = ":" if session.old else "|"
        head = (old.hostname,) if old.hostname else ()
        spot = separator.join((*head, old.address, str(old.port), old.directory))
        said = "A segment to recover was not found in configuration.  This segment is described by"
        raise Broken(f"{said} address{separator}port{separator}directory '{spot}'")
    source = array.primaries[s.content]
    if s.role is Role.PRIMARY:
        if session.lab.release.minds_backup_mode:
            peer = f"{source.hostname}, port: {source.port}"
            raise Broken(f"Failed to query pg_stat_activity for segment hostname: {peer}")
        raise Refused(f"Segment to recover from for content {s.content} is not a primary")
    if line.new is None:
        return Recovery(target=s, source=source, failed=s, full=full)
    return Recovery(target=_moved(session, s, line.new), source=source, failed=s, full=True)


def _moved(session: Session, segment: Segment, new: Location) -> Segment:
    hostname = new.hostname or new.address
    if session.old:
        hostname = gpaddmirrors.hostname_of(session, new.address)
    return replace(
        segment,
        hostname=hostname,
        address=new.address,
        port=new.port,
        directory=new.directory,
        replication_port=new.replication_port,
        filespaces=new.filespaces,
    )
