"""Old directories of moved mirrors: proved to be ours and unused, set aside, then deleted.

Nothing is deleted on the word of a journal: the catalog must not know the directory, no process may
work in it, and its system identifier must be that of the content's acting primary.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gpmirror.boundary import Answered, Reply
from gpmirror.cluster.observed import Observed
from gpmirror.errors import Declined, ExitCode, Partial, Unsafe
from gpmirror.gputils.leavings import (
    Look,
    delete_script,
    look_script,
    read_looks,
    read_numbers,
    set_aside_name,
    set_aside_script,
)
from gpmirror.journal.records import step
from gpmirror.plan.model import Plan
from gpmirror.plan.replan import hosts_of
from gpmirror.verify import CopyState, Health
from gpmirror.workflow.apply import changing
from gpmirror.workflow.gates import check_competing, look, take_session_lock
from gpmirror.workflow.running import Outcome, Run

_LOOK_SECONDS = 60
_DELETE_SECONDS = 7200
_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """A directory that a content left. `keep` says why it stays; empty: it may go."""

    content: int
    host: str
    path: str
    keep: str = ""
    absent: bool = False


def leavings(plan: Plan) -> tuple[Leaving, ...]:
    """Every directory that a wave of the plan left, temporary ones too, by host and path."""
    found = {
        (step.from_.host, path): Leaving(content=step.content, host=step.from_.host, path=path)
        for wave in plan.waves
        for step in wave.steps
        if step.from_ is not None and step.to is not None
        for path in step.from_.directories
        if step.from_.host != step.to.host or path not in step.to.directories
    }
    return tuple(found[key] for key in sorted(found))


def prune(run: Run) -> Outcome:
    """Delete what the run's plan left behind.

    Raises Unsafe (4): nothing may go, with the reasons; Declined (8); Partial (10): some of it was
    set aside and not deleted.
    """
    take_session_lock(run)
    observed, health = look(run)
    check_competing(run, observed)
    judged = _judge(run, observed, health)
    going = [one for one in judged if not one.keep and not one.absent]
    kept = [one for one in judged if one.keep]
    if not going:
        return _nothing(judged, kept)
    if not run.world.operator.confirm(_question(going, kept)):
        raise Declined("nothing was deleted: the answer was not yes")
    with changing(run):
        _set_aside(run, going)
        _check_still_whole(run, going)
        _delete(run, going)
    return Outcome(
        code=ExitCode.OK,
        summary=f"{_counted(len(going))} deleted, {len(kept)} kept",
        next_actions=tuple(_line(one) for one in kept),
    )


def _judge(run: Run, observed: Observed, health: Health) -> list[Leaving]:
    used = _used(run.plan, observed)
    # what the catalog uses (again) is no leaving
    found = [one for one in leavings(run.plan) if (one.host, one.path) not in used]
    sources = _sources(run.plan, observed)
    asked = {(one.host, one.path) for one in found} | set(sources.values())
    looks = _looks(run, sorted(asked))
    synced = {one.content for one in health.contents if one.state is CopyState.SYNCED}
    return [_verdict(one, looks, source=sources.get(one.content), synced=synced) for one in found]


def _verdict(
    one: Leaving,
    looks: Mapping[tuple[str, str], Look],
    *,
    source: tuple[str, str] | None,
    synced: set[int],
) -> Leaving:
    here = looks.get((one.host, one.path))
    if here is not None and here.kind == "absent":
        return Leaving(content=one.content, host=one.host, path=one.path, absent=True)
    primary = None if source is None else looks.get(source)
    own = None if primary is None else primary.identifier
    return Leaving(
        content=one.content,
        host=one.host,
        path=one.path,
        keep=_reason(one, here, own, synced=synced),
    )


def _reason(one: Leaving, here: Look | None, own: str | None, *, synced: set[int]) -> str:
    """Why it must stay; the first reason that holds."""
    if here is None:
        return "its host gave no answer"
    reasons = (
        (one.content not in synced, f"content {one.content} is not in sync"),
        (here.kind != "directory", f"it is no directory of its own ({here.kind})"),
        (bool(here.processes), f"process {_pids(here)} works in it"),
        (here.identifier is None, "it has no global/pg_control that proves whose it is"),
        (own is None, "the system identifier of its primary could not be read"),
        (here.identifier != own, "it belongs to another system"),
    )
    return next((reason for holds, reason in reasons if holds), "")


def _pids(here: Look) -> str:
    return ", ".join(str(pid) for pid in sorted(set(here.processes)))


def _used(plan: Plan, observed: Observed) -> set[tuple[str, str]]:
    hosts = hosts_of(plan, observed)
    return {
        (hosts.host_of(row), path)
        for row in observed.segments
        for path in (row.directory, *(path for _, path in row.filespaces))
        if path is not None
    }


def _sources(plan: Plan, observed: Observed) -> dict[int, tuple[str, str]]:
    hosts = hosts_of(plan, observed)
    return {
        row.content: (hosts.host_of(row), row.directory)
        for row in observed.segments
        if row.content >= 0 and row.is_acting_primary and row.directory is not None
    }


def _looks(run: Run, asked: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Look]:
    paths: dict[str, list[str]] = {}
    for host, path in asked:
        paths.setdefault(host, []).append(path)
    scripts = {host: look_script(mine) for host, mine in paths.items()}
    replies = run.world.hosts.ask(scripts, seconds=_LOOK_SECONDS)
    found: dict[tuple[str, str], Look] = {}
    for host, reply in replies.items():
        told = read_looks(reply.out, paths[host]) if isinstance(reply, Answered) else None
        found |= {(host, path): one for path, one in (told or {}).items()}
    return found


def _set_aside(run: Run, going: Sequence[Leaving]) -> None:
    run.world.journal.write(step("prune/aside", "begin", paths=[_line(one) for one in going]))
    paths = _by_host(going)
    scripts = {host: set_aside_script(mine, run.name) for host, mine in paths.items()}
    replies = run.world.hosts.change(scripts, seconds=_LOOK_SECONDS)
    _check_done(replies, "aside", paths, "could not be set aside")
    run.world.journal.write(step("prune/aside", "done"))


def _check_still_whole(run: Run, going: Sequence[Leaving]) -> None:
    """With the directories out of the way every content must still be in sync."""
    _, health = look(run)
    mine = {one.content for one in going}
    loose = [
        one.content
        for one in health.contents
        if one.content in mine and one.state is not CopyState.SYNCED
    ]
    if loose:
        names = ", ".join(set_aside_name(one.path, run.name) for one in going[:_SHOWN])
        raise Partial(
            f"content {loose[0]} is no longer in sync: the old directories are set aside and were "
            f"not deleted ({names})",
            hint="`gpmirror status` first; rename them back if they are needed",
        )


def _delete(run: Run, going: Sequence[Leaving]) -> None:
    run.world.journal.write(step("prune/delete", "begin"))
    paths = _by_host(going)
    scripts = {host: delete_script(mine, run.name) for host, mine in paths.items()}
    replies = run.world.hosts.change(scripts, seconds=_DELETE_SECONDS)
    _check_done(replies, "deleted", paths, "were set aside and not deleted")
    run.world.journal.write(step("prune/delete", "done"))


def _check_done(
    replies: Mapping[str, Reply], word: str, paths: Mapping[str, Sequence[str]], words: str
) -> None:
    """Raises Partial, naming what a host did not do."""
    left = []
    for host, mine in sorted(paths.items()):
        reply = replies.get(host)
        done = read_numbers(reply.out, word, mine) if isinstance(reply, Answered) else []
        left += [f"{host}:{path}" for path in mine if path not in done]
    if left:
        raise Partial(
            f"{len(left)} directories {words}: {', '.join(left[:_SHOWN])}",
            hint="look at them by hand, then prune again",
        )


def _by_host(going: Sequence[Leaving]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in going:
        found.setdefault(one.host, []).append(one.path)
    return found


def _nothing(judged: Sequence[Leaving], kept: Sequence[Leaving]) -> Outcome:
    if kept:
        raise Unsafe(
            "nothing may be deleted:\n" + "\n".join(f"  {_line(one)}" for one in kept[:_SHOWN]),
            hint="mend what is said, or delete by hand what you know",
        )
    if judged:
        return Outcome(code=ExitCode.OK, summary="Nothing to prune: all of it is gone already.")
    return Outcome(code=ExitCode.OK, summary="Nothing to prune: the run left no directory.")


def _question(going: Sequence[Leaving], kept: Sequence[Leaving]) -> str:
    lines = [f"  {one.host}:{one.path} (content {one.content})" for one in going[:_SHOWN]]
    if len(going) > _SHOWN:
        lines.append(f"  and {len(going) - _SHOWN} more")
    stay = [f"  stays: {_line(one)}" for one in kept[:_SHOWN]]
    ask = f"Delete {_counted(len(going))}? Only 'yes' is accepted:"
    return "\n".join(("These old directories are proved to be unused:", *lines, *stay, ask))


def _line(one: Leaving) -> str:
    return f"{one.host}:{one.path}" + (f": {one.keep}" if one.keep else "")


def _counted(number: int) -> str:
    return "1 directory" if number == 1 else f"{number} directories"
