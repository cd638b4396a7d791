"""Runs that change nothing: the native dry run of every file, and a whole run played in mind."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gpmirror.boundary import (
    Catalog,
    Freshness,
    Hosts,
    LockHolder,
    Natives,
    NoAnswer,
    OtherWork,
    Reply,
    Reporter,
    Sizes,
)
from gpmirror.errors import NotReady
from gpmirror.events import Event, NativeEnded, Progress, WaveDone
from gpmirror.model.dialect import DIALECTS
from gpmirror.model.observed import CopyProgress, Observed, Replication
from gpmirror.model.segment import Role, Segment
from gpmirror.model.text import counted, spans
from gpmirror.native.colon import HEADER
from gpmirror.native.commands import answer_of
from gpmirror.native.dryrun import (
    DryRunLine,
    Tried,
    dry_run_argv,
    joined,
    left_out,
    read_tried,
    trier_of,
    unreachable_hosts,
    warning_about,
    why_not_tried,
)
from gpmirror.native.fields import lines_of
from gpmirror.native.process import Poll, ProcessStage, Utility, last_words
from gpmirror.plan.exposure import after_wave
from gpmirror.plan.hazards import DEAD_LOCK
from gpmirror.plan.model import NativeRun, Plan, Wave
from gpmirror.plan.remaining import strayed
from gpmirror.preflight.asking import coordinator_host
from gpmirror.preflight.judge import stand_in, way_round
from gpmirror.preflight.model import Check, Preflight, Result
from gpmirror.run.context import Run
from gpmirror.run.wave import DetachedNatives
from gpmirror.values import dataclass

# --- A run that changes nothing: the same executor, with a catalog that foresees what waves would do.


class ForeseeingCatalog:
    """The real catalog until the first rehearsed wave, from then on what should come of it."""

    def __init__(self, real: Catalog) -> None:
        self._real = real
        self._foreseen: Observed | None = None

    def foresee(self, wave: Wave) -> None:
        """Count a wave as done."""
        self._foreseen = after_wave(self._foreseen or self._real.observe(), wave)

    def observe(self) -> Observed:
        """What is, or what would be."""
        return self._foreseen or self._real.observe()

    def sizes(self) -> Sizes:
        """As they are now."""
        return self._real.sizes()

    def replication(self) -> tuple[Replication, ...]:
        """Who streams, or would."""
        if self._foreseen is None:
            return self._real.replication()
        return tuple(
            Replication(
                content=row.content,
                application_name="gp_walreceiver",
                state="streaming",
                sync_state="sync",
            )
            for row in self._foreseen.segments
            if row.content >= 0 and row.role is Role.MIRROR and row.is_up
        )

    def copying(self) -> tuple[CopyProgress, ...]:
        """A rehearsal copies nothing."""
        return ()

    def request_probe(self) -> None:
        """There is nothing to look for."""

    def refresh(self) -> Freshness:
        """There is nothing to look for."""
        return Freshness.NOT_ASKED

    def ask_primaries(self) -> bool:
        """As they are now."""
        return self._real.ask_primaries()

    def probe_seconds(self) -> float:
        """Nothing is waited for."""
        return 0.0

    def busy_sessions(self) -> int | None:
        """As it is now."""
        return self._real.busy_sessions()

    def other_work(self) -> OtherWork:
        """As it is now."""
        return self._real.other_work()

    def lock(self, name: str) -> LockHolder | None:
        """A rehearsal keeps nobody out."""
        del name
        return None

    def reconnect(self) -> None:
        """As the real one."""
        self._real.reconnect()


class RehearsedNatives:
    """Utilities that are recorded by `hosts` and succeed at once; the catalog then foresees."""

    def __init__(
        self, hosts: Hosts, coordinator: str, run: str, environment: str, catalog: ForeseeingCatalog
    ) -> None:
        self._detached = DetachedNatives(
            hosts=hosts, coordinator=coordinator, run=run, environment=environment
        )
        self._catalog = catalog

    def keep(self, files: Sequence[tuple[str, str]]) -> None:
        """Recorded, without the text of the files: a plan is long and was shown already."""
        self._detached.keep([(name, f"... {len(text)} characters") for name, text in files])

    def start(self, wave: Wave, utility: Utility) -> NoAnswer | None:
        """Recorded; the wave counts as done."""
        self._catalog.foresee(wave)
        return self._detached.start(wave, utility)

    def poll(self, name: str, offset: int, *, wait: float = 0.0) -> Poll | NoAnswer:
        """Ended well."""
        del name, wait
        return Poll(stage=ProcessStage.ENDED, status=0, text="", offset=offset)

    def forestall(self, name: str) -> bool | NoAnswer:
        """Nothing of a rehearsal was ever started."""
        del name
        return True

    def try_out(self, utility: Utility) -> Reply:
        """Really tried: it changes nothing."""
        return self._detached.try_out(utility)


class SilentJournal:
    """A rehearsal leaves no trace."""

    def write(self, record: Mapping[str, object]) -> None:
        """Nothing."""

    def also_far(self) -> None:
        """Nothing."""


class RehearsalReporter:
    """Tells everything but what did not happen: utilities that ended, waves in sync."""

    def __init__(self, real: Reporter) -> None:
        self._real = real

    def tell(self, event: Event) -> None:
        """See `boundary.Reporter`."""
        if not isinstance(event, NativeEnded | WaveDone | Progress):
            self._real.tell(event)


# --- The native dry run: before the first change every file that the catalog allows, before each wave
# that wave's file again.


_OUT = "carried-out.conf"
_SHOWN = 8
_DEAD_PRIMARY = "failed to acquire resources on one or more segments"
_NOTHING_WRITTEN = "it wrote nothing down"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    """Files that are tried at once: same utility, same options. `waves` in the plan's order."""

    utility: Utility
    waves: tuple[Wave, ...]

    @property
    def trier(self) -> str:
        """The utility that tries."""
        return self.utility.argv[0]

    @property
    def numbers(self) -> str:
        """`wave 1`, `waves 1-3`."""
        found = [wave.number for wave in self.waves]
        return f"wave{'s' * (len(found) > 1)} {spans(found)}"


def try_plan(run: Run, observed: Observed) -> str:
    """Let the utilities try every file that is valid in the catalog as it is; what came of it, in a
    few words. Raises NotReady (9): a utility refuses a file, or would leave a line of it out.
    """
    now = waves_to_try(run.plan, observed, locked=bool(run.dead_locks))
    told = try_waves(run.plan, now, observed, run.world.natives)
    run.tried |= {wave.number for wave in now}
    return told


def with_dry_run(found: Preflight, plan: Plan, observed: Observed, natives: Natives) -> Preflight:
    """The host checks and one more on the coordinator's host: what the utilities say of the files.
    They are left alone while something else there is bad, as that would speak through them.
    """
    host = coordinator_host(plan, observed) or ""
    bad = [one for one in found.checks if one.host == host and one.result is Result.BAD]
    locked = any(one.override == DEAD_LOCK for one in bad)
    if any(one.override != DEAD_LOCK for one in bad):
        note = "the utilities did not try the plan's files: fix what is bad on their host first"
        return replace(found, notes=(*found.notes, note))
    result, remedy = Result.OK, ""
    try:
        told = try_waves(plan, waves_to_try(plan, observed, locked=locked), observed, natives)
    except NotReady as error:
        # a check is told in one paragraph
        told = error.message.replace(":\n  ", ": ").replace("\n  ", "; ")
        result, remedy = Result.BAD, error.hint or ""
    check = Check(host=host, name="dry-run", result=result, detail=told, remedy=remedy)
    notes = [told] if "not rehearsed" in told else []
    return replace(found, checks=(*found.checks, check), notes=(*found.notes, *notes))


def try_again(run: Run, wave: Wave, observed: Observed) -> None:
    """Let the utilities try a wave's files, unless nothing was done since they did. Raises as
    `try_plan`.
    """
    if wave.number not in run.tried:
        try_waves(run.plan, [wave], observed, run.world.natives)


def waves_to_try(plan: Plan, observed: Observed, *, locked: bool) -> list[Wave]:
    """The waves whose files are valid in the catalog as it is. With a lock in its way (`locked`)
    gprecoverseg exits with 0 and says nothing of the file (6.24.3, recorded).
    """
    return [
        wave
        for wave in plan.waves
        if not strayed(wave, observed)
        and not (locked and any(trier_of(one.utility) == "gprecoverseg" for one in _files(wave)))
    ]


def try_waves(plan: Plan, waves: Sequence[Wave], observed: Observed, natives: Natives) -> str:
    """The same for given waves. Raises NotReady."""
    told = {
        why: None
        for wave in waves
        for native in _files(wave)
        if (why := _why_not(plan, native, observed)) is not None
    }
    for trial in _trials(plan, waves, observed):
        told[_try(trial, plan, observed, natives)] = None
    later = [wave.number for wave in plan.waves if wave not in waves and _files(wave)]
    words = [*told, *([f"wave {spans(later)} when its turn comes"] if later else [])]
    return "; ".join(words) or _nothing_to_try(plan)


def _nothing_to_try(plan: Plan) -> str:
    """`skipped: gprecoverseg -r has no dry-run mode`: what reads no file cannot be tried."""
    runs = (native for wave in plan.waves for native in wave.native)
    names = dict.fromkeys(f"{one.utility} -r" if "-r" in one.argv else one.utility for one in runs)
    return f"skipped: {' and '.join(names)} has no dry-run mode"


def _files(wave: Wave) -> list[NativeRun]:
    return [native for native in wave.native if native.file_name is not None]


def _why_not(plan: Plan, native: NativeRun, observed: Observed) -> str | None:
    why = why_not_tried(native.utility, plan.dialect, observed.server_version)
    return None if why is None else f"not rehearsed: {why}"


def _trials(plan: Plan, waves: Sequence[Wave], observed: Observed) -> list[_Trial]:
    """Hundreds of waves are tried in one or two runs: a utility takes seconds to look around."""
    found: dict[tuple[str, ...], list[tuple[Wave, NativeRun]]] = {}
    for wave in waves:
        for native in _files(wave):
            if _why_not(plan, native, observed) is None:
                options = tuple(word for word in native.argv if word != native.file_name)
                found.setdefault(dry_run_argv(options, _OUT), []).append((wave, native))
    return [_trial(plan, files) for files in found.values()]


def _trial(plan: Plan, files: Sequence[tuple[Wave, NativeRun]]) -> _Trial:
    first = files[0][1]
    return _Trial(
        utility=Utility(
            name="dry-run",
            argv=dry_run_argv(first.argv, _OUT),
            file_name=first.file_name,
            file_text=joined([native.file_text or "" for _, native in files]),
            answer=answer_of(DIALECTS[plan.dialect], first.utility),
        ),
        waves=tuple(wave for wave, _ in files),
    )


def _try(trial: _Trial, plan: Plan, observed: Observed, natives: Natives) -> str:
    reply = natives.try_out(trial.utility)
    if isinstance(reply, NoAnswer):
        raise NotReady(
            f"the dry run of {trial.numbers} did not end: {reply.message}", hint=reply.hint
        )
    tried = read_tried(reply.out)
    if tried.refuses_itself:
        return f"not rehearsed: {trial.trier} of this release takes no -o beside -i"
    if reply.status != 0 or tried.out is None:
        raise _refused(trial, reply.status, tried)
    missing = left_out(trial.utility.file_text or "", tried.out, plan.dialect)
    if missing:
        raise _left_out(trial, plan, observed, tried, missing)
    files = f"{counted(len(trial.waves), 'file')} " if len(trial.waves) > 1 else ""
    return f"{files}accepted by {trial.trier}"


def _refused(trial: _Trial, status: int, tried: Tried) -> NotReady:
    said = last_words(tried.said)
    file = f"the file{'s' * (len(trial.waves) > 1)} of {trial.numbers}"
    if _DEAD_PRIMARY in tried.said:
        return NotReady(
            f"{trial.trier} cannot try {file}: a primary does not answer, and "
            "the fault prober has not failed it over yet",
            hint="wait a minute, look with `gpmirror status`, plan again",
        )
    what = f"refuses {file} (exit {status})"
    if status == 0:
        what = f"does not try {file} (exit 0, and {_NOTHING_WRITTEN})"
    return NotReady(
        f"{trial.trier} {what}: {'; '.join(said) or 'it gives no reason'}",
        hint="`gpmirror plan --format native` shows the file",
    )


def _left_out(
    trial: _Trial, plan: Plan, observed: Observed, tried: Tried, missing: Sequence[DryRunLine]
) -> NotReady:
    """One sentence a line with the utility's own warning, and the ways out, each once."""
    warnings = last_words(tried.said, most=200)
    dead = unreachable_hosts(warnings)
    rows = {(r.address, r.port, r.directory): r for r in observed.segments}
    told, ways = [], []
    for line in missing:
        row = rows.get(line.old) if line.old is not None else None
        content = line.content if row is None else row.content
        why = None
        if content is not None:
            host = "" if row is None else row.hostname
            why = warning_about(warnings, content, row.dbid if row else None, host)
        told.append(f"  content {content}: {line.text} ({why or _NOTHING_WRITTEN})")
        ways.append(_way_out(plan, observed, line, row, why or "", dead))
    more = f"\n  and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
    text = trial.utility.file_text or ""
    lines = sum(not line.startswith(HEADER) for line in lines_of(text))
    return NotReady(
        f"{trial.trier} would leave out {len(missing)} of {counted(lines, 'line')} of {trial.numbers}, and end "
        "with exit 0:\n" + "\n".join(told[:_SHOWN]) + more,
        hint="; ".join(dict.fromkeys(filter(None, ways))),
    )


def _way_out(
    plan: Plan,
    observed: Observed,
    line: DryRunLine,
    row: Segment | None,
    why: str,
    dead: Sequence[str],
) -> str:
    if row is not None and row.hostname in dead:
        if line.elsewhere:
            return way_round(row.hostname, *stand_in(plan, observed, row.hostname))
        return (
            f"bring {row.hostname} back, or let a host that `replaces: {row.hostname}` take over "
            "its copies"
        )
    if "co-relate" in why:
        return (
            "plan again: a plan from the live catalog, or from a snapshot that was made on it, "
            "leaves the hostname out of the file where name and address share no IP"
        )
    if "differential" in why:
        # a primary in backup mode is all that the utility looks at (Greengage 6.27.1, recorded)
        return (
            "wait until that copy ends, then plan again; where none runs, one that was cut off left its "
            "primary in backup mode: `gpmirror preflight` names it, with the command that ends that"
        )
    if "running" in why:
        return "wait until that copy ends, then plan again"
    return "read the utility's words above, fix what they name, then plan again"
