"""Does a layout survive what the policy says it must?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gpmirror.cluster.layout import Layout
from gpmirror.simulate import phrases
from gpmirror.simulate.copies import Copies
from gpmirror.simulate.fatal import fatal_pair_count, worst_alone
from gpmirror.simulate.loss import worst_pair
from gpmirror.simulate.surveys import Survey, survey

Domain = Literal["host", "rack"]
Demand = tuple[Literal[1, 2], Domain]
"""(count, of): any `count` hosts or racks may be lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One demand of the policy judged. `evidence` names the worst case, met or not."""

    name: str
    ok: bool
    evidence: str


def judge(
    layout: Layout, survive: Sequence[Demand], max_load_factor: float | None
) -> tuple[Verdict, ...]:
    """A verdict for each loss to survive, in order, then for the load factor if limited."""
    return judge_survey(survey(layout, pairs=False), survive, max_load_factor)


def judge_survey(
    surveyed: Survey, survive: Sequence[Demand], max_load_factor: float | None
) -> tuple[Verdict, ...]:
    """`judge` for a layout that is surveyed already."""
    verdicts = [_survive(surveyed, count, of) for count, of in survive]
    if max_load_factor is not None:
        verdicts.append(_load(surveyed, max_load_factor))
    return tuple(verdicts)


def _survive(surveyed: Survey, count: int, of: Domain) -> Verdict:
    name = f"survive any {count} {of if count == 1 else f'{of}s'}"
    if of == "rack" and surveyed.survives_any_rack is None:
        known = len(surveyed.racks)
        return Verdict(
            name=name, ok=False, evidence=f"needs at least 2 racks, the layout names {known}"
        )
    copies = surveyed.copies if of == "host" else surveyed.rack_copies
    worst = _worst(copies, count)
    told = "" if not worst else f"{_lost_line(copies, worst, of)}; "
    dead = surveyed.copies.dead
    if dead:
        told = f"{phrases.without_copy(dead)}; {told}"
    evidence = f"{told}{_fatal_line(copies, count, of)}"
    if of == "rack":
        evidence += _unracked(surveyed)
    return Verdict(name=name, ok=not worst and not dead, evidence=evidence)


def _worst(copies: Copies, count: int) -> tuple[str, ...]:
    pair = worst_pair(copies) if count > 1 else None
    if pair is not None:
        return pair.lost if pair.contents_lost else ()
    alone = worst_alone(copies)
    return () if alone is None else (alone,)


def _lost_line(copies: Copies, lost: tuple[str, ...], of: Domain) -> str:
    names = " + ".join(name if of == "host" else f"rack {name}" for name in lost)
    return f"lose {names}: {phrases.contents_lost(copies.contents_lost(lost))}"


def _fatal_line(copies: Copies, count: int, of: Domain) -> str:
    total = len(copies.hosts)
    if count == 1:
        fatal = sum(1 for contents in copies.alone.values() if contents)
        return f"fatal {of}s: {fatal} of {total}"
    return f"fatal {of} pairs: {fatal_pair_count(copies)} of {total * (total - 1) // 2}"


def _unracked(surveyed: Survey) -> str:
    racks = surveyed.layout.racks
    bare = [host for host in surveyed.copies.hosts if host not in racks]
    return f"; {len(bare)} hosts are in no rack, first {bare[0]}" if bare else ""


def _load(surveyed: Survey, limit: float) -> Verdict:
    name = f"max_load_factor {float(limit)}"
    worst = surveyed.worst_load_after_one_host
    if worst is None:
        return Verdict(name=name, ok=True, evidence="no host loss moves a primary")
    taken = f"{worst.survivor} {worst.before} -> {worst.after} primaries"
    evidence = f"lose {worst.lost}: {taken} (x{phrases.factor(worst.factor)})"
    return Verdict(name=name, ok=worst.factor <= limit, evidence=evidence)
