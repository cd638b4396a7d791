"""What one touched host is asked, and what it told of itself, as values; nothing here judges."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import field

from gpmirror.plan.model import Action, Method
from gpmirror.values import dataclass

# --- What a host told about itself, as values; nothing here judges.


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
class LandingPlace:
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
class PrimaryServer:
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
    places: tuple[LandingPlace, ...]
    servers: tuple[PrimaryServer, ...]
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


# --- What one touched host is asked: the directories, ports, servers and names of a plan there.


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
class SourceDirectory:
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
    sources: tuple[SourceDirectory, ...]
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


# --- The words of a host's answer: text, numbers, addresses. Nothing raises; None is not readable.


_MOST_DIGITS = 20
_WORD = 8
_HEX = frozenset("0123456789abcdefABCDEF")


def text_of(word: str) -> str | None:
    """What `t...` or `x...` stands for; None for anything else and for nothing at all."""
    if word.startswith("t"):
        return word[1:] or None
    raw = bytes_of(word)
    return raw.decode("utf-8", "backslashreplace") if raw else None


def bytes_of(word: str) -> bytes | None:
    """The bytes of `x6162`."""
    digits = word[1:]
    if not word.startswith("x") or len(digits) % 2 or not _HEX.issuperset(digits):
        return None
    return bytes.fromhex(digits)


def number_of(word: str) -> int | None:
    """A decimal number of reasonable length, no sign."""
    sound = word.isascii() and word.isdigit() and len(word) <= _MOST_DIGITS
    return int(word) if sound else None


def numbers_of(words: Sequence[str], count: int) -> list[int] | None:
    """Exactly so many numbers at the start of `words`."""
    found = [number for word in words[:count] if (number := number_of(word)) is not None]
    return found if len(found) == count else None


def endpoint_of(word: str) -> tuple[str, int] | None:
    """Address and port of `0100007F:1770`, as the kernel prints them: every 32-bit group in the
    byte order of x86 and ARM. An IPv4 address inside IPv6 is given as IPv4.
    """
    address, _, port = word.partition(":")
    raw = bytes_of(f"x{address}")
    if raw is None or len(raw) not in {4, 16} or len(port) != 4 or not _HEX.issuperset(port):  # noqa: PLR2004 - lengths of IPv4, IPv6 and a port
        return None
    ordered = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    return canonical(ordered), int(port, 16)


def canonical(raw: bytes) -> str:
    """An address of 4 or 16 bytes as text."""
    from ipaddress import IPv6Address, ip_address

    address = ip_address(raw)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(address)


def address_of(word: str) -> str | None:
    """An address as getent prints it, in canonical text; the scope of a link-local one is left."""
    from ipaddress import IPv6Address, ip_address

    try:
        address = ip_address(word.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(address)
