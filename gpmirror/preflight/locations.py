"""Tablespaces: a base backup writes them to the same paths as on the primary's host (6 and later).

Only the primaries' hosts know the paths, so a host whose own servers use none of them is asked in a
second round trip.
"""

from collections.abc import Iterable, Sequence
from shlex import quote

from gpmirror.cluster.counting import counted
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
}
"""


def locations_to_ask(found: Survey) -> dict[str, tuple[str, ...]]:
    """The locations that copies need and no server of the host uses, by host."""
    lacking = {visit.host: tuple(sorted(_lacking(visit))) for visit in visits(found)}
    return {host: paths for host, paths in lacking.items() if paths}


def locations_script(paths: Iterable[str]) -> str:
    """Look at locations; changes nothing. Answers are numbered by the order of `paths`."""
    calls = "".join(f"location {number} {quote(path)}\n" for number, path in enumerate(paths))
    return _SCRIPT + calls


def read_locations(answer: str, paths: Sequence[str]) -> dict[str, LocationState]:
    """The states that the answer tells, by path."""
    lines = [line.split(" ") for line in answer.splitlines()]
    told = {words[1]: words[2] for words in lines if len(words) == 3 and words[0] == "location"}  # noqa: PLR2004
    states = {path: _STATES.get(told.get(str(number), "")) for number, path in enumerate(paths)}
    return {path: state for path, state in states.items() if state is not None}


def judge_tablespaces(visit: Visit) -> list[Finding]:
    """Every location that copies need is in use on the host, or there and writable."""
    wanted, lacking = _wanted(visit), _lacking(visit)
    seen = visit.survey.locations.get(visit.host, {})
    findings = [
        _finding(visit, path, content, seen.get(path)) for path, content in sorted(lacking.items())
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
        _location(path, seen.source.dbid): seen.source.content
        for seen in primaries
        if seen.source.copied
        for path in seen.server.tablespaces
    }


def _lacking(visit: Visit) -> dict[str, int]:
    here = {
        _location(path, source.dbid)
        for source, server in visit.sources()
        for path in server.tablespaces
    }
    return {path: content for path, content in _wanted(visit).items() if path not in here}


def _location(path: str, dbid: int) -> str:
    """A tablespace's location without the part that names the server."""
    return path.removesuffix(f"/{dbid}")
