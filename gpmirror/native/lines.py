"""What a line of a native file says, what a whole file is for, and what no two lines may share."""

from collections.abc import Iterable, Iterator
from dataclasses import field
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

from gpmirror.diagnostics import Diagnostic, Place, Related
from gpmirror.model.claims import contested
from gpmirror.model.dialect import MoveEngine
from gpmirror.model.segment import Role
from gpmirror.values import dataclass

# --- What a line of a native file says, and what a whole file is for: values without text.


Filespaces = tuple[tuple[str, str], ...]
"""(name, directory) pairs sorted by name, without pg_system."""


class Grammar(StrEnum):
    """The two generations of native files, by what separates their fields."""

    COLON = ":"
    PIPE = "|"

    @property
    def releases(self) -> str:
        """The releases that read it, for messages."""
        return "4.3 and 5" if self is Grammar.COLON else "6 and later"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What lines of all files share. `place`: where it was read, None when it was not read; it does
    not count when lines are compared.
    """

    place: Place | None = field(default=None, compare=False, repr=False)

    @property
    def line(self) -> int:
        """The line it was read from, 0 when it was not read."""
        return 0 if self.place is None else self.place.line


@dataclass(frozen=True, slots=True, kw_only=True)
class AddLine(_Read):
    """One mirror for gpaddmirrors. Ports are TCP ports; the two replication ports exist before 6
    only.
    """

    content: int
    address: str
    port: int
    directory: str
    replication_port: int | None = None
    primary_replication_port: int | None = None
    filespaces: Filespaces = ()

    @property
    def subject(self) -> str:
        """How messages call it."""
        return f"content {self.content}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where a mirror is or goes. `hostname` None: the file does not show it."""

    address: str
    port: int
    directory: str
    hostname: str | None = None
    replication_port: int | None = None
    filespaces: Filespaces = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveLine(_Read):
    """One mirror for gpmovemirrors or gprecoverseg; `new` None: recovered where it is.

    `content` is for messages only, the file does not hold it.
    """

    old: Location
    new: Location | None = None
    content: int | None = field(default=None, compare=False)

    @property
    def target(self) -> Location:
        """Where the mirror will be."""
        return self.old if self.new is None else self.new

    @property
    def subject(self) -> str:
        """How messages call it."""
        where = f"mirror {self.old.address}:{self.old.port}"
        return where if self.content is None else f"content {self.content} ({where})"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpandLine(_Read):
    """One segment of a gpexpand file; the only such file with hostname and address both."""

    hostname: str
    address: str
    port: int
    directory: str
    dbid: int
    content: int
    role: Role
    replication_port: int | None = None

    @property
    def subject(self) -> str:
        """How messages call it."""
        kind = "primary" if self.role is Role.PRIMARY else "mirror"
        return f"the {kind} of content {self.content}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddFile:
    """A file for `gpaddmirrors -i`. `filespaces` are the header's names, sorted."""

    name: str
    grammar: Grammar
    lines: tuple[AddLine, ...]
    filespaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveFile:
    """A file for `gpmovemirrors -i` or `gprecoverseg -i`."""

    name: str
    grammar: Grammar
    lines: tuple[MoveLine, ...]
    filespaces: tuple[str, ...] = ()

    @property
    def engines(self) -> tuple[MoveEngine, ...]:
        """The utilities that accept it: gpmovemirrors takes neither one group nor hostnames."""
        simple = all(line.new is not None and line.old.hostname is None for line in self.lines)
        return ("gprecoverseg", "gpmovemirrors") if simple else ("gprecoverseg",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpandFile:
    """A file for `gpexpand -i`."""

    name: str
    grammar: Grammar
    lines: tuple[ExpandLine, ...]


# --- What no two lines of one file may share: contents, ports and directories of a host.


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
