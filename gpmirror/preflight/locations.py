"""Tablespaces: a base backup writes them to the same paths as on the primary's host (6 and later).

Only the primaries' hosts know the paths, so the new hosts are asked in a second round trip: whether
the location is there, and what is free on its file system.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from shlex import quote

from gpmirror.cluster.counting import counted
from gpmirror.gputils.characters import lines_of
from gpmirror.preflight.facts import Room
from gpmirror.preflight.paths import room_of
from gpmirror.preflight.survey import (
    Finding,
    LocationState,
    Survey,
    Visit,
    bad,
    ok,
    unknown,
    visits,
)

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


def locations_to_ask(found: Survey) -> dict[str, tuple[str, ...]]:
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


def with_locations(found: Survey, answers: Mapping[str, str]) -> Survey:
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
