"""What placement gives: the desired layout, content by content."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Literal

from gpmirror.diagnostics import Diagnostic, Place
from gpmirror.model.certificate import Certificate
from gpmirror.model.segment import Segment, Slot
from gpmirror.placement.hosts import HostMap
from gpmirror.values import dataclass


@dataclass(frozen=True, slots=True)
class RuleText:
    """Why a content is treated as it is: `one` as told of that content, with `{}` for each of its own
    words, `every` as told once of all that the rule treats. They stand side by side, so that
    whoever words a rule words both.
    """

    one: str
    every: str

    def of(self, *words: object) -> str:
        """The rule as told of one content."""
        return self.one.format(*words)

    def for_all(self, reason: str) -> str:
        """A reason with the rule as told of all, where it holds this one."""
        if self.one.partition("{}")[0] not in reason:
            return reason
        return re.sub(_pattern(self.one), lambda _: self.every, reason)


@cache
def _pattern(text: str) -> str:
    return re.escape(text).replace(re.escape("{}"), "[^ ;]+")


@dataclass(frozen=True, slots=True)
class Target:
    """The host a content's mirror belongs on, the rule that says so, and the spec line."""

    host: str
    rule: str
    source: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplaced:
    """Why the mirrors of a host's primaries have no place. For spread `count` primaries need as many
    other hosts, and there is `room` for fewer; `block` are the hosts of the block that has no room.
    """

    code: Literal["GPM-P101", "GPM-P102", "GPM-P103", "GPM-P104", "GPM-P106"]
    host: str
    count: int = 0
    room: int = 0
    block: tuple[str, ...] = ()


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
    """All contents in native order: ring order of the primary's host, then port, then content.
    `certificate` proves the layout of strategy balanced.
    """

    contents: tuple[Placed, ...]
    hosts: HostMap
    warnings: tuple[Diagnostic, ...]
    certificate: Certificate | None = None

    def by_content(self) -> Mapping[int, Placed]:
        """The same, by content id."""
        return {placed.content: placed for placed in self.contents}


@dataclass(frozen=True, slots=True, kw_only=True)
class Balanced:
    """Each content's host; for strategy balanced with what proves it and what a person should know."""

    targets: Mapping[int, Target]
    certificate: Certificate | None = None
    warnings: tuple[Diagnostic, ...] = ()
