"""The hosts made ready: the native dry run, then parent directories, in batches."""

import shlex

from gpmirror.boundary import Answered, NoAnswer, Reply
from gpmirror.cluster.counting import counted
from gpmirror.errors import NotReady, Partial
from gpmirror.gputils.commands import dry_run_argv
from gpmirror.gputils.detached import Utility, errors_of
from gpmirror.plan.model import Action, HostAction, Plan
from gpmirror.workflow.running import Run

_SECONDS = 120
_TRIED = "checked.conf"


def try_native(run: Run) -> str:
    """Let gpaddmirrors check its own file (`-i FILE -o OUT`: recorded on 5.8.1 and 6.24.3, changes
    nothing). What it said, in a few words. Raises NotReady (9) with the utility's words.
    """
    tried = [
        Utility(
            name="dry-run",
            argv=dry_run_argv(native.file_name, _TRIED),
            file_name=native.file_name,
            file_text=native.file_text,
        )
        for wave in run.plan.waves
        if wave.action is Action.ADD
        for native in wave.native
        if native.file_name is not None
    ]
    for utility in tried:
        _judge(run.world.natives.try_out(utility))
    return "accepted by gpaddmirrors" if tried else "no utility of this plan has one"


def _judge(reply: Reply) -> None:
    match reply:
        case NoAnswer():
            raise NotReady(f"the native dry run did not end: {reply.message}", hint=reply.hint)
        case Answered(status=0):
            return
        case Answered():
            said = errors_of(reply.out) or tuple(reply.out.splitlines()[-3:])
            raise NotReady(
                f"gpaddmirrors refuses the file (exit {reply.status}): " + "; ".join(said),
                hint="nothing was changed; `gpmirror plan --format native` shows the file",
            )


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
