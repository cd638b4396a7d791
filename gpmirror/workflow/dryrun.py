"""The native dry run: before the first change every file that the catalog allows, before each wave
that wave's file again.
"""

from collections.abc import Sequence

from gpmirror.boundary import Natives, NoAnswer, World
from gpmirror.cluster.counting import counted, spans
from gpmirror.cluster.dialect import DIALECTS
from gpmirror.cluster.observed import Observed
from gpmirror.cluster.segment import Segment
from gpmirror.errors import NotReady
from gpmirror.gputils.commands import answer_of
from gpmirror.gputils.detached import Utility, last_words
from gpmirror.gputils.dryrun import (
    Line,
    Tried,
    dry_run_argv,
    left_out,
    read_tried,
    trier_of,
    unreachable_hosts,
    warning_about,
    why_not_tried,
)
from gpmirror.plan.arrival import strayed
from gpmirror.plan.model import NativeRun, Plan, Wave
from gpmirror.preflight.leaving import stand_in, way_round
from gpmirror.workflow.running import Run

_OUT = "carried-out.conf"
_SHOWN = 8
_DEAD_PRIMARY = "failed to acquire resources on one or more segments"
_NOTHING_WRITTEN = "it wrote nothing down"


def try_plan(run: Run, observed: Observed) -> str:
    """Let the utilities try every file that is valid in the catalog as it is; what came of it, in a
    few words. Raises NotReady (9): a utility refuses a file, or would leave a line of it out.
    """
    now = [wave for wave in run.plan.waves if not strayed(wave, observed)]
    told = []
    for wave in now:
        told += _try_wave(run.world, run.plan, wave, observed)
        run.tried.add(wave.number)
    later = [wave.number for wave in run.plan.waves if wave not in now and _files(wave)]
    if later:
        told.append(f"wave {spans(later)} when its turn comes")
    return _summed(told)


def try_again(run: Run, wave: Wave, observed: Observed) -> None:
    """Let the utilities try a wave's files, unless nothing was done since they did. Raises as
    `try_plan`.
    """
    if wave.number not in run.tried:
        _try_wave(run.world, run.plan, wave, observed)


def _files(wave: Wave) -> list[NativeRun]:
    return [native for native in wave.native if native.file_name is not None]


def _summed(told: Sequence[str]) -> str:
    accepted = [
        name for kind, _, name in (one.partition(" ") for one in told) if kind == "accepted"
    ]
    words = [
        f"{counted(count, 'file')} accepted by {name}" if count > 1 else f"accepted by {name}"
        for name in dict.fromkeys(accepted)
        if (count := accepted.count(name))
    ]
    words += dict.fromkeys(one for one in told if not one.startswith("accepted "))
    return "; ".join(words) or "no utility of this plan reads a file"


def _try_wave(world: World, plan: Plan, wave: Wave, observed: Observed) -> list[str]:
    told = []
    for native in _files(wave):
        why = why_not_tried(native.utility, plan.dialect, observed.server_version)
        told.append(
            f"not rehearsed: {why}"
            if why is not None
            else _try_file(world.natives, plan, wave, native, observed)
        )
    return told


def _try_file(
    natives: Natives, plan: Plan, wave: Wave, native: NativeRun, observed: Observed
) -> str:
    utility = trier_of(native.utility)
    reply = natives.try_out(_trial(plan, native))
    if isinstance(reply, NoAnswer):
        raise NotReady(
            f"the dry run of wave {wave.number} did not end: {reply.message}", hint=reply.hint
        )
    tried = read_tried(reply.out)
    if tried.refuses_itself:
        return f"not rehearsed: {utility} of this release takes no -o beside -i"
    if reply.status != 0 or tried.out is None:
        raise _refused(utility, wave, reply.status, tried)
    missing = left_out(native.file_text or "", tried.out, plan.dialect)
    if missing:
        raise _left_out(plan, wave, observed, utility, tried, missing)
    return f"accepted {utility}"


def _trial(plan: Plan, native: NativeRun) -> Utility:
    return Utility(
        name="dry-run",
        argv=dry_run_argv(native.argv, _OUT),
        file_name=native.file_name,
        file_text=native.file_text,
        answer=answer_of(DIALECTS[plan.dialect], native.utility),
    )


def _refused(utility: str, wave: Wave, status: int, tried: Tried) -> NotReady:
    said = last_words(tried.said)
    if _DEAD_PRIMARY in tried.said:
        return NotReady(
            f"{utility} cannot try the file of wave {wave.number}: a primary does not answer, and "
            "the fault prober has not failed it over yet",
            hint="wait a minute, look with `gpmirror status`, plan again",
        )
    what = f"refuses the file of wave {wave.number} (exit {status})"
    if status == 0:
        what = f"does not try the file of wave {wave.number} (exit 0, and {_NOTHING_WRITTEN})"
    return NotReady(
        f"{utility} {what}: {'; '.join(said) or 'it gives no reason'}",
        hint="`gpmirror plan --format native` shows the file",
    )


def _left_out(
    plan: Plan,
    wave: Wave,
    observed: Observed,
    utility: str,
    tried: Tried,
    missing: Sequence[Line],
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
    count = counted(len(wave.contents), "line")
    return NotReady(
        f"{utility} would leave out {len(missing)} of {count} of wave {wave.number}, and end "
        "with exit 0:\n" + "\n".join(told[:_SHOWN]) + more,
        hint="; ".join(dict.fromkeys(filter(None, ways))),
    )


def _way_out(
    plan: Plan,
    observed: Observed,
    line: Line,
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
    if "running" in why:
        return "wait until that copy ends, then plan again"
    return "read the utility's words above, mend what they name, then plan again"
