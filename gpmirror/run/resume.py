"""Take up a run that was cut off or stopped, also one that another machine began."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from gpmirror.boundary import Answered, Hosts, NoAnswer
from gpmirror.errors import ExitCode, Failure, Partial, Stale, Unverified
from gpmirror.events import NativeSaid
from gpmirror.model.observed import Observed
from gpmirror.model.segment import Slot
from gpmirror.model.text import counted
from gpmirror.native.fields import lines_of
from gpmirror.native.process import NOT_OURS, list_script, read_list, read_script
from gpmirror.plan.model import RUN_NAME, Action, Change, Plan, Wave
from gpmirror.plan.planfile import plan_id
from gpmirror.plan.remaining import moved_elsewhere, plan_what_is_left, site_of, what_is_left
from gpmirror.run.context import Outcome, Run
from gpmirror.run.gates import look, look_until, take_own_lock
from gpmirror.run.look import informed, see_lifeless
from gpmirror.run.outcome import changing, ending, finish, tell_start, verify
from gpmirror.run.prune import cut_off
from gpmirror.run.record import JOURNAL, PLAN, RunRecord, read_standing, resumed
from gpmirror.run.settle import settled, tell_followed
from gpmirror.run.wave import follow_utilities, record
from gpmirror.verify import Health

# --- Take up a run that was cut off or stopped: attach to what still runs, settle it, plan the rest.


_SHOWN = 8
_REASONS = 3


def check_resumable(standing: RunRecord) -> None:
    """Raises Failure: the run is complete, changed nothing, or another run took over its rest."""
    name = standing.run
    if standing.continued_as is not None:
        raise Failure(
            f"run {name} goes on as run {standing.continued_as}",
            hint=f"`gpmirror resume {standing.continued_as}`, unless that one is complete: `gpmirror "
            "plan` shows what the spec still asks for",
        )
    if standing.exit_code == ExitCode.OK:
        raise Failure(f"run {name} is complete: {standing.summary}", hint="there is nothing to do")
    if not standing.changed_something:
        raise Failure(
            f"run {name} changed nothing, so there is nothing to resume",
            hint="apply the plan again",
        )


def check_latest(standing: RunRecord, later_runs: Sequence[RunRecord]) -> None:
    """Raises Failure: a run that was begun later has changed this cluster, and going on would undo
    its work.
    """
    later = [
        one.run
        for one in later_runs
        if one.cluster == standing.cluster
        and one.changed_something
        and one.continues != standing.run
    ]
    if later:
        raise Failure(
            f"run {max(later)} has changed cluster {standing.cluster} after run {standing.run}, so "
            "its rest may no longer be wanted",
            hint="`gpmirror plan` shows what the spec still asks for",
        )


def check_own_plan(standing: RunRecord, plan: Plan) -> None:
    """Raises Failure: the plan is not the one that the run was begun with."""
    if plan_id(plan) != standing.plan_id:
        raise Failure(
            f"run {standing.run} was begun with plan {standing.plan_id[:12]}, but its folder holds "
            f"plan {plan_id(plan)[:12]}",
            hint="put the run's own plan.json back; `gpmirror plan` shows what is left in any case",
        )


def resume(run: Run, standing: RunRecord, by: str) -> Outcome:
    """Settle what the run began, then see what is left. The outcome is complete (0), or holds the
    plan for the rest, which is a run of its own; this run's journal is then still open.

    Raises as `apply` does; Locked: somebody else is at work, nothing was written.
    """
    # before a word is written: the journal may be that of a run that goes on elsewhere
    take_own_lock(run)
    with suppress(Failure):  # a cluster in trouble is looked at again below
        check_places(run, look(run)[0])
    with ending(run):
        run.world.journal.write(resumed(by))
        tell_start(run, resumed=True)
        with changing(run):
            _settle_last(run, standing)
            observed, health = _look_settled(run)
            observed = see_lifeless(observed, run.world.hosts, site_of(run.plan).hosts)
            check_places(run, observed)
            if what_is_left(run.plan, observed).is_empty:
                return finish(run, verify(run))
            remaining = _rest(run, observed)
            _check_possible(run, remaining)
            halves = cut_off(run, standing, observed, health)
    count = len(remaining.changes)
    left = f"{counted(count, 'content')} {'is' if count == 1 else 'are'} left"
    summary = f"{left}: {_words(remaining.changes)}"
    return Outcome(
        code=ExitCode.PARTIAL,
        summary=summary,
        health=health,
        remaining=remaining,
        halves=tuple(halves),
    )


def check_places(run: Run, observed: Observed) -> None:
    """Raises Stale: a copy that this run touches was moved by somebody else since, and to go on would
    take that back.
    """
    found = moved_elsewhere(run.plan, observed)
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise Stale(
            f"run {run.name} neither took these copies there nor found them there: "
            f"{'; '.join(found[:_SHOWN])}{more}",
            hint="somebody else has changed the cluster since: `gpmirror plan` shows what the spec "
            "still asks for",
        )


def _look_settled(run: Run) -> tuple[Observed, Health]:
    """The catalog, once the fault prober has seen what a utility that died did: it may have stopped
    a mirror that the catalog still calls in sync (7.0.0, recorded).
    """
    mine = {c.content for c in run.plan.changes if c.action is not Action.BLOCKED}
    return look_until(run, lambda seen, _: not any(_unseen(seen, mine)))


def _unseen(observed: Observed, mine: set[int]) -> Iterator[int]:
    """Contents of which the catalog will soon tell something else."""
    yield from mine & observed.disagreements.keys()
    up = {row.content for row in observed.segments if row.is_up and not row.is_acting_primary}
    for row in observed.segments:
        if row.content in mine & up and row.is_acting_primary and not row.is_up:
            yield row.content


def _rest(run: Run, observed: Observed) -> Plan:
    """The plan for what is left; half copies that the run may have left are looked for."""
    return informed(
        observed,
        run.world.hosts,
        run.world.catalog,
        site_of(run.plan).hosts,
        lambda seen: plan_what_is_left(
            run.plan, seen, allow=None if run.wishes.confirmed else run.wishes.allow
        ),
    )


def is_expected(plan: Plan, remaining: Plan) -> bool:
    """Whether the rest is nothing but a part of what was confirmed when the run began. To return
    roles is asked for anew each time.
    """
    if any(wave.action is Action.REBALANCE for wave in remaining.waves):
        return False
    confirmed = {(c.content, c.action, c.method, c.to) for c in plan.changes}
    places = _places(plan)
    return all(
        (c.content, c.action, c.method, c.to) in confirmed
        and (c.from_ is None or c.from_ in places.get(c.content, ()))
        for c in remaining.changes
    )


def _places(plan: Plan) -> dict[int, list[Slot]]:
    """Where the plan's own steps take each copy from or leave it: found elsewhere, somebody else
    has moved it since.
    """
    found: dict[int, list[Slot]] = {}
    for wave in plan.waves:
        for step in wave.steps:
            found.setdefault(step.content, []).extend(
                slot for slot in (step.from_, step.to) if slot is not None
            )
    return found


def _settle_last(run: Run, standing: RunRecord) -> None:
    """Bring the wave that was begun and not ended to its end, whatever end that is."""
    open_waves = set(standing.native_begun) - set(standing.waves_done)
    for wave in run.plan.waves:
        if wave.number in open_waves:
            try:
                _finish_wave(run, wave, known=wave.number in standing.waves_failed)
            except (Partial, Unverified) as error:
                # told, not raised: the catalog decides what is left, and that is planned next
                said = NativeSaid(wave=wave.number, level="error", text=error.message)
                run.world.reporter.tell(said)


def _finish_wave(run: Run, wave: Wave, *, known: bool) -> None:
    """Follow what was started; a utility that was lost counts as failed, and its copies may still
    come up. `known`: they were waited for before.
    """
    begin = run.wave_begins()
    ended = follow_utilities(run, wave)
    if ended is None:
        return
    record(run, wave, "native", "done", status=ended.status)
    settled(run, wave, ended, known=known)
    tell_followed(run, wave, run.world.clock.monotonic() - begin)


def _check_possible(run: Run, remaining: Plan) -> None:
    if remaining.waves:
        return
    reasons = dict.fromkeys(one.reason for one in remaining.changes)
    told = f"; {'; '.join(list(reasons)[:_REASONS])}" if reasons else ""
    raise Partial(
        f"run {run.name} cannot go on: {_words(remaining.changes)}{told}",
        hint="`gpmirror plan` says what blocks each content",
    )


def _words(changes: tuple[Change, ...]) -> str:
    shown = [f"content {one.content} {_word(one)}" for one in changes[:_SHOWN]]
    more = f" and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
    return ", ".join(shown) + more


def _word(change: Change) -> str:
    return "is blocked" if change.action is Action.BLOCKED else f"to {change.action.value}"


# --- Runs as the coordinator's host knows them: what other machines did to this cluster.


_SECONDS = 60.0
_MOST_LATER = 50
"""So many of the latest runs are looked at."""


def far_files(hosts: Hosts, coordinator: str, run: str) -> tuple[str, str]:
    """Journal and plan of a run from its run directory. Raises Failure: that host has none."""
    texts = (_read(hosts, coordinator, read_script(run, name)) for name in (JOURNAL, PLAN))
    journal, plan = texts
    if journal is None or plan is None:
        raise Failure(
            f"no run {run} on {coordinator} either",
            hint="`gpmirror runs` lists the runs of this machine",
        )
    return journal, plan


def far_journal(hosts: Hosts, coordinator: str, run: str) -> str:
    """The journal in a run's directory, empty where there is none. Raises Failure: no answer."""
    return _read(hosts, coordinator, read_script(run, JOURNAL)) or ""


def later_runs(hosts: Hosts, coordinator: str, run: str) -> list[RunRecord]:
    """Where the runs stand that any machine began after this one: by the numbers that the
    coordinator's host gave them, by their names where one has none. Raises Failure: no answer.
    """
    listed = read_list(_read(hosts, coordinator, list_script()) or "")
    mine = listed.get(run)
    later = sorted(
        name
        for name, number in listed.items()
        if RUN_NAME.fullmatch(name)
        and (name > run if None in {mine, number} else (number or 0) > (mine or 0))
    )
    found = []
    for name in later[-_MOST_LATER:]:
        journal = far_journal(hosts, coordinator, name)
        with suppress(Failure):  # nothing that was begun in earnest has no journal
            # a journal bears its folder's name, and no other one is told
            found.append(replace(read_standing(journal, name), run=name))
    return found


def _read(hosts: Hosts, coordinator: str, script: str) -> str | None:
    match hosts.ask({coordinator: script}, seconds=_SECONDS)[coordinator]:
        case Answered(status=0, out=out):
            return out
        case Answered(err=err) if NOT_OURS in err:
            # silence would be taken for "there is no such run"
            line = next(line for line in lines_of(err) if NOT_OURS in line)
            words, _, hint = line.partition("; ")
            raise Failure(f"{coordinator}: {words}", hint=f"on {coordinator}, {hint}")
        case Answered():
            return None
        case NoAnswer() as silent:
            raise Failure(silent.message, hint=silent.hint)
