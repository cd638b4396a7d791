"""How a run begins and ends: what is told first, proof from the catalog, what is left to a person."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

from gpmirror.errors import Detached, ExitCode, Failure, GpmirrorError, Partial, Unverified
from gpmirror.events import RunEnded, RunStarted
from gpmirror.model.text import counted, elapsed_text, named
from gpmirror.plan.model import Action, Change, Plan
from gpmirror.plan.planfile import plan_id
from gpmirror.plan.remaining import (
    leaves_directories,
    replaced_hosts,
    to_forget,
    what_is_beyond,
    what_is_left,
)
from gpmirror.run.context import Outcome, Run
from gpmirror.run.gates import look_until
from gpmirror.run.record import Record, end, step
from gpmirror.verify import ContentHealth, CopyState, Health

# --- How a run begins and ends: what is told first and last, and what a refusal then promises.


def tell_start(run: Run, *, resumed: bool) -> None:
    """The first event."""
    run.world.reporter.tell(
        RunStarted(
            run=run.name,
            plan_id=plan_id(run.plan),
            cluster=run.plan.cluster,
            changes=len(run.plan.changes),
            waves=len(run.plan.waves),
            rehearsal=run.wishes.rehearsal,
            resumed=resumed,
        )
    )


@contextmanager
def ending(run: Run) -> Iterator[None]:
    """Whatever ends the run is told last; a detached run stays open in the journal."""
    try:
        yield
    except Detached as error:
        _note(run, step("detach", "done"))
        _tell_end(run, error.exit_code, error.message, (error.hint or "",))
        raise
    except KeyboardInterrupt:
        _note(run, end(ExitCode.INTERRUPTED, "interrupted; nothing was changed"))
        _tell_end(run, ExitCode.INTERRUPTED, "interrupted; nothing was changed", ())
        raise
    except GpmirrorError as error:
        _note(run, end(error.exit_code, error.message[:2000]))
        _tell_end(run, error.exit_code, error.message, (error.hint,) if error.hint else ())
        raise


def _note(run: Run, record: Record) -> None:
    """A last record, if it can be kept: why the run ended is told before why that is not."""
    with suppress(Failure):
        run.world.journal.write(record)


@contextmanager
def changing(run: Run) -> Iterator[None]:
    """From here on a refusal no longer means that nothing was changed."""
    run.world.operator.changes_begin()
    run.world.journal.also_far()
    try:
        yield
    except (Partial, Unverified, Detached):
        raise
    except KeyboardInterrupt as interrupt:
        raise _left_alone(run) from interrupt
    except GpmirrorError as error:
        hint = error.hint or "fix what is said above"
        raise Partial(error.message, hint=f"{hint}; then `gpmirror resume {run.name}`") from error


def _left_alone(run: Run) -> Detached:
    if run.at_work is None:
        return Detached(
            "stopped waiting: no native utility of this run is running, what it began may go on",
            hint=f"`gpmirror resume {run.name}` waits on, then does what is left",
        )
    return Detached(
        f"detached: {run.at_work} goes on by itself on {run.world.coordinator}",
        hint=f"`gpmirror resume {run.name}` follows it to the end",
    )


def finish(run: Run, outcome: Outcome) -> Outcome:
    """Close the journal and tell the end."""
    run.world.journal.write(end(outcome.code, outcome.summary))
    _tell_end(run, outcome.code, outcome.summary, outcome.next_actions)
    return outcome


def _tell_end(run: Run, code: int, summary: str, next_actions: tuple[str, ...]) -> None:
    run.world.reporter.tell(
        RunEnded(
            run=run.name,
            exit_code=code,
            summary=summary,
            next_actions=tuple(action for action in next_actions if action),
            seconds=run.seconds(),
        )
    )


# --- What a run that went well leaves to a person, what protects data first.


_LACKS = {
    CopyState.NONE: "no live copy",
    CopyState.SINGLE: "one copy only",
    CopyState.SYNCING: "two copies that are not in sync",
}
_MENDS = {
    CopyState.NONE: "`gpmirror plan` says what is down",
    CopyState.SINGLE: "`gpmirror apply` brings the other one back",
    CopyState.SYNCING: "`gpmirror status --wait 2h` waits for them",
}
_REASONS = 2


def advice(plan: Plan, run: str, health: Health, beyond: Sequence[Change]) -> tuple[str, ...]:
    """One line for each thing that is left. `beyond` is what the layout still asks of the contents
    that the plan is done with; `run` did it.
    """
    blocked = {change.content for change in plan.changes if change.action is Action.BLOCKED}
    synced = {one.content for one in health.contents if one.state is CopyState.SYNCED}
    return (
        *_copies(health, blocked),
        *roles_texts(health),
        *_moves(beyond),
        *_blocked(len(blocked & synced)),
        *_replaced(plan, blocked),
        *_directories(plan, run),
    )


def _copies(health: Health, blocked: set[int]) -> Iterator[str]:
    """Contents that are not in sync, although the plan is done."""
    for state, lacks in _LACKS.items():
        found = [one for one in health.contents if one.state is state]
        stuck = [one for one in found if one.content in blocked]
        free = [one for one in found if one.content not in blocked]
        if free:
            yield f"{_told(free, lacks)}: {_MENDS[state]}"
        if stuck:
            yield f"{_told(stuck, lacks)}, blocked: `gpmirror plan` says by what"


def _told(found: Sequence[ContentHealth], lacks: str) -> str:
    has = "has" if len(found) == 1 else "have"
    return f"{named(one.content for one in found)} {has} {lacks} ({_reasons(found)})"


def _reasons(found: Sequence[ContentHealth]) -> str:
    if len(found) == 1:
        return found[0].reason
    shown = [f"content {one.content}: {one.reason}" for one in found[:_REASONS]]
    rest = len(found) - len(shown)
    return "; ".join([*shown, f"and {rest} more"] if rest else shown)


def roles_texts(health: Health) -> Iterator[str]:
    """Contents whose roles are switched, and how to return them; nothing without any."""
    switched = [one.content for one in health.contents if one.switched]
    if switched:
        verb = (
            "is not in its preferred role"
            if len(switched) == 1
            else "are not in their preferred roles"
        )
        then = "" if health.all_synced else ", once every mirror is in sync"
        yield (
            f"{named(switched)} {verb}: return {'it' if len(switched) == 1 else 'them'} with "
            f"`gpmirror apply --rebalance --allow cancels-queries` in a maintenance window{then}"
        )


def _moves(beyond: Sequence[Change]) -> Iterator[str]:
    """Mirrors that had to stay where they are until now. Those whose roles are switched wait on."""
    moves = [change.content for change in beyond if change.action is Action.MOVE]
    if moves:
        yield f"plan again: {named(moves)} {'is' if len(moves) == 1 else 'are'} to move"


def _blocked(count: int) -> Iterator[str]:
    """Those that are in sync: the others are named with what they lack."""
    if count:
        are = "is" if count == 1 else "are"
        yield f"{counted(count, 'content')} {are} blocked: `gpmirror plan` says why"


def _replaced(plan: Plan, blocked: set[int]) -> Iterator[str]:
    """A dead host that nothing of the catalog stands on any more: its `replaces` has done its work."""
    done = {change.content for change in plan.changes} - blocked
    for new, old, there in replaced_hosts(plan):
        if there <= done:
            yield to_forget(new, old)


def _directories(plan: Plan, run: str) -> Iterator[str]:
    """What moved mirrors left behind, where the utility did not delete it."""
    gone = {c for one in plan.hazards if one.name == "deletes-old-directory" for c in one.contents}
    moves = [one for one in plan.changes if one.action is Action.MOVE and one.content not in gone]
    if leaves_directories(moves):
        yield (
            f"the moved mirrors' old directories are still there: `gpmirror prune {run}` deletes "
            "them after proof, once you trust the new copies"
        )


# --- What a run that went well says at its end.


def complete(run: Run, health: Health, beyond: Sequence[Change]) -> Outcome:
    """All of the plan is done and proved; `beyond` is what a later plan does to its contents."""
    return Outcome(
        code=ExitCode.OK,
        summary=_counts(run, health),
        next_actions=advice(run.plan, run.name, health, beyond),
        health=health,
    )


def rehearsed(plan: Plan) -> Outcome:
    """All of the plan was rehearsed."""
    waves = counted(len(plan.waves), "wave")
    return Outcome(
        code=ExitCode.OK,
        summary=f"Rehearsal complete: nothing was changed; apply would run {waves} as shown.",
    )


def already(run: Run, proved: Outcome) -> Outcome:
    """The plan was carried out before, as was proved again."""
    by = f" (run {run.wishes.applied_by})" if run.wishes.applied_by else ""
    return replace(proved, summary=f"already applied{by}, 0 changes")


def nothing(plan: Plan) -> Outcome:
    """The plan has no waves. Raises Failure: not because all is well, but blocked."""
    blocked = [change for change in plan.changes if change.action is Action.BLOCKED]
    if blocked:
        told = "; ".join(f"content {change.content}: {change.reason}" for change in blocked[:8])
        are = "is" if len(blocked) == 1 else "are"
        raise Failure(
            f"nothing can be applied, {counted(len(blocked), 'content')} {are} blocked: {told}",
            hint="see to these first; `gpmirror runs` lists runs that may have to be resumed",
        )
    return Outcome(code=ExitCode.OK, summary="Nothing to apply.")


def _counts(run: Run, health: Health) -> str:
    """Returned roles are those of the waves: a content may be recovered first."""
    did = run.plan.summary
    returned = sum(len(w.contents) for w in run.plan.waves if w.action is Action.REBALANCE)
    return (
        f"Apply complete: {did.add} added, {did.move} moved, {did.recover} recovered, "
        f"{returned} rebalanced in {elapsed_text(run.seconds())}; "
        f"every mirror{'' if health.all_synced else ' of the plan'} is in sync."
    )


# --- The end of a run: proof from the catalog that the plan is carried out.


def verify(run: Run) -> Outcome:
    """Nothing of the plan is left, and every copy of it is in sync. Raises Unverified (11)."""
    with run.phase("verify") as detail:
        mine = {c.content for c in run.plan.changes if c.action is not Action.BLOCKED}
        observed, health = look_until(run, lambda _, found: not _loose(found, mine))
        left = what_is_left(run.plan, observed).changes
        words = [f"content {change.content} is still to {change.action.value}" for change in left]
        words += _loose(health, mine)
        if words:
            raise Unverified(
                "the catalog does not prove the plan: " + "; ".join(words[:8]),
                hint="`gpmirror status` shows the copies, `gpmirror plan` what is left",
            )
        beyond = what_is_beyond(run.plan, observed).changes
        detail.append(f"{counted(len(mine), 'content')} in sync, {_rest(run.plan, beyond, health)}")
    return complete(run, health, beyond)


def _rest(plan: Plan, beyond: Collection[Change], health: Health) -> str:
    """What a second plan would hold, as far as this one can tell: it knows its own contents alone."""
    if beyond:
        return "a later plan has more to do"
    if any(change.action is Action.BLOCKED for change in plan.changes):
        return "nothing but what is blocked is left"
    whole = plan.selection is None and health.all_synced
    return "a second plan is empty" if whole else "nothing of this plan is left"


def _loose(health: Health, mine: Collection[int]) -> list[str]:
    return [
        f"content {found.content}: {found.reason}"
        for found in health.contents
        if found.content in mine and found.state is not CopyState.SYNCED
    ]
