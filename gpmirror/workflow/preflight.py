"""May it start: ask every touched host once, judge the answers."""

from collections.abc import Collection

from gpmirror.boundary import Answered, Hosts, NoAnswer, Reply
from gpmirror.cluster.observed import Observed
from gpmirror.plan.model import Plan
from gpmirror.preflight.judge import Silent, judge
from gpmirror.preflight.model import Preflight
from gpmirror.preflight.script import scripts

SECONDS = 60.0
"""How long a host may take to answer."""


def run_preflight(
    plan: Plan, observed: Observed, hosts: Hosts, *, allowed: Collection[str] = ()
) -> Preflight:
    """Every check on every host that the plan touches, in one round trip each; nothing is changed.

    `allowed` names hazards that are allowed beside those the plan allows.
    """
    replies = hosts.ask(scripts(plan, observed), seconds=SECONDS)
    outputs = {host: reply.out for host, reply in replies.items() if isinstance(reply, Answered)}
    silent = {
        host: silence for host, reply in replies.items() if (silence := _silent(reply)) is not None
    }
    return judge(plan, observed, outputs, silent, allowed=allowed)


def _silent(reply: Reply) -> Silent | None:
    match reply:
        case Answered():
            return None
        case NoAnswer():
            return Silent(reason=reply.message, remedy=reply.hint)
