"""Carry out a plan. Everything was decided when the plan was made: this walks a list.

Up to `host actions` nothing is changed and every refusal has an exit code from 3 to 9. From there
on every failure is told as partly applied (10), unverified (11) or detached (130).
"""

from collections.abc import Callable

from gpmirror.cluster.counting import counted
from gpmirror.cluster.observed import Observed
from gpmirror.errors import Declined, Partial
from gpmirror.journal.records import PLAN
from gpmirror.plan.model import Wave
from gpmirror.plan.planfile import plan_text
from gpmirror.preflight.competing import runs_of
from gpmirror.workflow.allowing import check_allowed, refuse
from gpmirror.workflow.dryrun import try_again, try_plan
from gpmirror.workflow.ending import changing, ending, finish, tell_start
from gpmirror.workflow.following import record, run_utilities
from gpmirror.workflow.gates import (
    check_cluster,
    check_competing,
    check_expansion,
    check_fresh,
    check_gate,
    check_returns,
    check_same_cluster,
    is_applied,
    look,
    take_own_lock,
    take_session_lock,
    unhealthy,
)
from gpmirror.workflow.looking import look_until
from gpmirror.workflow.measuring import with_sizes
from gpmirror.workflow.outcomes import already, nothing, rehearsed
from gpmirror.workflow.preflight import run_preflight
from gpmirror.workflow.preparing import prepare_hosts, remove_dead_locks
from gpmirror.workflow.prune import clear
from gpmirror.workflow.reckoning import tell_done
from gpmirror.workflow.refusing import check_preflight
from gpmirror.workflow.returning import confirm_return, tell_cost
from gpmirror.workflow.running import Outcome, Run
from gpmirror.workflow.settling import settled
from gpmirror.workflow.verifying import verify


def apply(run: Run, question: str, agreed: Callable[[], None] | None = None) -> Outcome:
    """Carry out the run's plan. `question` is what the operator is asked; `agreed` is called once the
    answer is yes, before anything is changed.

    Raises GpmirrorError with the exit code of the contract; the last event and the journal's end
    are written in any case, save when the person detaches.
    """
    with ending(run):
        check_allowed(run.plan, run.wishes.allow)
        tell_start(run, resumed=False)
        observed = _before(run)
        check_cluster(run.plan, observed)
        if is_applied(run.plan, observed):
            return finish(run, already(run, verify(run)))
        check_fresh(run.plan, observed)
        if not run.plan.waves:
            return finish(run, nothing(run.plan))
        _confirm(run, question, agreed)
        if run.wishes.clear:
            # room and empty directories are counted after it, and no refusal is without a change
            with changing(run):
                clear(run)
                _check_hosts(run, observed)
                return carry_out(run)
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
        # a rehearsal has nothing to prove
        return finish(run, rehearsed(run.plan) if run.wishes.rehearsal else verify(run))


def _before(run: Run) -> Observed:
    """Lock, competing work, the catalog now."""
    with run.phase("lock") as detail:
        if not run.wishes.rehearsal:
            take_session_lock(run)
            detail.append("acquired, held until this run ends")
    with run.phase("observe") as detail:
        observed, _ = look(run)
        run.dead_locks = check_competing(run, observed, runs_of(run.plan, observed))
        detail.append(f"{len(observed.segments)} rows, no competing work")
        if remark := check_expansion(run):
            detail.append(remark)
        detail += [f"{lock.path} is to be removed" for lock in run.dead_locks]
    return observed


def _confirm(run: Run, question: str, agreed: Callable[[], None] | None) -> None:
    told = (tell_cost(run, run.plan.waves[0]), *_locks_to_remove(run))
    with run.phase("confirm"):
        if not run.world.operator.confirm("\n".join(filter(None, (*told, question)))):
            raise Declined("not applied: the answer was not yes", hint="nothing was changed")
        if agreed is not None:
            agreed()


def _locks_to_remove(run: Run) -> list[str]:
    """With `--quiet` too: that a plan file allows it is not that somebody knows of it."""
    return [f"{lock.path} is to be removed first: its process is gone" for lock in run.dead_locks]


def _check_hosts(run: Run, observed: Observed) -> None:
    with run.phase("preflight") as detail:
        allowed = {*run.wishes.allow, *run.plan.allowed}
        sized = with_sizes(observed, run.world.catalog)
        preflight = run_preflight(run.plan, sized, run.world.hosts, allowed=allowed)
        check_preflight(run.plan, preflight, allowed)
        refuse(preflight.hazards, (), allowed)
        run.measured = dict(preflight.sizes)
        hosts = counted(len({check.host for check in preflight.checks}), "host")
        detail.append(f"{counted(len(preflight.checks), 'check')} on {hosts}")
        detail += [
            f"{one.host}: {one.detail}, allowed by --allow {one.override}"
            for one in preflight.overridden(allowed)
        ]
    with run.phase("dry-run") as detail:
        detail.append(try_plan(run, observed))
    _look_again(run)


def _look_again(run: Run) -> None:
    """The question and the checks take their time: a session lost meanwhile took the lock with it,
    and the catalog may be another by now. Raises as `_before`.
    """
    if not run.wishes.rehearsal:
        take_session_lock(run)
    observed, health = look(run)
    check_fresh(run.plan, observed)
    check_gate(run, run.plan.waves[0], observed, health)
    check_returns(run, health)


def _prepare(run: Run) -> None:
    with run.phase("host-actions") as detail:
        run.world.natives.keep([(PLAN, plan_text(run.plan))])
        detail += [f"{lock.path} removed" for lock in remove_dead_locks(run)]
        detail.append(prepare_hosts(run))


def _one_wave(run: Run, wave: Wave) -> None:
    # a person may take hours to answer: whatever must hold is looked at afterwards
    confirm_return(run, wave)
    record(run, wave, "gate", "begin")
    _pass_gate(run, wave)
    begin = run.wave_begins()
    record(run, wave, "gate", "done")
    record(run, wave, "native", "begin")
    ended = run_utilities(run, wave)
    record(run, wave, "native", "done", status=ended.status)
    copied = settled(run, wave, ended)
    tell_done(run, wave, copied, begin)


def _pass_gate(run: Run, wave: Wave) -> None:
    """Everything that must hold when a wave starts. Raises Locked, Stale and NotReady."""
    observed, health = look_until(run, lambda _, found: not unhealthy(run.plan, wave, found))
    if not run.wishes.rehearsal:
        take_own_lock(run)  # an earlier wave may have lost it with its session
    if wave.number > 1:
        dead = check_competing(run, observed, runs_of(run.plan, observed))
        if not run.wishes.rehearsal:
            # one that an earlier wave of this run left; a rehearsal left none, and removed none
            run.dead_locks = dead
            remove_dead_locks(run)
    check_same_cluster(run.plan, observed)
    check_gate(run, wave, observed, health)
    if not run.wishes.rehearsal:
        try_again(run, wave, observed)
    run.tried.clear()


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
