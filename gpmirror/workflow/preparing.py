"""The hosts made ready: parent directories, in batches."""

import shlex

from gpmirror.boundary import Answered, NoAnswer, Reply
from gpmirror.cluster.counting import counted
from gpmirror.cluster.hostlist import natural
from gpmirror.errors import Partial
from gpmirror.journal.records import step
from gpmirror.plan.model import HostAction, Plan
from gpmirror.preflight.competing import read_removed, removal_script
from gpmirror.preflight.facts import LockFile
from gpmirror.workflow.running import Run

_SECONDS = 120


def host_actions(plan: Plan) -> tuple[HostAction, ...]:
    """Every host action of the plan once, by host and path."""
    found = {action for wave in plan.waves for action in wave.host_actions}
    return tuple(sorted(found, key=lambda action: (natural(action.host), action.path)))


def prepare_hosts(run: Run) -> str:
    """Do the host actions, every host in one round trip. Raises Partial (10) naming the hosts where
    it failed: others may have got their directories.
    """
    actions = host_actions(run.plan)
    scripts: dict[str, str] = {}
    for action in actions:
        scripts[action.host] = scripts.get(action.host, "umask 077\n") + _script(action)
    replies = run.world.hosts.change(scripts, seconds=_SECONDS) if scripts else {}
    failed = [_failure(host, replies.get(host)) for host in sorted(scripts, key=natural)]
    problems = [words for words in failed if words]
    if problems:
        raise Partial(
            "parent directories could not be made: " + "; ".join(problems),
            hint="fix these hosts, then `gpmirror resume`; empty directories elsewhere do no harm",
        )
    parents = "1 parent directory" if len(actions) == 1 else f"{len(actions)} parent directories"
    return f"{parents} on {counted(len(scripts), 'host')}"


def remove_dead_locks(run: Run) -> tuple[LockFile, ...]:
    """Remove the locks that dead utilities left, as somebody allowed, and say which; each is looked at
    once more, and recorded. Raises Partial (10): one is no longer as it was, or cannot be removed.
    """
    locks, run.dead_locks = run.dead_locks, ()
    if not locks:
        return ()
    facts = {"paths": [lock.path for lock in locks], "pids": [lock.pid for lock in locks]}
    run.world.journal.write(step("dead-lock", "begin", **facts))
    host = run.world.coordinator
    reply = run.world.hosts.change({host: removal_script(locks)}, seconds=_SECONDS)[host]
    if run.wishes.rehearsal:
        return locks
    if isinstance(reply, NoAnswer):
        raise Partial(f"no lock was removed: {reply.message}", hint=reply.hint)
    stay = read_removed(reply.out, locks)
    if stay:
        raise Partial(
            f"{', '.join(lock.path for lock in stay)} on {host} is not as it was a moment ago, or "
            f"cannot be removed{': ' + reply.err.strip() if reply.err.strip() else ''}",
            hint="see who works there",
        )
    run.world.journal.write(step("dead-lock", "done"))
    return locks


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
