"""The rhythm of waiting for a wave: look at the catalog, tell where it stands, pause."""

from collections.abc import Iterable, Mapping
from contextlib import suppress

from gpmirror.cluster.counting import named
from gpmirror.cluster.observed import Observed
from gpmirror.errors import CannotDispatch, ConnectionLost, Failure, InvalidInput, Partial
from gpmirror.events import ContentProgress, Progress, Stakes
from gpmirror.gputils.measuring import told_in_log
from gpmirror.plan.arrival import Arrival, arrivals
from gpmirror.plan.model import Wave
from gpmirror.verify import ContentHealth, CopyState, Health, judge, without
from gpmirror.workflow.gates import ask_for_lock, is_own, look
from gpmirror.workflow.metering import Meter
from gpmirror.workflow.running import Run
from gpmirror.workflow.stakes import stakes_now

_LONGEST_REST = 8.0
"""A wave is heard of at least every 10 s."""
TURN = 4.0
"""Seconds between two looks while a utility is at work, which needs the machines more than we do."""
_MOST_TURN = 8.0
_QUICK_SECONDS = 1.0
_SLOW_SECONDS = 5.0
_QUICK_FOR_SECONDS = 120.0
_PROBE_SECONDS = 60.0


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
        self._stakes: Stakes | None = None
        self._look_seconds = 0.0
        self._turned = self._begin
        self._arrived_at: dict[int, Arrival] = {}
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
    def copied(self) -> dict[int, int] | None:
        """Bytes by content that the wave copied whole, as last measured."""
        return self._meter.copied()

    @property
    def turn(self) -> float:
        """Seconds until the next look that is due while a utility is at work: soon at first."""
        usual = _QUICK_SECONDS if self.seconds < _QUICK_SECONDS else TURN
        # looking at thousands of contents must not become a load of its own
        due = self._turned + min(max(usual, 5 * self._look_seconds), _MOST_TURN)
        return max(due - self._run.world.clock.monotonic(), 0.0)

    def hear(self, log: str) -> None:
        """Take in whole lines of the utility's log."""
        self._run.heard = told_in_log(log, self._run.heard)

    def pause(self, trouble: str | None = None) -> None:
        """One turn while a utility runs. Raises Partial: the time is over."""
        self._run.world.clock.sleep(self.turn)
        self._turned = self._run.world.clock.monotonic()
        _, _, lost = self.glance()
        self.tell(trouble or lost, utility_running=None if trouble else True)
        if self.expired:
            raise Partial(
                f"wave {self._wave.number}: no end after {self._limit:.0f} s (apply.sync_timeout)"
                + (f"; last trouble: {trouble}" if trouble else ""),
                hint=f"look at the utility's log, then `gpmirror resume {self._run.name}`",
            )

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
        except CannotDispatch as error:
            self._see_silent(error)
            return None, None, error.message
        except (Failure, InvalidInput) as error:
            # a coordinator that is being restarted may say what it never says otherwise
            return None, None, error.message
        self._stakes = stakes_now(self._run.plan, observed, health)
        self._arrived_at = arrivals(self._wave, observed)
        if self._run.landed is None and not _LEAVING & set(self._arrived_at.values()):
            self._run.landed = self._run.world.clock.monotonic()
        self._meter.read(observed, self._arrived_at)
        return observed, health, None

    def _see_silent(self, error: CannotDispatch) -> None:
        """A primary does not answer, so nobody can tell who streams: what is shown of its content is
        judged by the catalog alone, of all others it stays as it was.
        """
        with suppress(Failure, InvalidInput):
            observed = self._run.world.catalog.observe()
            judged = judge(observed, None, refused=error.refused)
            known = {} if self._run.health is None else _by_content(self._run.health)
            seen = {c: one for c, one in _by_content(judged).items() if c in error.refused}
            mixed = {**_by_content(judged), **known, **seen}
            self._run.health = Health(contents=tuple(mixed[c] for c in sorted(mixed)))
            there = without(observed, error.refused)
            self._stakes = stakes_now(self._run.plan, there, self._run.health)

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
                contents=progress(self._run, self._wave, self._meter, self._arrived_at),
                trouble=trouble or self._meter.silent or self._stalled(),
                stakes=self._stakes,
            )
        )

    def _stalled(self) -> str | None:
        quiet = self._meter.stalled
        if quiet is None:
            return None
        return f"no byte of {named(self._meter.unfinished)} has arrived for {quiet:.0f} s"

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


def _by_content(health: Health) -> dict[int, ContentHealth]:
    return {found.content: found for found in health.contents}


_LEAVING = {Arrival.ABSENT, Arrival.ELSEWHERE}


def progress(
    run: Run, wave: Wave, meter: Meter, arrived: Mapping[int, Arrival]
) -> tuple[ContentProgress, ...]:
    """Every content of the wave by its last known state, with the bytes of whole copies, and whether
    that state is of the copy that the wave makes or still of the old one.
    """
    health = run.health
    states = {} if health is None else {found.content: found.state for found in health.contents}
    targets = {step.content: step.to.host for step in wave.steps if step.to is not None}
    return tuple(
        ContentProgress(
            content=content,
            state=states.get(content, CopyState.SINGLE).value,
            done=meter.done.get(content) if content in meter.whole else None,
            total=meter.total.get(content) if content in meter.whole else None,
            host=targets.get(content),
            arrived=arrived.get(content) not in _LEAVING,
        )
        for content in wave.contents
    )
