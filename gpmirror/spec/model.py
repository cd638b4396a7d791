"""The spec as the rest of gpmirror sees it: checked, expanded, frozen, each part with its place.

Text becomes this value in `spec.load`; after that nobody validates again.
"""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Literal

from gpmirror.diagnostics import Place
from gpmirror.model.dialect import DialectName
from gpmirror.values import dataclass

Path = tuple[str | int, ...]
"""Where in the YAML document a value stands: ("mirrors", "ports", "offset"), ("hosts", 0, "name")."""


Minimise = Literal["moves", "bytes"]
"""What strategy balanced counts: mirrors that change their host, or what is copied for them."""


class Strategy(StrEnum):
    """How mirrors are spread over the ring of hosts."""

    GROUP = "group"
    SPREAD = "spread"
    BLOCK = "block"
    BALANCED = "balanced"
    PINNED = "pinned"


MEANINGS = {
    Strategy.GROUP: "all mirrors of a host on the next one.",
    Strategy.SPREAD: "each on another host.",
    Strategy.BLOCK: "spread within blocks of hosts.",
    Strategy.BALANCED: "the fewest moves to fair shares by weight, proven.",
    Strategy.PINNED: "only what `pins` say.",
}
"""What each strategy does, as the reference of the spec says it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteHost:
    """A host as a plan knows it. `replaces` names the dead host whose segments this one takes over."""

    name: str
    addresses: tuple[str, ...]
    rack: str | None = None
    weight: int = 1
    replaces: str | None = None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPattern:
    """What an entry of `hosts` says of each of its hosts, `{host}` standing for the name."""

    addresses: tuple[str, ...]
    roots: tuple[str, ...]
    filespace_roots: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Host(SiteHost):
    """One host of a spec after range expansion. `roots` are the directory roots of pg_system, in
    order; `filespace_roots` (name -> roots) those of further filespaces (4.3, 5), sorted by name.
    `pattern` is what its entry says, for a host that is to be like it; None: no entry says anything.
    """

    roots: tuple[str, ...]
    filespace_roots: tuple[tuple[str, tuple[str, ...]], ...] = ()
    pattern: HostPattern | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Offset:
    """Ports by offset: mirror ports count up from the target host's lowest primary port + offset."""

    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bases:
    """Ports by bases, as gpinitsystem counts them. The replication bases exist before 6 only."""

    mirror_base: int
    replication_base: int | None = None
    mirror_replication_base: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A wish for one content that wins over the strategy; fields left out follow the rules."""

    content: int
    host: str | None = None
    address: str | None = None
    port: int | None = None
    directory: str | None = None
    replication_port: int | None = None
    filespaces: tuple[tuple[str, str], ...] = ()
    reason: str | None = None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Survive:
    """A loss the layout must survive: any `count` hosts or racks."""

    count: Literal[1, 2]
    of: Literal["host", "rack"]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """Blast-radius limits over moves and full recoveries. `moves_percent` of all contents is
    judged from `min_contents` contents on; `max_bytes` None: no limit by size.
    """

    moves_percent: int = 30
    min_contents: int = 10
    max_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What every plan is judged by."""

    survive: tuple[Survive, ...] = ()
    max_load_factor: float | None = None
    guards: Guards = field(default_factory=Guards)


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """A content or a host whose mirrors must not move. Exactly one of the two is set."""

    content: int | None = None
    host: str | None = None
    place: Place

    @property
    def name(self) -> str:
        """As `--unprotect` takes it: `content:0` or `host:sdw1`."""
        return f"content:{self.content}" if self.host is None else f"host:{self.host}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveLimits:
    """Most contents in one wave: in all, per acting primary's host, per target host."""

    max_contents: int = 16
    per_source_host: int = 1
    per_target_host: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeOptions:
    """What the native utilities are told: -B hosts (before 6 segments), -b segments per host, -v,
    --hba-hostnames, --max-rate as pg_basebackup takes it, --replay-lag in GB. None: not told.
    """

    hosts: int = 16
    per_host: int = 64
    verbose: bool = False
    hba_hostnames: bool | None = field(default=None, metadata={"later": True})
    max_rate: str | None = field(default=None, metadata={"later": True})
    replay_lag: float | None = field(default=None, metadata={"later": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyOptions:
    """How apply works through a plan. `sync_timeout` in seconds."""

    waves: WaveLimits = field(default_factory=WaveLimits)
    native: NativeOptions = field(default_factory=NativeOptions)
    hosts_at_once: int = 32
    sync_timeout: int = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class CoordinatorAddress:
    """Where the coordinator listens; what is None comes from the PG* environment."""

    host: str | None = None
    port: int | None = None
    database: str | None = None
    user: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SshOptions:
    """How hosts are reached."""

    user: str | None = None
    config: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What a plan needs beside the layout it is to reach: hosts in ring order, limits, rules to be
    judged by, and how the cluster is reached. A spec is this and where mirrors go; a plan file holds
    it without that, so that the rest of a plan and the way back are planned by the same rules.

    `file` is the spec's base name, `digest` the sha256 of its meaning (comments and layout of the
    YAML do not count). `places` maps document paths to places; ask with `place_of`.
    """

    cluster: str
    hosts: tuple[SiteHost, ...]
    allow_same_host: bool = False
    dialect: DialectName | None = None
    coordinator: CoordinatorAddress = field(default_factory=CoordinatorAddress)
    ssh: SshOptions = field(default_factory=SshOptions)
    policy: Policy = field(default_factory=Policy)
    protect: tuple[Protection, ...] = ()
    apply: ApplyOptions = field(default_factory=ApplyOptions)
    file: str = "gpmirror.yaml"
    digest: str = ""
    places: Mapping[Path, Place] = field(default_factory=dict, compare=False, repr=False)

    def place_of(self, *path: str | int) -> Place:
        """The place of the value at `path`, else of its nearest known parent, else the file."""
        for length in range(len(path), 0, -1):
            found = self.places.get(path[:length])
            if found is not None:
                return found
        return Place(file=self.file)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec(Site):
    """What the user wants: a site, and how its mirrors are spread. `snapshot` is the saved catalog that
    `--offline` reads, as a path from the spec's folder; None: the usual name.
    """

    hosts: tuple[Host, ...]
    strategy: Strategy
    ports: Offset | Bases
    directory: str = "{root}/{prefix}{content}"
    block_size: int | None = None
    minimise: Minimise = "moves"
    pins: tuple[Pin, ...] = ()
    snapshot: str | None = None
    notify: tuple[str, ...] = ()
    """Program and arguments told how a run goes. Not in `Site`: a plan file cannot name one."""
