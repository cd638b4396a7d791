"""What one touched host is asked: the directories, ports, servers and names of a plan there."""

from collections.abc import Mapping
from dataclasses import dataclass

from gpmirror.plan.model import Action, Method


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """A directory that a copy will take. `keeps`: it is that copy's directory already; `freed`: a
    copy that leaves in an earlier wave holds it now. `main`: the data directory, not that of
    `filespace` (4.3 and 5).
    """

    content: int
    dbid: int | None
    path: str
    main: bool
    keeps: bool
    freed: bool
    action: Action
    method: Method | None
    filespace: str | None = None

    @property
    def is_copied(self) -> bool:
        """Whether all of the primary's bytes come here."""
        return self.action is not Action.RECOVER or self.method is Method.FULL

    @property
    def in_place(self) -> bool:
        """Whether a down copy is brought back where it is."""
        return self.keeps and self.action is Action.RECOVER

    @property
    def parent(self) -> str:
        """The directory above."""
        return self.path.rpartition("/")[0] or "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A TCP port that a copy will listen on; `held`: one of the copies in question has it now."""

    content: int
    address: str
    port: int
    held: bool
    new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An acting primary's directory; `copied`: the plan copies all of it; `compared`: its system
    identifier proves whose a down copy is. Content -1: the coordinator's own. `filespaces` are its
    further directories by name (4.3 and 5).
    """

    content: int
    dbid: int
    path: str
    copied: bool
    compared: bool = True
    filespaces: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A utility with the options of the plan's command lines that not every release has, each with
    its value.
    """

    utility: str
    options: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A hostname that a line of a native file tells beside another address."""

    content: int
    hostname: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """All that one host is asked. `only_left`: copies go away from here and nothing else happens.
    `coordinator` is the coordinator's data directory on its own host, else None; `measured` are the
    directories whose size counts: of primaries that are copied, and of old copies in whose place a
    new one lands. `names` maps a name to the host it belongs to; `own_names` are further names of
    the host itself. `told` are the utilities to be asked on the coordinator's host, in the shell
    text `environment`; `pairs` are what lines of native files tell beside addresses.
    """

    host: str
    only_left: bool
    landings: tuple[Landing, ...]
    bindings: tuple[Binding, ...]
    sources: tuple[Source, ...]
    names: Mapping[str, str]
    coordinator: str | None
    measured: tuple[str, ...]
    own_names: tuple[str, ...] = ()
    told: tuple[Told, ...] = ()
    environment: str = ""
    pairs: tuple[Beside, ...] = ()

    @property
    def copied(self) -> tuple[str, ...]:
        """The data directories of which the plan copies all."""
        return tuple(source.path for source in self.sources if source.copied)

    @property
    def all_names(self) -> tuple[str, ...]:
        """Every name that is to be resolved, in the order of the answers."""
        return (*self.names, *self.own_names)

    @property
    def parents(self) -> tuple[str, ...]:
        """The directories above all landings, each once, in plan order."""
        return tuple(dict.fromkeys(landing.parent for landing in self.landings))
