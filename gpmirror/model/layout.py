"""Who holds which copy: the shape that failure simulation works on; and what is at stake in it."""

from collections.abc import Mapping
from dataclasses import field

from gpmirror.values import dataclass


@dataclass(frozen=True, slots=True)
class Pair:
    """A content's two homes by host name; `mirror` None means it has one copy only. `lives` is
    false where no copy lives at all: the homes are then those it has when it is started again.
    """

    content: int
    primary: str
    mirror: str | None
    lives: bool = True

    @property
    def live_hosts(self) -> tuple[str, ...]:
        """Hosts of the copies that live, twice the same if both stand there."""
        if not self.lives:
            return ()
        return (self.primary,) if self.mirror is None else (self.primary, self.mirror)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """All pairs in content order, all hosts (also empty ones) in ring order, rack by host."""

    pairs: tuple[Pair, ...]
    hosts: tuple[str, ...]
    racks: Mapping[str, str] = field(default_factory=dict)


def only_host(hosts: tuple[str, ...]) -> str | None:
    """The host that takes a content with it whose live copies stand on `hosts`; None: none does."""
    return hosts[0] if hosts and hosts.count(hosts[0]) == len(hosts) else None


class AtStake:
    """What one more loss would cost: contents with one copy that lives, and what the worst host would
    take with it. `put` says where a content's copies live now, as often as it changes; each costs
    the same however many contents there are.

    A content without any live copy is told apart (`none`): a further loss costs nothing of it. Two
    copies on one host are no single copy, but that host takes both.
    """

    def __init__(self) -> None:
        self._places: dict[int, tuple[str, ...]] = {}
        self._alone: dict[str, int] = {}
        self.single_count = 0

    def put(self, content: int, hosts: tuple[str, ...]) -> None:
        """From now on the content's live copies stand on these hosts, twice the same if it must."""
        self._count(self._places.get(content, ()), -1)
        self._places[content] = hosts
        self._count(hosts, 1)

    @property
    def single(self) -> tuple[int, ...]:
        """Contents with one copy that lives."""
        return tuple(sorted(one for one, hosts in self._places.items() if len(hosts) == 1))

    @property
    def none(self) -> tuple[int, ...]:
        """Contents without any."""
        return tuple(sorted(one for one, hosts in self._places.items() if not hosts))

    def live_copies(self, content: int) -> int:
        """How many copies of it live."""
        return len(self._places[content])

    def worst(self) -> tuple[str | None, int]:
        """The host whose loss would lose most contents, the last of them by name, and how many."""
        return max(self._alone.items(), key=lambda found: (found[1], found[0]), default=(None, 0))

    def all_worst(self) -> tuple[str, ...]:
        """Every host whose loss would lose as many as that of the worst, by name."""
        _, most = self.worst()
        return tuple(sorted(host for host, count in self._alone.items() if count == most))

    def _count(self, hosts: tuple[str, ...], number: int) -> None:
        self.single_count += number if len(hosts) == 1 else 0
        only = only_host(hosts)
        if only is None:
            return
        left = self._alone.pop(only, 0) + number
        if left:
            self._alone[only] = left
