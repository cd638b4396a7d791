"""Why a wave failed, asked of the hosts: the logs of its failed copies, in one round trip."""

from collections.abc import Collection

from gpmirror.boundary import Answered
from gpmirror.cluster.hostlist import natural
from gpmirror.errors import Failure
from gpmirror.gputils.causes import failed_segments, last_words_script, read_last_words
from gpmirror.plan.model import Wave
from gpmirror.workflow.running import Run

_SECONDS = 20.0
_SHOWN = 4


def causes(run: Run, wave: Wave, log: str, waiting: Collection[int]) -> tuple[str, ...]:
    """What the hosts' logs say, `HOST: FILE: words`: the files that the utility names, and the server
    logs of the copies that are waited for. Never fails: a host that is silent tells nothing.
    """
    names = {
        name: host.name for host in run.plan.desired.hosts for name in (*host.addresses, host.name)
    }
    files: dict[str, list[str]] = {}
    folders: dict[str, list[str]] = {}
    for failed in failed_segments(log):
        files.setdefault(names.get(failed.host, failed.host), []).append(failed.file)
    for step in wave.steps:
        if step.content in waiting and step.to is not None and step.to.directory is not None:
            folders.setdefault(step.to.host, []).append(step.to.directory)
    scripts = {
        host: last_words_script(files.get(host, ()), folders.get(host, ()))
        for host in sorted({*files, *folders}, key=natural)
    }
    if not scripts:
        return ()
    try:
        replies = run.world.hosts.ask(scripts, seconds=_SECONDS)
    except Failure:
        return ()
    found = [
        f"{host}: {words}"
        for host, reply in replies.items()
        if isinstance(reply, Answered)
        for words in read_last_words(reply.out)
    ]
    more = len(found) - _SHOWN
    return (*found[:_SHOWN], *((f"and {more} more",) if more > 0 else ()))
