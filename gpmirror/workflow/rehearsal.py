"""A run that changes nothing: the same executor, with a catalog that foresees what waves would do."""

from collections.abc import Mapping, Sequence

from gpmirror.boundary import (
    Catalog,
    Freshness,
    Hosts,
    LockHolder,
    NoAnswer,
    Reply,
    Reporter,
    Sizes,
)
from gpmirror.cluster.observed import Observed
from gpmirror.cluster.replication import CopyProgress, Replication
from gpmirror.cluster.segment import Role
from gpmirror.events import Event, NativeEnded, Progress, WaveDone
from gpmirror.gputils.detached import Poll, Stage, Utility
from gpmirror.plan.foresee import after_wave
from gpmirror.plan.model import Wave
from gpmirror.workflow.natives import DetachedNatives


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

    def competing(self) -> tuple[str, ...]:
        """As it is now."""
        return self._real.competing()

    def paused_expansion(self) -> str | None:
        """As it is now."""
        return self._real.paused_expansion()

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
        return Poll(stage=Stage.ENDED, status=0, text="", offset=offset)

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
