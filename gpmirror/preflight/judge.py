"""Answers -> verdict: every check on every host, hazards and remarks."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from gpmirror.cluster.observed import Observed
from gpmirror.plan.model import Plan
from gpmirror.preflight.asking import questions
from gpmirror.preflight.checks import CHECKS
from gpmirror.preflight.hazards import live_hazards
from gpmirror.preflight.model import Check, Preflight, Result
from gpmirror.preflight.questions import Questions
from gpmirror.preflight.reading import read_facts
from gpmirror.preflight.software import remarks
from gpmirror.preflight.space import measured_sizes
from gpmirror.preflight.survey import Survey, Visit, survey, visits


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """A host that gave no answer: why, and what to do."""

    reason: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What all hosts said, read: their questions, why some said nothing, and the survey of the
    others.
    """

    asked: Mapping[str, Questions]
    silence: Mapping[str, Silent]
    found: Survey


def read_answers(
    plan: Plan, observed: Observed, outputs: Mapping[str, str], silent: Mapping[str, Silent]
) -> Answers:
    """`outputs` are what the scripts printed, by host; `silent` the hosts that did not answer; a
    host in neither did not answer either.
    """
    asked = questions(plan, observed)
    answers = {host: read_facts(outputs[host], asked[host]) for host in asked if host in outputs}
    facts = {host: found for host, found in answers.items() if found is not None}
    silence = {
        host: silent.get(host, _garbled(outputs.get(host))) for host in asked if host not in facts
    }
    return Answers(asked=asked, silence=silence, found=survey(plan, observed, asked, facts))


def judge(answers: Answers, *, allowed: Collection[str] = ()) -> Preflight:
    """The verdict. `allowed` adds to what the plan allows."""
    found, silence = answers.found, answers.silence
    by_host = {visit.host: visit for visit in visits(found)}
    checks = [
        check
        for host, question in answers.asked.items()
        for check in _checks(question, by_host.get(host), silence.get(host))
    ]
    return Preflight(
        # a copy that steps aside enters its directory twice
        checks=tuple(dict.fromkeys(checks)),
        hazards=live_hazards(found, {*found.plan.allowed, *allowed}),
        sizes=measured_sizes(found),
        notes=(
            *_left(answers.asked, silence),
            *(note for v in by_host.values() for note in remarks(v)),
        ),
    )


def _garbled(output: str | None) -> Silent:
    if output is None:
        return Silent(reason="was not asked", remedy="run the checks again")
    first = next((line for line in output.split("\n") if line.strip()), "")[:80]
    return Silent(
        reason=f"answered, but not with what the script prints: {first!r}",
        remedy="log in there and run `sh`: see what its shell or start-up files do",
    )


def _checks(asked: Questions, visit: Visit | None, silent: Silent | None) -> Iterator[Check]:
    if visit is None:
        if not asked.only_left and silent is not None:
            yield Check(
                host=asked.host,
                name="reachable",
                result=Result.BAD,
                detail=silent.reason,
                remedy=silent.remedy,
            )
        return
    names = ("reachable",) if asked.only_left else tuple(CHECKS)
    for name in names:
        for finding in CHECKS[name].judge(visit):
            yield Check(
                host=asked.host,
                name=name,
                result=finding.result,
                detail=finding.detail,
                remedy=finding.remedy,
                override=finding.override,
            )


def _left(asked: Mapping[str, Questions], silence: Mapping[str, Silent]) -> Iterator[str]:
    for host, silent in silence.items():
        if asked[host].only_left:
            yield (
                f"{host} did not answer ({silent.reason}); copies only go away from it, and "
                "their old directories stay there"
            )
