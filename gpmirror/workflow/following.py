"""One wave: start its utilities, follow them, wait until the catalog proves the copies in sync."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from gpmirror.boundary import NoAnswer, Silence
from gpmirror.cluster.observed import Observed
from gpmirror.errors import ConnectionLost, Failure, InvalidInput, Partial
from gpmirror.events import ContentProgress, NativeEnded, NativeSaid, Progress, WaveStarted
from gpmirror.gputils.detached import RUNS, Poll, Stage, Utility, errors_of, says_done
from gpmirror.journal.records import step, wave_step
from gpmirror.plan.model import NativeRun, Wave
from gpmirror.verify import CopyState, Health
from gpmirror.workflow.gates import ask_for_lock, check_gate, is_own, look
from gpmirror.workflow.metering import Meter
from gpmirror.workflow.running import Run

_GONE_SECONDS = 10.0
_LONGEST_REST = 8.0
"""A wave is heard of at least every 10 s."""
_QUICK_SECONDS = 1.0
_SLOW_SECONDS = 5.0
_QUICK_FOR_SECONDS = 120.0
_PROBE_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a wave's utilities ended. `status` of the first that failed, None where one was lost.
    `done`: all of them say that they did their work.
    """

    status: int | None
    said: tuple[str, ...]
    done: bool = False

    @property
    def well(self) -> bool:
        """Whether all of them claim success; only the catalog proves it."""
        return self.status == 0


def utility_of(wave: Wave, native: NativeRun) -> Utility:
    """The detached form of a plan's native run."""
    return Utility(
        name=f"wave-{wave.number:03d}-{native.utility}",
        argv=native.argv,
        file_name=native.file_name,
        file_text=native.file_text,
    )


def run_utilities(run: Run, wave: Wave) -> Ended:
    """Start the wave's utilities one after the other, or find them started, and follow each to its
    end. One that fails keeps the next from starting.
    """
    ended = Ended(status=0, said=(), done=True)
    for native in wave.native:
        earlier = ended.done
        ended = _run_one(run, wave, utility_of(wave, native), native.utility)
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
        utility = utility_of(wave, native)
        if _is_forestalled(run, wave, utility.name):
            break
        _tell_start(run, wave, utility, native.utility)
        ended = _to_its_end(run, wave, utility, native.utility)
        if not ended.well:
            break
    return ended


def _is_forestalled(run: Run, wave: Wave, name: str) -> bool:
    watch = Watch(run, wave)
    while isinstance(found := run.world.natives.forestall(name), NoAnswer):
        watch.pause(found.message)
    return found


def _run_one(run: Run, wave: Wave, utility: Utility, title: str) -> Ended:
    _tell_start(run, wave, utility, title)
    _start(run, wave, utility)
    return _to_its_end(run, wave, utility, title)


def _to_its_end(run: Run, wave: Wave, utility: Utility, title: str) -> Ended:
    world = run.world
    begin = world.clock.monotonic()
    run.at_work = title
    poll, log = _follow(run, wave, utility.name)
    run.at_work = None
    seconds = world.clock.monotonic() - begin
    status = poll.status if poll.stage is Stage.ENDED else None
    world.reporter.tell(
        NativeEnded(wave=wave.number, utility=title, status=status, seconds=seconds)
    )
    return Ended(status=status, said=errors_of(log), done=says_done(log))


def _tell_start(run: Run, wave: Wave, utility: Utility, title: str) -> None:
    run.world.reporter.tell(
        WaveStarted(
            wave=wave.number,
            waves=len(run.plan.waves),
            action=wave.action.value,
            contents=wave.contents,
            utility=title,
            log=f"{run.world.coordinator}:~/{RUNS}/{run.name}/{utility.name}.log",
        )
    )


def _start(run: Run, wave: Wave, utility: Utility) -> None:
    """Starting twice is harmless: the run directory remembers. So is asking again after silence, if
    all that the gate asked for still holds. Raises NotReady and Partial.
    """
    run.at_work = utility.argv[0]
    watch = Watch(run, wave)
    silence = run.world.natives.start(wave, utility)
    while silence is not None:
        watch.pause(silence.message)
        silence = _start_again(run, wave, utility, watch)


def _start_again(run: Run, wave: Wave, utility: Utility, watch: "Watch") -> NoAnswer | None:
    poll = run.world.natives.poll(utility.name, 0)
    if isinstance(poll, NoAnswer):
        return poll
    if poll.stage is not Stage.ABSENT:
        return None
    observed, health, lost = watch.glance()
    if observed is None or health is None or not watch.is_locked:
        return NoAnswer(
            host=run.world.coordinator,
            why=Silence.LOST,
            message=lost or "the session that was lost still holds the lock",
            hint="wait",
        )
    if utility == utility_of(wave, wave.native[0]):
        check_gate(run, wave, observed, health)
    return run.world.natives.start(wave, utility)


def _follow(run: Run, wave: Wave, name: str) -> tuple[Poll, str]:
    watch = Watch(run, wave)
    offset, log = 0, ""
    gone: float | None = None
    while True:
        poll = run.world.natives.poll(name, offset)
        if isinstance(poll, NoAnswer):
            watch.pause(poll.message)
            continue
        offset = poll.offset
        log = (log + poll.text)[-200_000:]
        for line in errors_of(poll.text):
            run.world.reporter.tell(NativeSaid(wave=wave.number, level="warning", text=line))
        if poll.stage is Stage.ENDED:
            return poll, log
        # one that is being started this very moment looks lost too
        gone = None if poll.stage is Stage.RUNNING else (watch.seconds if gone is None else gone)
        if gone is not None and watch.seconds - gone > _GONE_SECONDS:
            return poll, log
        watch.pause()


class Watch:
    """The rhythm of waiting: look at the catalog, tell where the wave stands, pause, not for ever.

    A lost coordinator is looked for again at every turn; the lock is taken again with the new
    session, and if somebody else has it by then the run stops.
    """

    def __init__(self, run: Run, wave: Wave) -> None:
        self._run = run
        self._wave = wave
        self._begin = run.world.clock.monotonic()
        self._limit = float(run.plan.settings.apply.sync_timeout)
        self._meter = Meter(run, wave)
        self._arrived = 0
        self._look_seconds = 0.0
        self._locked = True

    @property
    def seconds(self) -> float:
        """Since this watch began."""
        return self._run.world.clock.monotonic() - self._begin

    @property
    def expired(self) -> bool:
        """Whether the time that the spec gives a wave is over."""
        return self.seconds > self._limit

    @property
    def is_locked(self) -> bool:
        """Whether the lock was ours at the last look."""
        return self._locked

    def grew(self, contents: Iterable[int]) -> bool:
        """Whether more bytes of these contents have arrived since this was last asked."""
        total = sum(self._meter.done.get(content, 0) for content in contents)
        more, self._arrived = total > self._arrived, total
        return more

    @property
    def copied(self) -> int | None:
        """Bytes that the wave copied whole, as last measured."""
        return self._meter.copied()

    def pause(self, trouble: str | None = None) -> None:
        """One turn while a utility runs. Raises Partial: the time is over."""
        _, _, lost = self.glance()
        self.tell(trouble or lost, utility_running=None if trouble else True)
        if self.expired:
            raise Partial(
                f"wave {self._wave.number}: no end after {self._limit:.0f} s (apply.sync_timeout)"
                + (f"; last trouble: {trouble}" if trouble else ""),
                hint=f"look at the utility's log, then `gpmirror resume {self._run.name}`",
            )
        self.rest()

    def glance(self) -> tuple[Observed | None, Health | None, str | None]:
        """The catalog now; or, where the coordinator cannot be asked, why. Raises Partial: the lock
        was lost with the session, and somebody else has it now.
        """
        try:
            if not self._locked:
                self._lock_again()
            before = self.seconds
            observed, health = look(self._run)
            self._look_seconds = self.seconds - before
        except ConnectionLost as error:
            self._locked = False
            self._reconnect()
            return None, None, error.message
        except (Failure, InvalidInput) as error:
            # a dead segment fails the question about replication until the prober has seen it, and
            # a coordinator that is being restarted may say what it never says otherwise
            return None, None, error.message
        self._meter.read(observed)
        return observed, health, None

    def request_probe(self) -> None:
        """Ask the prober to look; a coordinator that is away is found so at the next turn."""
        with suppress(Failure):
            self._run.world.catalog.request_probe()

    def probe_seconds(self) -> float:
        """How often the prober looks; the server's default where it cannot be asked."""
        try:
            return self._run.world.catalog.probe_seconds()
        except Failure:
            return _PROBE_SECONDS

    def rest(self) -> None:
        """Wait for the next turn: short at first, longer in long waves."""
        usual = _QUICK_SECONDS if self.seconds < _QUICK_FOR_SECONDS else _SLOW_SECONDS
        # looking at thousands of contents must not become a load of its own
        self._run.world.clock.sleep(min(max(usual, 5 * self._look_seconds), _LONGEST_REST))

    def tell(self, trouble: str | None, *, utility_running: bool | None) -> None:
        """Say where the wave stands."""
        self._run.world.reporter.tell(
            Progress(
                wave=self._wave.number,
                waves=len(self._run.plan.waves),
                seconds=self.seconds,
                utility_running=utility_running,
                contents=progress(self._run, self._wave, self._meter),
                trouble=trouble,
            )
        )

    def _reconnect(self) -> None:
        with suppress(Failure, InvalidInput):
            self._run.world.catalog.reconnect()

    def _lock_again(self) -> None:
        """A session of ours that the server has not missed yet still holds it: that is no harm."""
        holder = ask_for_lock(self._run)
        self._locked = holder is None
        if holder is None or is_own(self._run, holder):
            return
        raise Partial(
            "the coordinator was lost for a while, and meanwhile cluster "
            f"{self._run.plan.cluster} was locked by {holder.name} (session {holder.pid} from "
            f"{holder.client}, since {holder.since})",
            hint=f"when that is over: `gpmirror resume {self._run.name}`",
        )


def progress(run: Run, wave: Wave, meter: Meter) -> tuple[ContentProgress, ...]:
    """Every content of the wave by its last known state, with bytes where they are known."""
    health = run.health
    states = {} if health is None else {found.content: found.state for found in health.contents}
    return tuple(
        ContentProgress(
            content=content,
            state=states.get(content, CopyState.SINGLE).value,
            done=meter.done.get(content),
            total=meter.total.get(content),
        )
        for content in wave.contents
    )


def record(run: Run, wave: Wave, name: str, state: str, **facts: object) -> None:
    """Write a wave's step to the journal."""
    run.world.journal.write(step(wave_step(wave.number, name), state, **facts))  # type: ignore[arg-type]
