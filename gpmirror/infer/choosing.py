"""Which candidate spec says the most with the least, and passes the proof."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from gpmirror.diagnostics import Diagnostic, Place
from gpmirror.errors import InvalidInput
from gpmirror.infer.arrangements import arrangements
from gpmirror.infer.fitting import candidate, misfits, template
from gpmirror.infer.model import Arrangement, Facts
from gpmirror.infer.ports import port_rules
from gpmirror.infer.proof import proved
from gpmirror.infer.writing import spec_text
from gpmirror.plan.model import Plan
from gpmirror.spec.model import Spec, Strategy

_MANY_CONTENTS = 1_500
_TRIED, _TRIED_OF_MANY = 6, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A spec that passed, as the value that its text gave, and its plan."""

    draft: Spec
    spec: Spec
    plan: Plan


def choose(facts: Facts, name: str) -> Chosen:
    """The candidate with the fewest pins, then the one that computes most mirrors where they are,
    then the shortest text. Raises InvalidInput (GPM-P403) when none passes the proof.
    """
    tried = 0
    for draft in _drafts(facts):
        named = replace(draft, cluster=name)
        found = proved(spec_text(named), facts.observed)
        if found is not None:
            return Chosen(draft=named, spec=found[0], plan=found[1])
        tried += 1
    raise InvalidInput([_none_passes(facts, tried)])


def _drafts(facts: Facts) -> Iterator[Spec]:
    """Candidates, the best first, the pinned ones last. No arrangement but pinned is left where
    every other would need pins for more than half of the mirrors.
    """
    found = arrangements(facts)
    most = _TRIED_OF_MANY if len(facts.home) > _MANY_CONTENTS else _TRIED
    fewest = len(found[0].off)
    likely = [one for one in found[:-1] if len(one.off) == fewest][:most]
    drafts = _ranked(facts, likely)
    yield from drafts
    others = [one for one in found[:-1] if one not in likely][:most]
    yield from _ranked(facts, [*others, found[-1]])


def _ranked(facts: Facts, tried: list[Arrangement]) -> list[Spec]:
    directory = template(facts)
    rules = port_rules(facts)
    drafts = [candidate(facts, one, rule, directory) for one in tried for rule in rules]
    if not drafts:
        return []
    fewest = min(len(draft.pins) for draft in drafts)
    first = [draft for draft in drafts if len(draft.pins) == fewest]
    rest = [draft for draft in drafts if len(draft.pins) != fewest]
    return [*_by_misfits(facts, first), *sorted(rest, key=lambda draft: len(draft.pins))]


def _by_misfits(facts: Facts, drafts: list[Spec]) -> list[Spec]:
    """Fewest misfits first, then shortest text. One without misfits ends the search: the
    arrangements come in the order of their simplicity.
    """
    scored: list[tuple[int, int, int, Spec]] = []
    for number, draft in enumerate(drafts):
        wrong = misfits(draft, facts)
        scored.append((wrong, len(spec_text(draft)), number, draft))
        if wrong == 0 and draft.strategy is not Strategy.PINNED:
            break
    ranked = [draft for *_, draft in sorted(scored, key=lambda score: score[:3])]
    return [*ranked, *drafts[len(scored) :]]


def _none_passes(facts: Facts, tried: int) -> Diagnostic:
    source = facts.observed.source
    return Diagnostic(
        code="GPM-P403",
        message=f"none of {tried} candidate specs gives back {source}: each would add or move "
        "mirrors, or contradicts a rule of placement",
        place=Place(file=source),
        hint="start from `gpmirror init` and let `gpmirror plan` show what differs",
    )
