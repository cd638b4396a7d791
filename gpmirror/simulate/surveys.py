"""What every single host, rack and pair lost would do to a layout, whether the policy allows it, and
how that is told.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from itertools import islice
from typing import Literal

from gpmirror.model.layout import Layout
from gpmirror.model.names import one_expression
from gpmirror.model.text import counted, ranges
from gpmirror.simulate.loss import (
    Copies,
    Load,
    Loss,
    copies_by_rack,
    copies_of,
    every_host,
    lose_from,
    rack_names,
    worst_pair,
)
from gpmirror.values import dataclass

# --- Which pairs of hosts (or racks) lose a content together, found without walking all pairs.


def fatal_pair_count(copies: Copies) -> int:
    """How many pairs lose at least one content; every pair with a fatal host in it does."""
    alone = _fatal_alone(copies)
    fatal, sound = len(alone), len(copies.hosts) - len(alone)
    within = sum(1 for one, other in copies.linked_pairs() if not {one, other} & alone)
    return fatal * (fatal - 1) // 2 + fatal * sound + within


def fatal_pairs(copies: Copies) -> tuple[tuple[str, str], ...]:
    """Every such pair, sorted, each in name order."""
    found = copies.linked_pairs()
    for host in _fatal_alone(copies):
        found.update((min(host, other), max(host, other)) for other in copies.hosts)
        found.discard((host, host))
    return tuple(sorted(found))


def worst_alone(copies: Copies) -> str | None:
    """The host whose loss loses the most contents, the first in ring order; None if none does."""
    worst = max(copies.hosts, key=lambda host: len(copies.alone[host]), default=None)
    return worst if worst is not None and copies.alone[worst] else None


def _fatal_alone(copies: Copies) -> set[str]:
    return {host for host, contents in copies.alone.items() if contents}


# --- What every single host, every rack and every pair of hosts lost would do to a layout.


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


# --- The fixed wordings that survey lines and policy verdicts share; scripts look for them.


_CONTENTS_SHOWN = 8


def contents_lost(contents: Sequence[int]) -> str:
    """`3 contents lost (0, 4, 9)`; the first few ids only. The plural is part of the format."""
    count = len(contents)
    if not count:
        return "0 contents lost"
    shown = ", ".join(str(content) for content in contents[:_CONTENTS_SHOWN])
    more = count - _CONTENTS_SHOWN
    return f"{count} contents lost ({shown}{f', +{more} more' if more > 0 else ''})"


def without_copy(contents: Sequence[int]) -> str:
    """`no live copy: 2 contents (3, 7)`; never an empty list."""
    shown = ranges(contents, most=_CONTENTS_SHOWN)
    return f"no live copy: {counted(len(contents), 'content')} ({shown})"


def load_told(found: Load) -> str:
    """`data02 4 -> 8 primaries (x2.0)`."""
    taken = f"{found.host} {found.before} -> {found.after} primaries"
    return f"{taken} ({times_told(found.before, found.factor)})"


def times_told(before: int, value: float) -> str:
    """`x2.0`; where a host had no primaries its load is compared with the other hosts' mean."""
    return f"x{factor_told(value)}" if before else f"x{factor_told(value)} of the average host's"


def factor_told(value: float) -> str:
    """At most two decimals, at least one: `2.0`, `1.25`, `1.33`."""
    text = f"{value:.2f}"
    return text.removesuffix("0")


# --- Does a layout survive what the policy says it must?


Domain = Literal["host", "rack"]
Demand = tuple[Literal[1, 2], Domain]
"""(count, of): any `count` hosts or racks may be lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One demand of the policy judged. `evidence` names the worst case, met or not."""

    name: str
    ok: bool
    evidence: str


def judge_policy(
    layout: Layout, survive: Sequence[Demand], max_load_factor: float | None
) -> tuple[Judgement, ...]:
    """A verdict for each loss to survive, in order, then for the load factor if limited."""
    return judge_survey(survey(layout, pairs=False), survive, max_load_factor)


def judge_survey(
    surveyed: Survey, survive: Sequence[Demand], max_load_factor: float | None
) -> tuple[Judgement, ...]:
    """`judge_policy` for a layout that is surveyed already."""
    verdicts = [_survive(surveyed, count, of) for count, of in survive]
    if max_load_factor is not None:
        verdicts.append(_load(surveyed, max_load_factor))
    return tuple(verdicts)


def _survive(surveyed: Survey, count: int, of: Domain) -> Judgement:
    name = f"survive any {count} {of if count == 1 else f'{of}s'}"
    if of == "rack" and surveyed.survives_any_rack is None:
        known = len(surveyed.racks)
        return Judgement(
            name=name, ok=False, evidence=f"needs at least 2 racks, the layout names {known}"
        )
    copies = surveyed.copies if of == "host" else surveyed.rack_copies
    worst = _worst(copies, count)
    told = "" if not worst else f"{_lost_line(copies, worst, of)}; "
    dead = surveyed.copies.dead
    if dead:
        told = f"{without_copy(dead)}; {told}"
    evidence = f"{told}{_fatal_line(copies, count, of)}"
    if of == "rack":
        racks = surveyed.layout.racks
        bare = [host for host in surveyed.copies.hosts if host not in racks]
        evidence += f"; {len(bare)} hosts are in no rack, first {bare[0]}" if bare else ""
    return Judgement(name=name, ok=not worst and not dead, evidence=evidence)


def _worst(copies: Copies, count: int) -> tuple[str, ...]:
    pair = worst_pair(copies) if count > 1 else None
    if pair is not None:
        return pair.lost if pair.contents_lost else ()
    alone = worst_alone(copies)
    return () if alone is None else (alone,)


def _lost_line(copies: Copies, lost: tuple[str, ...], of: Domain) -> str:
    names = " + ".join(name if of == "host" else f"rack {name}" for name in lost)
    return f"lose {names}: {contents_lost(copies.contents_lost(lost))}"


def _fatal_line(copies: Copies, count: int, of: Domain) -> str:
    total = len(copies.hosts)
    if count == 1:
        fatal = sum(1 for contents in copies.alone.values() if contents)
        return f"fatal {of}s: {fatal} of {total}"
    return f"fatal {of} pairs: {fatal_pair_count(copies)} of {total * (total - 1) // 2}"


def _load(surveyed: Survey, limit: float) -> Judgement:
    name = f"max_load_factor {float(limit)}"
    worst = surveyed.worst_load_after_one_host
    if worst is None:
        return Judgement(name=name, ok=True, evidence="no host loss moves a primary")
    taken = f"{worst.survivor} {worst.before} -> {worst.after} primaries"
    evidence = f"lose {worst.lost}: {taken} (x{factor_told(worst.factor)})"
    return Judgement(name=name, ok=worst.factor <= limit, evidence=evidence)


# --- Failure simulation for eyes: one line a loss, then what is fatal and what is worst.


_LOADS_SHOWN = 4
_PAIRS_SHOWN = 20


def survey_text(simulated: Survey | Sequence[Loss], *, title: str) -> str:
    """The lines below `title`, the worst case last; ends with a newline."""
    match simulated:
        case Survey():
            lines = _survey_lines(simulated)
        case _:
            lines = _loss_lines(simulated)
    return "\n".join([title, *lines]) + "\n"


def loss_text(loss: Loss) -> str:
    """`lose data01: 0 contents lost; data02 4 -> 8 primaries (x2.0)`, without a newline."""
    return f"lose {loss.label}: {_harm(loss)}"


def _survey_lines(surveyed: Survey) -> list[str]:
    lines = _dead_lines(surveyed.copies)
    lines += [loss_text(loss) for loss in surveyed.hosts]
    lines += [loss_text(found.loss) for found in surveyed.racks]
    if surveyed.shows_pairs:
        lines += _pair_lines(surveyed)
    lines.append(f"fatal host pairs: {surveyed.fatal_pair_count} of {surveyed.pair_count}")
    return lines + _closing("worst single host", surveyed.hosts)


def _loss_lines(losses: Sequence[Loss]) -> list[str]:
    lines = _dead_lines(losses[0].copies) if losses else []
    lines += [loss_text(loss) for loss in losses]
    return lines + (_closing("worst", losses) if len(losses) > 1 else [])


def _dead_lines(copies: Copies) -> list[str]:
    """Contents that are lost already, until one of their copies is started: no loss counts them."""
    return [without_copy(copies.dead)] if copies.dead else []


def _pair_lines(surveyed: Survey) -> list[str]:
    shown = [
        loss_text(lose_from(surveyed.copies, pair)) for pair in surveyed.fatal_pairs[:_PAIRS_SHOWN]
    ]
    more = surveyed.fatal_pair_count - len(shown)
    if more > 0:
        shown.append(f"+{more} more fatal pairs")
    return shown + _closing("worst pair", filter(None, [surveyed.worst_pair]))


def _closing(what: str, losses: Iterable[Loss]) -> list[str]:
    """The worst of them; others that are as bad are named, for it is not worse than they are."""
    found = list(losses)
    worst = max(found, key=lambda loss: loss.severity, default=None)
    if worst is None:
        return []
    alike = [one.label for one in found if one is not worst and one.severity == worst.severity]
    others = f"; as bad: {one_expression(alike)}" if alike else ""
    return [f"{what}: {worst.label}, {_harm(worst)}{others}"]


def _harm(loss: Loss) -> str:
    lost = contents_lost(loss.contents_lost)
    loads = loss.loads
    if not loads:
        return f"{lost}; no primaries move"
    shown = ", ".join(load_told(load) for load in islice(loads, _LOADS_SHOWN))
    more = len(loads) - _LOADS_SHOWN
    return f"{lost}; {shown}" + (f", +{more} more" if more > 0 else "")


# --- Failure simulation for machines: plain values, ready to be written as JSON.


FORMAT_VERSION = "1.0"

Json = Mapping[str, "Json"] | Sequence["Json"] | str | int | float | bool | None

_FACTOR_DECIMALS = 4


def survey_json(simulated: Survey | Sequence[Loss], *, title: str) -> dict[str, Json]:
    """All losses, their hosts in ring order, keys and ids sorted.

    `primaries_after` of a loss holds only the survivors that take over primaries; all others
    keep their number in `primaries`. `pairs` are the fatal ones. `none` are the contents without a live copy: no loss counts
    them.
    """
    match simulated:
        case Survey():
            body, dead = _survey(simulated), simulated.copies.dead
        case _:
            body = {"losses": [_loss(loss) for loss in simulated]}
            dead = simulated[0].copies.dead if simulated else ()
    return {"format_version": FORMAT_VERSION, "title": title, "none": list(dead), **body}


def _survey(surveyed: Survey) -> dict[str, Json]:
    body: dict[str, Json] = {
        "fatal_pairs": [list(pair) for pair in surveyed.fatal_pairs],
        "fatal_pair_count": surveyed.fatal_pair_count,
        "hosts": [_loss(loss) for loss in surveyed.hosts],
        "pair_count": surveyed.pair_count,
        "primaries": dict(sorted(surveyed.copies.primaries.items())),
        "racks": [{"rack": found.rack, **_loss(found.loss)} for found in surveyed.racks],
        "survives": {
            "any_host": surveyed.survives_any_host,
            "any_rack": surveyed.survives_any_rack,
            "any_two_hosts": surveyed.survives_any_two_hosts,
        },
        "worst_load_after_one_host": _worst_load(surveyed),
    }
    if surveyed.shows_pairs:
        worst = surveyed.worst_pair
        body["pairs"] = [_loss(loss) for loss in surveyed.fatal_pair_losses()]
        body["worst_pair"] = None if worst is None else _loss(worst)
    return body


def _worst_load(surveyed: Survey) -> Json:
    worst = surveyed.worst_load_after_one_host
    if worst is None:
        return None
    return {
        "after": worst.after,
        "before": worst.before,
        "factor": round(worst.factor, _FACTOR_DECIMALS),
        "lost": worst.lost,
        "survivor": worst.survivor,
    }


def _loss(loss: Loss) -> dict[str, Json]:
    primaries, gains = loss.copies.primaries, loss.gains
    return {
        "contents_lost": list(loss.contents_lost),
        "lost": list(loss.lost),
        "primaries_after": {host: primaries[host] + gains[host] for host in sorted(gains)},
        "worst_host": loss.worst_host,
        "worst_load_factor": round(loss.worst_load_factor, _FACTOR_DECIMALS),
    }
