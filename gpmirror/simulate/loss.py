"""What one set of lost hosts does: contents lost, and who carries the load."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from gpmirror.cluster.layout import Layout
from gpmirror.errors import InvalidInput
from gpmirror.simulate.copies import Copies, copies_of
from gpmirror.simulate.unknown import unknown_host


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Primaries on a surviving host before and after a loss; `factor` as in `Copies`."""

    host: str
    before: int
    after: int
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Some hosts lost together. `lost` in ring order, `contents_lost` sorted.

    `gains` maps survivors to the number of primaries they take over; only those that take over
    some. Loads are worked out when asked for: a survey holds thousands of losses.
    """

    label: str
    lost: tuple[str, ...]
    contents_lost: tuple[int, ...]
    gains: Mapping[str, int] = field(hash=False)
    copies: Copies = field(repr=False, compare=False)

    @property
    def survivors(self) -> tuple[Load, ...]:
        """The load of every surviving host, in ring order."""
        return tuple(self._load(host) for host in self.copies.hosts if host not in self.lost)

    @property
    def loads(self) -> tuple[Load, ...]:
        """The load of the hosts that take over primaries, worst first, then in ring order."""
        rank = self.copies.rank
        found = [self._load(host) for host in self.gains]
        return tuple(sorted(found, key=lambda load: (-load.factor, rank[load.host])))

    @property
    def worst(self) -> Load | None:
        """The first of `loads`; None where nobody takes over a primary."""
        worst = self.worst_host
        return None if worst is None else self._load(worst)

    @property
    def worst_host(self) -> str | None:
        """The host of `worst`."""
        return self._worst()[0]

    @property
    def worst_load_factor(self) -> float:
        """The factor of `worst`; 1.0 where nobody takes over a primary."""
        return self._worst()[1]

    def _worst(self) -> tuple[str | None, float]:
        # written out: this runs for every pair of hosts
        worst, highest, rank = None, 0.0, self.copies.rank
        primaries, factor_of = self.copies.primaries, self.copies.load_factor
        for host, gained in self.gains.items():
            before = primaries[host]
            factor = (before + gained) / before if before else factor_of(host, gained)
            if factor > highest or (factor == highest and rank[host] < rank[worst or host]):
                worst, highest = host, factor
        return (worst, highest) if worst is not None else (None, 1.0)

    def _load(self, host: str) -> Load:
        before = self.copies.primaries[host]
        after = before + self.gains.get(host, 0)
        factor = self.copies.load_factor(host, after) if after else 0.0
        return Load(host=host, before=before, after=after, factor=factor)


def lose(layout: Layout, hosts: Collection[str], *, label: str | None = None) -> Loss:
    """Lose `hosts` together. `label` names the loss in text, default the host names.

    Indexes the layout anew; for many losses of one layout take a survey.
    Raises InvalidInput (GPM-P901) naming every host that the layout does not have.
    """
    return lose_from(copies_of(layout), hosts, label=label)


def lose_from(copies: Copies, hosts: Collection[str], *, label: str | None = None) -> Loss:
    """`lose` on a layout that is indexed already."""
    strangers = sorted(set(hosts).difference(copies.rank))
    if strangers:
        raise InvalidInput(unknown_host(name, copies.hosts) for name in strangers)
    lost = tuple(sorted(set(hosts), key=copies.rank.__getitem__))
    return Loss(
        label=" + ".join(lost) if label is None else label,
        lost=lost,
        contents_lost=copies.contents_lost(set(lost)),
        gains=_gains(copies, lost),
        copies=copies,
    )


def every_host(copies: Copies) -> tuple[Loss, ...]:
    """Each host lost alone, in ring order."""
    return tuple(
        Loss(
            label=host,
            lost=(host,),
            contents_lost=tuple(copies.alone[host]),
            gains=copies.gains[host],
            copies=copies,
        )
        for host in copies.hosts
    )


def every_pair(copies: Copies) -> Iterator[Loss]:
    """Each pair of hosts lost together, in ring order."""
    for pair in combinations(copies.hosts, 2):
        one, other = pair
        yield Loss(
            label=f"{one} + {other}",
            lost=pair,
            contents_lost=_lost_with(copies, one, other),
            gains=_gains(copies, pair),
            copies=copies,
        )


def _lost_with(copies: Copies, one: str, other: str) -> tuple[int, ...]:
    alone, heirs = copies.alone, copies.heirs
    gone = (
        *alone[one],
        *alone[other],
        *heirs[one].get(other, ()),
        *heirs[other].get(one, ()),
    )
    return tuple(sorted(gone)) if gone else gone


def _gains(copies: Copies, lost: tuple[str, ...]) -> dict[str, int]:
    gains: dict[str, int] = {}
    for host in lost:
        more = copies.gains[host]
        shared = gains.keys() & more.keys()
        summed = {heir: gains[heir] + more[heir] for heir in shared}
        gains = {**gains, **more, **summed}
    for host in lost:
        gains.pop(host, None)
    return gains
