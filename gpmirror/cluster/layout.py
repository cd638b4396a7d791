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


def live_pair(
    content: int, primary: str, mirror: str | None, *, primary_up: bool, mirror_up: bool
) -> Pair:
    """The pair as far as it lives: a copy that is down does not count. With both down the content
    is still laid to its primary's host, as a single copy.
    """
    if mirror is None or (primary_up and mirror_up):
        return Pair(content, primary, mirror)
    return Pair(content, mirror if mirror_up else primary, None)
