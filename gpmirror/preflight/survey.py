"""Everything the checks judge: plan, catalog, questions and answers of all hosts."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from gpmirror.cluster.observed import Observed
from gpmirror.plan.model import Plan
from gpmirror.preflight.facts import HostFacts, Parent, Place, Room, Server
from gpmirror.preflight.model import Result
from gpmirror.preflight.names import Answers, agreed
from gpmirror.preflight.questions import Landing, Questions, Source

LocationState = Literal["usable", "closed", "absent"]

Locations = Mapping[str, Mapping[str, LocationState]]
"""Host -> tablespace location -> how it is."""

Rooms = Mapping[str, Mapping[str, tuple[int, Room]]]
"""Host -> tablespace location -> its file system: device and room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found about one subject on one host."""

    result: Result
    detail: str
    remedy: str = ""
    override: str = ""


def ok(detail: str) -> Finding:
    """Nothing stands in the way."""
    return Finding(result=Result.OK, detail=detail)


def bad(detail: str, remedy: str, *, override: str = "") -> Finding:
    """A start would fail, or do harm; `override` names what allows it all the same."""
    return Finding(result=Result.BAD, detail=detail, remedy=remedy, override=override)


def unknown(detail: str, remedy: str) -> Finding:
    """The host could not tell."""
    return Finding(result=Result.UNKNOWN, detail=detail, remedy=remedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An acting primary's directory as its host saw it."""

    host: str
    source: Source
    server: Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What most hosts say; None: no host says anything. `clock` is the median."""

    version: str | None
    checksums: str | None
    owner: str | None
    clock: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """All hosts that answered, in plan order. `resolved` is what most of them resolve a name to;
    `sources` holds acting primaries by content, `sizes` bytes as the server or the plan tells,
    `locations` what hosts that were asked once more said of tablespace locations, `rooms` what is
    free there.
    """

    plan: Plan
    observed: Observed
    questions: Mapping[str, Questions]
    facts: Mapping[str, HostFacts]
    resolved: Answers
    sources: Mapping[int, Seen]
    sizes: Mapping[int, int]
    usual: Usual
    locations: Locations = field(default_factory=dict)
    rooms: Rooms = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One host's questions and answer amid the survey."""

    survey: Survey
    asked: Questions
    facts: HostFacts

    @property
    def host(self) -> str:
        """The host's name in the spec."""
        return self.asked.host

    def landings(self) -> list[tuple[Landing, Parent | None, Place | None]]:
        """Each landing with its nearest existing ancestor above and what stands in its place; None:
        the host did not tell.
        """
        parents = dict(zip(self.asked.parents, self.facts.parents, strict=False))
        places: list[Place | None] = [*self.facts.places]
        places += [None] * (len(self.asked.landings) - len(places))
        return [
            (landing, parents.get(landing.parent), place)
            for landing, place in zip(self.asked.landings, places, strict=False)
        ]

    def sources(self) -> list[tuple[Source, Server]]:
        """Each acting primary's directory with what was found there."""
        return list(zip(self.asked.sources, self.facts.servers, strict=False))


def survey(
    plan: Plan,
    observed: Observed,
    questions: Mapping[str, Questions],
    facts: Mapping[str, HostFacts],
) -> Survey:
    """The survey of the hosts that answered."""
    seen = [
        Seen(host=host, source=source, server=server)
        for host, found in facts.items()
        for source, server in zip(questions[host].sources, found.servers, strict=False)
    ]
    planned = {c.content: c.size for c in plan.changes if c.size is not None}
    return Survey(
        plan=plan,
        observed=observed,
        questions=questions,
        facts=facts,
        resolved=agreed(found.names or {} for found in facts.values()),
        sources={one.source.content: one for one in seen},
        sizes={**planned, **observed.sizes},
        usual=_usual(facts.values(), seen),
    )


def _usual(facts: Collection[HostFacts], seen: Iterable[Seen]) -> Usual:
    clocks = sorted(found.clock for found in facts if found.clock is not None)
    return Usual(
        version=_commonest(found.version for found in facts),
        checksums=_commonest(found.checksums for found in facts),
        owner=_commonest(one.server.status.who for one in seen if one.server.status is not None),
        clock=clocks[len(clocks) // 2] if clocks else None,
    )


def visits(found: Survey) -> list[Visit]:
    """Every host that answered."""
    return [
        Visit(survey=found, asked=found.questions[host], facts=facts)
        for host, facts in found.facts.items()
    ]


def _commonest(values: Iterable[str | None]) -> str | None:
    """The value that most have; ties go to the first."""
    counts = Counter(value for value in values if value is not None)
    return counts.most_common(1)[0][0] if counts else None
