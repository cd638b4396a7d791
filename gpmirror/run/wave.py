"""One wave: start its utilities, or find them started, and follow each to its end."""

from collections.abc import Sequence
from dataclasses import replace

from gpmirror.boundary import Answered, Hosts, NoAnswer, Reply, Silence
from gpmirror.errors import Failure
from gpmirror.events import NativeEnded, NativeSaid, WaveStarted
from gpmirror.model.dialect import DIALECTS
from gpmirror.native.commands import answer_of
from gpmirror.native.process import (
    RUNS,
    Poll,
    ProcessStage,
    Utility,
    append_script,
    dry_run_script,
    errors_of,
    forestall_script,
    keep_script,
    last_words,
    left_out,
    not_started,
    poll_script,
    read_poll,
    replace_script,
    says_done,
    start_script,
    waits_for_prober,
)
from gpmirror.plan.model import NativeRun, Plan, Wave
from gpmirror.plan.timing import (
    expected_seconds,
    exposure_of,
    settling_seconds,
    stopping_seconds,
)
from gpmirror.run.context import Run
from gpmirror.run.gates import check_gate
from gpmirror.run.record import JOURNAL, step, wave_step
from gpmirror.run.watch import Watch
from gpmirror.values import dataclass
from gpmirror.verify import CopyState

# --- One wave: start its utilities, or find them started, and follow each to its end.


_GONE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a wave's utilities ended. `status` of the first that failed, None where one was lost.
    `done`: all of them say that they did their work. `log` is the end of the last one's log,
    `left_out` what they say of copies that they did not make, `not_started` are contents whose
    mirror did not start. `running`: one of them goes on, but what it said leaves nothing to wait
    for.
    """

    status: int | None
    said: tuple[str, ...]
    done: bool = False
    log: str = ""
    left_out: tuple[str, ...] = ()
    not_started: frozenset[int] = frozenset()
    running: bool = False

    @property
    def well(self) -> bool:
        """Whether all of them claim success; only the catalog proves it."""
        return self.status == 0


def utility_of(plan: Plan, wave: Wave, native: NativeRun) -> Utility:
    """The detached form of a plan's native run."""
    return Utility(
        name=f"wave-{wave.number:03d}-{native.utility}",
        argv=native.argv,
        file_name=native.file_name,
        file_text=native.file_text,
        answer=answer_of(DIALECTS[plan.dialect], native.utility),
    )


def run_utilities(run: Run, wave: Wave) -> Ended:
    """Start the wave's utilities one after the other, or find them started, and follow each to its
    end. One that fails keeps the next from starting.
    """
    ended = Ended(status=0, said=(), done=True)
    for native in wave.native:
        earlier = ended.done
        ended = _run_one(run, wave, utility_of(run.plan, wave, native), native.utility)
        ended = replace(ended, done=earlier and ended.done)
        if not ended.well:
            break
    return ended


def follow_utilities(run: Run, wave: Wave) -> Ended | None:
    """Follow those of the wave's utilities that were started, and start none; None: not even the
    first was. A start still on its way comes too late from now on, so that nothing runs twice.
    """
    ended: Ended | None = None
    for native in wave.native:
        utility = utility_of(run.plan, wave, native)
        if _is_forestalled(run, wave, utility.name):
            break
        _tell_start(run, wave, utility, native.utility)
        was_over = _is_over(run, utility.name)
        ended, seconds = _to_its_end(run, wave, utility, native.utility)
        _tell_end(run, wave, native.utility, ended.status, None if was_over else seconds)
        if not ended.well:
            break
    return ended


def _is_over(run: Run, name: str) -> bool:
    """Whether it is known to have ended before anybody waits for it: how long it took, nobody saw."""
    poll = run.world.natives.poll(name, 0)
    return not isinstance(poll, NoAnswer) and poll.stage is ProcessStage.ENDED


def _is_forestalled(run: Run, wave: Wave, name: str) -> bool:
    watch = Watch(run, wave)
    while isinstance(found := run.world.natives.forestall(name), NoAnswer):
        watch.pause(found.message)
    return found


def _run_one(run: Run, wave: Wave, utility: Utility, title: str) -> Ended:
    _tell_start(run, wave, utility, title)
    _start(run, wave, utility)
    ended, seconds = _to_its_end(run, wave, utility, title)
    _tell_end(run, wave, title, ended.status, seconds)
    return ended


def _to_its_end(run: Run, wave: Wave, utility: Utility, title: str) -> tuple[Ended, float]:
    """How it ended, and the seconds that were waited for that."""
    clock = run.world.clock
    begin = clock.monotonic()
    run.at_work, run.underway = title, wave.contents
    poll, log = _follow(run, wave, utility.name)
    run.at_work, run.underway, run.ended = None, (), clock.monotonic()
    status = poll.status if poll.stage is ProcessStage.ENDED else None
    ended = Ended(
        status=status,
        # one that did its work has only remarks; one that failed may have said why without a level
        said=errors_of(log) if status == 0 else last_words(log),
        done=says_done(log),
        log=log,
        left_out=left_out(log),
        not_started=not_started(log),
        running=poll.stage is ProcessStage.RUNNING,
    )
    return ended, clock.monotonic() - begin


def _tell_end(run: Run, wave: Wave, title: str, status: int | None, seconds: float | None) -> None:
    run.world.reporter.tell(
        NativeEnded(wave=wave.number, utility=title, status=status, seconds=seconds)
    )


def _tell_start(run: Run, wave: Wave, utility: Utility, title: str) -> None:
    stakes = exposure_of(run.plan, wave)
    stopping, settling = _stopping_seconds(run, wave), settling_seconds(run.plan, wave)
    copying = expected_seconds(run.plan, wave, run.rate)
    run.world.reporter.tell(
        WaveStarted(
            wave=wave.number,
            waves=len(run.plan.waves),
            action=wave.action.value,
            contents=wave.contents,
            utility=title,
            log=f"{run.world.coordinator}:~/{RUNS}/{run.name}/{utility.name}.log",
            worst_host=stakes.worst_host,
            worst_host_loses=stakes.worst_host_loses,
            worst_hosts=stakes.worst_hosts,
            hosts=len(run.plan.layout.during.hosts),
            bytes=stakes.bytes,
            seconds=None if copying is None else stopping + copying + settling,
            stopping=stopping,
            settling=settling,
            rate=run.rate or run.plan.exposure.rate,
            rate_assumed=run.rate is None,
            catching_up=stakes.catching_up,
        )
    )


def _stopping_seconds(run: Run, wave: Wave) -> int:
    """Until a wave of moves copies; as the last one showed, where there was one."""
    usual = stopping_seconds(wave)
    return usual if not usual or run.stopping is None else round(run.stopping)


def _start(run: Run, wave: Wave, utility: Utility) -> None:
    """Starting twice is harmless: the run directory remembers. So is asking again after silence, if
    all that the gate asked for still holds. Raises NotReady and Partial.
    """
    run.at_work, run.underway = utility.argv[0], wave.contents
    watch = Watch(run, wave)
    silence = run.world.natives.start(wave, utility)
    while silence is not None:
        watch.pause(silence.message)
        silence = _start_again(run, wave, utility, watch)


def _start_again(run: Run, wave: Wave, utility: Utility, watch: Watch) -> NoAnswer | None:
    poll = run.world.natives.poll(utility.name, 0)
    if isinstance(poll, NoAnswer):
        return poll
    if poll.stage is not ProcessStage.ABSENT:
        return None
    observed, health, lost = watch.glance()
    if observed is None or health is None or not watch.is_locked:
        return NoAnswer(
            host=run.world.coordinator,
            why=Silence.LOST,
            message=lost or "the session that was lost still holds the lock",
            hint="wait",
        )
    if utility == utility_of(run.plan, wave, wave.native[0]):
        check_gate(run, wave, observed, health)
    return run.world.natives.start(wave, utility)


def _follow(run: Run, wave: Wave, name: str) -> tuple[Poll, str]:
    watch = Watch(run, wave)
    offset, log, rest = 0, "", ""
    said: set[str] = set()
    gone: float | None = None
    while True:
        poll = run.world.natives.poll(name, offset, wait=watch.turn)
        if isinstance(poll, NoAnswer):
            watch.pause(poll.message)
            continue
        offset = poll.offset
        log = (log + poll.text)[-200_000:]
        # a line may arrive in two parts
        whole, _, rest = (rest + poll.text).rpartition("\n")
        watch.hear(whole)
        if waits_for_prober(log):
            watch.request_probe()
        for line in errors_of(whole if poll.stage is ProcessStage.RUNNING else f"{whole}\n{rest}"):
            if line not in said:
                said.add(line)
                run.world.reporter.tell(NativeSaid(wave=wave.number, level="warning", text=line))
        if poll.stage is ProcessStage.ENDED:
            return poll, log
        # one that is being started this very moment looks lost too
        if poll.stage is ProcessStage.RUNNING and _is_hopeless(run, wave, not_started(log)):
            return poll, log
        gone = (
            None
            if poll.stage is ProcessStage.RUNNING
            else (watch.seconds if gone is None else gone)
        )
        if gone is not None and watch.seconds - gone > _GONE_SECONDS:
            return poll, log
        watch.pause()


def _is_hopeless(run: Run, wave: Wave, failed: frozenset[int]) -> bool:
    """Whether a utility that still runs has nothing left to wait for: the mirrors that it could not
    start are all that is not in sync. It is left alone, as ever.
    """
    if run.health is None or failed.isdisjoint(wave.contents):
        return False
    states = {found.content: found.state for found in run.health.contents}
    return all(states.get(c) is CopyState.SYNCED for c in wave.contents if c not in failed)


def record(run: Run, wave: Wave, name: str, state: str, **facts: object) -> None:
    """Write a wave's step to the journal."""
    run.world.journal.write(step(wave_step(wave.number, name), state, **facts))  # type: ignore[arg-type]


# --- Native utilities run through shell scripts on the coordinator's host.


_SECONDS = 60
_TRY_SECONDS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class DetachedNatives:
    """`boundary.Natives` for a run; `environment` is shell text as `environment_text` gives."""

    hosts: Hosts
    coordinator: str
    run: str
    environment: str

    def keep(self, files: Sequence[tuple[str, str]]) -> None:
        """See `boundary.Natives.keep`."""
        match self._change(keep_script(self.run, files)):
            case NoAnswer() as silent:
                raise Failure(f"the run directory was not made: {silent.message}", hint=silent.hint)
            case Answered() as reply:
                self._check_written(reply)

    def start(self, wave: Wave, utility: Utility) -> NoAnswer | None:
        """See `boundary.Natives.start`."""
        del wave
        match self._change(start_script(self.run, utility, self.environment)):
            case NoAnswer() as silent:
                return silent
            case Answered() as reply:
                self._check_written(reply)
                return None

    def poll(self, name: str, offset: int, *, wait: float = 0.0) -> Poll | NoAnswer:
        """See `boundary.Natives.poll`."""
        match self._ask(poll_script(self.run, name, offset, wait=wait), _SECONDS + wait):
            case NoAnswer() as silent:
                return silent
            case Answered(status=0, out=out) if (poll := read_poll(out, offset)) is not None:
                return poll
            case Answered() as reply:
                return self._no_sense(reply)

    def forestall(self, name: str) -> bool | NoAnswer:
        """See `boundary.Natives.forestall`."""
        match self._change(forestall_script(self.run, name)):
            case NoAnswer() as silent:
                return silent
            case Answered() as reply:
                if reply.out.strip() not in {"forestalled", "already"}:
                    self._check_written(reply)
                return reply.out.strip() == "forestalled"

    def try_out(self, utility: Utility) -> Reply:
        """See `boundary.Natives.try_out`."""
        return self._ask(dry_run_script(utility, self.environment), _TRY_SECONDS)

    def _ask(self, script: str, seconds: float) -> Reply:
        return self.hosts.ask({self.coordinator: script}, seconds=seconds)[self.coordinator]

    def _change(self, script: str) -> Reply:
        return self.hosts.change({self.coordinator: script}, seconds=_SECONDS)[self.coordinator]

    def _no_sense(self, reply: Answered) -> NoAnswer:
        """A host that cannot start a process or reach the home directory answers something."""
        return NoAnswer(
            host=self.coordinator,
            why=Silence.LOST,
            message=f"{self.coordinator} does not show how the utility is doing (exit "
            f"{reply.status}): {reply.err.strip()[:200] or 'no reason given'}",
            hint="look at the load and the home directory there",
        )

    def _check_written(self, reply: Answered) -> None:
        if reply.status != 0:
            raise Failure(
                f"the run directory on {self.coordinator} cannot be written (exit {reply.status}): "
                f"{reply.err.strip() or 'no reason given'}",
                hint="check space and rights of the login user's home there",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class FarJournal:
    """The copy of a run's journal in its run directory on the coordinator's host."""

    hosts: Hosts
    coordinator: str
    run: str

    def replace(self, text: str) -> bool:
        """Put the whole journal there; False: the host did not take it, or knows more than this."""
        return self._change(replace_script(self.run, JOURNAL, text))

    def append(self, text: str) -> bool:
        """Add to it; False: the host did not take it."""
        return self._change(append_script(self.run, JOURNAL, text))

    def _change(self, script: str) -> bool:
        reply = self.hosts.change({self.coordinator: script}, seconds=_SECONDS)[self.coordinator]
        return isinstance(reply, Answered) and reply.status == 0
