"""What the checks judge, and the outcome of the host checks."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from typing import Literal

from gpmirror.model.observed import Observed
from gpmirror.plan.model import Hazard, Plan
from gpmirror.preflight.facts import (
    HostFacts,
    Landing,
    LandingPlace,
    Parent,
    PrimaryServer,
    Questions,
    Room,
    SourceDirectory,
    address_of,
    text_of,
)
from gpmirror.values import dataclass

# --- The outcome of the host checks.


class Result(StrEnum):
    """A check's outcome; bad and unknown both block."""

    OK = "ok"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check on one host. `name` is what `--allow unchecked:NAME` takes. `detail` names subject,
    value and limit; `remedy` the next action, empty when the check is ok. `override` is what
    `--allow` takes to go on although the check is bad, where there is such a name.
    """

    host: str
    name: str
    result: Result
    detail: str
    remedy: str = ""
    override: str = ""

    def is_allowed(self, allowed: Collection[str]) -> bool:
        """Whether somebody accepts by name what was found, or could not be found."""
        match self.result:
            case Result.OK:
                return True
            case Result.BAD:
                return self.override in allowed
            case Result.UNKNOWN:
                return f"unchecked:{self.name}" in allowed or self.override in allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """All checks, by host in plan order and then by the order of the table of checks; hazards that
    only a look at the hosts can find (`same-machine`, `ephemeral-port`); remarks about hosts that
    are only left and may be unreachable; `sizes` are bytes by content, as measured on the primaries'
    hosts.
    """

    checks: tuple[Check, ...]
    hazards: tuple[Hazard, ...]
    notes: tuple[str, ...] = ()
    sizes: Mapping[int, int] = field(default_factory=dict)

    def blocking(self, allowed: Collection[str]) -> tuple[Check, ...]:
        """What stops an apply: bad checks and unknown ones, unless they are allowed by name."""
        return tuple(check for check in self.checks if not check.is_allowed(allowed))

    def overridden(self, allowed: Collection[str]) -> tuple[Check, ...]:
        """Bad checks that somebody allowed: the run goes on over them, and tells the figures."""
        return tuple(
            check
            for check in self.checks
            if check.result is Result.BAD and check.is_allowed(allowed)
        )


# --- What names resolve to, host by host, and whether the hosts agree.


Answers = Mapping[str, frozenset[str]]
"""Name -> addresses on one host; an empty set: it does not resolve there."""

_MARK = "0.0."


def read_names(found: Mapping[str, Sequence[str]], names: Sequence[str]) -> Answers | None:
    """The answers that came before their mark; a name whose mark is missing is left out. None: the
    host cannot resolve names at all. The empty mapping: it was asked for none.
    """
    if not names:
        return {}
    if "names" not in found or found["names"] == ["missing"]:
        return None
    answers: dict[str, frozenset[str]] = {}
    seen: set[str] = set()
    for line in found["names"]:
        address = address_of(line.split(" ")[0])
        number = _marked(address)
        if number is None:
            seen |= {address} if address is not None else set()
        elif number < len(names):
            # the same mark comes once per kind of socket
            answers.setdefault(names[number], frozenset(seen))
            seen = set()
    return answers


def read_machines(lines: Iterable[str]) -> dict[str, str | None]:
    """`NAME ADDRESS y`: the IP that stands for a name in the utilities' eyes. None: the name does not
    resolve, or nothing leads back from the address, where they give up too.
    """
    found: dict[str, str | None] = {}
    for line in lines:
        word, ip, back = [*line.split(" "), "", ""][:3]
        name = text_of(word)
        if name is not None:
            found[name] = address_of(ip) if back == "y" else None
    return found


def one_machine(machines: Mapping[str, str | None], hostname: str, address: str) -> bool | None:
    """Whether gprecoverseg takes both for one host; None: not told."""
    if hostname not in machines or address not in machines:
        return None
    here = machines[hostname]
    return here is not None and here == machines[address]


def _marked(address: str | None) -> int | None:
    """The number of the name that this mark ends."""
    if address is None or not address.startswith(_MARK):
        return None
    high, low = address[len(_MARK) :].split(".")
    number = int(high) * 256 + int(low)
    return number - 1 if number else None


def agreed(answers: Iterable[Answers]) -> dict[str, frozenset[str]]:
    """What most hosts resolve each name to; ties go to the host asked first."""
    seen: dict[str, Counter[frozenset[str]]] = {}
    for answer in answers:
        for name, addresses in answer.items():
            if addresses:
                seen.setdefault(name, Counter())[addresses] += 1
    return {name: counts.most_common(1)[0][0] for name, counts in seen.items()}


def differs(here: frozenset[str], elsewhere: frozenset[str]) -> bool:
    """Whether two answers disagree in an address family that both know."""
    pairs = [(_family(here, six=six), _family(elsewhere, six=six)) for six in (False, True)]
    known = [(one, other) for one, other in pairs if one and other]
    return not known or any(one != other for one, other in known)


def is_loopback(addresses: Iterable[str]) -> bool:
    """Whether all of them never leave the machine."""
    return all(address.startswith("127.") or address == "::1" for address in addresses)


def _family(addresses: frozenset[str], *, six: bool) -> set[str]:
    return {address for address in addresses if (":" in address) is six}


# --- Everything the checks judge: plan, catalog, questions and answers of all hosts.


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
    source: SourceDirectory
    server: PrimaryServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What most hosts say; None: no host says anything. `clock` is the median."""

    version: str | None
    checksums: str | None
    owner: str | None
    clock: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostAnswers:
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

    survey: HostAnswers
    asked: Questions
    facts: HostFacts

    @property
    def host(self) -> str:
        """The host's name in the spec."""
        return self.asked.host

    def landings(self) -> list[tuple[Landing, Parent | None, LandingPlace | None]]:
        """Each landing with its nearest existing ancestor above and what stands in its place; None:
        the host did not tell.
        """
        parents = dict(zip(self.asked.parents, self.facts.parents, strict=False))
        places: list[LandingPlace | None] = [*self.facts.places]
        places += [None] * (len(self.asked.landings) - len(places))
        return [
            (landing, parents.get(landing.parent), place)
            for landing, place in zip(self.asked.landings, places, strict=False)
        ]

    def sources(self) -> list[tuple[SourceDirectory, PrimaryServer]]:
        """Each acting primary's directory with what was found there."""
        return list(zip(self.asked.sources, self.facts.servers, strict=False))


def survey(
    plan: Plan,
    observed: Observed,
    questions: Mapping[str, Questions],
    facts: Mapping[str, HostFacts],
) -> HostAnswers:
    """The survey of the hosts that answered."""
    seen = [
        Seen(host=host, source=source, server=server)
        for host, found in facts.items()
        for source, server in zip(questions[host].sources, found.servers, strict=False)
    ]
    planned = {c.content: c.size for c in plan.changes if c.size is not None}
    return HostAnswers(
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


def visits(found: HostAnswers) -> list[Visit]:
    """Every host that answered."""
    return [
        Visit(survey=found, asked=found.questions[host], facts=facts)
        for host, facts in found.facts.items()
    ]


def _commonest(values: Iterable[str | None]) -> str | None:
    """The value that most have; ties go to the first."""
    counts = Counter(value for value in values if value is not None)
    return counts.most_common(1)[0][0] if counts else None
