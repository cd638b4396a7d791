"""A coordinator that cannot be reached, refuses, or stops answering: words, class and time."""

import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress

import pytest

from gpmirror.adapters import server_session
from gpmirror.adapters.server import connect
from gpmirror.adapters.server_address import target_of
from gpmirror.adapters.server_session import Session, open_session
from gpmirror.boundary import Freshness
from gpmirror.errors import CannotDispatch, ConnectionLost, Failure, InvalidInput, Overdue
from gpmirror.spec.model import CoordinatorAddress
from tests.clusters import mirrored
from tests.servers import PASSWORD, Postgres, free_port, running

pytestmark = pytest.mark.postgres

ANYWHERE = CoordinatorAddress()
SLEEP = "SELECT pg_sleep(60)"


def put(patch: pytest.MonkeyPatch, environment: Mapping[str, str]) -> Mapping[str, str]:
    """Libpq reads the process's environment."""
    for name, value in environment.items():
        patch.setenv(name, value)
    return environment


@pytest.fixture
def proxy(postgres_server: Postgres) -> Iterator["Proxy"]:
    with Proxy(postgres_server.port) as found:
        yield found


class Proxy:
    """Passes bytes between one port and a server until it is told to fall silent."""

    def __init__(self, port: int) -> None:
        self._server_port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.silent = threading.Event()
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> "Proxy":
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in list(self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for each in self._sockets:
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._server_port))
            self._sockets += [near, far]
            for one, other in ((near, far), (far, near)):
                thread = threading.Thread(target=self._pass, args=(one, other))
                self._threads.append(thread)
                thread.start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                if not self.silent.is_set():
                    other.sendall(data)
            other.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize(
    ("login", "words", "hint"),
    [
        (
            ("gp6", "guarded", "wrong"),
            'password authentication failed for user "guarded"',
            "PGPASS",
        ),
        (("gp6", "guarded", ""), "no password supplied", "PGPASSWORD"),
        (("nowhere", "gpadmin", ""), 'database "nowhere" does not exist', "PGDATABASE"),
        (("gp6", "nobody_here", ""), 'role "nobody_here" does not exist', "PGUSER"),
    ],
)
def test_refused_logins(
    login: tuple[str, str, str],
    words: str,
    hint: str,
    postgres_server: Postgres,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    database, user, password = login
    environment = put(monkeypatch, postgres_server.environment(database, user))
    if password:
        monkeypatch.setenv("PGPASSWORD", password)
    with pytest.raises(ConnectionLost) as caught:
        connect(ANYWHERE, environment, dialect=None)
    said = caught.value.message
    assert said == f"cannot connect to 127.0.0.1:{postgres_server.port}: {words}" or (
        words in said and said.count("\n") == 0
    )
    assert hint in str(caught.value.hint)
    assert not password or password not in said


def test_the_password_comes_from_the_environment_alone(
    postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres_server.fill("gp6", mirrored(("sdw1", "sdw2"), 1).segments)
    environment = put(monkeypatch, postgres_server.environment("gp6", "guarded"))
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    server = connect(ANYWHERE, environment, dialect=None)
    try:
        assert len(server.observe().segments) == 5
    finally:
        server.close()
    assert PASSWORD not in str(server._target)


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    address = CoordinatorAddress(host="127.0.0.1", port=port, user="gpadmin")
    with pytest.raises(ConnectionLost) as caught:
        connect(address, {}, dialect=None)
    assert caught.value.message.startswith(f"cannot connect to 127.0.0.1:{port}: ")
    assert "Connection refused" in caught.value.message
    assert "gpstate" in str(caught.value.hint)


def test_an_unknown_host_name() -> None:
    address = CoordinatorAddress(host="mdw.invalid", user="gpadmin")
    with pytest.raises(ConnectionLost) as caught:
        connect(address, {"PGCONNECT_TIMEOUT": "2"}, dialect=None)
    assert caught.value.message.startswith("cannot connect to mdw.invalid:5432: ")


def test_a_listener_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        environment = put(monkeypatch, {"PGPORT": str(port), "PGCONNECT_TIMEOUT": "2"})
        with pytest.raises(ConnectionLost) as caught:
            connect(CoordinatorAddress(host="127.0.0.1", user="x"), environment, dialect=None)
    assert "timeout" in caught.value.message


def test_something_that_is_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            peer, _ = listener.accept()
            with peer, suppress(OSError):
                peer.recv(100)
                peer.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        port = listener.getsockname()[1]
        with pytest.raises(ConnectionLost) as caught:
            connect(
                CoordinatorAddress(host="127.0.0.1", port=port, user="x"),
                put(monkeypatch, {"PGCONNECT_TIMEOUT": "5", "PGSSLMODE": "disable"}),
                dialect=None,
            )
        thread.join()
    assert f"cannot connect to 127.0.0.1:{port}" in caught.value.message


@pytest.mark.parametrize("port", ["0", "65536", "abc", "５４３２", "9" * 500])
def test_a_port_that_is_none(port: str) -> None:
    with pytest.raises(Failure) as caught:
        connect(CoordinatorAddress(host="mdw"), {"PGPORT": port}, dialect=None)
    assert "not a port" in caught.value.message
    assert len(caught.value.message) < 100


def test_the_specs_host_wins_over_the_environment(
    postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = put(
        monkeypatch,
        {"PGHOST": "mdw.invalid", "PGHOSTADDR": "127.0.0.9", "PGPORT": "1", "PGDATABASE": "none"},
    )
    address = CoordinatorAddress(
        host="127.0.0.1", port=postgres_server.port, database="gp6", user="gpadmin"
    )
    connect(address, environment, dialect=None).close()


def test_through_a_tunnel_the_far_name_stays(
    proxy: Proxy, postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres_server.fill("gp6", mirrored(("sdw1", "sdw2"), 1).segments)
    address = CoordinatorAddress(host="mdw.invalid", port=5432, database="gp6", user="gpadmin")
    server = connect(address, {}, dialect=None, through=("127.0.0.1", proxy.port))
    try:
        assert server.observe().source == "mdw.invalid:5432"
    finally:
        server.close()


def session_through(proxy: Proxy) -> Session:
    address = CoordinatorAddress(host="127.0.0.1", port=proxy.port, database="gp6", user="gpadmin")
    return open_session(target_of(address, {}))


def test_a_slow_answer_is_cancelled_and_the_session_lives(proxy: Proxy) -> None:
    session = session_through(proxy)
    try:
        with pytest.raises(Overdue) as caught:
            session.rows(SLEEP, seconds=0.3)
        assert "did not answer within 0 s" in caught.value.message
        assert session.is_open
        assert session.rows("SELECT 1") == [("1",)]
    finally:
        session.close()


def test_a_silent_peer_does_not_hang(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_session, "_GRACE_SECONDS", 0.3)
    session = session_through(proxy)
    proxy.silent.set()
    with pytest.raises(ConnectionLost) as caught:
        session.rows("SELECT 1", seconds=0.3)
    assert "did not answer" in caught.value.message
    assert not session.is_open


def test_the_server_dies_while_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    with running() as server:
        address = CoordinatorAddress(
            host="127.0.0.1", port=server.port, database="gp6", user="gpadmin"
        )
        mirrors = mirrored(("sdw1", "sdw2"), 1)
        server.fill("gp6", mirrors.segments)
        live = connect(address, {}, dialect=None)
        crash = threading.Timer(0.3, server.stop, args=(signal.SIGQUIT,))
        crash.start()
        with pytest.raises(ConnectionLost) as caught:
            live._session.rows(SLEEP)
        crash.join()
        assert f"the session with 127.0.0.1:{server.port} ended" in caught.value.message
        with pytest.raises(ConnectionLost):
            live.reconnect()
        with pytest.raises(ConnectionLost):
            live.observe()
        server.start()
        live.reconnect()
        assert live.observe().segments == mirrors.segments
        live.close()
        live.close()


def test_a_slow_probe_is_not_waited_for(
    postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gpmirror.adapters.server._PROBE_SECONDS", 0.3)
    environment = put(monkeypatch, postgres_server.environment("gp6"))
    postgres_server.fill("gp6", mirrored(("sdw1", "sdw2"), 1).segments)  # and nothing streams
    server = connect(ANYWHERE, environment, dialect=None)
    probe = "CREATE OR REPLACE FUNCTION gp.gp_request_fts_probe_scan() RETURNS boolean LANGUAGE sql"
    postgres_server.run("gp6", f"{probe} AS 'SELECT pg_sleep(60) IS NULL'")
    try:
        server.request_probe()
        assert server.refresh() is Freshness.PROBING
        assert server.replication() == ()
    finally:
        postgres_server.run("gp6", f"{probe} AS 'SELECT true'")
        server.close()


def test_a_segment_that_refuses_a_normal_session() -> None:
    """The words of 6.24.3; here from a listener that speaks just enough of the protocol."""
    said = b"connections to primary segments are not allowed"
    fields = b"SFATAL\0C57P03\0M" + said + b"\0\0"
    answer = b"E" + (len(fields) + 4).to_bytes(4, "big") + fields
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            peer, _ = listener.accept()
            with peer, suppress(OSError):
                peer.recv(1000)
                peer.sendall(answer)

        thread = threading.Thread(target=refuse)
        thread.start()
        options = {"PGSSLMODE": "disable"}
        port = listener.getsockname()[1]
        address = CoordinatorAddress(host="127.0.0.1", port=port, user="x")
        with pytest.MonkeyPatch.context() as patch, pytest.raises(InvalidInput) as caught:
            connect(address, put(patch, options), dialect=None)
        thread.join()
    (found,) = caught.value.diagnostics
    assert found.code == "GPM-C022"
    assert "is not the coordinator" in found.message


_DEAD = """CREATE OR REPLACE FUNCTION gp.gp_dist_random(text)
  RETURNS TABLE (gp_segment_id integer, oid oid) LANGUAGE plpgsql AS $$
  BEGIN RAISE EXCEPTION 'failed to acquire resources on one or more segments'
    USING DETAIL = 'could not connect to server: Connection refused (seg1 10.0.0.12:6000)'; END $$"""


def test_before_6_every_primary_is_asked_by_one_query(
    postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = put(monkeypatch, postgres_server.environment("gp5"))
    server = connect(ANYWHERE, environment, dialect=None)
    drop = "DROP FUNCTION IF EXISTS gp.gp_dist_random(text)"
    try:
        postgres_server.run("gp5", drop, _DEAD)
        for ask in (server.ask_primaries, server.refresh):
            with pytest.raises(CannotDispatch) as caught:
                ask()
            assert caught.value.refused == {1: "10.0.0.12:6000"}
        postgres_server.run("gp5", drop, _SLOW)
        monkeypatch.setattr("gpmirror.adapters.server._PRIMARIES_SECONDS", 0.3)
        assert server.refresh() is Freshness.LATE
        postgres_server.run("gp5", drop, _SLOW.replace("pg_sleep(60)", "pg_sleep(0)"))
        monkeypatch.setattr("gpmirror.adapters.server._PRIMARIES_SECONDS", 20.0)
        assert server.refresh() is Freshness.PRIMARIES
    finally:
        postgres_server.run("gp5", drop)
        server.close()


_SLOW = """CREATE FUNCTION gp.gp_dist_random(text) RETURNS TABLE (gp_segment_id integer, oid oid)
  LANGUAGE sql AS 'SELECT 0, 0::oid FROM pg_sleep(60)'"""


def test_who_may_not_ask_for_a_probe_is_told_so(
    postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = put(monkeypatch, postgres_server.environment("gp6"))
    server = connect(ANYWHERE, environment, dialect=None)
    denied = """CREATE OR REPLACE FUNCTION gp.gp_request_fts_probe_scan() RETURNS boolean
      LANGUAGE plpgsql AS $$ BEGIN RAISE insufficient_privilege; END $$"""
    try:
        assert server.refresh() is Freshness.PROBED
        assert server.ask_primaries()
        postgres_server.run("gp6", "DROP FUNCTION gp.gp_request_fts_probe_scan()", denied)
        assert server.refresh() is Freshness.REFUSED
        server.request_probe()
    finally:
        postgres_server.run(
            "gp6",
            "DROP FUNCTION gp.gp_request_fts_probe_scan()",
            "CREATE FUNCTION gp.gp_request_fts_probe_scan() RETURNS boolean LANGUAGE sql "
            "AS 'SELECT true'",
        )
        server.close()
