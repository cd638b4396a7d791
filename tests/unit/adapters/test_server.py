"""The live catalog against a real PostgreSQL that holds each generation's tables."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from gpmirror.adapters import server as server_module
from gpmirror.adapters.server import CatalogSession, connect
from gpmirror.boundary import OtherWork
from gpmirror.errors import ConnectionLost, Failure, InvalidInput
from gpmirror.model.dialect import DialectName
from gpmirror.model.observed import CopyProgress
from gpmirror.model.segment import Segment
from gpmirror.spec.model import CoordinatorAddress
from gpmirror.verify import judge_copies
from tests.clusters import coordinator, mirrored, observed, primaries, row
from tests.servers import PASSWORD, Postgres, eventually

pytestmark = pytest.mark.postgres

HOSTS = ("sdw1", "sdw2", "sdw3")
ANYWHERE = CoordinatorAddress()
Opener = Callable[..., CatalogSession]


@pytest.fixture
def postgres(postgres_server: Postgres) -> Postgres:
    return postgres_server


@pytest.fixture
def opened(postgres: Postgres) -> Iterator[Opener]:
    """`opened("gp6")`: a server session, closed after the test."""
    servers: list[CatalogSession] = []

    def start(
        database: str, user: str = "gpadmin", *, dialect: DialectName | None = None, **more: str
    ) -> CatalogSession:
        environment = postgres.environment(database, user, **more)
        servers.append(connect(ANYWHERE, environment_of(environment), dialect=dialect))
        return servers[-1]

    with applied() as environment_of:
        yield start
        for server in servers:
            server.close()


@contextmanager
def applied() -> Iterator[Callable[[Mapping[str, str]], Mapping[str, str]]]:
    """libpq reads the process's environment: put the variables there, and take them out."""
    with pytest.MonkeyPatch.context() as patch:

        def put(environment: Mapping[str, str]) -> Mapping[str, str]:
            for name, value in environment.items():
                patch.setenv(name, value)
            return environment

        yield put


def old_rows() -> list[Segment]:
    """A mirrored 5 with a second filespace; the coordinator has no entry in it."""
    first = [
        replace(one, filespaces=(("fastspace", f"/fast/{one.content}"),))
        for one in primaries(HOSTS, 1, old=True)
    ]
    mirrors = [
        row(
            one.dbid + 10,
            one.content,
            "m",
            HOSTS[(one.content + 1) % 3],
            7000,
            replication=8000,
            filespaces=(("fastspace", f"/fastm/{one.content}"),),
        )
        for one in first
    ]
    return [coordinator(), *first, *mirrors]


def stream(postgres: Postgres, database: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Rows (content, name, state, sync state, sent, replayed) of gp_stat_replication."""
    word = "location" if database == "gp6" else "lsn"
    for found in rows:
        postgres.run(
            database,
            "INSERT INTO gp.gp_stat_replication (gp_segment_id, application_name, state, "
            f"sync_state, sent_{word}, replay_{word}) VALUES (%s, %s, %s, %s, %s, %s)",
            parameters=found,
        )


def asked(postgres: Postgres, since: int) -> list[str]:
    """The statements of gpmirror's sessions in the log, from character `since` on."""
    lines = postgres.log[since:].splitlines()
    return [line for line in lines if "|gpmirror|" in line and "statement: " in line]


@pytest.mark.parametrize(("database", "version"), [("gp6", "6.24.3"), ("gp7", "7.0.0")])
def test_the_catalog_comes_back_as_it_is(
    database: str, version: str, postgres: Postgres, opened: Opener
) -> None:
    cluster = mirrored(HOSTS, 2, database)
    postgres.fill(database, reversed(cluster.segments))
    found = opened(database).observe()
    assert found.segments == cluster.segments
    assert (found.dialect.name.value, found.server_version) == (database, version)
    assert (found.dialect_assumed, found.notes) == (False, ())
    assert found.source == f"127.0.0.1:{postgres.port}"
    assert (found.system_identifier is not None) == (database == "gp7")


def test_the_old_generation_keeps_directories_elsewhere(postgres: Postgres, opened: Opener) -> None:
    cluster = observed(old_rows(), "gp5")
    postgres.fill("gp5", cluster.segments)
    server = opened("gp5")
    found = server.observe()
    assert found.segments == cluster.segments
    assert found.filespaces == ("fastspace",)
    assert (server.replication(), server.copying()) == ((), ())
    server.request_probe()
    assert judge_copies(found, ()).all_synced


@pytest.mark.parametrize(("database", "queries"), [("gp5", 2), ("gp6", 1), ("gp7", 1)])
def test_a_reading_asks_one_query_a_table(
    database: str, queries: int, postgres: Postgres, opened: Opener
) -> None:
    rows = old_rows() if database == "gp5" else mirrored(HOSTS, 2).segments
    postgres.fill(database, rows)
    server = opened(database)
    since = len(postgres.log)
    server.observe()
    assert len(asked(postgres, since)) == queries
    since = len(postgres.log)
    server.replication()
    assert len(asked(postgres, since)) == (database != "gp5")


def test_version_is_the_first_question(postgres: Postgres, opened: Opener) -> None:
    since = len(postgres.log)
    opened("gp5")
    first, *_ = asked(postgres, since)
    assert first.endswith("SELECT version()")
    assert "gp_role=" not in postgres.log[since:]


def test_a_damaged_catalog_is_refused_with_every_finding(
    postgres: Postgres, opened: Opener
) -> None:
    rows = [*mirrored(HOSTS, 1).segments, row(2, 7, "p", "sdw1", 6000)]
    postgres.fill("gp6", rows)
    with pytest.raises(InvalidInput) as caught:
        opened("gp6").observe()
    codes = {found.code for found in caught.value.diagnostics}
    assert codes == {"GPM-C034", "GPM-C031", "GPM-C035"}
    assert all("damaged" in str(found.hint) for found in caught.value.diagnostics)


def test_cells_that_cannot_be_are_named(postgres: Postgres, opened: Opener) -> None:
    postgres.fill("gp6", mirrored(HOSTS, 1).segments)
    postgres.run(
        "gp6",
        "UPDATE gp.gp_segment_configuration SET mode = 'r', port = 0, hostname = NULL, "
        "datadir = 'x' WHERE dbid = 2",
    )
    with pytest.raises(InvalidInput) as caught:
        opened("gp6").observe()
    text = str(caught.value)
    assert all(
        words in text for words in ("dbid 2: mode", "port 0 is outside", "hostname is empty", '"x"')
    )


def test_how_often_the_prober_looks(postgres: Postgres, opened: Opener) -> None:
    assert opened("gp6").probe_seconds() == 60.0
    postgres.run(
        "gp6",
        "CREATE VIEW gp.pg_settings AS SELECT 'gp_fts_probe_interval'::text AS name, "
        "'15'::text AS setting",
        "GRANT SELECT ON gp.pg_settings TO PUBLIC",
    )
    try:
        assert opened("gp6").probe_seconds() == 15.0
    finally:
        postgres.run("gp6", "DROP VIEW gp.pg_settings")


def test_a_segment_has_no_rows(postgres: Postgres, opened: Opener) -> None:
    postgres.fill("gp6", [])
    with pytest.raises(InvalidInput) as caught:
        opened("gp6").observe()
    (found,) = caught.value.diagnostics
    assert (found.code, "connect to the coordinator" in str(found.hint)) == ("GPM-C030", True)


def test_a_server_that_is_no_greenplum(opened: Opener) -> None:
    with pytest.raises(InvalidInput) as caught:
        opened("plain")
    (found,) = caught.value.diagnostics
    assert found.code == "GPM-C021"
    assert "is no Greenplum server: version() says" in found.message


def test_a_greenplum_without_its_catalog(postgres: Postgres, opened: Opener) -> None:
    server = opened("gp6")
    postgres.run("gp6", "ALTER TABLE gp.gp_segment_configuration RENAME TO hidden")
    try:
        with pytest.raises(InvalidInput) as caught:
            server.observe()
    finally:
        postgres.run("gp6", "ALTER TABLE gp.hidden RENAME TO gp_segment_configuration")
    (found,) = caught.value.diagnostics
    assert (found.code, "is not the coordinator" in found.message) == ("GPM-C022", True)


def test_a_spec_of_another_family(opened: Opener) -> None:
    with pytest.raises(InvalidInput) as caught:
        opened("gp6", dialect=DialectName.GP7)
    (found,) = caught.value.diagnostics
    assert found.code == "GPM-C020"
    assert (
        "the dialect is set to gp7, but version() says Greenplum Database 6.24.3" in found.message
    )


def test_a_successor_may_be_named(opened: Opener) -> None:
    assert opened("gp6", dialect=DialectName.GREENGAGE6).dialect.name is DialectName.GREENGAGE6


def test_a_utility_session_is_refused(postgres: Postgres, opened: Opener) -> None:
    postgres.run(
        "gp6",
        "CREATE VIEW gp.pg_settings AS SELECT 'gp_session_role'::text AS name, "
        "'utility'::text AS setting",
    )
    try:
        with pytest.raises(InvalidInput) as caught:
            opened("gp6")
    finally:
        postgres.run("gp6", "DROP VIEW gp.pg_settings")
    assert "utility-mode session" in caught.value.diagnostics[0].message


@pytest.mark.parametrize("option", ["-c gp_role=utility", "-c gp_session_role=utility"])
def test_utility_mode_is_refused_before_it_can_crash_a_server(
    option: str, postgres: Postgres, opened: Opener
) -> None:
    since = len(postgres.log)
    with pytest.raises(Failure) as caught:
        opened("gp5", PGOPTIONS=option)
    assert "PGOPTIONS asks for a utility-mode session" in caught.value.message
    assert not asked(postgres, since)


def test_the_session_cannot_write(postgres: Postgres, opened: Opener) -> None:
    postgres.fill("gp6", mirrored(HOSTS, 1).segments)
    server = opened("gp6", PGOPTIONS="-c work_mem=1MB")
    with pytest.raises(Failure) as caught:
        server._session.rows("DELETE FROM gp_segment_configuration RETURNING dbid")
    assert "read-only transaction" in caught.value.message
    assert server._session.rows("SHOW work_mem") == [("1MB",)]
    server.request_probe()
    assert server.lock("gpmirror r1 on here") is None


def test_what_the_user_may_not_read(postgres: Postgres, opened: Opener) -> None:
    server = opened("gp6", "poor")
    with pytest.raises(Failure) as caught:
        server.observe()
    assert "does not let this user read: permission denied" in caught.value.message
    assert "gpadmin" in str(caught.value.hint)


def test_who_streams(postgres: Postgres, opened: Opener) -> None:
    for database in ("gp6", "gp7"):
        postgres.fill(database, mirrored(HOSTS, 1, database).segments)
        stream(
            postgres,
            database,
            [
                (1, "gp_walreceiver", "streaming", "sync", "1/A0", "0/FFFFFFF0"),
                (0, "pg_basebackup", "streaming", "sync", "0/10", None),
                (0, "pg_basebackup", "backup", "async", None, None),
                (2, None, None, None, None, None),
            ],
        )
        found = opened(database).replication()
        assert [(one.content, one.state) for one in found] == [
            (0, "backup"),
            (0, "streaming"),
            (1, "streaming"),
        ]
        assert [one.lag_bytes for one in found] == [None, None, 0xB0]
        assert [one.is_streaming_mirror for one in found] == [False, False, True]


def test_base_backups_are_counted_from_7_on(postgres: Postgres, opened: Opener) -> None:
    postgres.fill("gp7", mirrored(HOSTS, 1).segments)
    server = opened("gp7")
    assert server.copying() == ()
    postgres.run(
        "gp7",
        "INSERT INTO gp.gp_stat_progress_basebackup VALUES "
        "(1, 11, 'streaming database files', 1000, 300, 1, 0), "
        "(0, 12, 'initializing', NULL, 0, NULL, NULL)",
    )
    assert server.copying() == (
        CopyProgress(content=0, done=0, total=None),
        CopyProgress(content=1, done=300, total=1000),
    )
    assert opened("gp6").copying() == ()


def test_sizes_come_in_one_query(postgres: Postgres, opened: Opener) -> None:
    postgres.fill("gp6", mirrored(HOSTS, 1).segments)
    server = opened("gp6")
    assert server.observe().sizes == {}
    since = len(postgres.log)
    found = server.sizes()
    assert sorted(found.by_content) == [0, 1, 2]
    assert min(found.by_content.values()) > 1_000_000
    assert found.note is None
    assert server.sizes() == found
    assert len(asked(postgres, since)) == 1


def test_sizes_that_cannot_be_had_are_noted(postgres: Postgres, opened: Opener) -> None:
    postgres.fill("gp5", old_rows())
    found = opened("gp5").sizes()
    assert found.by_content == {}
    assert found.note is not None
    assert found.note.startswith("sizes are unknown: ")


def test_the_lock_is_held_by_one_session(postgres: Postgres, opened: Opener) -> None:
    postgres.fill("gp6", mirrored(HOSTS, 1).segments)
    first, second = opened("gp6"), opened("gp6")
    assert first.lock("gpmirror 20260101-a on adm1") is None
    assert first.lock("gpmirror 20260101-a on adm1") is None
    holder = second.lock("gpmirror 20260101-b on adm2")
    assert holder is not None
    assert (holder.name, holder.client) == ("gpmirror 20260101-a on adm1", "127.0.0.1")
    assert holder.since[:2] == "20"
    pids = postgres.run("gp6", "SELECT pid FROM pg_locks WHERE locktype = 'advisory'")
    assert pids == [(holder.pid,)]
    first.close()
    eventually(lambda: second.lock("b") is None, "the lock was not released")


def test_the_lock_is_one_in_all_databases(postgres: Postgres, opened: Opener) -> None:
    """Advisory locks of PostgreSQL are not."""
    postgres.fill("gp6", mirrored(HOSTS, 1).segments)
    postgres.run("gp6", "CREATE DATABASE twin TEMPLATE gp6 STRATEGY wal_log")
    try:
        postgres.run("gp6", "ALTER DATABASE twin SET search_path = gp, pg_catalog")
        here, there = opened("gp6"), opened("twin")
        assert here.lock("here") is None
        holder = there.lock("there")
        assert holder is not None
        assert holder.name == "gpmirror here"
        here.close()
        eventually(lambda: there.lock("there") is None, "the lock was not released")
        there.close()
    finally:
        postgres.run("gp6", "DROP DATABASE twin WITH (FORCE)")


def test_the_lock_of_the_old_generation(postgres: Postgres, opened: Opener) -> None:
    postgres.fill("gp5", old_rows())
    first, second = opened("gp5"), opened("gp5")
    assert first.lock("x" * 100 + "é") is None
    holder = second.lock("b")
    assert holder is not None
    assert holder.name == f"gpmirror {'x' * 54}"


def test_a_new_session_has_no_lock(postgres: Postgres, opened: Opener) -> None:
    postgres.fill("gp6", mirrored(HOSTS, 1).segments)
    first, second = opened("gp6"), opened("gp6")
    assert first.lock("first") is None
    postgres.run(
        "gp6",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gpmirror first'",
    )
    eventually(lambda: second.lock("second") is None, "the lock was not released")
    with pytest.raises(ConnectionLost) as caught:
        first.observe()
    assert f"the session with 127.0.0.1:{postgres.port} ended" in caught.value.message
    with pytest.raises(ConnectionLost):
        first.replication()
    first.reconnect()
    assert len(first.observe().segments) == 7
    holder = first.lock("first")
    assert holder is not None
    assert holder.name == "gpmirror second"


def test_competing_work(postgres: Postgres, opened: Opener) -> None:
    postgres.fill("gp6", mirrored(HOSTS, 1).segments)
    server, other = opened("gp6"), opened("gp6")
    assert other.lock("gpmirror r on h") is None
    assert server.other_work() == OtherWork()
    stream(
        postgres,
        "gp6",
        [
            (0, "pg_basebackup", "streaming", "sync", None, None),
            (1, "pg_basebackup", "backup", "async", None, None),
            (1, "pg_basebackup", "streaming", "sync", None, None),
        ],
    )
    postgres.run(
        "gp6",
        "CREATE SCHEMA gpexpand",
        "CREATE TABLE gpexpand.status (status text, updated timestamp)",
        "INSERT INTO gpexpand.status VALUES ('SETUP DONE', '2026-01-01'), "
        "('EXPANSION STARTED', '2026-01-02')",
        "CREATE SCHEMA ggrebalance",
    )
    backup = psycopg.connect(
        **keywords(postgres, "gp6"), application_name="gpbackup_20260101120000"
    )
    try:
        found = server.other_work().in_the_way
        assert found[0].startswith(
            "a rebalancing is not finished: the schema ggrebalance exists; let ggrebalance end "
        )
        assert found[1].startswith("gpexpand is not finished: its status is EXPANSION STARTED; ")
        assert "leave its schema alone" in found[1]
        assert "where no gpexpand runs, `gpexpand -d 0:01` goes on with it" in found[1]
        assert "(gpbackup_20260101120000, database gp6, from 127.0.0.1)" in found[2]
        assert found[3].startswith("of a base backup of content 0 only the WAL still comes")
        assert len(found) == 5
        assert found[4].startswith("a base backup of content 1 is running (pg_basebackup); ")
        postgres.run("gp6", "DROP TABLE gpexpand.status", "DROP SCHEMA ggrebalance")
        assert (
            server.other_work()
            .in_the_way[0]
            .startswith(
                "gpexpand is not finished: its schema gpexpand exists; wait until it ends or pauses, and "
            )
        )
        postgres.run(
            "gp6",
            "CREATE TABLE gpexpand.status AS SELECT 'EXPANSION COMPLETE'::text AS status, "
            "now() AS updated",
        )
        assert len(server.other_work().in_the_way) == 3
    finally:
        backup.close()
        postgres.run("gp6", "DROP SCHEMA gpexpand CASCADE", "DROP SCHEMA IF EXISTS ggrebalance")


def test_an_expansion_that_pauses_is_no_work(postgres: Postgres, opened: Opener) -> None:
    postgres.fill("gp6", mirrored(HOSTS, 1).segments)
    server = opened("gp6")
    assert server.other_work() == OtherWork()
    postgres.run(
        "gp6",
        "CREATE SCHEMA gpexpand",
        "CREATE TABLE gpexpand.status (status text, updated timestamp)",
        "INSERT INTO gpexpand.status VALUES ('EXPANSION STARTED', '2026-01-01'), "
        "('EXPANSION STOPPED', '2026-01-02')",
    )
    try:
        assert server.other_work() == OtherWork(paused="EXPANSION STOPPED")
        postgres.run("gp6", "INSERT INTO gpexpand.status VALUES ('EXPANSION STARTED', now())")
        assert server.other_work().paused is None
        assert len(server.other_work().in_the_way) == 1
    finally:
        postgres.run("gp6", "DROP SCHEMA gpexpand CASCADE")


EXPANSION = (
    "CREATE SCHEMA gpexpand",
    "CREATE TABLE gpexpand.status (status text, updated timestamp)",
    "INSERT INTO gpexpand.status VALUES ('SETUP DONE', '2026-01-01')",
)


@contextmanager
def databases(postgres: Postgres, *names: str) -> Iterator[None]:
    """Further databases of the server, as long as it takes."""
    try:
        for name in names:
            postgres.run("plain", f'CREATE DATABASE "{name}"')
        yield
    finally:
        for name in names:
            postgres.run("plain", f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def test_an_expansion_is_kept_in_any_database_before_6(postgres: Postgres, opened: Opener) -> None:
    """Gpexpand of 5.8.1 does not take `postgres`; each database takes a session, which bears no name
    that another run would take for a holder of the lock.
    """
    postgres.fill("gp5", old_rows())
    server = opened("gp5")
    assert server.lock("gpmirror r on h") is None
    assert server.other_work() == OtherWork()
    with databases(postgres, "aaa", "x y"):
        postgres.run("x y", *EXPANSION)
        assert server.other_work() == OtherWork(paused="SETUP DONE in database x y")
        postgres.run(
            "x y", "INSERT INTO gpexpand.status VALUES ('EXPANSION STARTED', '2026-01-02')"
        )
        since = len(postgres.log)
        (told,) = server.other_work().in_the_way
        assert told.startswith(
            "gpexpand is not finished: its status is EXPANSION STARTED in database x y; "
        )
        assert "`gpexpand -d 0:01 -D 'x y'` goes on with it" in told
        looked = [
            line.split("|")[:2] for line in postgres.log[since:].splitlines() if "nspn" in line
        ]
        assert looked == [
            ["gp5", "gpmirror r on h"],
            *([name, "gpmirror"] for name in ("aaa", "gp6", "gp7", "plain", "x y")),
        ]
        postgres.run("x y", "DROP TABLE gpexpand.status")
        (told,) = server.other_work().in_the_way
        assert told.startswith(
            "gpexpand is not finished: its schema gpexpand exists in database x y; "
        )


def test_a_database_that_cannot_be_looked_into(postgres: Postgres, opened: Opener) -> None:
    postgres.fill("gp5", old_rows())
    with databases(postgres, "aaa", "bbb", "ccc"):
        postgres.run("plain", "REVOKE CONNECT ON DATABASE aaa FROM PUBLIC")
        for name in ("bbb", "ccc"):
            postgres.run(name, *EXPANSION)
        postgres.run(
            "bbb",
            "GRANT USAGE ON SCHEMA gpexpand TO PUBLIC",
            "GRANT SELECT ON gpexpand.status TO PUBLIC",
        )
        found = opened("gp5", "guarded", PGPASSWORD=PASSWORD).other_work()
        assert found.paused == "SETUP DONE in database bbb"
        assert found.in_the_way == ()
        where, unseen = f"127.0.0.1:{postgres.port}", "was not looked into for an expansion"
        closed = "permission denied for database"
        unread = "does not let this user read: permission denied for schema gpexpand"
        assert found.unseen == (
            f'database aaa {unseen}: cannot connect to {where}: {closed} "aaa"',
            f"database ccc {unseen}: {where} {unread}",
        )


def test_databases_are_looked_into_for_a_while_only(
    postgres: Postgres, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres.fill("gp5", old_rows())
    server = opened("gp5")
    monkeypatch.setattr(server_module, "_LOOKING_SECONDS", -1.0)
    with databases(postgres, "aaa"):
        assert server.other_work().unseen == (
            "4 databases were not looked into for an expansion within -1 s, aaa the first of them",
        )


def test_one_database_keeps_expansions_from_6_on(postgres: Postgres, opened: Opener) -> None:
    """Whatever database the session is in; the others are left alone."""
    postgres.fill("gp6", mirrored(HOSTS, 1).segments)
    server = opened("gp6")
    postgres.run("postgres", *EXPANSION)
    try:
        assert server.other_work() == OtherWork(paused="SETUP DONE")
    finally:
        postgres.run("postgres", "DROP SCHEMA gpexpand CASCADE")
    postgres.run("plain", *EXPANSION)
    try:
        assert server.other_work() == OtherWork()
    finally:
        postgres.run("plain", "DROP SCHEMA gpexpand CASCADE")


def test_a_shrinking_cluster(postgres: Postgres, opened: Opener) -> None:
    """Cloudberry's gpshrink keeps a schema while it is at work (source)."""
    postgres.fill("gp7", mirrored(HOSTS, 1, "gp7").segments)
    postgres.run("gp7", "CREATE SCHEMA gpshrink")
    try:
        told = opened("gp7").other_work().in_the_way
    finally:
        postgres.run("gp7", "DROP SCHEMA gpshrink")
    assert len(told) == 1
    assert told[0].startswith("gpshrink is not finished: the schema gpshrink exists")


def test_competing_work_of_the_old_generation(postgres: Postgres, opened: Opener) -> None:
    postgres.fill("gp5", old_rows())
    server = opened("gp5")

    def change() -> None:
        with suppress(psycopg.errors.QueryCanceled):
            other.execute("SELECT pg_sleep(20), 'gp_remove_segment'")

    with psycopg.connect(**keywords(postgres, "gp5"), autocommit=True) as other:
        sleeper = threading.Thread(target=change)
        sleeper.start()
        try:
            eventually(lambda: server.other_work().in_the_way, "the session was not seen")
            (found,) = server.other_work().in_the_way
            assert "changes the catalog of segments" in found
        finally:
            other.cancel_safe()
            sleeper.join()


@pytest.mark.parametrize("database", ["gp5", "gp6", "gp7"])
def test_sessions_at_work_are_counted(database: str, postgres: Postgres, opened: Opener) -> None:
    postgres.fill(database, old_rows() if database == "gp5" else mirrored(HOSTS, 1).segments)
    server = opened(database)
    where = keywords(postgres, database)
    with psycopg.connect(**where), psycopg.connect(**where) as other:
        before = server.busy_sessions()
        assert before is not None
        other.execute("SELECT 1")  # its transaction stays open
        eventually(lambda: server.busy_sessions() == before + 1, "it is not counted")


@pytest.mark.parametrize("database", ["gp5", "gp6", "gp7"])
def test_a_session_that_writes_every_50_ms_is_at_work(
    database: str, postgres: Postgres, opened: Opener
) -> None:
    """Nearly every look finds it idle."""
    postgres.fill(database, old_rows() if database == "gp5" else mirrored(HOSTS, 1).segments)
    server = opened(database)
    eventually(lambda: server.busy_sessions() == 0, "somebody is at work")
    where, over = keywords(postgres, database), threading.Event()

    def write() -> None:
        with psycopg.connect(**where, autocommit=True) as own:
            while not over.wait(0.05):
                own.execute("SELECT 1")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        over.wait(0.5)
        assert (server.busy_sessions() or 0) >= 1
    finally:
        over.set()
        writer.join()


def keywords(postgres: Postgres, database: str) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": postgres.port, "dbname": database, "user": "gpadmin"}
