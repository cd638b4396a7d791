"""What no two lines of one file may share: contents, ports and directories of a host."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from gpmirror.cluster.claims import contested
from gpmirror.diagnostics import Diagnostic, Related
from gpmirror.gputils.lines import AddLine, ExpandLine, Location, MoveLine

MAX_CLASHES = 100
"""More would only repeat the same cause."""

_Line = AddLine | MoveLine | ExpandLine
_Thing = tuple[str, str, int | str]
"""What is claimed: its kind, the address it is on (empty where none matters), its value."""


class _Rule(NamedTuple):
    code: str
    hint: str


_PORT = _Rule("GPM-N031", "give each a port of its own on that host")
_DIRECTORY = _Rule("GPM-N032", "give each a directory of its own on that host")
_ONCE = _Rule("GPM-N030", "name each one once")
_OLD = _Rule("GPM-N033", "compare the old places with gp_segment_configuration: one is wrong")

_RULES = {
    "content": _ONCE,
    "primary of content": _ONCE,
    "mirror of content": _ONCE,
    "dbid": _ONCE,
    "port": _PORT,
    "new port": _PORT,
    "old port": _OLD,
    "directory": _DIRECTORY,
    "new directory": _DIRECTORY,
    "old directory": _OLD,
}


def add_clashes(lines: Iterable[AddLine]) -> list[Diagnostic]:
    """Contents named twice, and mirrors that share a port or a directory of one address."""
    return _clashes((thing, line) for line in lines for thing in _added(line))


def move_clashes(lines: Iterable[MoveLine]) -> list[Diagnostic]:
    """Mirrors named twice, old places that cannot both exist, new places given twice."""
    return _clashes((thing, line) for line in lines for thing in _moved(line))


def expand_clashes(lines: Iterable[ExpandLine]) -> list[Diagnostic]:
    """Segments named twice, dbids given twice, ports and directories shared on one address."""
    return _clashes((thing, line) for line in lines for thing in _expanded(line))


def _added(line: AddLine) -> Iterator[_Thing]:
    yield ("content", "", line.content)
    yield ("port", line.address, line.port)
    if line.replication_port is not None:
        yield ("port", line.address, line.replication_port)
    yield ("directory", line.address, line.directory)
    for _, path in line.filespaces:
        yield ("directory", line.address, path)


def _moved(line: MoveLine) -> Iterator[_Thing]:
    yield ("old port", line.old.address, line.old.port)
    yield ("old directory", line.old.address, line.old.directory)
    yield from _occupied(line.target)


def _occupied(target: Location) -> Iterator[_Thing]:
    yield ("new port", target.address, target.port)
    if target.replication_port is not None:
        yield ("new port", target.address, target.replication_port)
    yield ("new directory", target.address, target.directory)
    for _, path in target.filespaces:
        yield ("new directory", target.address, path)


def _expanded(line: ExpandLine) -> Iterator[_Thing]:
    yield (f"{line.role.name.lower()} of content", "", line.content)
    yield ("dbid", "", line.dbid)
    yield ("port", line.address, line.port)
    if line.replication_port is not None:
        yield ("port", line.address, line.replication_port)
    yield ("directory", line.address, line.directory)


def _clashes(claims: Iterable[tuple[_Thing, _Line]]) -> list[Diagnostic]:
    return [_clash(*found) for found in islice(contested(claims), MAX_CLASHES)]


def _clash(thing: _Thing, earlier: _Line, line: _Line) -> Diagnostic:
    kind, address, value = thing
    rule = _RULES[kind]
    named = f"{kind} {value} on {address}" if address else f"{kind} {value}"
    label = Related(place=earlier.place, label="first here") if earlier.place else None
    return Diagnostic(
        code=rule.code,
        message=f"{named} is named twice: by {_who(earlier)} and by {_who(line)}",
        place=line.place,
        hint=rule.hint,
        related=() if label is None else (label,),
    )


def _who(line: _Line) -> str:
    return line.subject if line.place is None else f"{line.subject} (line {line.place.line})"
