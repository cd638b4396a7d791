"""What psycopg raises, and what becomes of it."""

from psycopg import errors

from gpmirror.adapters.server_session import failed
from gpmirror.errors import CannotDispatch, ConnectionLost

_SAID = "terminating connection due to administrator command  (seg6 slice1 sdw1:7000 pid=9628)"


def test_a_segment_that_shut_down_does_not_end_the_coordinators_session() -> None:
    """6.24.3 passes on what the segment said, with its code, and the session goes on."""
    told = failed(errors.AdminShutdown(_SAID), "mdw:5432", alive=True)
    assert not isinstance(told, ConnectionLost)
    assert told.message == f"mdw:5432 answered with an error: {_SAID}"
    assert isinstance(failed(errors.AdminShutdown(_SAID), "mdw:5432", alive=False), ConnectionLost)


_NO_GANG = "failed to acquire resources on one or more segments"
_DETAIL = (
    "could not connect to server: Connection refused\n\tIs the server running on host "
    '"10.77.0.13" and accepting\n\tTCP/IP connections on port 6000?\n (seg4 10.77.0.13:6000)\n'
    "could not connect to server: Connection refused (seg7 slice1 fe80::1:6001 pid=12)"
)


class Detailed(errors.ConnectionException):
    """An error with the server's DETAIL, as libpq hands it over."""

    class _Diag:
        message_primary = _NO_GANG
        message_detail = _DETAIL

    diag = _Diag()  # type: ignore[assignment]


def test_a_primary_that_does_not_answer_is_named_with_the_servers_own_detail() -> None:
    """The words of 6.24.3 while a primary without a live mirror is dead."""
    told = failed(Detailed(_NO_GANG), "mdw:5432", alive=True)
    assert isinstance(told, CannotDispatch)
    assert told.refused == {4: "10.77.0.13:6000", 7: "fe80::1:6001"}
    assert told.message.startswith(
        f"mdw:5432 answered with an error: {_NO_GANG} (could not connect"
    )
    assert (
        'on host "10.77.0.13" and accepting TCP/IP connections on port 6000? (seg4 ' in told.message
    )
    assert "restart the cluster (`gpstop -r`)" in (told.hint or "")
    bare = failed(errors.ConnectionException(_NO_GANG), "mdw:5432", alive=True)
    assert isinstance(bare, CannotDispatch)
    assert (bare.refused, bare.detail) == ({}, "")
