"""Looking again before a verdict: one odd moment must not end a run of days."""

from collections.abc import Callable
from contextlib import suppress

from gpmirror.cluster.observed import Observed
from gpmirror.errors import ConnectionLost, Failure, InvalidInput
from gpmirror.verify import Health
from gpmirror.workflow.gates import look
from gpmirror.workflow.running import Run

GRACE_SECONDS = 15.0
"""Added to the fault prober's own interval."""

_DEFAULT_PROBE_SECONDS = 60.0
_BETWEEN_SECONDS = 2.0


def look_until(run: Run, good: Callable[[Observed, Health], bool]) -> tuple[Observed, Health]:
    """The first look that is good; or the last one, once the fault prober had time for a round.

    A lost session is opened again: the lock is not. Raises what looking raises, at the end of that
    time.
    """
    clock, catalog = run.world.clock, run.world.catalog
    limit: float | None = None
    while True:
        late = limit is not None and clock.monotonic() >= limit
        try:
            observed, health = look(run)
            if late or good(observed, health):
                return observed, health
            catalog.request_probe()
        except (Failure, InvalidInput) as error:
            if late:
                raise
            if isinstance(error, ConnectionLost):
                with suppress(Failure, InvalidInput):
                    catalog.reconnect()
        limit = clock.monotonic() + _round_seconds(run) if limit is None else limit
        clock.sleep(_BETWEEN_SECONDS)


def _round_seconds(run: Run) -> float:
    try:
        return run.world.catalog.probe_seconds() + GRACE_SECONDS
    except Failure:
        return _DEFAULT_PROBE_SECONDS + GRACE_SECONDS
