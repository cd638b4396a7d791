"""Carry out a plan. Everything was decided when the plan was made: this walks a list."""

import shlex
from collections.abc import Callable

from gpmirror.boundary import Answered, NoAnswer, Reply
from gpmirror.errors import Declined, Partial
from gpmirror.model.names import natural
from gpmirror.model.observed import Observed
from gpmirror.model.text import counted
from gpmirror.plan.model import Action, HostAction, Plan, Wave
from gpmirror.plan.planfile import plan_text
from gpmirror.preflight.competing import read_removed, removal_script, runs_of
from gpmirror.preflight.facts import LockFile
from gpmirror.run.context import Outcome, Run, with_sizes
from gpmirror.run.gates import (
    check_allowed,
    check_cluster,
    check_competing,
    check_expansion,
    check_fresh,
    check_gate,
    check_returns,
    check_same_cluster,
    is_applied,
    look,
    look_until,
    refuse,
    take_own_lock,
    take_session_lock,
    unhealthy,
)
from gpmirror.run.outcome import (
    already,
    changing,
    ending,
    finish,
    nothing,
    rehearsed,
    tell_start,
    verify,
)
from gpmirror.run.preflight import check_preflight, run_preflight
from gpmirror.run.prune import clear
from gpmirror.run.record import PLAN, step
from gpmirror.run.rehearsal import try_again, try_plan
from gpmirror.run.settle import settled, tell_done
from gpmirror.run.wave import record, run_utilities
from gpmirror.verify import Health

# --- Carry out a plan. Everything was decided when the plan was made: this walks a list.
#
# Up to `host-actions` (a resumed run: up to clearing its own cut-off copies) nothing is changed and every refusal has an exit code from 3 to 9. From there
# on every failure is told as partly applied (10), unverified (11) or detached (130).


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
        run.dead_locks, paused = check_competing(run, observed, runs_of(run.plan, observed))
        detail.append(f"{len(observed.segments)} rows, no competing work")
        if remark := check_expansion(run, paused):
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
        dead, _ = check_competing(run, observed, runs_of(run.plan, observed))
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


# --- The hosts made ready: parent directories, in batches.


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


# --- Roles about to return: what that costs now, and a question of its own.


_LAGS_SHOWN = 8


def tell_cost(run: Run, wave: Wave) -> str:
    """What the wave costs, told as a phase; empty for a wave that returns no roles."""
    if wave.action is not Action.REBALANCE:
        return ""
    with run.phase("rebalance") as detail:
        text = cost_text(wave, run.health, run.world.catalog.busy_sessions())
        detail.append(text)
    return text


def confirm_return(run: Run, wave: Wave) -> None:
    """Ask before roles return at the end of a longer plan: it may be a busy hour by then.

    Raises Partial (10): the answer was not yes; all copies are in sync.
    """
    if wave.action is not Action.REBALANCE or wave is run.plan.waves[0]:
        return
    question = f"Return these roles on cluster {run.plan.cluster} now? Only 'yes' is accepted:"
    agreed = run.world.operator.confirm(f"{tell_cost(run, wave)}\n{question}")
    if not agreed or run.world.operator.stop_asked():
        raise Partial(
            f"stopped before wave {wave.number} of {len(run.plan.waves)}: the roles were not "
            "returned, the copies are in sync",
            hint=f"in a maintenance window, `gpmirror resume {run.name}` asks again",
        )


def cost_text(wave: Wave, health: Health | None, sessions: int | None) -> str:
    """Contents, sessions that lose what they run, and how far each mirror is behind."""
    count = len(wave.contents)
    what = f"{count} content{'' if count == 1 else 's'} to return to the preferred roles"
    return "; ".join(part for part in (what, _sessions(sessions), _lag(wave, health)) if part)


def _sessions(sessions: int | None) -> str:
    match sessions:
        case None:
            return "the number of active sessions is not known"
        case 0:
            return "no session is active"
        case 1:
            return "1 active session loses what it runs"
        case _:
            return f"{sessions} active sessions lose what they run"


def _lag(wave: Wave, health: Health | None) -> str:
    """Before 6 nobody tells it: there a mirror in sync has everything."""
    known = () if health is None else health.contents
    behind = [
        (found.content, found.lag_bytes)
        for found in known
        if found.content in wave.contents and found.lag_bytes is not None
    ]
    behind.sort(key=lambda one: (-one[1], one[0]))
    shown = [f"content {content} {lag} bytes" for content, lag in behind[:_LAGS_SHOWN]]
    more = f" and {len(behind) - _LAGS_SHOWN} more" if len(behind) > _LAGS_SHOWN else ""
    return f"replication lag: {', '.join(shown)}{more}" if shown else ""
