"""Where the coordinator is: the spec's address, filled up from the PG* environment, else sockets."""

import re
from collections.abc import Mapping
from ipaddress import ip_address

from gpmirror.errors import Failure
from gpmirror.spec.model import CoordinatorAddress
from gpmirror.values import dataclass

DEFAULT_PORT = 5432
DEFAULT_DATABASE = "postgres"
SOCKET_FOLDERS = ("/tmp", "/var/run/postgresql")  # noqa: S108 - where servers put it, not our files
"""Where the sockets of servers lie: of Greenplum and all that came of it, of Debian's and Red Hat's
PostgreSQL. A psql knows the one of its own server; the libpq that we bring would know the second.
"""

_CONNECT_SECONDS = 10
_UTILITY = re.compile(r"\bgp[_-](session[_-])?role\b", re.IGNORECASE)

_STEADY: Mapping[str, str | int] = {
    "application_name": "gpmirror",
    "client_encoding": "utf8",
    # servers built on 8.3 answer libpq's question for Kerberos with garbage
    "gssencmode": "disable",
    # a peer that vanished is noticed within half a minute, idle or not
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}

_SETTINGS = (
    "default_transaction_read_only=on",
    # every question has a limit of its own here; what outlives a vanished gpmirror ends on the server
    "statement_timeout=180000",
    # the server lets go of the lock of a machine that vanished after a minute, not after two hours
    "tcp_keepalives_idle=30",
    "tcp_keepalives_interval=10",
    "tcp_keepalives_count=3",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTarget:
    """What to connect to. `label` names it in messages: `mdw:5432`; `parameters` are libpq's, never
    a password: libpq finds that itself (PGPASSWORD, PGPASSFILE, PGSERVICE). `folders` are those in
    which the server's socket may lie, in turn; without any, libpq knows the host.
    """

    label: str
    parameters: Mapping[str, str | int]
    folders: tuple[str, ...] = ()


def target_of(
    address: CoordinatorAddress,
    environment: Mapping[str, str],
    *,
    through: tuple[str, int] | None = None,
) -> ServerTarget:
    """The target of an address; `through` is the near end of a tunnel to it.

    Raises:
        Failure: PGOPTIONS asks for a utility-mode session.
    """
    given: dict[str, str | int | None] = {
        "host": address.host,
        "port": address.port,
        "dbname": _database(address, environment),
        "user": address.user,
        "options": _options(environment),
    }
    if address.host is not None:
        # PGHOSTADDR would lead elsewhere under the spec's name
        given["hostaddr"] = ""
    folders = () if through else _folders(address, environment)
    if through is not None:
        given |= _detour(host_of(address, environment), *through)
    if "PGCONNECT_TIMEOUT" not in environment:
        given["connect_timeout"] = _CONNECT_SECONDS
    parameters = {name: value for name, value in given.items() if value is not None}
    return ServerTarget(
        label=label_of(address, environment),
        parameters={**_STEADY, **parameters},
        folders=folders,
    )


def named_by(
    environment: Mapping[str, str], reached: CoordinatorAddress | None = None
) -> CoordinatorAddress:
    """The coordinator as a spec names it for later: what the environment says, else the session
    `reached`. A socket in a usual folder needs no name, nor does the usual database.
    """
    found = CoordinatorAddress() if reached is None else reached
    host = host_of(CoordinatorAddress(), environment) or found.host
    if host is not None and "," in host:
        host = found.host
    database = environment.get("PGDATABASE") or found.database
    return CoordinatorAddress(
        host=None if host in SOCKET_FOLDERS else host,
        port=found.port or port_of(CoordinatorAddress(), environment),
        database=None if database == DEFAULT_DATABASE else database,
        user=environment.get("PGUSER") or (found.user if "PGSERVICE" in environment else None),
    )


def host_of(address: CoordinatorAddress, environment: Mapping[str, str]) -> str | None:
    """The coordinator's host name where spec or environment tell it."""
    return address.host or environment.get("PGHOST") or environment.get("PGHOSTADDR") or None


def port_of(address: CoordinatorAddress, environment: Mapping[str, str]) -> int:
    """The coordinator's port. Raises Failure: PGPORT is no port."""
    if address.port is not None:
        return address.port
    told = environment.get("PGPORT") or str(DEFAULT_PORT)
    if told.isascii() and told.isdigit() and len(told) <= len("65535") and 0 < int(told) < 1 << 16:
        return int(told)
    raise Failure(f"PGPORT is {told[:40]!r}, not a port", hint="a port is a number from 1 to 65535")


def label_of(address: CoordinatorAddress, environment: Mapping[str, str]) -> str:
    """`host:port` as messages name the server."""
    host = host_of(address, environment)
    if host is None and (service := environment.get("PGSERVICE")):
        return f"service {service}"
    named = "localhost" if host is None or host.startswith("/") else host
    return f"{named}:{port_of(address, environment)}"


def _folders(address: CoordinatorAddress, environment: Mapping[str, str]) -> tuple[str, ...]:
    host = address.host or environment.get("PGHOST")
    if host:
        return (host,) if host.startswith("/") and "," not in host else ()
    told = environment.get("PGHOSTADDR") or (environment.get("PGSERVICE") and _service_host())
    return () if told else SOCKET_FOLDERS


def _service_host() -> str | None:
    """The host that the service file gives for PGSERVICE."""
    from psycopg import Error, pq

    try:
        found = {option.keyword: option.val for option in pq.Conninfo.get_defaults()}
    except Error:
        return "unknown"  # connecting says what is wrong with it
    host = found.get(b"host") or found.get(b"hostaddr")
    return host.decode("utf-8", "replace") if host else None


def _detour(host: str | None, near: str, port: int) -> dict[str, str | int | None]:
    """Passwords and certificates go by the far host's name; the address leads into the tunnel."""
    try:
        ip_address(near)
    except ValueError:
        # no tunnel was needed: it is the far end itself, by name
        return {"host": near, "hostaddr": "", "port": port}
    return {"host": host or near, "hostaddr": near, "port": port}


def _database(address: CoordinatorAddress, environment: Mapping[str, str]) -> str | None:
    if address.database is not None:
        return address.database
    # libpq takes these by itself; without any it would take the user's name
    told = "PGDATABASE" in environment or "PGSERVICE" in environment
    return None if told else DEFAULT_DATABASE


def _options(environment: Mapping[str, str]) -> str:
    """What the caller set, and ours: as start-up options, since Greenplum would send a SET
    to every segment and fail where a content is down.
    """
    own = environment.get("PGOPTIONS", "")
    if _UTILITY.search(own):
        raise Failure(
            f"PGOPTIONS asks for a utility-mode session: {own[:80]}",
            hint="unset PGOPTIONS: the cluster's catalog is read in a normal session, and "
            "`gp_role` crashes a Greenplum 5 coordinator",
        )
    return " ".join((own, *(f"-c {setting}" for setting in _SETTINGS))).strip()
