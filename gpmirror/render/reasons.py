"""Why a change is made, as a rule that is told once however many contents it moves."""

import re
from dataclasses import dataclass

from gpmirror.placement.ring import RULES
from gpmirror.plan.classify import NOT_AS_COMPUTED, SWITCHED
from gpmirror.plan.model import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What asks for a change: the rule, the line of the spec or `catalog`, and what is special."""

    text: str
    source: str
    remark: str = ""


def rule_of(change: Change) -> Rule:
    """The reason with what belongs to the single content taken out."""
    down = re.match(r"down at [^ ;]+:[0-9]+; ", change.reason)
    reason = change.reason[down.end() :] if down else change.reason
    pinned = re.fullmatch(r"pinned(?: \((.*)\))?", reason, re.DOTALL)
    if pinned is not None:
        return Rule(text="pinned", source=change.source, remark=pinned[1] or "")
    for told in (*RULES, SWITCHED, NOT_AS_COMPUTED):
        reason = told.for_all(reason)
    return Rule(text=f"down; {reason}" if down else reason, source=change.source)
