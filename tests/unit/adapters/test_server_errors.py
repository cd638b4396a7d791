"""What psycopg raises, and what becomes of it."""

from psycopg import errors

from gpmirror.adapters.server_errors import failed
from gpmirror.errors import ConnectionLost

_SAID = "terminating connection due to administrator command  (seg6 slice1 sdw1:7000 pid=9628)"


def test_a_segment_that_shut_down_does_not_end_the_coordinators_session() -> None:
    """6.24.3 passes on what the segment said, with its code, and the session goes on."""
    told = failed(errors.AdminShutdown(_SAID), "mdw:5432", alive=True)
    assert not isinstance(told, ConnectionLost)
    assert told.message == f"mdw:5432 answered with an error: {_SAID}"
    assert isinstance(failed(errors.AdminShutdown(_SAID), "mdw:5432", alive=False), ConnectionLost)
