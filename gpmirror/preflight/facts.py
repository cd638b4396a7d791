"""What a host told about itself, as values; nothing here judges."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_SLACK = 10

_ACCOUNT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@$-]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStatus:
    """Owner, permission bits and file system of a path, symbolic links followed."""

    uid: int
    owner: str
    mode: int
    device: int

    @property
    def who(self) -> str:
        """The owner's name, else the number."""
        return self.owner if self.owner not in {"", "UNKNOWN"} else str(self.uid)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A file system, in bytes as an ordinary user may use them; `inodes` 0: it does not count."""

    used: int
    available: int
    inodes: int
    inodes_free: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """The nearest existing ancestor of a directory to be: `path` as written, `physical` with
    symbolic links resolved (None: it cannot be entered). `within` is the data directory that it is,
    or lies in.
    """

    path: str
    physical: str | None
    is_directory: bool
    is_link: bool
    writable: bool
    searchable: bool
    within: str | None = None
    status: FileStatus | None = None
    room: Room | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What stands where a copy will land; `entries` counts all, `names` holds the first few;
    `serves`: a server runs in it. `size` in bytes, None: not measured.
    """

    exists: bool
    is_directory: bool
    is_link: bool
    readable: bool
    entries: int
    names: tuple[str, ...]
    backup_label: bool
    standby_signal: bool
    serves: bool = False
    status: FileStatus | None = None
    room: Room | None = None
    identifier: str | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """Bytes of an acting primary that a copy gets, as its host measured them; None: it did not.
    `data` is the data directory with its WAL wherever that lies, without what no copy gets (logs,
    backups); `wal` the WAL alone, which is quickly measured. `spaces` are tablespaces by the place
    that pg_tblspc leads to, `filespaces` those of 4.3 and 5 by directory.
    """

    data: int | None = None
    wal: int | None = None
    spaces: Mapping[str, int] = field(default_factory=dict)
    filespaces: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """An acting primary's directory. `pid` 0: no server runs in it. `backup_mode`: it holds a
    backup_label, by which pg_is_in_backup() goes. `tablespaces` are the places
    that pg_tblspc leads to.
    """

    exists: bool
    pid: int
    backup_mode: bool = False
    tablespaces: tuple[str, ...] = ()
    status: FileStatus | None = None
    room: Room | None = None
    identifier: str | None = None
    weight: Weight = Weight()


@dataclass(frozen=True, slots=True, kw_only=True)
class Socket:
    """A local TCP endpoint: address in canonical text, and whether it listens."""

    address: str
    port: int
    listens: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A running program that looks like a native utility. `serves` is whether the coordinator's
    directory that it was given is this cluster's, None where it was given none; `port` is PGPORT of its
    environment.
    """

    pid: int
    arguments: tuple[str, ...]
    serves: bool | None = None
    port: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LockFile:
    """A utility's lock or status file in the coordinator's directory. `pid` None: it names none.
    `written` and `started` are when the number was written and when what runs under it now began
    (seconds since 1970, None: not told). `line` is how the host's script told all this.
    """

    path: str
    pid: int | None
    alive: bool
    written: int | None = None
    started: int | None = None
    line: str = ""

    @property
    def is_dead(self) -> bool:
        """Whether its owner is proved to be gone: nothing runs under the number, or something that
        began well after the number was written (a clock may be some seconds off).
        """
        if self.pid is None:
            return False
        if not self.alive:
            return True
        return None not in (self.written, self.started) and self.started > self.written + _SLACK  # type: ignore[operator]


@dataclass(frozen=True, slots=True, kw_only=True)
class UtilityHelp:
    """A native utility asked for its help: with the options in question its parser ended with
    `status` and `said` this last; its help text `offers` these options.
    """

    status: int
    said: str
    offers: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """One host's answer. None, or a missing key: the host could not tell. Sequences are in the
    order of the questions. `machines` are the IPs that the utilities' own resolver call has for
    names; None: it has none.
    """

    complete: bool
    hostname: str | None
    machine: str | None
    uid: int | None
    user: str | None
    clock: int | None
    shell_noise: str | None
    port_range: tuple[int, int] | None
    reserved_ports: str | None
    sockets: tuple[Socket, ...] | None
    parents: tuple[Parent, ...]
    places: tuple[Place, ...]
    servers: tuple[Server, ...]
    software: str | None
    version: str | None
    checksums: str | None
    names: Mapping[str, frozenset[str]] | None
    processes: tuple[Process, ...] | None
    coordinator_found: bool | None = None
    locks: tuple[LockFile, ...] = ()
    leftovers: tuple[str, ...] = field(default=())
    utilities: Mapping[str, UtilityHelp] = field(default_factory=dict)
    machines: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def login(self) -> str | None:
        """The login user's name, else the number. It stands in commands that people copy, so what no
        account is called is none.
        """
        named = self.user if self.user and _ACCOUNT.fullmatch(self.user) else None
        return named or (None if self.uid is None else str(self.uid))
