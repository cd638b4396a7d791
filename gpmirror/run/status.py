"""Looking at a live cluster's copies, once or again and again."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gpmirror.boundary import Catalog, Clock, Freshness
from gpmirror.errors import CannotDispatch, ConnectionLost, Failure
from gpmirror.model.observed import Observed, Replication
from gpmirror.preflight.copies import is_sound
from gpmirror.preflight.model import Check
from gpmirror.run.look import interval_of, replication
from gpmirror.verify import CopyState, Health, judge_copies, resynchronising

PROBE_EVERY = 10.0
"""Seconds between two requests to the fault prober; by itself it looks once a minute."""

LIFE_EVERY = 60.0
"""Seconds between two questions to the hosts of mirrors that resynchronise."""


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
        health=judge_copies(
            observed,
            streams,
            refused=trouble.refused if trouble else {},
            probed=freshness is Freshness.PROBED,
        ),
        freshness=freshness,
        interval=interval_of(catalog),
        trouble=trouble,
    )


def with_life(reading: Reading, lifeless: Mapping[int, str], notes: Sequence[str] = ()) -> Reading:
    """The same, knowing which mirrors that are called resynchronising are not there."""
    if not lifeless and not notes:
        return reading
    observed = replace(reading.observed, notes=(*reading.observed.notes, *notes))
    return replace(
        reading,
        observed=observed,
        health=judge_copies(
            observed,
            None if reading.trouble else reading.replication,
            refused=reading.trouble.refused if reading.trouble else {},
            probed=reading.freshness is Freshness.PROBED,
            lifeless=lifeless,
        ),
    )


Life = Callable[[Observed], tuple[Mapping[int, str], Sequence[str]]]
"""Asks hosts why nothing comes of mirrors, by content; with notes on hosts that do not answer."""


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
    catalog: Catalog,
    clock: Clock,
    *,
    seconds: float,
    every: float,
    probe: bool = True,
    life: Life | None = None,
) -> Iterator[Reading | Failure]:
    """The same until all contents are in sync or `seconds` have passed; the last reading is the
    verdict. Hosts of mirrors that resynchronise are asked (`life`) once a minute: where all that is
    waited for is not there, nothing comes by itself.
    """
    deadline = clock.monotonic() + seconds
    asked: float | None = None
    dead: tuple[Mapping[int, str], Sequence[str]] = ({}, ())
    for found in readings(catalog, clock, every=every, probe=probe):
        seen = found
        if isinstance(seen, Reading) and life is not None and resynchronising(seen.observed):
            if asked is None or clock.monotonic() - asked >= LIFE_EVERY:
                asked, dead = clock.monotonic(), life(seen.observed)
            seen = with_life(seen, *dead)
        yield seen
        over = isinstance(seen, Reading) and (seen.is_sound or _is_hopeless(seen, dead[0]))
        if over or clock.monotonic() >= deadline:
            return


def _is_hopeless(reading: Reading, lifeless: Mapping[int, str]) -> bool:
    loose = {one.content for one in reading.health.contents if one.state is not CopyState.SYNCED}
    return bool(loose) and loose <= lifeless.keys()
