"""Where the coordinator is: the spec's address, filled up from the PG* environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from gpmirror.errors import Failure
from gpmirror.spec.model import CoordinatorAddress

DEFAULT_PORT = 5432
_DATABASE = "postgres"
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
    # the server lets go of the lock of a machine that vanished after a minute, not after two hours
    "tcp_keepalives_idle=30",
    "tcp_keepalives_interval=10",
    "tcp_keepalives_count=3",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What to connect to. `label` names it in messages: `mdw:5432`; `parameters` are libpq's, never
    a password: libpq finds that itself (PGPASSWORD, PGPASSFILE, PGSERVICE).
    """

    label: str
    parameters: Mapping[str, str | int]


def target_of(
    address: CoordinatorAddress,
    environment: Mapping[str, str],
    *,
    through: tuple[str, int] | None = None,
) -> Target:
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
    if through is not None:
        given |= _detour(host_of(address, environment), *through)
    if "PGCONNECT_TIMEOUT" not in environment:
        given["connect_timeout"] = _CONNECT_SECONDS
    parameters = {name: value for name, value in given.items() if value is not None}
    return Target(label=label_of(address, environment), parameters={**_STEADY, **parameters})


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
    return None if told else _DATABASE


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
