"""What one set of lost hosts does, contents lost and who carries the load; and how it is named."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field
from itertools import islice

from gpmirror.diagnostics import Diagnostic
from gpmirror.errors import InvalidInput
from gpmirror.model.layout import Layout, Pair, only_host
from gpmirror.model.names import natural
from gpmirror.simulate.codes import BAD_TARGET, UNKNOWN_HOST, UNKNOWN_RACK
from gpmirror.values import dataclass

# --- Where the copies of all contents lie, indexed by host: what every failure question asks.


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Copies:
    """A layout as failure sees it; hosts may also be racks, see `copies_by_rack`.

    `alone`: host -> contents with no copy elsewhere. `heirs`: host -> other host -> contents
    whose primary is on the first and whose mirror is on the second; `gains` counts these.
    `primaries`: host -> number of primaries before any loss. `rank`: host -> ring position.
    `primary_of`: content -> host of its primary. `total` primaries lie on `holders` hosts.
    `dead`: contents without any live copy, sorted: no loss takes them, nobody takes them over.
    """

    hosts: tuple[str, ...]
    rank: Mapping[str, int]
    primaries: Mapping[str, int]
    alone: Mapping[str, Sequence[int]]
    heirs: Mapping[str, Mapping[str, Sequence[int]]]
    gains: Mapping[str, Mapping[str, int]]
    primary_of: Mapping[int, str]
    total: int
    holders: int
    dead: tuple[int, ...] = ()

    def load_factor(self, host: str, after: int) -> float:
        """`after` primaries over the host's own number, or over the mean of the hosts that
        have primaries where it has none. One division, so that 11 over 10 is exactly 1.1.
        """
        before = self.primaries[host]
        return after / before if before else after * self.holders / self.total

    def contents_lost(self, lost: Collection[str]) -> tuple[int, ...]:
        """Contents without a copy outside the hosts `lost`, sorted."""
        gone: list[int] = []
        for host in lost:
            gone += self.alone[host]
            heirs = self.heirs[host]
            for heir in heirs.keys() & lost:
                gone += heirs[heir]
        return tuple(sorted(gone))

    def linked_pairs(self) -> set[tuple[str, str]]:
        """Pairs of hosts, each in name order, that hold both copies of some content."""
        return {_in_order(host, heir) for host, heirs in self.heirs.items() for heir in heirs}


def copies_of(layout: Layout) -> Copies:
    """Index a layout. Hosts that only the pairs name come last, in name order."""
    pairs = sorted(layout.pairs, key=_pair_key)
    hosts = _all_hosts(layout.hosts, pairs)
    counted = Counter(pair.primary for pair in pairs)
    alone: dict[str, list[int]] = {host: [] for host in hosts}
    heirs: dict[str, dict[str, list[int]]] = {host: {} for host in hosts}
    for pair in pairs:
        only = only_host(pair.live_hosts)
        if only is not None:
            alone[only].append(pair.content)
        elif pair.lives and pair.mirror is not None:
            heirs[pair.primary].setdefault(pair.mirror, []).append(pair.content)
    return Copies(
        hosts=hosts,
        rank={host: rank for rank, host in enumerate(hosts)},
        primaries={host: counted[host] for host in hosts},
        alone=alone,
        heirs=heirs,
        gains={
            host: {heir: len(contents) for heir, contents in found.items()}
            for host, found in heirs.items()
        },
        primary_of={pair.content: pair.primary for pair in pairs},
        total=len(pairs),
        holders=len(counted),
        dead=tuple(pair.content for pair in pairs if not pair.lives),
    )


def copies_by_rack(layout: Layout) -> Copies:
    """The layout with racks for hosts: which contents live in one or two racks only.

    Hosts without a rack belong to none: a content with a copy there survives every rack loss
    and is left out.
    """
    racks = layout.racks
    pairs = tuple(
        Pair(pair.content, racks[pair.primary], racks[pair.mirror or pair.primary], pair.lives)
        for pair in layout.pairs
        if pair.primary in racks and (pair.mirror is None or pair.mirror in racks)
    )
    return copies_of(Layout(pairs=pairs, hosts=rack_names(layout)))


def rack_names(layout: Layout) -> tuple[str, ...]:
    """The racks of the layout's hosts, sorted."""
    return tuple(sorted({layout.racks[host] for host in layout.hosts if host in layout.racks}))


def _all_hosts(listed: Iterable[str], pairs: Iterable[Pair]) -> tuple[str, ...]:
    named = {pair.primary for pair in pairs}
    named.update(pair.mirror for pair in pairs if pair.mirror is not None)
    known = dict.fromkeys(listed)
    return (*known, *sorted(named.difference(known), key=natural))


def _pair_key(pair: Pair) -> tuple[int, str, str]:
    return (pair.content, pair.primary, pair.mirror or "")


def _in_order(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)


# --- Diagnostics for hosts and racks that a layout does not have.


_NAMES_SHOWN = 8
_LONGEST_GUESSED = 255  # a host name is never longer; keeps hostile names from costing time


def unknown_host(
    name: str, hosts: Sequence[str], *, prefix: str = "host:", of: str = "layout"
) -> Diagnostic:
    """A host to lose that is not among `hosts`; `prefix` is what the command writes before a name."""
    return Diagnostic(
        code=UNKNOWN_HOST,
        message=f"host {quoted(name)} is not one of the {len(hosts)} hosts of this {of}",
        hint=_hint(name, hosts, prefix=prefix),
    )


def _unknown_rack(name: str, racks: Sequence[str]) -> Diagnostic:
    """A rack to lose that is not among `racks`."""
    if not racks:
        return Diagnostic(
            code=UNKNOWN_RACK,
            message=f"rack {quoted(name)} cannot be lost: this layout names no racks",
            hint="give the hosts a `rack:` in the spec and simulate the spec",
        )
    return Diagnostic(
        code=UNKNOWN_RACK,
        message=f"rack {quoted(name)} is not one of the {len(racks)} racks of this layout",
        hint=_hint(name, racks, prefix="rack:"),
    )


def quoted(name: str) -> str:
    """The name as typed, control characters escaped, cut short where absurdly long."""
    return repr(name if len(name) <= _LONGEST_GUESSED else name[:40] + "...")


def _hint(name: str, known: Sequence[str], *, prefix: str) -> str:
    near = _nearest(name, known)
    if near is not None:
        return f"did you mean `{prefix}{near}`?"
    return f"known: {_listed(known)}" if known else "the layout is empty"


def _nearest(name: str, known: Iterable[str]) -> str | None:
    # only a mistake pays for this import, not every plan
    from difflib import get_close_matches

    if len(name) > _LONGEST_GUESSED:
        return None
    by_folded = {candidate.casefold(): candidate for candidate in known}
    found = get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f", +{more} more" if more > 0 else "")


# --- What one set of lost hosts does: contents lost, and who carries the load.


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


# --- What the user wants to lose: `host:NAME` and `rack:NAME` read against a layout.


@dataclass(frozen=True, slots=True, kw_only=True)
class LossTarget:
    """Hosts to lose at once; `label` is `sdw3` for a host, `rack a` for a rack."""

    label: str
    hosts: tuple[str, ...]


def parse_targets(texts: Sequence[str], layout: Layout) -> tuple[LossTarget, ...]:
    """Read `host:NAME` and `rack:NAME`, in order, each once.

    Raises InvalidInput with every text that is neither (GPM-P902), names an unknown host
    (GPM-P901) or an unknown rack (GPM-P903).
    """
    copies = copies_of(layout)
    parsed = [_parse(text, layout, copies) for text in dict.fromkeys(texts)]
    problems = [found for found in parsed if isinstance(found, Diagnostic)]
    if problems:
        raise InvalidInput(problems)
    return tuple(found for found in parsed if isinstance(found, LossTarget))


def lose_targets(layout: Layout, targets: Sequence[LossTarget]) -> Loss:
    """Lose all targets together, labelled `sdw3 + rack a`."""
    hosts = {host for target in targets for host in target.hosts}
    label = " + ".join(target.label for target in targets)
    return lose_from(copies_of(layout), hosts, label=label)


def _parse(text: str, layout: Layout, copies: Copies) -> LossTarget | Diagnostic:
    kind, colon, name = text.partition(":")
    if colon and name and kind == "host":
        if name not in copies.rank:
            return unknown_host(name, copies.hosts)
        return LossTarget(label=name, hosts=(name,))
    if colon and name and kind == "rack":
        hosts = tuple(host for host in layout.hosts if layout.racks.get(host) == name)
        if not hosts:
            return _unknown_rack(name, rack_names(layout))
        return LossTarget(label=f"rack {name}", hosts=hosts)
    meant = text if text in copies.rank else "NAME"
    return Diagnostic(
        code=BAD_TARGET,
        message=f"{quoted(text)} names neither a host nor a rack to lose",
        hint=f"write `host:{meant}`, or `rack:NAME`",
    )
