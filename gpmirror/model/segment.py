"""A row of gp_segment_configuration as a value, and the slot a mirror occupies."""

from dataclasses import field
from enum import StrEnum

from gpmirror.model.names import normal
from gpmirror.values import dataclass

MAX_PORT = 65_535
"""The highest TCP port."""

COORDINATOR_CONTENT = -1
"""Content id of the coordinator and its standby; every segment's content id is >= 0."""

SYSTEM_FILESPACE = "pg_system"
"""The filespace of the data directory itself (4.3, 5); never named in `filespaceOrder=`."""


UNWRITTEN = {"unwritten": True}
"""Metadata of a field that no file keeps: where a value was read is no part of it."""


class Role(StrEnum):
    """Acting or preferred role, with the catalog's letters."""

    PRIMARY = "p"
    MIRROR = "m"


class Mode(StrEnum):
    """Replication mode, with the catalog's letters: r and c only before 6, n only from 6 on."""

    SYNCED = "s"
    RESYNCING = "r"
    CHANGE_TRACKING = "c"
    NOT_IN_SYNC = "n"


class Status(StrEnum):
    """Up or down, as the fault prober sees it."""

    UP = "u"
    DOWN = "d"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One catalog row. `directory` None means the source did not tell it (4.3 and 5 without
    pg_filespace_entry). `filespaces` are (name, directory) pairs sorted by name, without
    pg_system. `line` is the line of the input it was read from, 0 when it came from a server.
    """

    dbid: int
    content: int
    role: Role
    preferred_role: Role
    mode: Mode
    status: Status
    port: int
    hostname: str
    address: str
    directory: str | None
    replication_port: int | None = None
    filespaces: tuple[tuple[str, str], ...] = ()
    line: int = field(default=0, metadata=UNWRITTEN)

    @property
    def is_up(self) -> bool:
        """Whether the fault prober calls it up."""
        return self.status is Status.UP

    @property
    def is_acting_primary(self) -> bool:
        """Whether it serves queries now."""
        return self.role is Role.PRIMARY

    @property
    def is_preferred_primary(self) -> bool:
        """Whether it is the primary by design; placement is judged on this."""
        return self.preferred_role is Role.PRIMARY

    @property
    def is_switched(self) -> bool:
        """Whether acting and preferred role differ."""
        return self.role is not self.preferred_role

    @property
    def directories(self) -> tuple[str, ...]:
        """Every known directory of the copy."""
        return _directories(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Where a mirror lives. `host` is the spec host (or the catalog hostname where no spec host
    claims the row). Ports are TCP ports; `filespaces` as in `Segment`.
    """

    host: str
    address: str
    port: int
    directory: str | None
    replication_port: int | None = None
    filespaces: tuple[tuple[str, str], ...] = ()

    @property
    def ports(self) -> tuple[int, ...]:
        """Every TCP port the slot takes on its host."""
        if self.replication_port is None:
            return (self.port,)
        return (self.port, self.replication_port)

    @property
    def directories(self) -> tuple[str, ...]:
        """Every known directory the slot takes on its host."""
        return _directories(self)

    def same_place(self, other: "Slot") -> bool:
        """Whether both name one place of one host, by `same_place`."""
        return self.host == other.host and same_place(self, other)


def same_place(one: Segment | Slot, other: Segment | Slot) -> bool:
    """Whether a copy that stands at one of them stands at the other: the one rule, for rows and slots.

    Address and port are equal. What one side does not tell equals any: a directory (4.3 and 5
    without pg_filespace_entry), a replication port, filespaces. Paths are equal whatever slashes
    they have. Hostnames do not count, because the utilities of 6 and later write the address there.
    """
    return (
        one.address == other.address
        and one.port == other.port
        and _equal_if_told(one.replication_port, other.replication_port)
        and (
            one.directory is None
            or other.directory is None
            or normal(one.directory) == normal(other.directory)
        )
        and (not one.filespaces or not other.filespaces or _paths(one) == _paths(other))
    )


def _equal_if_told(one: object, other: object) -> bool:
    return one is None or other is None or one == other


def _directories(place: Segment | Slot) -> tuple[str, ...]:
    own = () if place.directory is None else (place.directory,)
    return own + tuple(path for _, path in place.filespaces)


def _paths(place: Segment | Slot) -> list[tuple[str, str]]:
    return [(name, normal(path)) for name, path in place.filespaces]
