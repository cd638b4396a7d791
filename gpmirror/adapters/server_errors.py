"""What psycopg raises, in the words and classes of gpmirror."""

import re
from collections.abc import Sequence

from psycopg import Error, errors

from gpmirror.catalog.live import not_a_coordinator
from gpmirror.errors import CannotDispatch, ConnectionLost, Failure, GpmirrorError, Overdue

_WORDS = (
    ("password authentication failed", "check PGPASSWORD or the password file"),
    ("no password supplied", "set PGPASSWORD or add a line to ~/.pgpass"),
    ("no pg_hba.conf entry", "add this host to the coordinator's pg_hba.conf, or use `--via-ssh`"),
    ("could not translate host name", "check the host name in `cluster.coordinator` or PGHOST"),
    ("failed to resolve host", "check the host name in `cluster.coordinator` or PGHOST"),
    ("Connection refused", "check host and port, and that the cluster is started (`gpstate`)"),
    ("timeout expired", "check the network and the firewall, or use `--via-ssh`"),
    ("connection timeout", "check the network and the firewall, or use `--via-ssh`"),
    ("utility mode connections are allowed", "start the cluster in normal mode (`gpstart`)"),
    ("starting up", "the server is starting or a standby: wait, or name the coordinator"),
    ("in recovery mode", "the server recovers or is a standby: wait, or name the coordinator"),
    ("shutting down", "the cluster is being stopped: start it again (`gpstart`)"),
    ("unsupported startup parameter", "connect to the coordinator itself, not to a pooler"),
    ("too many clients", "end some sessions, or raise max_connections"),
    ("does not exist", "check `cluster.coordinator` in the spec, or PGDATABASE and PGUSER"),
    ("server does not support SSL", "set PGSSLMODE=prefer"),
)
_SOCKET = re.compile(
    r'on socket "([^"]+)" failed: (No such file|Connection refused|Permission)[^\n]*'
)
_DIRECT = ("connections to primary segments", "connections to mirror segments")
_NO_GANG = "failed to acquire resources on one or more segments"
_REFUSED = re.compile(r"\(seg(\d+)(?: slice\d+)? (\S+:\d+)(?: pid=\d+)?\)")
_AGAIN = "check that the cluster runs (`gpstate`), then run the command again"


def not_connected(error: Error, label: str) -> GpmirrorError:
    """A connection that did not come about."""
    said = _gist(error)
    if any(words in said for words in _DIRECT):
        return not_a_coordinator(label, said)
    hint = next((hint for words, hint in _WORDS if words in said), _AGAIN)
    if said.startswith("failed to resolve host"):
        said = "the host name cannot be resolved"  # psycopg's words name no host
    return ConnectionLost(f"cannot connect to {label}: {said}", hint=hint)


def nobody_at(error: Error) -> str | None:
    """The socket at which no server listens, and why; None where one answered."""
    found = _SOCKET.search(str(error))
    return None if found is None else found[0].removeprefix("on socket ").replace('"', "")


def nowhere(label: str, silent: Sequence[str]) -> ConnectionLost:
    """No server listens at any socket that was tried: each with its reason."""
    places = "; ".join(place.replace(" failed: ", ": ", 1) for place in silent)
    return ConnectionLost(
        f"cannot connect to {label}: no server at a socket: {places}",
        hint="set `cluster.coordinator.host` or PGHOST, and the port, or read a saved catalog with "
        "`--catalog FILE`",
    )


def failed(error: Error, label: str, *, alive: bool) -> GpmirrorError:
    """A statement that failed; `alive` tells whether the session outlived it."""
    said = _gist(error)
    if not alive:  # a coordinator passes on that a segment shut down, and lives
        return ConnectionLost(f"the session with {label} ended: {said}", hint=_AGAIN)
    match error:
        case errors.UndefinedTable() | errors.UndefinedColumn() | errors.UndefinedFunction():
            return not_a_coordinator(label, said)
        case errors.InsufficientPrivilege():
            hint = "connect as the cluster's administrator, usually gpadmin"
            return Failure(f"{label} does not let this user read: {said}", hint=hint)
        case errors.ReadOnlySqlTransaction():
            return Failure(f"{label}: {said}", hint="gpmirror only reads; this is a bug in it")
        case _ if _NO_GANG in said:
            return _cannot_dispatch(said, _detail(error), label)
        case _:
            detail = _detail(error)
            more = f" ({detail})" if detail else ""
            return Failure(f"{label} answered with an error: {said}{more}", hint=_AGAIN)


def _cannot_dispatch(said: str, detail: str, label: str) -> CannotDispatch:
    """A primary that does not answer, as 5.8.1, 6.24.3 and 7.0.0 say it; the detail ends with
    `(seg4 10.77.0.13:6000)` for each.
    """
    refused = {int(content): place for content, place in _REFUSED.findall(detail)}
    return CannotDispatch(
        f"{label} answered with an error: {said}" + (f" ({detail})" if detail else ""),
        hint="a primary does not answer: where its mirror is in sync the fault prober makes that take "
        "over within a minute, run the command again then; else restart the cluster (`gpstop -r`), "
        "gprecoverseg needs a live primary; `gpmirror status` shows every copy",
        detail=detail,
        refused=refused,
    )


def _detail(error: Error) -> str:
    """The server's DETAIL on one line."""
    return " ".join((error.diag.message_detail or "").split())


def overdue(label: str, seconds: float, *, alive: bool) -> Failure:
    """A server that takes a question and does not answer; ConnectionLost where the session had to be
    given up over it.
    """
    kind: type[Failure] = Overdue if alive else ConnectionLost
    return kind(
        f"{label} did not answer within {seconds:.0f} s",
        hint="look at the coordinator's load and at hosts that are cut off (`gpstate`), "
        "then run the command again",
    )


def _gist(error: Error) -> str:
    """The server's own message without its context, or the last line of libpq's."""
    primary = error.diag.message_primary
    if primary:
        return str(primary)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    telling = [line for line in lines if "failed:" in line or "error:" in line]
    return _without_address((telling or lines)[-1])


def _without_address(line: str) -> str:
    """The reason alone: libpq repeats the address, which the label already names."""
    head, mark, reason = line.rpartition(" failed: ")
    return reason.removeprefix("FATAL:").strip() if mark and "connection" in head else line
