"""The segments a utility works on, and the native checks of ports and directories per host."""

from collections.abc import Iterable, Iterator

from gpmirror.lab.utilities.console import Broken
from gpmirror.model.segment import Role, Segment
from gpmirror.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """Catalog rows with content >= 0 by content, acting primary first; `top_dbid` is the highest
    of all rows, the coordinator's too.
    """

    segments: tuple[Segment, ...]
    top_dbid: int

    @property
    def primaries(self) -> dict[int, Segment]:
        """Acting primaries by content."""
        return {s.content: s for s in self.segments if s.is_acting_primary}

    @property
    def mirrors(self) -> dict[int, Segment]:
        """Acting mirrors by content."""
        return {s.content: s for s in self.segments if not s.is_acting_primary}

    @property
    def has_mirrors(self) -> bool:
        """Whether any content has a mirror row."""
        return len(self.segments) > len(self.primaries)

    @property
    def spread(self) -> bool:
        """Gpstate's idea of it: no host has two of its mirrors on one other host."""
        primaries = {s.content: s for s in self.segments if s.preferred_role is Role.PRIMARY}
        pairs = [
            (primaries[s.content].hostname, s.hostname)
            for s in self.segments
            if s.preferred_role is Role.MIRROR and s.content in primaries
        ]
        return len(set(pairs)) == len(pairs)


def oddity(segments: Iterable[Segment]) -> str:
    """Why gpaddmirrors calls an array non-standard, "" where it does not: hosts hold unequal
    numbers of primaries, or addresses are neither all the host's name nor all NAME-DIGITS.
    """
    by_host: dict[str, list[Segment]] = {}
    for s in by_content(segments):
        by_host.setdefault(s.hostname, []).append(s)
    first = next(iter(by_host), "")
    for host, own in by_host.items():
        if _primaries(own) != _primaries(by_host[first]):
            said = "The number of primary segments is not consistent across all nodes"
            return f"{said}: {host} != {first}."
    suffixed = False
    for s in (s for own in by_host.values() for s in own):
        if s.address == s.hostname and suffixed:
            said = f"The address value for {s.address} is the same as the host name"
            return f"{said}, but other addresses on the host are not."
        if s.address != s.hostname:
            if not s.address.rpartition("-")[2].isdigit():
                return (
                    f"The address value for {s.address} does not correspond to a standard address."
                )
            suffixed = True
    return ""


def _primaries(segments: Iterable[Segment]) -> int:
    return sum(1 for s in segments if s.preferred_role is Role.PRIMARY)


def by_content(segments: Iterable[Segment]) -> list[Segment]:
    """By content, acting primary first: the order the native checks walk in."""
    return sorted(segments, key=lambda s: (s.content, not s.is_acting_primary))


def check_pipe(segments: Iterable[Segment]) -> None:
    """The check of 6: one port and one directory once per hostname. Raises Broken."""
    ports: dict[tuple[str, int], int] = {}
    directories: dict[tuple[str, str | None], int] = {}
    for s in by_content(segments):
        other = ports.setdefault((s.hostname, s.port), s.dbid)
        if other != s.dbid:
            raise Broken(f"{_pair(s, other)} cannot have the same port {s.port}.")
        other = directories.setdefault((s.hostname, s.directory), s.dbid)
        if other != s.dbid:
            raise Broken(f"{_pair(s, other)} cannot have the same data directory '{s.directory}'.")


def _pair(segment: Segment, other: int) -> str:
    return f"Segment dbid's {segment.dbid} and {other} on host {segment.hostname}"


def check_colon(segments: Iterable[Segment]) -> None:
    """The check of 5: ports and replication ports share one space per host. Raises Broken."""
    ports: dict[tuple[str, int], int] = {}
    directories: dict[tuple[str, str | None], int] = {}
    for s in by_content(segments):
        host = f"On host {s.hostname}"
        other = ports.setdefault((s.hostname, s.port), s.dbid)
        if other != s.dbid:
            message = f"port {s.port} for segment with dbid {s.dbid} conflicts with port for"
            raise Broken(f"{host}, {message} segment dbid {other}")
        _check_replication(s, host, ports)
        for path in _directories(s):
            other = directories.setdefault((s.hostname, path), s.dbid)
            if other != s.dbid:
                what = "directory (base or filespace)"
                message = f"{what} for segment with dbid {s.dbid} conflicts with a {what}"
                raise Broken(f"{host}, {message} for segment dbid {other}; directory: {path}")


def _check_replication(s: Segment, host: str, ports: dict[tuple[str, int], int]) -> None:
    if s.replication_port is None:
        raise Broken(f"{host}, the replication port is not set for segment with dbid {s.dbid}")
    if s.replication_port == s.port:
        raise Broken(f"{host}, segment with dbid {s.dbid} has equal port and replication port")
    other = ports.setdefault((s.hostname, s.replication_port), s.dbid)
    if other != s.dbid:
        # 5.8.1 prints dbid and port in each other's place
        message = f"replication port {s.dbid} for segment with dbid {s.replication_port}"
        raise Broken(f"{host}, {message} conflicts with a port for segment dbid {other}")


def _directories(segment: Segment) -> Iterator[str | None]:
    yield segment.directory
    for _, path in segment.filespaces:
        yield path
