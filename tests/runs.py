"""Events and health of runs, for tests of what is shown of a run."""

from collections.abc import Iterable
from dataclasses import replace

from gpmirror.events import (
    ContentProgress,
    Event,
    NativeEnded,
    NativeSaid,
    PhaseDone,
    PhaseStarted,
    Progress,
    Rehearsed,
    RunEnded,
    RunStarted,
    WaveDone,
    WaveStarted,
)
from gpmirror.plan.model import Plan
from gpmirror.verify import ContentHealth, CopyState, Health

GB = 10**9
RUN = "20261121T091203Z-4f2a"

STARTED = RunStarted(
    run=RUN,
    plan_id="9c41d7ab12cd" * 5 + "0000",
    cluster="prod-dwh",
    changes=8,
    waves=2,
    rehearsal=False,
    resumed=False,
)
WAVE = WaveStarted(
    wave=1,
    waves=2,
    action="move",
    contents=(0, 3, 5),
    utility="gprecoverseg",
    log="mdw:/home/gpadmin/runs/4f2a/wave-001.log",
    worst_host="sdw1",
    worst_host_loses=2,
    bytes=120 * GB,
    seconds=1200,
    rate=100_000_000,
)
ENDED = RunEnded(run=RUN, exit_code=0, summary="", next_actions=(), seconds=72.0)


def copying(
    content: int, done: int | None, total: int | None = 40 * GB, host: str | None = "sdw2"
) -> ContentProgress:
    """A copy that is still being made."""
    return ContentProgress(content=content, state="single", done=done, total=total, host=host)


def synced(content: int, host: str | None = "sdw2") -> ContentProgress:
    """A copy in sync."""
    return ContentProgress(content=content, state="synced", done=40 * GB, total=40 * GB, host=host)


def report(
    seconds: float, *contents: ContentProgress, wave: int = 1, trouble: str | None = None
) -> Progress:
    """Where a wave stands, its utility running."""
    return Progress(
        wave=wave,
        waves=2,
        seconds=seconds,
        utility_running=True,
        contents=contents,
        trouble=trouble,
    )


EVERY_EVENT: tuple[Event, ...] = (
    STARTED,
    PhaseStarted(phase="preflight"),
    PhaseDone(phase="preflight", detail="12 checks on 5 hosts", seconds=1.2),
    WAVE,
    NativeSaid(wave=1, level="warning", text="Segments will be started on a different host"),
    report(10, copying(0, 10 * GB), copying(3, None, None), synced(5)),
    NativeEnded(wave=1, utility="gprecoverseg", status=0, seconds=310.0),
    WaveDone(
        wave=1,
        waves=2,
        seconds=372.0,
        bytes=40 * GB,
        bytes_left=80 * GB,
        rate=107_500_000,
        seconds_left=744,
    ),
    Rehearsed(host="sdw1", script="mkdir -m 700 /data1/mirror\n"),
    replace(ENDED, next_actions=("`gpmirror status`",)),
)
"""One of each kind, in the order of a run."""


def health(plan: Plan, **states: CopyState) -> Health:
    """All contents where the plan wants them and in sync, but for `cN=state`."""
    return Health(contents=tuple(_healthy(plan, states)))


def _healthy(plan: Plan, states: dict[str, CopyState]) -> Iterable[ContentHealth]:
    for found in plan.desired.contents:
        state = states.get(f"c{found.content}", CopyState.SYNCED)
        mirror = found.mirror
        yield ContentHealth(
            content=found.content,
            state=state,
            reason="" if state is CopyState.SYNCED else "mirror down since 10:02",
            switched=False,
            primary=f"{found.primary.host}:{found.primary.port}",
            mirror=None if mirror is None else f"{mirror.host}:{mirror.port}",
        )
