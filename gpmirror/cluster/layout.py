"""Who holds which copy: the shape that failure simulation works on."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Pair:
    """A content's two homes by host name; `mirror` None means it has one copy only."""

    content: int
    primary: str
    mirror: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """All pairs in content order, all hosts (also empty ones) in ring order, rack by host."""

    pairs: tuple[Pair, ...]
    hosts: tuple[str, ...]
    racks: Mapping[str, str] = field(default_factory=dict)
