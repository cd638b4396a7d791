"""Sizes of all contents, asked of the server once in a while: it looks at every file to tell them."""

from collections.abc import Callable
from time import monotonic

from gpmirror.adapters.server_session import Session
from gpmirror.boundary import Sizes
from gpmirror.catalog import queries
from gpmirror.catalog.live import sizes_from
from gpmirror.errors import GpmirrorError

_ANSWER_SECONDS = 60.0
"""Measuring looks at every file of every database."""

_GOOD_FOR_SECONDS = 600.0
"""A plan is made, confirmed and checked with the same sizes, unless a person takes their time."""


class Sizing:
    """Measures, or tells what was measured minutes ago; a failure is remembered as long."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._last: Sizes | None = None
        self._at = 0.0

    def sizes(self, session: Session) -> Sizes:
        """The sizes. Raises what a lost session raises; any other trouble is a note."""
        now = self._clock()
        if self._last is None or now - self._at > _GOOD_FOR_SECONDS:
            self._last, self._at = _measured(session), now
        return self._last


def _measured(session: Session) -> Sizes:
    try:
        rows = session.rows(queries.SIZES, seconds=_ANSWER_SECONDS)
    except GpmirrorError as error:
        if not session.is_open:
            raise
        return Sizes(by_content={}, note=f"sizes are unknown: {error.message}")
    return Sizes(by_content=sizes_from(rows), note=None)
