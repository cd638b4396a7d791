"""Bytes of a wave: what its primaries hold, and what has arrived so far.

The utility's log tells what base backups it waits for have copied, in later releases of 6 and in 7.
Where it does not, the server counts them from 7 on; else the target's file system is measured, now
and then: measuring takes the copy's own time.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from gpmirror.boundary import Answered, NoAnswer, Reply, Silence
from gpmirror.cluster.observed import Observed
from gpmirror.errors import GpmirrorError
from gpmirror.gputils.measuring import measure_script, read_measures
from gpmirror.plan.arrival import Arrival
from gpmirror.plan.model import Action, Method, Plan, Wave
from gpmirror.workflow.running import Run

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
