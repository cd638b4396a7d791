"""Every copy looked at on its host, one round trip a host, and compared with the catalog."""

from collections.abc import Iterable, Mapping

from gpmirror.boundary import Answered, Hosts, NoAnswer, Reply
from gpmirror.cluster.observed import Observed
from gpmirror.preflight.down_copies import homes_of
from gpmirror.preflight.model import Check
from gpmirror.preflight.standing import (
    Rows,
    copies_by_host,
    judge_standing,
    read_standing,
    silent,
    standing_script,
)
from gpmirror.spec.model import SiteHost

_SECONDS = 60.0


def look_at_copies(
    observed: Observed, hosts: Hosts, spec_hosts: Iterable[SiteHost]
) -> tuple[Check, ...]:
    """What is not as the catalog says, and what is, by host. A host that gives no answer is unknown."""
    asked = copies_by_host(observed, homes_of(spec_hosts))
    replies = hosts.ask(
        {host: standing_script(rows) for host, rows in asked.items()}, seconds=_SECONDS
    )
    return judge_copies(asked, replies)


def judge_copies(asked: Mapping[str, Rows], replies: Mapping[str, Reply]) -> tuple[Check, ...]:
    """The same of what hosts answered to `standing_script`."""
    checks: list[Check] = []
    for host, rows in asked.items():
        match replies[host]:
            case Answered() as reply:
                checks += judge_standing(host, rows, read_standing(reply.out, rows))
            case NoAnswer() as reply:
                checks.append(silent(host, rows, reply.message, reply.hint))
    return tuple(checks)
