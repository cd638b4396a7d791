"""What one set of lost hosts does: contents lost, and who carries the load."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from gpmirror.cluster.hostlist import natural
from gpmirror.cluster.layout import Layout
from gpmirror.errors import InvalidInput
from gpmirror.simulate.copies import Copies, copies_of
from gpmirror.simulate.unknown import unknown_host

Severity = tuple[int, float]
"""Contents lost, and the highest load factor of a survivor."""


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

    @property
    def severity(self) -> "Severity":
        """What the worst of several losses is told by: contents lost, then the highest load."""
        return (len(self.contents_lost), self.worst_load_factor)

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
    strangers = sorted(set(hosts).difference(copies.rank), key=natural)
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


def worst_pair(copies: Copies) -> Loss | None:
    """The two hosts whose loss together is worst: most contents lost, then the highest load factor,
    then the first in ring order. None with fewer than two hosts.

    Two hosts matter together only where one takes over from the other or both lose primaries to the
    same host. Of all other pairs each host's own loss tells the outcome, so they are not all walked.
    """
    single = {
        loss.lost[0]: (len(loss.contents_lost), loss.worst_load_factor if loss.gains else 0.0)
        for loss in every_host(copies)
    }
    linked = _together(copies)
    rank = copies.rank
    found = [
        (lose_from(copies, (one, other)).severity, (-rank[one], -rank[other]))
        for one, others in linked.items()
        for other in others
        if rank[one] < rank[other]
    ]
    best = max(found, default=None)
    apart = _worst_apart(copies.hosts, single, linked)
    if apart is not None:
        severity, (one, other) = apart
        best = max(filter(None, (best, (severity, (-rank[one], -rank[other])))))
    if best is None:
        return None
    return lose_from(copies, [copies.hosts[-place] for place in best[1]])


def _together(copies: Copies) -> dict[str, set[str]]:
    """Host -> the others whose loss beside it is more than the two losses."""
    linked: dict[str, set[str]] = {host: set() for host in copies.hosts}
    givers: dict[str, list[str]] = {}
    for host, heirs in copies.heirs.items():
        for heir in heirs:
            linked[host].add(heir)
            linked[heir].add(host)
            givers.setdefault(heir, []).append(host)
    for hosts in givers.values():
        for host in hosts:
            linked[host].update(hosts)
    return linked


def _worst_apart(
    hosts: Sequence[str], single: Mapping[str, Severity], linked: Mapping[str, Collection[str]]
) -> tuple[Severity, tuple[str, str]] | None:
    """The worst of the pairs that are not linked, the first in ring order; a factor of 0 in `single`
    says that nobody takes over. A host whose pairs cannot be worse than what was found is passed
    over; most are.
    """
    best: tuple[Severity, tuple[str, str]] | None = None
    most = max((lost for lost, _ in single.values()), default=0)
    highest = max([1.0, *(factor for _, factor in single.values())])
    for place, one in enumerate(hosts):
        lost, factor = single[one]
        if best is not None and (lost + most, max(factor, highest)) <= best[0]:
            continue
        near = linked[one]
        for other in islice(hosts, place + 1, None):
            if other in near:
                continue
            more, second = single[other]
            severity = (lost + more, max(factor, second) or 1.0)
            if best is None or severity > best[0]:
                best = (severity, (one, other))
    return best


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
