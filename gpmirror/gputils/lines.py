"""What a line of a native file says, and what a whole file is for: values without text."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from gpmirror.cluster.segment import Role
from gpmirror.diagnostics import Place

Filespaces = tuple[tuple[str, str], ...]
"""(name, directory) pairs sorted by name, without pg_system."""

MoveEngine = Literal["gprecoverseg", "gpmovemirrors"]


class Grammar(StrEnum):
    """The two generations of native files, by what separates their fields."""

    COLON = ":"
    PIPE = "|"

    @property
    def releases(self) -> str:
        """The releases that read it, for messages."""
        return "4.3 and 5" if self is Grammar.COLON else "6 and later"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddLine:
    """One mirror for gpaddmirrors. Ports are TCP ports; the two replication ports exist before 6
    only. `place` is where it was read, and does not count when lines are compared.
    """

    content: int
    address: str
    port: int
    directory: str
    replication_port: int | None = None
    primary_replication_port: int | None = None
    filespaces: Filespaces = ()
    place: Place | None = field(default=None, compare=False, repr=False)

    @property
    def line(self) -> int:
        """The line it was read from, 0 when it was not read."""
        return 0 if self.place is None else self.place.line

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
class MoveLine:
    """One mirror for gpmovemirrors or gprecoverseg; `new` None: recovered where it is.

    `content` is for messages only, the file does not hold it.
    """

    old: Location
    new: Location | None = None
    content: int | None = field(default=None, compare=False)
    place: Place | None = field(default=None, compare=False, repr=False)

    @property
    def line(self) -> int:
        """The line it was read from, 0 when it was not read."""
        return 0 if self.place is None else self.place.line

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
class ExpandLine:
    """One segment of a gpexpand file; the only such file with hostname and address both."""

    hostname: str
    address: str
    port: int
    directory: str
    dbid: int
    content: int
    role: Role
    replication_port: int | None = None
    place: Place | None = field(default=None, compare=False, repr=False)

    @property
    def line(self) -> int:
        """The line it was read from, 0 when it was not read."""
        return 0 if self.place is None else self.place.line

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
