"""Looking at a live cluster's copies, once or again and again."""

from collections.abc import Iterator
from dataclasses import dataclass

from gpmirror.boundary import Catalog, Clock
from gpmirror.cluster.observed import Observed
from gpmirror.cluster.replication import Replication
from gpmirror.errors import ConnectionLost, Failure
from gpmirror.verify import Health, judge
from gpmirror.workflow.observing import replication

PROBE_EVERY = 10.0
"""Seconds between two requests to the fault prober; by itself it looks once a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A cluster at one moment: what the catalog says, who streams, and what follows from both."""

    observed: Observed
    replication: tuple[Replication, ...]
    health: Health


def read_status(catalog: Catalog) -> Reading:
    """One look. Raises as the catalog does."""
    observed = catalog.observe()
    streams = replication(catalog, observed)
    return Reading(observed=observed, replication=streams, health=judge(observed, streams))


def readings(catalog: Catalog, clock: Clock, *, every: float) -> Iterator[Reading | Failure]:
    """A look every `every` seconds, without end, fault probes asked for in between.

    A look that fails is told, a lost connection made again; the consumer decides how long to bear with it.
    """
    probed: float | None = None
    connected = True
    while True:
        now = clock.monotonic()
        due = probed is None or now - probed >= PROBE_EVERY
        found = _look(catalog, reconnect=not connected, probe=due)
        if due:
            probed = now
        connected = not isinstance(found, ConnectionLost)
        yield found
        clock.sleep(every)


def until_synced(
    catalog: Catalog, clock: Clock, *, seconds: float, every: float
) -> Iterator[Reading | Failure]:
    """The same until all contents are in sync or `seconds` have passed; the last reading is the
    verdict.
    """
    deadline = clock.monotonic() + seconds
    for found in readings(catalog, clock, every=every):
        yield found
        synced = isinstance(found, Reading) and found.health.all_synced
        if synced or clock.monotonic() >= deadline:
            return


def _look(catalog: Catalog, *, reconnect: bool, probe: bool) -> Reading | Failure:
    try:
        if reconnect:
            catalog.reconnect()
        if probe:
            catalog.request_probe()
        return read_status(catalog)
    except Failure as error:
        return error
