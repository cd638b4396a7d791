"""What every single host, every rack and every pair of hosts lost would do to a layout."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from gpmirror.cluster.layout import Layout
from gpmirror.simulate.copies import Copies, copies_by_rack, copies_of, rack_names
from gpmirror.simulate.fatal import fatal_pair_count, fatal_pairs
from gpmirror.simulate.loss import Loss, every_host, lose_from, worst_pair


@dataclass(frozen=True, slots=True, kw_only=True)
class RackLoss:
    """A whole rack lost: all its hosts together."""

    rack: str
    loss: Loss


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstLoad:
    """The highest load factor any single host loss causes, and where."""

    lost: str
    survivor: str
    before: int
    after: int
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """All single losses of a layout. `hosts` in ring order, `racks` by name.

    A pair of hosts is fatal when losing both loses at least one content. The pairs are counted
    without walking them; `fatal_pairs` and `fatal_pair_losses` list the fatal ones when asked.
    `shows_pairs` tells renderings whether to.
    """

    layout: Layout = field(repr=False)
    hosts: tuple[Loss, ...]
    racks: tuple[RackLoss, ...]
    pair_count: int
    fatal_pair_count: int
    shows_pairs: bool
    copies: Copies = field(repr=False, compare=False)
    rack_copies: Copies = field(repr=False, compare=False)

    @property
    def fatal_pairs(self) -> tuple[tuple[str, str], ...]:
        """Every fatal pair of hosts, sorted, each in name order."""
        return fatal_pairs(self.copies)

    @property
    def survives_any_host(self) -> bool:
        """Whether every content lives, and no single host loss loses one."""
        return not (self.copies.dead or any(self.copies.alone.values()))

    @property
    def survives_any_rack(self) -> bool | None:
        """Whether every content lives, and no rack loss loses one; None with fewer than two racks."""
        if len(self.racks) == 1 or not self.racks:
            return None
        return not (self.copies.dead or any(self.rack_copies.alone.values()))

    @property
    def survives_any_two_hosts(self) -> bool:
        """Whether no loss of up to two hosts loses a content."""
        return self.survives_any_host and not self.fatal_pair_count

    @property
    def worst_load_after_one_host(self) -> WorstLoad | None:
        """The highest load factor after one host loss; None where nobody takes over."""
        worst = max(self.hosts, key=_takeover_factor, default=None)
        load = None if worst is None else worst.worst
        if worst is None or load is None:
            return None
        return WorstLoad(
            lost=worst.lost[0],
            survivor=load.host,
            before=load.before,
            after=load.after,
            factor=load.factor,
        )

    def fatal_pair_losses(self) -> Iterator[Loss]:
        """The loss of every fatal pair, in the order of `fatal_pairs`, worked out one by one."""
        return (lose_from(self.copies, pair) for pair in self.fatal_pairs)

    @property
    def worst_pair(self) -> Loss | None:
        """The loss of the worst two hosts together; None with fewer than two hosts."""
        return worst_pair(self.copies)


def survey(layout: Layout, *, pairs: bool = True) -> Survey:
    """Lose every host and every rack in turn, and count the fatal pairs of hosts.

    `pairs` asks renderings to list the pairs too; the survey itself costs the same.
    """
    copies = copies_of(layout)
    count = len(copies.hosts)
    return Survey(
        layout=layout,
        hosts=every_host(copies),
        racks=_every_rack(layout, copies),
        pair_count=count * (count - 1) // 2,
        fatal_pair_count=fatal_pair_count(copies),
        shows_pairs=pairs,
        copies=copies,
        rack_copies=copies_by_rack(layout),
    )


def _every_rack(layout: Layout, copies: Copies) -> tuple[RackLoss, ...]:
    members: dict[str, list[str]] = {rack: [] for rack in rack_names(layout)}
    for host in layout.hosts:
        if host in layout.racks:
            members[layout.racks[host]].append(host)
    return tuple(
        RackLoss(rack=rack, loss=lose_from(copies, hosts, label=f"rack {rack}"))
        for rack, hosts in members.items()
    )


def _takeover_factor(loss: Loss) -> float:
    return loss.worst_load_factor if loss.gains else 0.0
