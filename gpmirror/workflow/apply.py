"""Carry out a plan. Everything was decided when the plan was made: this walks a list.

Up to `host actions` nothing is changed and every refusal has an exit code from 3 to 9. From there
on every failure is told as partly applied (10), unverified (11) or detached (130).
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from gpmirror.cluster.observed import Observed
from gpmirror.errors import (
    Declined,
    Detached,
    ExitCode,
    Failure,
    GpmirrorError,
    Partial,
    Unverified,
)
from gpmirror.events import RunEnded, RunStarted, WaveDone
from gpmirror.journal.records import PLAN, Record, end, step
from gpmirror.plan.model import Action, Plan, Wave
from gpmirror.plan.planfile import plan_id, plan_text
from gpmirror.plan.replan import what_is_left
from gpmirror.verify import CopyState
from gpmirror.workflow.allowing import check_allowed, refuse
from gpmirror.workflow.following import record, run_utilities
from gpmirror.workflow.gates import (
    check_competing,
    check_fresh,
    check_gate,
    check_returns,
    is_applied,
    look,
    take_session_lock,
)
from gpmirror.workflow.preflight import run_preflight
from gpmirror.workflow.preparing import prepare_hosts, try_native
from gpmirror.workflow.refusing import check_preflight
from gpmirror.workflow.returning import confirm_return, tell_cost
from gpmirror.workflow.running import Outcome, Run
from gpmirror.workflow.settling import settle


def apply(run: Run, question: str) -> Outcome:
    """Carry out the run's plan. `question` is what the operator is asked.

    Raises GpmirrorError with the exit code of the contract; the last event and the journal's end
    are written in any case, save when the person detaches.
    """
    with ending(run):
        check_allowed(run.plan, run.wishes.allow)
        _begin(run, resumed=False)
        observed = _before(run)
        if is_applied(run.plan, observed):
            return finish(run, _already(run))
        check_fresh(run.plan, observed)
        if not run.plan.waves:
            return finish(run, _nothing(run.plan))
        _confirm(run, question)
        _check_hosts(run, observed)
        return carry_out(run)


def carry_out(run: Run) -> Outcome:
    """The changing half: host actions, waves, verification."""
    with changing(run):
        _prepare(run)
        _stop_if_interrupted(run)
        for wave in run.plan.waves:
            _one_wave(run, wave)
            _stop_if_asked(run, wave)
        return finish(run, verify(run))


def verify(run: Run) -> Outcome:
    """The end of it: nothing of the plan is left, and every copy of it is in sync.

    Raises Unverified (11).
    """
    with run.phase("verify") as detail:
        observed, health = look(run)
        left = what_is_left(run.plan, observed).changes
        mine = {change.content for change in run.plan.changes} - _blocked(run.plan)
        loose = [
            found
            for found in health.contents
            if found.content in mine and found.state is not CopyState.SYNCED
        ]
        if left or loose:
            words = [
                f"content {change.content} is still to {change.action.value}" for change in left
            ]
            words += [f"content {found.content}: {found.reason}" for found in loose]
            raise Unverified(
                "the catalog does not prove the plan: " + "; ".join(words[:8]),
                hint="`gpmirror status` shows the copies, `gpmirror plan` what is left",
            )
        detail.append(f"{len(mine)} contents in sync, a second plan is empty")
    if run.wishes.rehearsal:
        return Outcome(code=ExitCode.OK, summary=_rehearsed(run.plan))
    return Outcome(
        code=ExitCode.OK, summary=_counts(run), next_actions=_next(run), health=run.health
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
        raise Detached(
            "detached: a native utility that was started goes on by itself on "
            f"{run.world.coordinator}",
            hint=f"`gpmirror resume {run.name}` follows it to the end",
        ) from interrupt
    except GpmirrorError as error:
        hint = error.hint or "mend what is said above"
        raise Partial(error.message, hint=f"{hint}; then `gpmirror resume {run.name}`") from error


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


def _begin(run: Run, *, resumed: bool) -> None:
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


def _before(run: Run) -> Observed:
    """Lock, competing work, the catalog now."""
    with run.phase("lock") as detail:
        if not run.wishes.rehearsal:
            take_session_lock(run)
            detail.append("ours until this run ends")
    with run.phase("observe") as detail:
        observed, _ = look(run)
        check_competing(run, observed)
        detail.append(f"{len(observed.segments)} rows, no competing work")
    return observed


def _confirm(run: Run, question: str) -> None:
    cost = tell_cost(run, run.plan.waves[0])
    with run.phase("confirm"):
        if not run.world.operator.confirm("\n".join(filter(None, (cost, question)))):
            raise Declined("not applied: the answer was not yes", hint="nothing was changed")


def _check_hosts(run: Run, observed: Observed) -> None:
    with run.phase("preflight") as detail:
        allowed = {*run.wishes.allow, *run.plan.allowed}
        preflight = run_preflight(run.plan, observed, run.world.hosts, allowed=allowed)
        check_preflight(preflight, allowed)
        refuse(preflight.hazards, (), allowed)
        hosts = len({check.host for check in preflight.checks})
        detail.append(f"{len(preflight.checks)} checks on {hosts} hosts")
    with run.phase("dry-run") as detail:
        detail.append(try_native(run))
    _look_again(run)


def _look_again(run: Run) -> None:
    """The question and the checks take their time: a session lost meanwhile took the lock with it,
    and the catalog may be another by now. Raises as `_before`.
    """
    if not run.wishes.rehearsal:
        take_session_lock(run)
    observed, health = look(run)
    check_fresh(run.plan, observed)
    check_gate(run, run.plan.waves[0], health)
    check_returns(run, health)


def _prepare(run: Run) -> None:
    with run.phase("host-actions") as detail:
        run.world.natives.keep([(PLAN, plan_text(run.plan))])
        detail.append(prepare_hosts(run))


def _one_wave(run: Run, wave: Wave) -> None:
    begin = run.world.clock.monotonic()
    record(run, wave, "gate", "begin")
    if not run.wishes.rehearsal:
        take_session_lock(run)  # an earlier wave may have lost it with its session
    _, health = look(run)
    check_gate(run, wave, health)
    confirm_return(run, wave)
    record(run, wave, "gate", "done")
    record(run, wave, "native", "begin")
    ended = run_utilities(run, wave)
    record(run, wave, "native", "done", status=ended.status)
    record(run, wave, "sync", "begin")
    copied = settle(run, wave, ended)
    record(run, wave, "sync", "done")
    run.world.reporter.tell(
        WaveDone(
            wave=wave.number,
            waves=len(run.plan.waves),
            seconds=run.world.clock.monotonic() - begin,
            bytes=copied,
            bytes_left=_bytes_left(run.plan, wave),
        )
    )


def _bytes_left(plan: Plan, wave: Wave) -> int | None:
    """What the waves after this one copy; None where a size is unknown."""
    sizes = [found.bytes for found in plan.exposure.waves if found.wave > wave.number]
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None


def _stop_if_interrupted(run: Run) -> None:
    """Before the first wave: a wave that has not begun is not worth waiting for."""
    if run.world.operator.stop_asked():
        raise Partial(
            "stopped before wave 1, as asked: directories were made ready, no utility was started",
            hint=f"go on with `gpmirror resume {run.name}`",
        )


def _stop_if_asked(run: Run, wave: Wave) -> None:
    """Between waves; after the last one there is nothing to stop."""
    if wave.number >= len(run.plan.waves):
        return
    asked = run.world.operator.stop_asked()
    if asked or run.wishes.stop_after_wave == wave.number:
        why = "as asked" if asked else "as --stop-after-wave says"
        raise Partial(
            f"stopped after wave {wave.number} of {len(run.plan.waves)}, {why}; its copies are in "
            "sync",
            hint=f"go on with `gpmirror resume {run.name}`",
        )


def _blocked(plan: Plan) -> set[int]:
    return {change.content for change in plan.changes if change.action is Action.BLOCKED}


def _already(run: Run) -> Outcome:
    named = f" (run {run.wishes.applied_by})" if run.wishes.applied_by else ""
    return Outcome(
        code=ExitCode.OK, summary=f"already applied{named}, 0 changes", health=run.health
    )


def _nothing(plan: Plan) -> Outcome:
    blocked = plan.summary.blocked
    words = f"Nothing to apply: {blocked} blocked." if blocked else "Nothing to apply."
    return Outcome(code=ExitCode.OK, summary=words)


def _rehearsed(plan: Plan) -> str:
    return (
        f"Rehearsal complete: nothing was changed; apply would run {len(plan.waves)} "
        f"{'wave' if len(plan.waves) == 1 else 'waves'} as shown."
    )


def _counts(run: Run) -> str:
    did = run.plan.summary
    return (
        f"Apply complete: {did.add} added, {did.move} moved, {did.recover} recovered, "
        f"{did.rebalance} rebalanced; every mirror of the plan is in sync."
    )


def _next(run: Run) -> tuple[str, ...]:
    found = []
    switched = [] if run.health is None else [c.content for c in run.health.contents if c.switched]
    if switched:
        shown = ", ".join(str(content) for content in switched[:8])
        found.append(
            f"{len(switched)} contents act with switched roles ({shown}): return them with "
            "`gpmirror apply --rebalance` in a quiet hour"
        )
    if run.plan.summary.blocked:
        found.append(f"{run.plan.summary.blocked} contents are blocked: `gpmirror plan` says why")
    return tuple(found)
