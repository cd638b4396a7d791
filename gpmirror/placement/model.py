"""What placement gives: the desired layout, content by content."""

from collections.abc import Mapping
from dataclasses import dataclass

from gpmirror.cluster.segment import Segment, Slot
from gpmirror.diagnostics import Diagnostic, Place
from gpmirror.placement.hosts import HostMap


@dataclass(frozen=True, slots=True)
class Target:
    """The host a content's mirror belongs on, the rule that says so, and the spec line."""

    host: str
    rule: str
    source: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A content's desired layout.

    `primary` is the preferred primary's row, `primary_slot` its desired slot (another host only
    where its own was replaced); `mirror` the desired mirror slot. `primary_replication_port` is
    what the primary has or will get (4.3, 5), None from 6 on. `allows_same_host`: the spec accepts
    both copies on one host.
    """

    content: int
    primary: Segment
    primary_slot: Slot
    mirror: Slot
    primary_replication_port: int | None
    allows_same_host: bool
    rule: str
    source: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """All contents in native order: ring order of the primary's host, then port, then content."""

    contents: tuple[Placed, ...]
    hosts: HostMap
    warnings: tuple[Diagnostic, ...]

    def by_content(self) -> Mapping[int, Placed]:
        """The same, by content id."""
        return {placed.content: placed for placed in self.contents}
