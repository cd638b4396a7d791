"""Waiting for a wave: look at the catalog, tell where it stands and what is at stake, pause."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import assert_never

from gpmirror.boundary import Answered, NoAnswer, Reply, Silence
from gpmirror.errors import (
    CannotDispatch,
    ConnectionLost,
    Failure,
    GpmirrorError,
    InvalidInput,
    Partial,
)
from gpmirror.events import ContentProgress, Progress, Stakes
from gpmirror.model.layout import AtStake
from gpmirror.model.observed import Observed
from gpmirror.model.segment import Segment
from gpmirror.model.text import named
from gpmirror.native.directories import measure_script, read_measures, told_in_log
from gpmirror.plan.model import Action, Method, Plan, Wave
from gpmirror.plan.remaining import Arrival, arrivals
from gpmirror.run.context import Run
from gpmirror.run.gates import ask_for_lock, is_own, look
from gpmirror.verify import ContentHealth, CopyState, Health, judge_copies, without

# --- Bytes of a wave: what its primaries hold, and what has arrived so far.
#
# The utility's log tells what base backups it waits for have copied, in later releases of 6 and in 7.
# Where it does not, the server counts them from 7 on; else the target's file system is measured, now
# and then: measuring takes the copy's own time.


_EVERY_SECONDS = 10.0
_COST = 20
"""Measuring takes a part of the time that is this small at most: it must not slow the copy down."""
_SOURCE_SECONDS = 20.0
_TARGET_SECONDS = 8.0
_STALLED_SECONDS = 30.0
_ALL_BUT = 0.98
"""At the end a copy waits for its last WAL and for the server, and grows no more."""
_EMPTIED = 0.5
"""A directory that holds less than this part of what stood in it is the new copy's: an old mirror
that still runs recycles WAL, and shrinks by a little (7.0.0, recorded).
"""

Places = Mapping[int, tuple[tuple[str, str], ...]]
"""Content -> (host, directory) of its data directory and its filespaces."""


class Meter:
    """Measures a wave as it goes on; `done` and `total` are bytes by content, as far as known.
    `whole` are contents that are copied whole; what the others fetch, no file system shows.
    `silent` names a host that was away at the last look: a utility may wait for it for long.
    Nothing is told of a copy before it has left its old place, nor of one that lands where the old
    one stands before that is gone, nor of one whose host is silent.
    """

    def __init__(self, run: Run, wave: Wave) -> None:
        self._run = run
        self._wave = wave
        self._next = run.world.clock.monotonic() + _EVERY_SECONDS
        self._grew = run.world.clock.monotonic()
        self.silent: str | None = None
        self._unseen: set[int] = set()
        self.whole = _copied_whole(run.plan, wave)
        self._reused = _reused(wave)
        self._stood: dict[int, int] = {}
        self.done: dict[int, int] = {}
        planned = {c.content: c.size for c in run.plan.changes if c.size is not None}
        self.total: dict[int, int] = planned | run.measured

    def read(self, observed: Observed | None, arrived: Mapping[int, Arrival] | None = None) -> None:
        """What the utility's log tells; where it tells nothing, look, if the last look is old enough.
        Never fails: bytes are for the eye.
        """
        if self._wave.action is Action.REBALANCE:
            return
        before = dict(self.done)
        here = {
            content
            for content in self._wave.contents
            if arrived is None or arrived.get(content) in {Arrival.DOWN, Arrival.UP}
        }
        self._hear(observed)
        now = self._run.world.clock.monotonic()
        if now >= self._next and here and (not self._run.heard or self.stalled or self.silent):
            self._look(observed, here)
        told = here - self._unseen
        self.done = {content: done for content, done in self.done.items() if content in told}
        if any(done > before.get(content, 0) for content, done in self.done.items()):
            self._grew = now

    @property
    def stalled(self) -> float | None:
        """Seconds since any more bytes arrived, where that is too long to be a coincidence."""
        quiet = self._run.world.clock.monotonic() - self._grew
        going_on = self.unfinished
        return quiet if going_on and quiet >= _STALLED_SECONDS else None

    @property
    def unfinished(self) -> list[int]:
        """Contents of which some bytes are here, and not yet all."""
        return [
            content
            for content, done in sorted(self.done.items())
            if content in self.whole and 0 < done < _ALL_BUT * self.total.get(content, 0)
        ]

    def _hear(self, observed: Observed | None) -> None:
        contents = {} if observed is None else {r.dbid: r.content for r in observed.segments}
        for dbid, (done, total) in self._run.heard.items():
            content = contents.get(dbid)
            if content in self.whole:
                self.done[content], self.total[content] = done, total
                self._reused.discard(content)

    def _look(self, observed: Observed | None, here: Collection[int]) -> None:
        clock, self.silent = self._run.world.clock, None
        begin = clock.monotonic()
        if observed is not None and not self.total:
            self.total = self._measure(self._sources(observed), _SOURCE_SECONDS)
        try:
            told = self._run.world.catalog.copying()
        except GpmirrorError:
            told = ()
        for found in told:
            self.done[found.content] = found.done
            if found.total:
                self.total[found.content] = found.total
        if not told:
            places = {c: spots for c, spots in self._targets().items() if c in here}
            self.done = self._new(self._measure(places, _TARGET_SECONDS)) | (
                self.done if self._run.heard else {}
            )
        now = clock.monotonic()
        self._next = now + max(_EVERY_SECONDS, _COST * (now - begin))

    def _new(self, measured: Mapping[int, int]) -> dict[int, int]:
        """Without the contents in whose directories the old copy still stands."""
        for content in self._reused & measured.keys():
            stood = self._stood[content] = max(self._stood.get(content, 0), measured[content])
            if measured[content] < _EMPTIED * stood:
                self._reused.discard(content)
        return {c: size for c, size in measured.items() if c not in self._reused}

    def copied(self) -> dict[int, int] | None:
        """Bytes by content that the wave copied whole, None where any of them is unknown: the file
        system of a copy that only caught up does not show how much that was.
        """
        mine = set(self._wave.contents)
        if not mine <= self.whole & self.done.keys():
            return None
        return {content: self.done[content] for content in sorted(mine)}

    def _sources(self, observed: Observed) -> Places:
        hosts = {change.content: change.primary for change in self._run.plan.changes}
        return {
            row.content: tuple(
                (hosts[row.content], path)
                for path in (row.directory, *(own for _, own in row.filespaces))
            )
            for row in observed.segments
            if row.content in self._wave.contents
            and row.is_acting_primary
            and row.directory is not None
        }

    def _targets(self) -> Places:
        return {
            step.content: tuple((step.to.host, path) for path in step.to.directories)
            for step in self._wave.steps
            if step.to is not None and step.to.directory is not None
        }

    def _measure(self, places: Places, seconds: float) -> dict[int, int]:
        """Bytes of the contents all of whose hosts answer; what is not there yet holds nothing."""
        by_host: dict[str, list[str]] = {}
        for host, directory in (spot for spots in places.values() for spot in spots):
            by_host.setdefault(host, []).append(directory)
        scripts = {host: measure_script(paths) for host, paths in by_host.items()}
        replies = self._run.world.hosts.ask(scripts, seconds=seconds)
        self.silent = next(_away(replies.values()), self.silent)
        away = {host for host, reply in replies.items() if any(_away([reply]))}
        self._unseen = {c for c, spots in places.items() if away & {host for host, _ in spots}}
        sizes = {
            (host, path): size
            for host, reply in replies.items()
            if isinstance(reply, Answered)
            for path, size in read_measures(reply.out).items()
        }
        return {
            content: sum(sizes.get(spot, 0) for spot in spots)
            for content, spots in places.items()
            if spots[0] in sizes
        }


def _reused(wave: Wave) -> set[int]:
    """Contents whose new copy lands in the directory of the old one."""
    return {
        step.content
        for step in wave.steps
        if step.from_ is not None
        and step.to is not None
        and (step.from_.host, step.from_.directory) == (step.to.host, step.to.directory)
    }


def _copied_whole(plan: Plan, wave: Wave) -> frozenset[int]:
    if wave.action is not Action.RECOVER:
        return frozenset(() if wave.action is Action.REBALANCE else wave.contents)
    full = {change.content for change in plan.changes if change.method is Method.FULL}
    return frozenset(full.intersection(wave.contents))


def _away(replies: Iterable[Reply]) -> Iterator[str]:
    """A host that only measures for too long is no trouble."""
    for reply in replies:
        if isinstance(reply, NoAnswer) and reply.why is Silence.UNREACHABLE:
            yield reply.message


# --- What is at stake now, from the catalog: contents with one copy, and what one more loss would cost.


def stakes_now(plan: Plan, observed: Observed, health: Health) -> Stakes:
    """The stakes at this look. Contents without any live copy are told apart: a further loss costs
    nothing of them. Of contents that are not in sync only the acting primary counts.
    """
    names = {
        name: host.name for host in plan.desired.hosts for name in (*host.addresses, host.name)
    }
    rows = observed.by_acting_role()
    found = AtStake()
    for one in health.contents:
        hosts = tuple(_host(row, names) for row in rows[one.content] if row and row.is_up)
        match one.state:
            case CopyState.NONE:
                found.put(one.content, ())
            case CopyState.SYNCED:
                found.put(one.content, hosts)
            case CopyState.SYNCING | CopyState.SINGLE:
                found.put(one.content, hosts[:1])
            case _:
                assert_never(one.state)
    host, loses = found.worst()
    return Stakes(single=found.single, worst_host=host, worst_host_loses=loses, none=found.none)


def _host(row: Segment, names: Mapping[str, str]) -> str:
    return names.get(row.hostname) or names.get(row.address) or row.hostname


# --- The rhythm of waiting for a wave: look at the catalog, tell where it stands, pause.


_LONGEST_REST = 8.0
"""A wave is heard of at least every 10 s."""
TURN = 4.0
"""Seconds between two looks while a utility is at work, which needs the machines more than we do."""
_MOST_TURN = 8.0
_QUICK_SECONDS = 1.0
_SLOW_SECONDS = 5.0
_QUICK_FOR_SECONDS = 120.0


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
            judged = judge_copies(observed, None, refused=error.refused)
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
