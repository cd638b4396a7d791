"""Bytes of a wave: what its primaries hold, and what has arrived so far.

The server counts base backups from 7 on. Before, both ends are measured on their file systems, now
and then: a directory that grows is the only thing 6 shows of a copy.
"""

from collections.abc import Iterable, Iterator, Mapping

from gpmirror.boundary import Answered, NoAnswer, Reply, Silence
from gpmirror.cluster.observed import Observed
from gpmirror.errors import GpmirrorError
from gpmirror.gputils.measuring import measure_script, read_measures
from gpmirror.plan.model import Action, Method, Plan, Wave
from gpmirror.workflow.running import Run

_EVERY_SECONDS = 10.0
_SOURCE_SECONDS = 20.0
_TARGET_SECONDS = 8.0

Places = Mapping[int, tuple[str, str]]
"""Content -> (host, directory)."""


class Meter:
    """Measures a wave as it goes on; `done` and `total` are bytes by content, as far as known.
    `whole` are contents that are copied whole; what the others fetch, no file system shows.
    `silent` names a host that was away at the last look: a utility may wait for it for long.
    Of a copy that lands where the old one stands nothing is told before that is gone.
    """

    def __init__(self, run: Run, wave: Wave) -> None:
        self._run = run
        self._wave = wave
        self._asked = float("-inf")
        self.silent: str | None = None
        self.whole = _copied_whole(run.plan, wave)
        self._reused = _reused(wave)
        self._stood: dict[int, int] = {}
        self.done: dict[int, int] = {}
        self.total: dict[int, int] = {
            change.content: change.size for change in run.plan.changes if change.size is not None
        }

    def read(self, observed: Observed | None) -> None:
        """Look again, if the last look is old enough. Never fails: bytes are for the eye."""
        if self._wave.action is Action.REBALANCE:
            return
        now = self._run.world.clock.monotonic()
        if now - self._asked < _EVERY_SECONDS:
            return
        self._asked, self.silent = now, None
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
        self.done |= {} if told else self._new(self._measure(self._targets(), _TARGET_SECONDS))

    def _new(self, measured: Mapping[int, int]) -> dict[int, int]:
        """Without the contents in whose directories the old copy still stands."""
        for content in self._reused & measured.keys():
            if measured[content] < self._stood.setdefault(content, measured[content]):
                self._reused.discard(content)
        return {c: size for c, size in measured.items() if c not in self._reused}

    def copied(self) -> dict[int, int] | None:
        """Bytes by content that the wave copied whole, None where any of them is unknown: the file
        system of a copy that only caught up does not tell how much that was.
        """
        mine = set(self._wave.contents)
        if not mine <= self.whole & self.done.keys():
            return None
        return {content: self.done[content] for content in sorted(mine)}

    def _sources(self, observed: Observed) -> Places:
        hosts = {change.content: change.primary for change in self._run.plan.changes}
        return {
            row.content: (hosts[row.content], row.directory)
            for row in observed.segments
            if row.content in self._wave.contents
            and row.is_acting_primary
            and row.directory is not None
        }

    def _targets(self) -> Places:
        return {
            step.content: (step.to.host, step.to.directory)
            for step in self._wave.steps
            if step.to is not None and step.to.directory is not None
        }

    def _measure(self, places: Places, seconds: float) -> dict[int, int]:
        by_host: dict[str, list[str]] = {}
        for host, directory in places.values():
            by_host.setdefault(host, []).append(directory)
        scripts = {host: measure_script(paths) for host, paths in by_host.items()}
        replies = self._run.world.hosts.ask(scripts, seconds=seconds)
        self.silent = next(_away(replies.values()), self.silent)
        sizes = {
            (host, path): size
            for host, reply in replies.items()
            if isinstance(reply, Answered)
            for path, size in read_measures(reply.out).items()
        }
        return {content: sizes[place] for content, place in places.items() if place in sizes}


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
