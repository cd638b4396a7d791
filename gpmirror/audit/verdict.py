"""The audit of a plan file: every claim judged, and the verdict as text and JSON."""

import json
from collections.abc import Iterator

from gpmirror.audit.certificate import judge_certificate, judge_reasons
from gpmirror.audit.claim import Claim, Falsehood, differ
from gpmirror.audit.classes import judge_classes
from gpmirror.audit.dangers import judge_dangers
from gpmirror.audit.ground import judge_ground, survey_ground
from gpmirror.audit.native import judge_native
from gpmirror.audit.survival import judge_survival
from gpmirror.audit.waves import follow, judge_waves
from gpmirror.diagnostics import Diagnostic, Place
from gpmirror.errors import InvalidInput
from gpmirror.plan.model import FORMAT_VERSION
from gpmirror.plan.planfile import StatedPlan, read_stated
from gpmirror.values import dataclass

_MOST_TOLD = 8
_LONGEST = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Every claim of a plan file, judged. `is_whole` is false where what a plan stands on does not
    hold: what follows from it was not judged then.
    """

    file: str
    plan_id: str
    claims: tuple[Claim, ...]
    is_whole: bool

    @property
    def holds(self) -> bool:
        """Whether every claim is true."""
        return self.is_whole and all(claim.holds for claim in self.claims)


def audit(data: bytes, name: str) -> Audit:
    """Judge a plan file. Raises InvalidInput: it is not a plan, of a newer major version, or of an
    earlier gpmirror that did not keep the catalog (GPM-P805).
    """
    stated = read_stated(data, name)
    plan = stated.plan
    if plan.catalog is None or plan.asked is None:
        message = (
            f"plan file {name} does not hold the catalog that it was made over, so none of its "
            "claims can be derived: an earlier gpmirror wrote it"
        )
        hint = "make the plan again with `gpmirror plan -o`"
        place = Place(file=name)
        raise InvalidInput([Diagnostic(code="GPM-P805", message=message, place=place, hint=hint)])
    claims = [*_file_claims(stated), *judge_ground(plan, plan.catalog)]
    grounded = all(claim.holds for claim in claims[2:])
    if grounded:
        ground = survey_ground(plan, plan.catalog, plan.asked)
        course = follow(ground)
        claims += judge_classes(ground, course)
        claims += judge_waves(ground, course)
        claims += judge_native(ground)
        claims += judge_survival(ground)
        claims += judge_dangers(ground)
        if plan.certificate is not None:
            claims.append(judge_certificate(ground, plan.certificate))
        elif (unproved := judge_reasons(plan)) is not None:
            claims.append(unproved)
    return Audit(file=name, plan_id=stated.true_id, claims=tuple(claims), is_whole=grounded)


def _file_claims(stated: StatedPlan) -> Iterator[Claim]:
    false = []
    if stated.stated_id != stated.true_id:
        false.append(Falsehood("plan_id", stated.stated_id or "none", stated.true_id))
    yield Claim(name="plan_id", said="the id is the sha256 of the plan", false=tuple(false))
    odd = [Falsehood(w, "a value of another type", "as gpmirror writes it") for w in stated.odd]
    odd += differ("format_version", stated.plan.format_version, FORMAT_VERSION)
    yield Claim(
        name="form", said="every value stands there as gpmirror writes it", false=tuple(odd)
    )


# --- The verdict for people and for programs.


def audit_text(found: Audit) -> str:
    """A line a claim, `ok` or `FALSE`; below a false one what was claimed, what is true and where."""
    lines = []
    width = max(len(claim.name) for claim in found.claims)
    for claim in found.claims:
        word = "ok   " if claim.holds else "FALSE"
        lines.append(f"{word}  {claim.name:<{width}}  {claim.said}")
        lines += [f"       {_false_told(one)}" for one in claim.false[:_MOST_TOLD]]
        if len(claim.false) > _MOST_TOLD:
            lines.append(f"       and {len(claim.false) - _MOST_TOLD} more (--json tells all)")
    lines.append(_last(found))
    return "".join(f"{visible(line)}\n" for line in lines)


def _false_told(one: Falsehood) -> str:
    return f"{_cut(one.where)}: claimed {_cut(one.claimed)}; true: {_cut(one.true)}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _last(found: Audit) -> str:
    wrong = [claim.name for claim in found.claims if not claim.holds]
    if not wrong:
        return f"All {len(found.claims)} claims of {found.file} hold."
    rest = "" if found.is_whole else "; what follows from that was not judged"
    count = "1 claim" if len(wrong) == 1 else f"{len(wrong)} claims"
    return f"{count} of {found.file} false: {', '.join(wrong)}{rest}. Do not apply it; ask who made it."


def visible(text: str) -> str:
    """The text without anything that could steer a terminal: it stands in a file that nobody trusts."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def audit_json(found: Audit) -> str:
    """The same for programs."""
    return json.dumps(
        {
            "format_version": "1.0",
            "plan": found.file,
            "plan_id": found.plan_id,
            "holds": found.holds,
            "whole": found.is_whole,
            "claims": [
                {
                    "name": claim.name,
                    "claim": claim.said,
                    "holds": claim.holds,
                    "false": [
                        {"where": one.where, "claimed": one.claimed, "true": one.true}
                        for one in claim.false
                    ],
                }
                for claim in found.claims
            ],
        },
        indent=1,
        ensure_ascii=False,
    )
