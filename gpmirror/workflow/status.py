"""Looking at a live cluster's copies, once or again and again."""

from collections.abc import Iterator
from dataclasses import dataclass

from gpmirror.boundary import Catalog, Clock, Freshness
from gpmirror.cluster.observed import Observed
from gpmirror.cluster.replication import Replication
from gpmirror.errors import CannotDispatch, ConnectionLost, Failure
from gpmirror.preflight.model import Check
from gpmirror.preflight.standing import is_sound
from gpmirror.verify import Health, judge
from gpmirror.workflow.observing import interval_of, replication

PROBE_EVERY = 10.0
"""Seconds between two requests to the fault prober; by itself it looks once a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A cluster at one moment: what the catalog says, who streams, and what follows from both; how
    fresh that is, the fault prober looking every `interval` seconds by itself (None: not told).
    `trouble`: a primary does not answer, so that nobody can tell who streams.
    """

    observed: Observed
    replication: tuple[Replication, ...]
    health: Health
    freshness: Freshness = Freshness.NOT_ASKED
    interval: float | None = None
    trouble: CannotDispatch | None = None
    copies: tuple[Check, ...] | None = None
    """What the hosts say of every copy, where they were asked."""

    @property
    def is_sound(self) -> bool:
        """Whether every content is in sync, and that is known, and hosts that were asked agree."""
        return self.trouble is None and self.health.all_synced and is_sound(self.copies or ())


def read_status(catalog: Catalog, *, probe: bool = True) -> Reading:
    """One look, after the server was made to look (`probe`). A cluster that cannot answer as a whole
    still tells its catalog. Raises as the catalog does otherwise.
    """
    freshness, trouble = refreshed(catalog) if probe else (Freshness.NOT_ASKED, None)
    return _read(catalog, freshness, trouble, probe=probe)


def refreshed(catalog: Catalog) -> tuple[Freshness, CannotDispatch | None]:
    """How fresh the catalog is after the server was made to look; or who did not answer."""
    try:
        return catalog.refresh(), None
    except CannotDispatch as error:
        return Freshness.LATE, error


def _read(
    catalog: Catalog, freshness: Freshness, trouble: CannotDispatch | None, *, probe: bool
) -> Reading:
    observed = catalog.observe()
    streams: tuple[Replication, ...] | None = None
    if trouble is None:
        try:
            streams = replication(catalog, observed, probe=probe)
        except CannotDispatch as error:
            trouble = error
            observed = catalog.observe()  # the prober has looked again since
    return Reading(
        observed=observed,
        replication=streams or (),
        health=judge(
            observed,
            streams,
            refused=trouble.refused if trouble else {},
            probed=freshness is Freshness.PROBED,
        ),
        freshness=freshness,
        interval=interval_of(catalog),
        trouble=trouble,
    )


def readings(
    catalog: Catalog, clock: Clock, *, every: float, probe: bool = True
) -> Iterator[Reading | Failure]:
    """A look every `every` seconds, without end, fault probes asked for in between (`probe`).

    A look that fails is told, a lost connection made again; the consumer decides how long to bear with
    it.
    """
    probed: float | None = None
    connected = True
    freshness: Freshness = Freshness.NOT_ASKED
    trouble: CannotDispatch | None = None
    while True:
        now = clock.monotonic()
        due = probe and (probed is None or now - probed >= PROBE_EVERY)
        try:
            if not connected:
                catalog.reconnect()
                connected = True
            if due:
                probed = now
                freshness, trouble = refreshed(catalog)
            found: Reading | Failure = _read(catalog, freshness, trouble, probe=probe)
        except Failure as error:
            connected = not isinstance(error, ConnectionLost)
            found = error
        yield found
        clock.sleep(every)


def until_synced(
    catalog: Catalog, clock: Clock, *, seconds: float, every: float, probe: bool = True
) -> Iterator[Reading | Failure]:
    """The same until all contents are in sync or `seconds` have passed; the last reading is the
    verdict.
    """
    deadline = clock.monotonic() + seconds
    for found in readings(catalog, clock, every=every, probe=probe):
        yield found
        synced = isinstance(found, Reading) and found.is_sound
        if synced or clock.monotonic() >= deadline:
            return
