"""Checks of the places where copies will stand, and of the tablespaces that come with them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from shlex import quote

from gpmirror.model.dialect import DIALECTS
from gpmirror.model.observed import CopyFact
from gpmirror.model.text import counted
from gpmirror.native.directories import set_aside_name
from gpmirror.native.fields import lines_of
from gpmirror.plan.model import Action, Method
from gpmirror.preflight.copies import DownCopy, copy_fact, is_gone
from gpmirror.preflight.facts import Landing, LandingPlace, Parent, Room
from gpmirror.preflight.model import (
    Finding,
    HostAnswers,
    LocationState,
    Visit,
    bad,
    ok,
    unknown,
    visits,
)
from gpmirror.preflight.reading import room_of

# --- Checks of the places where copies will stand.


_RIGHTS = 0o777
"""Below a directory that hands its group on, every other has that bit too; servers do not mind."""
_PRIVATE = 0o700
_MODES_LATER = (_PRIVATE, 0o750)
"""From PostgreSQL 11 on the group may read."""


def judge_parents(visit: Visit) -> list[Finding]:
    """What is missing above every new directory can be created by the login user."""
    needed = {
        landing.parent: parent
        for landing, parent, place in visit.landings()
        if place is None or not place.exists
    }
    found = [finding for path, parent in needed.items() for finding in _parent(visit, path, parent)]
    if found or not visit.asked.landings:
        return found
    return [ok("every new directory can be created")]


def _parent(visit: Visit, path: str, parent: Parent | None) -> Iterator[Finding]:
    login = visit.facts.login or "the login user"
    if parent is None:
        yield unknown(f"{path} could not be looked at", f"look at it: `ls -ld {quote(path)}`")
    elif parent.is_link and not parent.is_directory:
        yield bad(f"{parent.path} is a symbolic link that leads to no directory", "mount or fix it")
    elif not parent.is_directory:
        yield bad(
            f"{parent.path} is not a directory, so {path} cannot be",
            "move that file away, or choose another root in the spec",
        )
    elif _is_read_only(visit, parent):
        yield bad(
            f"{login} cannot write in {parent.path} although owner and mode allow it: its file "
            "system is mounted read-only, or takes no directories",
            f"see how it is mounted: `findmnt -T {quote(parent.path)}`",
        )
    elif not (parent.writable and parent.searchable):
        who = "" if parent.status is None else f" (owner {parent.status.who})"
        mode = "" if parent.status is None else f", mode {parent.status.mode:04o}"
        what = "write in" if parent.path == path else f"create {path} below"
        yield bad(
            f"{login} cannot {what} {parent.path}{who}{mode}",
            f"as root: `install -d -o {login} -m 0700 {quote(path)}`",
        )


def _is_read_only(visit: Visit, parent: Parent) -> bool:
    status = parent.status
    return (
        not parent.writable
        and status is not None
        and status.uid == visit.facts.uid
        and bool(status.mode & 0o200)
    )


def judge_directories(visit: Visit) -> list[Finding]:
    """Every new directory is absent, or empty and private; one that is kept is our own."""
    found = [
        finding
        for landing, parent, place in visit.landings()
        for finding in _landing(visit, landing, parent, place)
    ]
    found += _nested(visit)
    found += _same_places(visit)
    if found or not visit.asked.landings:
        return found
    return [ok(f"{len(visit.asked.landings)} directories are absent, empty or our own")]


def _landing(
    visit: Visit, landing: Landing, parent: Parent | None, place: LandingPlace | None
) -> Iterator[Finding]:
    subject = f"content {landing.content}: {landing.path}"
    if place is None:
        yield unknown(
            f"{subject} could not be looked at", f"look at it: `ls -la {quote(landing.path)}`"
        )
    elif landing.in_place:
        if landing.main:
            yield from _in_place(visit, landing, parent, place)
        else:
            yield from _filespace_in_place(landing, parent, place)
    elif place.is_link:
        yield bad(
            f"{subject} is a symbolic link",
            "name the real directory as a root in the spec, or remove the link",
        )
    elif place.exists and not (landing.keeps or landing.freed):
        yield from _existing(visit, landing, place)


def _existing(visit: Visit, landing: Landing, place: LandingPlace) -> Iterator[Finding]:
    """A directory that is there already and that no copy of the plan leaves."""
    path = landing.path
    subject = f"content {landing.content}: {path}"
    if not place.is_directory:
        yield bad(f"{subject} exists and is not a directory", "move that file away")
    elif not place.readable:
        yield bad(
            f"{subject} exists and cannot be read by {visit.facts.login}",
            f"see what it is, then `chown` it or move it away: `ls -la {quote(path)}`",
        )
    elif place.entries:
        yield bad(
            f"{subject} is not empty: it holds {_few(place)}",
            _clearing(visit, landing),
        )
    elif place.status is None:
        yield unknown(
            f"{subject} exists; its owner and mode are not known", f"`ls -ld {quote(path)}`"
        )
    elif place.status.uid != visit.facts.uid:
        yield bad(
            f"{subject} is empty and belongs to {place.status.who}, not to {visit.facts.login}",
            f"`rmdir {quote(path)}`, or as root `chown {visit.facts.login} {quote(path)}`",
        )
    elif place.status.mode & _RIGHTS != _PRIVATE:
        yield bad(
            f"{subject} is empty with mode {place.status.mode:04o}; a server starts only in 0700",
            f"`chmod 0700 {quote(path)}`",
        )


def _clearing(visit: Visit, landing: Landing) -> str:
    """How to clear away what stands there; a prune proves before it deletes, but never a directory
    of a content that is not in sync.
    """
    run, path = visit.survey.plan.settings.reverts, quote(landing.path)
    if run is None:
        return (
            "if a move of gpmirror's left it, `gpmirror prune RUN` deletes it after proof; else make "
            f"sure that nobody needs it and move it away: `mv {path} {path}.old`"
        )
    if landing.action is Action.MOVE:
        return f"`gpmirror prune {run}` deletes it after proof"
    aside = quote(set_aside_name(landing.path, run))
    return (
        f"set it aside: `mv {path} {aside}`; `gpmirror prune {run}` deletes it once the content is "
        "in sync"
    )


def _few(place: LandingPlace) -> str:
    rest = place.entries - len(place.names)
    return ", ".join(place.names) + (f" and {rest} more" if rest > 0 else "")


def _in_place(
    visit: Visit, landing: Landing, parent: Parent | None, place: LandingPlace
) -> Iterator[Finding]:
    """A down copy is brought back where it is: the directory must be that copy's, and complete
    enough for the method.
    """
    subject = f"content {landing.content}: {landing.path}"
    closed = _closed(visit, subject, landing, place)
    if closed is not None:
        yield closed
        return
    fact = _fact(visit, landing, parent, place)
    full = f"`gpmirror plan --full --content {landing.content}`"
    match fact:
        case "foreign":
            yield bad(
                f"{subject} belongs to another system (its pg_control names {place.identifier})",
                "find out whose it is, move it away: "
                f"`mv {quote(landing.path)} {quote(landing.path)}.old`; "
                f"then {full}",
            )
        case "copying":
            yield bad(f"{subject}: a copy into it is still running", "wait until it ends")
        case "unknown":
            yield unknown(
                f"{subject}: whether it is this content's own cannot be told",
                "compare `pg_controldata` of it and of its primary's directory",
            )
        case "backup_label" if landing.method is Method.DIFFERENTIAL:
            return
        case "absent" | "backup_label" | "no_pg_control" if landing.method is not Method.FULL:
            how = landing.method.value if landing.method is not None else "incremental"
            yield bad(f"{subject} {_INCOMPLETE[fact]}: an {how} recovery would fail", full)
        case _:
            return


def _filespace_in_place(
    landing: Landing, parent: Parent | None, place: LandingPlace
) -> Iterator[Finding]:
    """A directory of a filespace that is gone: an incremental recovery makes none, ends with 0, and
    the mirror is down again two seconds later (5.8.1, recorded).
    """
    if landing.method is not Method.FULL and is_gone(parent, place):
        yield bad(
            f"content {landing.content}: {landing.path} (filespace {landing.filespace}) is not there: "
            "an incremental recovery would end well and leave the mirror down",
            "mount it if it is a disk of its own, else "
            f"`gpmirror plan --full --content {landing.content}`",
        )


def _closed(visit: Visit, subject: str, landing: Landing, place: LandingPlace) -> Finding | None:
    """Owner or mode with which no server starts, however good the copy."""
    status, login = place.status, visit.facts.login
    if not (place.exists and place.is_directory) or status is None:
        return None
    if status.uid != visit.facts.uid:
        return bad(
            f"{subject} belongs to {status.who}, not to {login}",
            f"see whose it is, then as root `chown -R {login} {quote(landing.path)}`",
        )
    later = DIALECTS[visit.survey.plan.dialect].group_may_read
    modes = _MODES_LATER if later else (_PRIVATE,)
    if status.mode & _RIGHTS not in modes:
        return bad(
            f"{subject} has mode {status.mode:04o}; a server starts only in "
            f"{' or '.join(f'{mode:04o}' for mode in modes)}",
            f"`chmod 0700 {quote(landing.path)}`",
        )
    return None


def _fact(visit: Visit, landing: Landing, parent: Parent | None, place: LandingPlace) -> CopyFact:
    primary = visit.survey.sources.get(landing.content)
    return copy_fact(
        DownCopy(
            path=landing.path,
            parent=parent,
            place=place,
            processes=visit.facts.processes or (),
            primary=None if primary is None else primary.server.identifier,
        )
    )


_INCOMPLETE = {
    "absent": "is not there",
    "backup_label": "holds a partial base backup (backup_label)",
    "no_pg_control": "has no global/pg_control",
}


def _nested(visit: Visit) -> Iterator[Finding]:
    """A new place in a data directory, whoever's that is and whatever links lead there."""
    for landing, parent, _ in visit.landings():
        if parent is not None and parent.within is not None and not landing.keeps:
            yield bad(
                f"content {landing.content}: {landing.path} would lie inside the data directory "
                f"{parent.within}",
                "choose roots in the spec that lead elsewhere",
            )


def _same_places(visit: Visit) -> Iterator[Finding]:
    """Two paths that symbolic links lead to one place, which no comparison of texts can see."""
    taken: dict[str, str] = {}
    for source, server in visit.sources():
        if server.exists:
            taken.setdefault(source.path, source.path)
    for landing, parent, _ in visit.landings():
        if parent is None or parent.physical is None:
            continue
        rest = landing.path[len(parent.path.rstrip("/")) :]
        physical = parent.physical.rstrip("/") + rest
        other = taken.setdefault(physical, landing.path)
        if other != landing.path:
            yield bad(
                f"content {landing.content}: {landing.path} and {other} are one place, {physical}, "
                "by symbolic links",
                "choose roots in the spec that lead to different places",
            )


# --- Tablespaces: a base backup writes them to the same paths as on the primary's host (6 and later).
#
# Only the primaries' hosts know the paths, so the new hosts are asked in a second round trip: whether
# the location is there, and what is free on its file system.


_STATES: dict[str, LocationState] = {"usable": "usable", "closed": "closed", "absent": "absent"}
_SCRIPT = """
location() {
  k=closed
  if [ ! -e "$2" ]; then k=absent
  elif [ -d "$2" ] && [ -w "$2" ] && [ -x "$2" ]; then k=usable; fi
  echo "location $1 $k"
  [ $k = absent ] || echo "room $1 $(stat -L -c %d "$2" 2>/dev/null) $(
    stat -L -f -c '%S %b %f %a %c %d' "$2" 2>/dev/null)"
}
"""


def locations_to_ask(found: HostAnswers) -> dict[str, tuple[str, ...]]:
    """The locations that copies need, by host."""
    wanted = {visit.host: tuple(sorted(_wanted(visit))) for visit in visits(found)}
    return {host: paths for host, paths in wanted.items() if paths}


def locations_script(paths: Iterable[str]) -> str:
    """Look at locations; changes nothing. Answers are numbered by the order of `paths`."""
    calls = "".join(f"location {number} {quote(path)}\n" for number, path in enumerate(paths))
    return _SCRIPT + calls


def read_locations(answer: str, paths: Sequence[str]) -> dict[str, LocationState]:
    """The states that the answer tells, by path."""
    lines = [line.split(" ") for line in lines_of(answer)]
    told = {words[1]: words[2] for words in lines if len(words) == 3 and words[0] == "location"}  # noqa: PLR2004
    states = {path: _STATES.get(told.get(str(number), "")) for number, path in enumerate(paths)}
    return {path: state for path, state in states.items() if state is not None}


def read_location_rooms(answer: str, paths: Sequence[str]) -> dict[str, tuple[int, Room]]:
    """Device and room of each location that the answer tells of, by path."""
    rooms = {}
    for line in lines_of(answer):
        key, _, rest = line.partition(" ")
        number, _, rest = rest.partition(" ")
        device, _, figures = rest.partition(" ")
        room = room_of(figures)
        if key == "room" and number.isdigit() and device.isdigit() and room is not None:
            rooms[int(number)] = (int(device), room)
    return {path: rooms[number] for number, path in enumerate(paths) if number in rooms}


def with_locations(found: HostAnswers, answers: Mapping[str, str]) -> HostAnswers:
    """The survey with what hosts said when they were asked once more."""
    asked = locations_to_ask(found)
    return replace(
        found,
        locations={host: read_locations(text, asked[host]) for host, text in answers.items()},
        rooms={host: read_location_rooms(text, asked[host]) for host, text in answers.items()},
    )


def judge_tablespaces(visit: Visit) -> list[Finding]:
    """Every location that copies need is in use on the host, or there and writable."""
    wanted, new = _wanted(visit), lacking(visit)
    seen = visit.survey.locations.get(visit.host, {})
    findings = [
        _finding(visit, path, content, seen.get(path)) for path, content in sorted(new.items())
    ]
    troubles = [finding for finding in findings if finding is not None]
    in_place = f"{counted(len(wanted), 'tablespace location')} in place"
    return troubles or ([ok(in_place)] if wanted else [])


def _finding(visit: Visit, path: str, content: int, state: LocationState | None) -> Finding | None:
    told = f"content {content} has a tablespace in {path}"
    make = f"`install -d -o {visit.facts.login} -m 0700 {quote(path)}`"
    match state:
        case "usable":
            return None
        case "absent":
            return bad(
                f"{told}, which is not there",
                f"on {visit.host}: mount what belongs there, or {make}",
            )
        case "closed":
            return bad(
                f"{told}, which is no directory that {visit.facts.login} may write to",
                f"on {visit.host}: `ls -ld {quote(path)}`; it must be as on the primary's host",
            )
        case None:
            return unknown(
                f"{told}; the host did not tell of that place",
                f"on {visit.host}: {make}, and check its free space",
            )


def _wanted(visit: Visit) -> dict[str, int]:
    """Locations -> a content whose copy on this host needs it."""
    known = visit.survey.sources
    primaries = [known[one.content] for one in visit.asked.landings if one.content in known]
    return {
        location_of(path, seen.source.dbid): seen.source.content
        for seen in primaries
        if seen.source.copied
        for path in seen.server.tablespaces
    }


def lacking(visit: Visit) -> dict[str, int]:
    """Locations that no server of the host uses -> a content whose copy there needs it."""
    here = {
        location_of(path, source.dbid)
        for source, server in visit.sources()
        for path in server.tablespaces
    }
    return {path: content for path, content in _wanted(visit).items() if path not in here}


def location_of(path: str, dbid: int) -> str:
    """A tablespace's location without the part that names the server."""
    return path.removesuffix(f"/{dbid}")
