"""Old directories of moved mirrors, and copies that were cut off: proved to be unused, set aside,
proved again, then deleted.

A prune that was cut off is finished by the next one: what it set aside bears the run's name, and
what it deleted half can still be proved.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from gpmirror.boundary import Answered, Reply
from gpmirror.cluster.nesting import lies_in
from gpmirror.errors import Declined, Detached, ExitCode, GpmirrorError, Partial, Stale, Unsafe
from gpmirror.gputils.leavings import (
    delete_script,
    read_numbers,
    set_aside_name,
    set_aside_script,
)
from gpmirror.journal.records import step
from gpmirror.preflight.processes import Runs
from gpmirror.workflow.gates import check_competing, look, take_session_lock
from gpmirror.workflow.proving import (
    LOOK_SECONDS,
    Leaving,
    Used,
    leavings,
    prove,
    used_directories,
)
from gpmirror.workflow.running import Outcome, Run

_DELETE_SECONDS = 7200
_SHOWN = 20


def prune(run: Run) -> Outcome:
    """Delete what the run's plan left behind.

    Raises Unsafe (4): nothing may go, with the reasons; Stale (5): what may go changed while the
    question stood; Declined (8); Partial (10): some of it was set aside and not deleted; Detached
    (130): interrupted.
    """
    judged, _ = _judge(run)
    going, kept = _going(judged), [one for one in judged if one.keep]
    if not going:
        return _nothing(judged, kept)
    stay = [*map(_line, kept), *_folders(judged, going)]
    if not run.world.operator.confirm(_question(going, stay)):
        raise Declined("nothing was deleted: the answer was not yes")
    used = _check_unchanged(run, going)
    with _pruning(run):
        _set_aside(run, [one for one in going if not one.is_aside], used)
        used = _prove_again(run, going)
        _delete(run, going, used)
    return Outcome(
        code=ExitCode.OK,
        summary=f"{_counted(len(going))} deleted, {len(stay)} kept",
        next_actions=tuple(stay),
    )


def _judge(run: Run) -> tuple[list[Leaving], Used]:
    take_session_lock(run)
    observed, health = look(run)
    # no utility is to run, so locks that were left keep nothing from being done
    check_competing(run, observed, Runs(dialect=observed.dialect.name, utilities=frozenset()))
    found = leavings(run.plan, run.name)
    return prove(run, found, observed, health), used_directories(run.plan, observed)


def _going(judged: Sequence[Leaving]) -> list[Leaving]:
    return [one for one in judged if not one.keep and not one.absent]


def _check_unchanged(run: Run, going: Sequence[Leaving]) -> Used:
    """The question takes its time: what is in use by now. Raises Stale."""
    judged, used = _judge(run)
    now = _going(judged)
    lost = [one for one in going if one not in now]
    if lost:
        raise Stale(
            f"nothing was deleted: {_line(lost[0])} is no longer what it was when you were asked",
            hint=f"`gpmirror prune {run.name}` looks again",
        )
    return used


@contextmanager
def _pruning(run: Run) -> Iterator[None]:
    """From here on something may be set aside or deleted, and the next prune goes on with it."""
    run.world.journal.also_far()
    again = f"`gpmirror prune {run.name}` goes on where this one ended"
    try:
        yield
    except Partial:
        raise
    except KeyboardInterrupt as interrupt:
        raise Detached(
            "interrupted: hosts may still do what they were told", hint=again
        ) from interrupt
    except GpmirrorError as error:
        hint = f"{error.hint}; then {again}" if error.hint else again
        raise Partial(error.message, hint=hint) from error


def _set_aside(run: Run, going: Sequence[Leaving], used: Used) -> None:
    run.world.journal.write(step("prune/aside", "begin", paths=[_line(one) for one in going]))
    proved = _by_host(going)
    scripts = {
        host: set_aside_script(
            ((one.path, one.identifier) for one in mine), run.name, used.get(host, ())
        )
        for host, mine in proved.items()
    }
    replies = run.world.hosts.change(scripts, seconds=LOOK_SECONDS) if scripts else {}
    left = _not_done(replies, "aside", proved)
    if left:
        raise Partial(
            f"{_counted(len(left))} of {len(going)} could not be set aside: {_named(left)}; "
            "nothing was deleted",
            hint=f"look there, then `gpmirror prune {run.name}` goes on",
        )
    run.world.journal.write(step("prune/aside", "done"))


def _prove_again(run: Run, going: Sequence[Leaving]) -> Used:
    """With the directories out of the way all of it must still hold: what is in use by now. Raises
    Partial.
    """
    observed, health = look(run)
    aside = [
        Leaving(
            content=one.content,
            host=one.host,
            path=one.path,
            at=set_aside_name(one.path, run.name),
        )
        for one in going
    ]
    kept = [one for one in prove(run, aside, observed, health) if one.keep]
    if kept:
        raise Partial(
            "old directories are set aside, and were not deleted:\n"
            + "\n".join(f"  {_line(one)}" for one in kept[:_SHOWN]),
            hint="`gpmirror status` first; rename them back if they are needed, else "
            f"`gpmirror prune {run.name}`",
        )
    return used_directories(run.plan, observed)


def _delete(run: Run, going: Sequence[Leaving], used: Used) -> None:
    run.world.journal.write(step("prune/delete", "begin"))
    proved = _by_host(going)
    scripts = {
        host: delete_script([one.path for one in mine], run.name, used.get(host, ()))
        for host, mine in proved.items()
    }
    replies = run.world.hosts.change(scripts, seconds=_DELETE_SECONDS)
    left = _not_done(replies, "deleted", proved)
    if left:
        raise Partial(
            f"{_counted(len(left))} of {len(going)} set aside and not deleted: {_named(left)}",
            hint=f"look there, then `gpmirror prune {run.name}` goes on",
        )
    run.world.journal.write(step("prune/delete", "done"))


def _not_done(
    replies: Mapping[str, Reply], word: str, asked: Mapping[str, Sequence[Leaving]]
) -> list[str]:
    """What hosts did not do, or did not say that they did."""
    left = []
    for host, mine in sorted(asked.items()):
        reply = replies.get(host)
        paths = [one.path for one in mine]
        done = read_numbers(reply.out, word, paths) if isinstance(reply, Answered) else []
        why = "" if isinstance(reply, Answered) or reply is None else f" ({reply.message})"
        left += [f"{host}:{path}{why}" for path in paths if path not in done]
    return left


def _by_host(going: Sequence[Leaving]) -> dict[str, list[Leaving]]:
    found: dict[str, list[Leaving]] = {}
    for one in going:
        found.setdefault(one.host, []).append(one)
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


def _folders(judged: Sequence[Leaving], going: Sequence[Leaving]) -> list[str]:
    """Once its links are gone nothing leads to a tablespace folder any more, so it is named."""
    places = {(one.host, place) for one in judged for place in (one.path, one.at)}
    return [
        f"{one.host}:{folder}: a tablespace folder of content {one.content}'s old copy, which no copy "
        "there uses; look at it, then delete it by hand"
        for one in going
        for folder in one.linked
        if not any(one.host == host and lies_in(folder, place) for host, place in places)
    ]


def _question(going: Sequence[Leaving], kept: Sequence[str]) -> str:
    lines = [f"  {one.host}:{one.at} ({_what(one)})" for one in going[:_SHOWN]]
    if len(going) > _SHOWN:
        lines.append(f"  and {len(going) - _SHOWN} more")
    stay = [f"  stays: {one}" for one in kept[:_SHOWN]]
    ask = f"Delete {_counted(len(going))}? Only 'yes' is accepted:"
    return "\n".join(("These old directories are proved to be unused:", *lines, *stay, ask))


def _what(one: Leaving) -> str:
    return f"content {one.content}" + (", a copy that was cut off" if one.begun else "")


def _line(one: Leaving) -> str:
    return f"{one.host}:{one.at}" + (f": {one.keep}" if one.keep else "")


def _named(left: Sequence[str]) -> str:
    more = f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
    return ", ".join(left[:_SHOWN]) + more


def _counted(number: int) -> str:
    return "1 directory" if number == 1 else f"{number} directories"
