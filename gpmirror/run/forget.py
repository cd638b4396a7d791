"""Leftover directories on hosts that never come back: given up in the run's journal, nowhere else."""

from collections.abc import Iterable, Mapping, Sequence

from gpmirror.boundary import Answered, Reply, Silence
from gpmirror.diagnostics import Diagnostic
from gpmirror.errors import Declined, ExitCode, InvalidInput, Unsafe
from gpmirror.model.names import natural
from gpmirror.model.text import counted, hosts_named
from gpmirror.native.directories import Leftover
from gpmirror.run.context import Outcome, Run
from gpmirror.run.prune import LOOK_SECONDS, judge
from gpmirror.run.record import FORGET, RunRecord, places, step
from gpmirror.simulate.codes import UNKNOWN_HOST

_GONE = frozenset({Silence.UNREACHABLE, Silence.TIMED_OUT})


def forget(run: Run, standing: RunRecord, hosts: Sequence[str]) -> Outcome:
    """Record that nobody looks any more at what the run left on these hosts. No host is changed.

    A host that answers is refused: what stands there can be proved and deleted, and a directory that
    was given up is named by nothing any more, so it would take its space until somebody meets it by
    chance. One that answers and lets nobody log in, or that has another key, is no lost host either:
    it may be the old machine, with the old disks. Silence proves no loss, a host that is being
    patched is silent too: that the host never comes back only the operator knows, who is asked.

    Raises InvalidInput (3): the run left nothing on a host. Unsafe (4): a host answers. Declined (8).
    """
    judged, _ = judge(run, standing)
    left: dict[str, list[Leftover]] = {}
    for one in judged:
        if not one.absent:
            left.setdefault(one.host, []).append(one)
    before = {one.host for one in standing.given_up} - left.keys()
    asked = [host for host in dict.fromkeys(hosts) if host not in before]
    _check_named(run, asked, left)
    if not asked:
        return Outcome(code=ExitCode.OK, summary=f"Given up before: {hosts_named(hosts)}.")
    _check_silent(run, run.world.hosts.ask(dict.fromkeys(asked, ":\n"), seconds=LOOK_SECONDS))
    going = [one for host in asked for one in left[host]]
    what = f"{counted(len(going), 'directory', 'directories')} on {_named(asked)}"
    run.world.operator.show(_listed(run, going, what))
    if not run.world.operator.confirm(f"Give up {what}? Only 'yes' is accepted:"):
        raise Declined("nothing was given up: the answer was not yes")
    run.world.journal.also_far()
    run.world.journal.write(step(FORGET, "done", places=places(going)))
    return Outcome(code=ExitCode.OK, summary=f"{what} given up; nothing was changed on any host")


def _check_named(run: Run, asked: Iterable[str], left: Mapping[str, object]) -> None:
    """Raises InvalidInput."""
    some = hosts_named(left, most=len(left)) if left else "no host"
    problems = [
        Diagnostic(
            code=UNKNOWN_HOST,
            message=f"run {run.name} has no directory left on host {host[:80]!r}",
            hint=f"it has directories left on {some}",
        )
        for host in asked
        if host not in left
    ]
    if problems:
        raise InvalidInput(problems)


def _check_silent(run: Run, replies: Mapping[str, Reply]) -> None:
    """Raises Unsafe: a host answers, or what answers there lets nobody in."""
    prune = f"`gpmirror prune {run.name}`"
    for host, reply in sorted(replies.items(), key=lambda one: natural(one[0])):
        if isinstance(reply, Answered):
            raise Unsafe(
                f"nothing was given up: {host} answers, so what the run left there can be proved and "
                "deleted",
                hint=f"{prune} does that",
            )
        if reply.why not in _GONE:
            raise Unsafe(
                f"nothing was given up: {host} is not lost: {reply.message}",
                hint=f"{reply.hint}; then {prune}",
            )


def _listed(run: Run, going: Sequence[Leftover], what: str) -> str:
    lines = [f"  {one.host}:{one.path} (content {one.content})" for one in going]
    head = (
        f"{what}, which run {run.name} left. Nothing is changed on any host, and no command looks at "
        "them any more. If the host comes back after all, delete them there by hand:"
    )
    return "\n".join((head, *lines))


def _named(hosts: Sequence[str]) -> str:
    return hosts_named(hosts, most=len(hosts)).partition(" ")[2]
