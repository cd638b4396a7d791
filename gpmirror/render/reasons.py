"""Why a change is made, as a rule that is told once however many contents it moves."""

import re
from dataclasses import dataclass

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
    for start, pattern, general in _GENERAL:
        if start in reason:
            reason = pattern.sub(general, reason)
    return Rule(text=f"down; {reason}" if down else reason, source=change.source)


_GENERAL = tuple(
    (start, re.compile(pattern), general)
    for start, pattern, general in (
        (
            "group: next",
            r"group: next host after [^ ]+",
            "group: all mirrors of a host go on the next host",
        ),
        (
            "group: host",
            r"group: host [0-9]+ of those with primaries",
            "group: the n-th host with primaries has its mirrors on the n-th host without",
        ),
        (
            "spread:",
            r"spread: primary [0-9]+ of [^ ]+, [0-9]+ on",
            "spread: the k-th primary of a host goes k hosts further",
        ),
        (
            "block ",
            r"block [0-9]+: primary [0-9]+ of [^ ]+, [0-9]+ on",
            "block: the primaries of a host go to the other hosts of its block in turn",
        ),
        (
            "the only host",
            r"the only host \(allow_same_host\)",
            "on the primary's own host, the only one (allow_same_host)",
        ),
        (
            "acts on",
            r"acts on [^ ]+, prefers [^ ]+",
            "not in its preferred role: the primary goes back where it was, nothing is copied",
        ),
        ("not as", r"\bon [^ ]+ not as the spec computes", "not as the spec computes"),
    )
)
"""What the reason holds, the pattern of the part that names one content or host, and the rule."""
