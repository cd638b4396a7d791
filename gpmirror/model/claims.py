"""What a server claims of its host: ports and directories. No two servers of a host share one.

A directory is the same however many slashes a path has: catalogs tell paths as they were typed.
"""

from collections.abc import Hashable, Iterable, Iterator
from typing import Protocol, TypeVar

from gpmirror.model.names import normal

Claim = tuple[str, int | str]
"""(host, port) or (host, directory)."""

Key = TypeVar("Key", bound=Hashable)
Holder = TypeVar("Holder")


class Occupant(Protocol):
    """A row, or a slot: whatever tells where a server stands."""

    @property
    def port(self) -> int:
        """Where it listens."""
        ...

    @property
    def replication_port(self) -> int | None:
        """Where it listens for its mirror (4.3, 5)."""
        ...

    @property
    def directory(self) -> str | None:
        """Its data directory, None where nobody told."""
        ...

    @property
    def filespaces(self) -> tuple[tuple[str, str], ...]:
        """Further directories by name (4.3, 5)."""
        ...


def claims(host: str, server: Occupant) -> tuple[Claim, ...]:
    """Everything the server claims of this host, as far as it is told."""
    ports = (server.port, server.replication_port)
    paths = (server.directory, *(path for _, path in server.filespaces))
    return (
        *((host, port) for port in ports if port is not None),
        *(on_disk(host, path) for path in paths if path is not None),
    )


def on_disk(host: str, path: str) -> Claim:
    """The claim to a directory."""
    return (host, normal(path))


def contested(made: Iterable[tuple[Key, Holder]]) -> Iterator[tuple[Key, Holder, Holder]]:
    """What is claimed twice, in the order of the claims: by whom first, and by whom again."""
    first: dict[Key, Holder] = {}
    for key, holder in made:
        if key in first:
            yield key, first[key], holder
        else:
            first[key] = holder
