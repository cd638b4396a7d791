"""Before anything is touched: the lock, competing work, the catalog as planned,
and every danger allowed by name.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from gpmirror.boundary import Answered, LockHolder
from gpmirror.errors import ConnectionLost, Failure, InvalidInput, Locked, NotReady, Stale, Unsafe
from gpmirror.model.observed import Observed
from gpmirror.model.text import named
from gpmirror.native.process import environment_text
from gpmirror.plan.codes import REVIEW_ONLY
from gpmirror.plan.hazards import DEAD_LOCK, PAUSED_EXPANSION
from gpmirror.plan.model import Action, Guard, Hazard, Plan, Wave
from gpmirror.plan.remaining import (
    foreign_cluster,
    hosts_of,
    other_cluster,
    stale_rows,
    strayed,
    what_is_left,
)
from gpmirror.preflight.competing import Runs, competing_script, competing_work
from gpmirror.preflight.facts import LockFile
from gpmirror.preflight.model import Preflight
from gpmirror.run.context import Run
from gpmirror.run.look import replication
from gpmirror.verify import CopyState, Health, disagreements, judge_copies

# --- Whether somebody allowed every danger of a plan by name.


_UNPROTECT = "--unprotect "


def check_allowed(plan: Plan, allow: Collection[str]) -> None:
    """Raises Unsafe (4), naming each danger that neither the plan nor `allow` allows and the flag
    that would; Stale (5) for a plan that was made for review only.
    """
    check_complete(plan)
    refuse(plan.hazards, plan.guards, allow)


def check_complete(plan: Plan) -> None:
    """Raises Stale (5) for a plan that was made for review only."""
    if plan.review_only:
        raise Stale(REVIEW_ONLY.title, hint=REVIEW_ONLY.fix)


def refuse(hazards: Iterable[Hazard], guards: Iterable[Guard], allow: Collection[str]) -> None:
    """Raises Unsafe (4) for what is not allowed."""
    found = refusals(hazards, guards, allow)
    if found:
        raise Unsafe(
            "\n".join(words for _, words in found),
            hint=f"if that is meant, add: {flags_of(found)}",
        )


def refusals(
    hazards: Iterable[Hazard], guards: Iterable[Guard], allow: Collection[str]
) -> list[tuple[str, str]]:
    """What is not allowed: the flag that would, and the danger in words."""
    return [*_hazards(hazards, allow), *_guards(guards, allow)]


def unallowed(plan: Plan, found: Preflight) -> list[tuple[str, str]]:
    """What `apply` of this plan would refuse (4), with what the hosts told; as `refusals`."""
    return refusals((*plan.hazards, *found.hazards), plan.guards, plan.allowed)


def flags_of(found: Iterable[tuple[str, str]]) -> str:
    """The flags of refusals, each once."""
    return " ".join(dict.fromkeys(flag for flag, _ in found))


def _hazards(hazards: Iterable[Hazard], allow: Collection[str]) -> Iterator[tuple[str, str]]:
    for hazard in hazards:
        if not (hazard.allowed or hazard.name in allow):
            yield hazard.flag, f"{hazard.name}: {hazard.message}"


def _guards(guards: Iterable[Guard], allow: Collection[str]) -> Iterator[tuple[str, str]]:
    for guard in guards:
        if guard.exceeded and not (guard.allowed or f"guard:{guard.name}" in allow):
            value = "unknown" if guard.value is None else f"{guard.value} {guard.unit}"
            yield guard.flag, f"guard {guard.name}: {value}, limit {guard.limit} {guard.unit}"


# --- Before anything is touched: the lock, competing work, the catalog as planned, the first gate.


_SHOWN = 12
_LEFT_SECONDS = 3.0


def take_session_lock(run: Run) -> None:
    """The lock alone. Raises Locked: somebody else has it."""
    holder = ask_for_lock(run)
    if holder is not None:
        raise Locked(
            f"cluster {run.plan.cluster} is locked by {holder.name} (session {holder.pid} from "
            f"{holder.client}, since {holder.since})",
            hint="wait until it ends; `gpmirror runs` lists the runs of this machine",
        )


def take_own_lock(run: Run) -> None:
    """The lock of a run that was cut off: a session that it left is given some seconds to end.
    Raises Locked: somebody has it; where it still bears this run's name, the run goes on there.
    """
    clock = run.world.clock
    limit = clock.monotonic() + _LEFT_SECONDS
    while (holder := ask_for_lock(run)) is not None and is_own(run, holder):
        if clock.monotonic() >= limit:
            raise Locked(
                f"run {run.name} still goes on in another process (session {holder.pid} from "
                f"{holder.client}, since {holder.since})",
                hint="wait until it ends; a session whose machine is gone can be ended with "
                f"`SELECT pg_terminate_backend({holder.pid})` on the coordinator",
            )
        clock.sleep(1.0)
    take_session_lock(run)


def ask_for_lock(run: Run) -> LockHolder | None:
    """None: the lock is ours; else who has it."""
    return run.world.catalog.lock(_lock_name(run))


def is_own(run: Run, holder: LockHolder) -> bool:
    """Whether the lock is held in this run's name, by a session that is not ours any more."""
    return holder.name == _lock_name(run)


def _lock_name(run: Run) -> str:
    return f"gpmirror {run.name}"


UNSEEN = "unchecked:competing"
"""What `--allow` takes where databases cannot be looked into for other work."""


def check_competing(
    run: Run, observed: Observed, runs: Runs
) -> tuple[tuple[LockFile, ...], str | None]:
    """Dead locks that may be removed, as somebody allowed; what gpexpand wrote last, where it pauses.
    `runs` are the utilities that are to run. Raises Locked: native utilities at work or what they
    left behind, on sessions or on disk.
    """
    work = run.world.catalog.other_work()
    allow = {*run.wishes.allow, *run.plan.allowed}
    unseen = () if UNSEEN in allow else work.unseen
    found = [*work.in_the_way, *unseen]
    script = competing_script(observed)
    reply = run.world.hosts.ask({run.world.coordinator: script}, seconds=60)[run.world.coordinator]
    match reply:
        case Answered():
            works = competing_work(reply.out, runs)
        case _:
            raise NotReady(f"cannot look for competing work: {reply.message}", hint=reply.hint)
    allowed = DEAD_LOCK in allow
    dead = tuple(work.dead for work in works if work.dead is not None)
    found += [work.sentence for work in works if work.dead is None or not allowed]
    if found:
        more = f"; what cannot be looked at is accepted with `--allow {UNSEEN}`" if unseen else ""
        raise Locked(
            "other work stands in the way:\n" + "\n".join(f"  {one}" for one in found),
            hint=f"wait until it ends, or clear what it left as said above, then try again{more}",
        )
    return dead, work.paused


def check_expansion(run: Run, status: str | None) -> str:
    """What to say of an expansion that pauses; empty: there is none. Raises Unsafe (4): mirrors are to
    be added or moved meanwhile, and nobody allowed that.
    """
    if status is None:
        return ""
    refuse(expansion_hazards(run.plan, status), (), run.wishes.allow)
    return untouched(status)


def untouched(status: str) -> str:
    """What is said of an expansion that pauses, and that a plan does not disturb."""
    return f"an expansion pauses ({status}), which this does not touch"


def expansion_hazards(plan: Plan, status: str) -> tuple[Hazard, ...]:
    """The danger of adding or moving mirrors while an expansion pauses, if the plan does. No mirroring
    utility looks for one (7.0.0, by source; 6.24.3 and Greengage 6.27.1, recorded), and a copy that is
    down cannot wait for weeks.
    """
    moved = [w for w in plan.waves if w.action in {Action.ADD, Action.MOVE}]
    if not moved:
        return ()
    contents = tuple(sorted({content for wave in moved for content in wave.contents}))
    return (
        Hazard(
            name=PAUSED_EXPANSION,
            message=f"an expansion pauses ({status}): tables are still to be redistributed, and "
            f"{named(contents)} would get other mirrors meanwhile; end the expansion first "
            "(`gpexpand`), or bring back only what is down (`--content`)",
            flag=f"--allow {PAUSED_EXPANSION}",
            contents=contents,
            allowed=PAUSED_EXPANSION in plan.allowed,
        ),
    )


def check_cluster(plan: Plan, observed: Observed) -> None:
    """Raises Stale (5): the cluster that answers is not the one that the plan was made for, or it has
    primaries by now on hosts that the plan does not know.
    """
    if foreign := foreign_cluster(plan, observed):
        raise Stale(
            foreign,
            hint="see how the cluster is reached: PGHOST and PGPORT, or `cluster.coordinator` in "
            "the spec; `gpmirror plan` makes a plan for the one that answers",
        )
    _check_hosts_known(plan, observed)


def _check_hosts_known(plan: Plan, observed: Observed) -> None:
    try:
        hosts_of(plan, observed)
    except InvalidInput as error:
        told = "; ".join(dict.fromkeys(one.message for one in error.diagnostics))
        raise Stale(
            f"the plan does not match the catalog any more: {told}",
            hint="the spec inside a plan file cannot be edited: list the host in your spec, plan "
            "again and review what changed",
        ) from error


def check_fresh(plan: Plan, observed: Observed) -> None:
    """Raises Stale (5) with the rows that changed since the plan was made."""
    rows = stale_rows(plan, observed)
    if rows:
        shown = "\n".join(f"  {row}" for row in rows[:_SHOWN])
        more = f"\n  and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
        raise Stale(
            f"the plan does not match the catalog any more:\n{shown}{more}",
            hint="plan again and review what changed",
        )


def is_applied(plan: Plan, observed: Observed) -> bool:
    """Whether there is nothing left to do of a plan that had something to do."""
    return bool(plan.waves) and what_is_left(plan, observed).is_empty


def look(run: Run) -> tuple[Observed, Health]:
    """The catalog and the state of all copies now; remembered as the run's last look."""
    observed = run.world.catalog.observe()
    streams = replication(run.world.catalog, observed)
    run.health = judge_copies(observed, streams)
    return replace(observed, disagreements=disagreements(observed, streams)), run.health


def unhealthy(plan: Plan, wave: Wave, health: Health) -> list[str]:
    """Contents that forbid this wave: not in sync, and not waiting for this or a later repair.
    Nothing excuses a content when roles return: both copies of each pair stop in turn, and the
    utility also recovers whatever is down, in its own way.
    """
    if wave.action is Action.REBALANCE:
        return _loose(health, ())
    if wave.action is Action.RECOVER and _as_planned(plan, wave, health):
        return []
    blocked = {change.content for change in plan.changes if change.action is Action.BLOCKED}
    later = (one for one in plan.waves if one.number >= wave.number)
    repaired = {c for one in later if one.action is not Action.MOVE for c in one.contents}
    return _loose(health, blocked | repaired | set(wave.contents))


def _as_planned(plan: Plan, wave: Wave, health: Health) -> bool:
    """Whether no more contents have one copy than when the plan was made. A recovery puts none of
    them at risk, and those that a selection left out may be beyond repair for now.
    """
    planned = {found.wave: found.already_single for found in plan.exposure.waves}
    dead = len(plan.exposure.none or ())
    return len(_loose(health, wave.contents)) <= planned.get(wave.number, 0) + dead


def _loose(health: Health, excused: Collection[int]) -> list[str]:
    return [
        f"content {found.content} is {found.state.value}: {found.reason}"
        for found in health.contents
        if found.state is not CopyState.SYNCED and found.content not in excused
    ]


def check_returns(run: Run, health: Health) -> None:
    """Raises NotReady (9): roles are to return at the end, but something is not in sync that no
    wave before brings in sync.
    """
    for wave in run.plan.waves:
        if wave.action is Action.REBALANCE:
            earlier = (w for w in run.plan.waves if w.number < wave.number)
            _refuse(wave, _loose(health, {content for w in earlier for content in w.contents}))


def check_same_cluster(plan: Plan, observed: Observed) -> None:
    """Raises Stale (5): another coordinator answers than the one the plan was made for."""
    changed = other_cluster(plan, observed)
    if changed:
        raise Stale(
            "not the cluster of the plan any more: " + "; ".join(changed), hint="plan again"
        )


def check_gate(run: Run, wave: Wave, observed: Observed, health: Health) -> None:
    """Raises NotReady (9): a content that this wave does not treat is not in sync, or one that it
    treats is not as it was planned for.
    """
    found = [*unhealthy(run.plan, wave, health), *strayed(wave, observed)]
    _refuse(wave, [*found, *_returning_too(wave, health)])


def _returning_too(wave: Wave, health: Health) -> list[str]:
    """`gprecoverseg -r` returns every switched pair, also those that nobody agreed to."""
    if wave.action is not Action.REBALANCE:
        return []
    mine = set(wave.contents)
    return [
        f"content {found.content} has switched roles by now and would be returned too"
        for found in health.contents
        if found.switched and found.content not in mine
    ]


def _refuse(wave: Wave, found: Sequence[str]) -> None:
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise NotReady(
            f"wave {wave.number} may not start: " + "; ".join(found[:_SHOWN]) + more,
            hint="repair these first: `gpmirror plan` says how",
        )


def native_environment(observed: Observed) -> str:
    """The shell text that makes the utilities' environment. Raises NotReady: the catalog has no
    coordinator.
    """
    coordinator = observed.coordinator
    if coordinator is None or coordinator.directory is None:
        raise NotReady(
            "the catalog does not show the coordinator's data directory, so no utility can start",
            hint="check gp_segment_configuration (and pg_filespace_entry) for content -1",
        )
    return environment_text(observed.dialect, coordinator)


# --- Looking again before a verdict: one odd moment must not end a run of days.


_BETWEEN_SECONDS = 2.0


def look_until(run: Run, good: Callable[[Observed, Health], bool]) -> tuple[Observed, Health]:
    """The first look that is good; or the last one, once the fault prober had time for a round.

    A lost session is opened again: the lock is not. Raises what looking raises, at the end of that
    time.
    """
    clock, catalog = run.world.clock, run.world.catalog
    limit: float | None = None
    while True:
        late = limit is not None and clock.monotonic() >= limit
        try:
            observed, health = look(run)
            if late or good(observed, health):
                return observed, health
            catalog.request_probe()
        except (Failure, InvalidInput) as error:
            if late:
                raise
            if isinstance(error, ConnectionLost):
                with suppress(Failure, InvalidInput):
                    catalog.reconnect()
        limit = clock.monotonic() + run.probe_round_seconds() if limit is None else limit
        clock.sleep(_BETWEEN_SECONDS)
