"""Who holds which copy: the shape that failure simulation works on."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Pair:
    """A content's two homes by host name; `mirror` None means it has one copy only. `lives` is
    false where no copy lives at all: the homes are then those it has when it is started again.
    """

    content: int
    primary: str
    mirror: str | None
    lives: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """All pairs in content order, all hosts (also empty ones) in ring order, rack by host."""

    pairs: tuple[Pair, ...]
    hosts: tuple[str, ...]
    racks: Mapping[str, str] = field(default_factory=dict)


def live_pair(
    content: int, primary: str, mirror: str | None, *, primary_up: bool, mirror_up: bool
) -> Pair:
    """The pair as far as it lives: a copy that is down does not count. With none left the content is
    laid to its primary's host all the same, as one that does not live.
    """
    if not primary_up and (mirror is None or not mirror_up):
        return Pair(content, primary, None, lives=False)
    if mirror is None or (primary_up and mirror_up):
        return Pair(content, primary, mirror)
    return Pair(content, mirror if mirror_up else primary, None)
