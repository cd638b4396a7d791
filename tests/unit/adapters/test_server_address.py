"""Addresses from spec and environment: who wins, what is left to libpq, what is refused."""

import os
from collections.abc import Mapping
from pathlib import Path

import psycopg
import pytest

from gpmirror.adapters.server_address import SOCKET_FOLDERS, label_of, named_by, target_of
from gpmirror.errors import Failure
from gpmirror.spec.model import CoordinatorAddress
from tests.servers import Postgres

SPEC = CoordinatorAddress(host="mdw", port=5433, database="dwh", user="gpadmin")
NOTHING = CoordinatorAddress()


@pytest.mark.parametrize(
    ("address", "environment", "label"),
    [
        (SPEC, {"PGHOST": "other", "PGPORT": "1"}, "mdw:5433"),
        (NOTHING, {"PGHOST": "other", "PGPORT": "6543"}, "other:6543"),
        (NOTHING, {"PGHOSTADDR": "10.0.0.1"}, "10.0.0.1:5432"),
        (NOTHING, {"PGSERVICE": "prod"}, "service prod"),
        (NOTHING, {"PGHOST": "/var/run/postgresql"}, "localhost:5432"),
        (NOTHING, {}, "localhost:5432"),
        (CoordinatorAddress(host="mdw"), {"PGPORT": ""}, "mdw:5432"),
    ],
)
def test_labels(address: CoordinatorAddress, environment: Mapping[str, str], label: str) -> None:
    assert label_of(address, environment) == label
    assert target_of(address, environment).label == label


def test_the_spec_is_passed_on_and_the_rest_left_to_libpq() -> None:
    found = target_of(SPEC, {"PGHOSTADDR": "10.0.0.9"}).parameters
    assert found["host"] == "mdw"
    assert (found["port"], found["dbname"], found["user"]) == (5433, "dwh", "gpadmin")
    assert found["hostaddr"] == ""
    assert (found["gssencmode"], found["connect_timeout"]) == ("disable", 10)
    bare = target_of(NOTHING, {"PGDATABASE": "x", "PGCONNECT_TIMEOUT": "3"}).parameters
    assert not {"host", "hostaddr", "port", "dbname", "user", "connect_timeout"} & bare.keys()


@pytest.mark.parametrize(
    ("environment", "database"),
    [({}, "postgres"), ({"PGDATABASE": "x"}, None), ({"PGSERVICE": "x"}, None)],
)
def test_the_database_is_never_the_users_name(
    environment: Mapping[str, str], database: str | None
) -> None:
    assert target_of(NOTHING, environment).parameters.get("dbname") == database


def test_a_tunnel_keeps_the_name_for_passwords_and_certificates() -> None:
    found = target_of(SPEC, {}, through=("127.0.0.1", 40_000)).parameters
    assert (found["host"], found["hostaddr"], found["port"]) == ("mdw", "127.0.0.1", 40_000)


def test_a_tunnel_to_this_machine_is_none() -> None:
    found = target_of(SPEC, {}, through=("mdw", 5433)).parameters
    assert (found["host"], found["hostaddr"], found["port"]) == ("mdw", "", 5433)


def test_sessions_read_only_whatever_else_is_set() -> None:
    options = str(target_of(NOTHING, {"PGOPTIONS": "-c work_mem=1MB"}).parameters["options"])
    assert options.startswith("-c work_mem=1MB -c default_transaction_read_only=on -c ")


@pytest.mark.parametrize("option", ["-c gp_role=utility", "--gp-session-role=utility"])
def test_utility_mode_is_refused(option: str) -> None:
    with pytest.raises(Failure, match="PGOPTIONS asks for a utility-mode session"):
        target_of(SPEC, {"PGOPTIONS": option})


@pytest.mark.parametrize(
    ("address", "environment", "folders"),
    [
        (NOTHING, {}, SOCKET_FOLDERS),
        (NOTHING, {"PGPORT": "6543", "PGHOST": ""}, SOCKET_FOLDERS),
        (NOTHING, {"PGHOST": "/run/gp"}, ("/run/gp",)),
        (CoordinatorAddress(host="/run/gp"), {"PGHOST": "mdw"}, ("/run/gp",)),
        (NOTHING, {"PGHOST": "mdw"}, ()),
        (NOTHING, {"PGHOST": "/a,/b"}, ()),
        (NOTHING, {"PGHOSTADDR": "10.0.0.1"}, ()),
        (SPEC, {}, ()),
    ],
)
def test_sockets_are_looked_for_where_no_host_is_named(
    address: CoordinatorAddress, environment: Mapping[str, str], folders: tuple[str, ...]
) -> None:
    assert target_of(address, environment).folders == folders
    assert target_of(address, environment, through=("127.0.0.1", 4_000)).folders == ()


@pytest.mark.parametrize(("host", "folders"), [("host=mdw\n", ()), ("", SOCKET_FOLDERS)])
def test_a_service_may_name_no_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, folders: tuple[str, ...]
) -> None:
    (tmp_path / "services").write_text(f"[dwh]\nport=6000\n{host}")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    monkeypatch.setenv("PGSERVICE", "dwh")
    assert target_of(NOTHING, os.environ).folders == folders


@pytest.mark.parametrize(
    ("environment", "reached", "named"),
    [
        ({}, None, CoordinatorAddress(port=5432)),
        (
            {"PGHOST": "mdw", "PGPORT": "6000", "PGUSER": "gpadmin", "PGDATABASE": "dwh"},
            None,
            CoordinatorAddress(host="mdw", port=6000, user="gpadmin", database="dwh"),
        ),
        ({"PGHOST": "/tmp"}, None, CoordinatorAddress(port=5432)),
        ({"PGHOST": "/run/gp"}, None, CoordinatorAddress(host="/run/gp", port=5432)),
        ({"PGDATABASE": "postgres"}, None, CoordinatorAddress(port=5432)),
        (
            {},
            CoordinatorAddress(host="/tmp", port=6000, database="postgres", user="me"),
            CoordinatorAddress(port=6000),
        ),
        (
            {"PGHOST": "mdw,smdw"},
            CoordinatorAddress(host="smdw", port=6000, database="postgres", user="me"),
            CoordinatorAddress(host="smdw", port=6000),
        ),
        (
            {"PGSERVICE": "dwh"},
            CoordinatorAddress(host="mdw", port=6000, database="dwh", user="gpadmin"),
            CoordinatorAddress(host="mdw", port=6000, database="dwh", user="gpadmin"),
        ),
    ],
)
def test_what_a_spec_needs_to_say_of_the_coordinator(
    environment: Mapping[str, str],
    reached: CoordinatorAddress | None,
    named: CoordinatorAddress,
) -> None:
    assert named_by(environment, reached) == named


@pytest.mark.postgres
def test_the_server_misses_a_machine_that_vanished(postgres_server: Postgres) -> None:
    """Its own default is two hours, and the lock goes with the session."""
    address = CoordinatorAddress(
        host="127.0.0.1", port=postgres_server.port, database="postgres", user="gpadmin"
    )
    with psycopg.connect(**target_of(address, {}).parameters) as session:  # type: ignore[arg-type]
        names = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count")
        idle, interval, count = (
            int(found[0]) for name in names if (found := session.execute(f"SHOW {name}").fetchone())
        )
    assert 0 < idle + interval * count <= 60
