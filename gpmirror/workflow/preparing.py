"""The hosts made ready: parent directories, in batches."""

import shlex

from gpmirror.boundary import Answered, NoAnswer, Reply
from gpmirror.cluster.counting import counted
from gpmirror.errors import Partial
from gpmirror.plan.model import HostAction, Plan
from gpmirror.workflow.running import Run

_SECONDS = 120


def host_actions(plan: Plan) -> tuple[HostAction, ...]:
    """Every host action of the plan once, by host and path."""
    found = {action for wave in plan.waves for action in wave.host_actions}
    return tuple(sorted(found, key=lambda action: (action.host, action.path)))


def prepare_hosts(run: Run) -> str:
    """Do the host actions, every host in one round trip. Raises Partial (10) naming the hosts where
    it failed: others may have got their directories.
    """
    actions = host_actions(run.plan)
    scripts: dict[str, str] = {}
    for action in actions:
        scripts[action.host] = scripts.get(action.host, "umask 077\n") + _script(action)
    replies = run.world.hosts.change(scripts, seconds=_SECONDS) if scripts else {}
    failed = [_failure(host, replies.get(host)) for host in sorted(scripts)]
    problems = [words for words in failed if words]
    if problems:
        raise Partial(
            "parent directories could not be made: " + "; ".join(problems),
            hint="mend these hosts, then `gpmirror resume`; empty directories elsewhere do no harm",
        )
    parents = "1 parent directory" if len(actions) == 1 else f"{len(actions)} parent directories"
    return f"{parents} on {counted(len(scripts), 'host')}"


def _script(action: HostAction) -> str:
    path = shlex.quote(action.path)
    return f"[ -d {path} ] || mkdir -p -m {shlex.quote(action.mode)} -- {path} || exit 1\n"


def _failure(host: str, reply: Reply | None) -> str:
    match reply:
        case Answered(status=0):
            return ""
        case Answered():
            return f"{host}: {reply.err.strip() or f'exit {reply.status}'}"
        case NoAnswer():
            return reply.message
        case None:
            return f"{host}: was not asked"
