"""Old directories of moved mirrors, and copies that were cut off: proved to be unused, set aside,
proved again, then deleted.

`prune` deletes both; the rest of a run that was cut off clears the latter out of its way. One that
was cut off itself is finished by the next: what it set aside bears the run's name, and what it
deleted half can still be proved.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from shlex import quote

from gpmirror.boundary import Answered, Reply
from gpmirror.cluster.hostlist import natural
from gpmirror.cluster.nesting import lies_in
from gpmirror.errors import Declined, Detached, ExitCode, GpmirrorError, Partial, Stale, Unsafe
from gpmirror.gputils.leavings import (
    Leaving,
    delete_script,
    read_numbers,
    set_aside_name,
    set_aside_script,
)
from gpmirror.journal.records import CLEAR_ASIDE, places, step
from gpmirror.journal.standing import Standing
from gpmirror.preflight.processes import Runs
from gpmirror.workflow.gates import check_competing, look, take_session_lock
from gpmirror.workflow.proving import (
    LOOK_SECONDS,
    Used,
    leavings_of,
    prove,
    used_directories,
)
from gpmirror.workflow.running import Outcome, Run

_DELETE_SECONDS = 7200
_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """Whose work it is: the names of its steps, and the command that goes on with it."""

    aside: str
    delete: str
    command: str
    what: str


_PRUNE = _Work(aside="prune/aside", delete="prune/delete", command="prune", what="old directories")
_CLEAR = _Work(
    aside=CLEAR_ASIDE, delete="clear/delete", command="resume", what="copies that were cut off"
)


def clear(run: Run) -> None:
    """Delete the copies of an earlier run that were cut off, which stand where this run, its rest,
    is to copy. What cannot be proved (any more) stays, and preflight tells where it is in the way.

    Raises Partial (10): some of it was set aside and not deleted.
    """
    with run.phase("clear") as detail:
        observed, health = look(run)
        judged = prove(run, run.wishes.clear, observed, health)
        going, kept = _going(judged), [one for one in judged if one.keep]
        if going:
            _remove(run, going, used_directories(run.plan, observed), _CLEAR)
        detail.append(f"{_copies(going)} deleted")
        detail += [f"{_line(one)}, so it stays" for one in kept]


def _copies(going: Sequence[Leaving]) -> str:
    """Counted by what a person calls a copy: filespaces are part of it."""
    count = len({(one.host, one.home or one.path) for one in going})
    return "1 cut-off copy" if count == 1 else f"{count} cut-off copies"


def prune(run: Run, standing: Standing) -> Outcome:
    """Delete what the run's plan left behind, and what its utilities began.

    Raises Unsafe (4): nothing may go, with the reasons; Stale (5): what may go changed while the
    question stood; Declined (8); Partial (10): some of it was set aside and not deleted; Detached
    (130): interrupted.
    """
    judged, _ = _judge(run, standing)
    going, kept = _going(judged), [one for one in judged if one.keep]
    if not going:
        return _nothing(judged, kept)
    stay = [*map(_line, kept), *_folders(judged, going)]
    run.world.operator.show(_listed(going, stay))
    if not run.world.operator.confirm(f"Delete {_counted(len(going))}? Only 'yes' is accepted:"):
        raise Declined("nothing was deleted: the answer was not yes")
    used = _check_unchanged(run, standing, going)
    with _pruning(run):
        _remove(run, going, used, _PRUNE)
    return Outcome(
        code=ExitCode.OK,
        summary=f"{_counted(len(going))} deleted, {len(stay)} kept",
        next_actions=tuple(stay),
    )


def _judge(run: Run, standing: Standing) -> tuple[list[Leaving], Used]:
    take_session_lock(run)
    observed, health = look(run)
    # no utility is to run, so locks that were left keep nothing from being done
    check_competing(run, observed, Runs(dialect=observed.dialect.name, utilities=frozenset()))
    found = prove(run, leavings_of(run, standing), observed, health)
    return found, used_directories(run.plan, observed)


def _going(judged: Sequence[Leaving]) -> list[Leaving]:
    return [one for one in judged if not one.keep and not one.absent]


def _check_unchanged(run: Run, standing: Standing, going: Sequence[Leaving]) -> Used:
    """The question takes its time: what is in use by now. Raises Stale."""
    judged, used = _judge(run, standing)
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


def _remove(run: Run, going: Sequence[Leaving], used: Used, work: _Work) -> None:
    """Set aside, prove again, delete; filespaces before the data directories that prove them."""
    _set_aside(run, going, used, work)
    aside = [replace(one, at=_aside(run, one)) for one in going]
    used = _prove_again(run, aside, work)
    run.world.journal.write(step(work.delete, "begin"))
    _delete(run, [one for one in aside if one.home], used, work)
    _delete(run, [one for one in aside if not one.home], used, work)
    run.world.journal.write(step(work.delete, "done"))


def _aside(run: Run, one: Leaving) -> str:
    return one.at if one.is_aside else set_aside_name(one.path, run.name)


def _set_aside(run: Run, going: Sequence[Leaving], used: Used, work: _Work) -> None:
    shown = [_line(one) for one in going]
    both = [*going, *(replace(one, at=_aside(run, one)) for one in going if not one.is_aside)]
    run.world.journal.write(step(work.aside, "begin", paths=shown, places=places(both)))
    proved = _by_host(one for one in going if not one.is_aside)
    scripts = {
        host: set_aside_script(mine, run.name, used.get(host, ())) for host, mine in proved.items()
    }
    replies = run.world.hosts.change(scripts, seconds=LOOK_SECONDS) if scripts else {}
    left = _not_done(replies, "aside", proved)
    if left:
        raise Partial(
            f"{_counted(len(left))} of {len(going)} could not be set aside: {_named(left)}; "
            "nothing was deleted",
            hint=f"look there, then `gpmirror {work.command} {run.name}` goes on",
        )
    run.world.journal.write(step(work.aside, "done"))


def _prove_again(run: Run, aside: Sequence[Leaving], work: _Work) -> Used:
    """With the directories out of the way all of it must still hold: what is in use by now. Raises
    Partial.
    """
    observed, health = look(run)
    kept = [one for one in prove(run, aside, observed, health) if one.keep]
    if kept:
        raise Partial(
            f"{work.what} are set aside, and were not deleted:\n"
            + "\n".join(f"  {_line(one)}" for one in kept[:_SHOWN]),
            hint="`gpmirror status` first; rename them back if they are needed, else "
            f"`gpmirror {work.command} {run.name}`",
        )
    return used_directories(run.plan, observed)


def _delete(run: Run, aside: Sequence[Leaving], used: Used, work: _Work) -> None:
    """Raises Partial: hosts did not do it, or did not say so."""
    proved = _by_host(aside)
    scripts = {host: delete_script(mine, used.get(host, ())) for host, mine in proved.items()}
    replies = run.world.hosts.change(scripts, seconds=_DELETE_SECONDS) if scripts else {}
    left = _not_done(replies, "deleted", proved)
    if left:
        raise Partial(
            f"{_counted(len(left))} of {len(aside)} set aside and not deleted: {_named(left)}",
            hint=f"look there, then `gpmirror {work.command} {run.name}` goes on",
        )


def _not_done(
    replies: Mapping[str, Reply], word: str, asked: Mapping[str, Sequence[Leaving]]
) -> list[str]:
    """What hosts did not do, or did not say that they did."""
    left = []
    for host, mine in sorted(asked.items(), key=lambda one: natural(one[0])):
        reply = replies.get(host)
        paths = [one.path for one in mine]
        done = read_numbers(reply.out, word, paths) if isinstance(reply, Answered) else []
        why = "" if isinstance(reply, Answered) or reply is None else f" ({reply.message})"
        left += [f"{host}:{path}{why}" for path in paths if path not in done]
    return left


def _by_host(going: Iterable[Leaving]) -> dict[str, list[Leaving]]:
    found: dict[str, list[Leaving]] = {}
    for one in going:
        found.setdefault(one.host, []).append(one)
    return found


def _nothing(judged: Sequence[Leaving], kept: Sequence[Leaving]) -> Outcome:
    if kept:
        raise Unsafe(
            "nothing may be deleted:\n" + "\n".join(f"  {_line(one)}" for one in kept[:_SHOWN]),
            hint="fix what is said, or delete by hand what you know",
        )
    if judged:
        return Outcome(code=ExitCode.OK, summary="Nothing to prune: all of it is gone already.")
    return Outcome(code=ExitCode.OK, summary="Nothing to prune: the run left no directory.")


def _folders(judged: Sequence[Leaving], going: Sequence[Leaving]) -> list[str]:
    """Once its links are gone nothing leads to a tablespace's or WAL's folder any more, so it is
    named.
    """
    places = {(one.host, place) for one in judged for place in (one.path, one.at)}
    return [
        f"{one.host}:{folder}: {what} of content {one.content}'s old copy, which no copy there uses; "
        "look at it, then delete it by hand"
        for one in going
        for what, folders in (("a tablespace folder", one.linked), ("the WAL folder", one.wal))
        for folder in folders
        if not any(one.host == host and lies_in(folder, place) for host, place in places)
    ]


def _listed(going: Sequence[Leaving], kept: Sequence[str]) -> str:
    """Every path, however many: nothing is deleted that nobody could see before. What goes stands
    last, next to the question.
    """
    stay = [f"  stays: {one}" for one in kept]
    lines = [f"  {one.host}:{one.at} ({_what(one)})" for one in going]
    head = f"{_counted(len(going))} to delete, proved to be unused:"
    return "\n".join((*stay, head, *lines))


def _what(one: Leaving) -> str:
    return f"content {one.content}" + (", a copy that was cut off" if one.begun else "")


def cleared_first(halves: Sequence[Leaving]) -> str:
    """What a person is told of the copies that are cleared before the rest of a run begins."""
    going, kept = _going(halves), [one for one in halves if one.keep]
    lines = [f"  {one.host}:{one.at} (content {one.content})" for one in going]
    if going:
        lines.insert(
            0,
            f"Cleared first: {_copies(going)} of the run, at places that the catalog does not know, "
            "proved by the system identifier:",
        )
    stay = [f"  stays: {_line(one)}; {_by_hand(one)}" for one in kept]
    return "\n".join([*lines, *stay])


def _by_hand(one: Leaving) -> str:
    aside = f"{one.at}.old"
    return f"if nobody needs it, move it away there: `mv {quote(one.at)} {quote(aside)}`"


def _line(one: Leaving) -> str:
    return f"{one.host}:{one.at}" + (f": {one.keep}" if one.keep else "")


def _named(left: Sequence[str]) -> str:
    more = f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
    return ", ".join(left[:_SHOWN]) + more


def _counted(number: int) -> str:
    return "1 directory" if number == 1 else f"{number} directories"
