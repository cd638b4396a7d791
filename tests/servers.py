"""A real PostgreSQL that answers as the coordinator of a cluster of each generation.

It serves one database a generation (`gp5`, `gp6`, `gp7`), where a schema `gp` stands before
pg_catalog in the search_path and holds the catalog tables and functions that PostgreSQL lacks, and
`plain`, which has nothing of that.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from gpmirror.model.segment import Segment
from tests.labs import quick_folder

BINARIES = max(
    Path("/usr/lib/postgresql").glob("*/bin"),
    key=lambda found: int(found.parent.name) if found.parent.name.isdecimal() else 0,
    default=Path("/usr/lib/postgresql/15/bin"),
)
DATABASES = ("gp5", "gp6", "gp7", "plain")
PASSWORD = "correct horse"
_ACCOUNT = "nobody"
_PORTS = range(21_000, 32_000)
_SECONDS = 60.0

_HBA = """\
local all all trust
host all guarded 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
"""
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "2MB",
    "max_connections": "40",
    "listen_addresses": "127.0.0.1",
    "log_statement": "all",
    "log_line_prefix": "%d|%a|%u|",
    "dynamic_shared_memory_type": "mmap",
}

VERSIONS = {
    "gp5": "PostgreSQL 8.3.23 (Greenplum Database 5.8.1 build commit:64fd90b55a79129853bb633c02fe0c"
    "214c1f6d4b) on x86_64-pc-linux-gnu, compiled by GCC gcc (Debian 12.2.0-14+deb12u1) 12.2.0",
    "gp6": "PostgreSQL 9.4.26 (Greenplum Database 6.24.3 build commit:25d3498a400ca5230e81abb94861f"
    "23389315213) on x86_64-unknown-linux-gnu, compiled by gcc (Debian 12.2.0-14+deb12u1) 12.2.0",
    "gp7": "PostgreSQL 12.12 (Greenplum Database 7.0.0 build commit:0a7a3566873325aca1789ae6f818c80"
    "f17a9402d) on x86_64-pc-linux-gnu, compiled by gcc (Debian 12.2.0-14+deb12u1) 12.2.0, 64-bit",
}

_EVERYWHERE = """
CREATE SCHEMA gp;
CREATE FUNCTION gp.version() RETURNS text LANGUAGE sql AS $$SELECT '{version}'::text$$;
CREATE TABLE gp.gp_segment_configuration (
  dbid smallint NOT NULL, content smallint NOT NULL, role "char" NOT NULL,
  preferred_role "char" NOT NULL, mode "char" NOT NULL, status "char" NOT NULL,
  port integer NOT NULL, hostname text, address text, {further});
GRANT USAGE ON SCHEMA gp TO PUBLIC;
ALTER DATABASE {database} SET search_path = gp, pg_catalog;
"""
_GP5 = """
CREATE TABLE gp.pg_filespace (oid oid, fsname name NOT NULL, fsowner oid);
CREATE TABLE gp.pg_filespace_entry (fsefsoid oid, fsedbid smallint, fselocation text);
INSERT INTO gp.pg_filespace VALUES (3052, 'pg_system', 10), (16419, 'fastspace', 10);
CREATE VIEW gp.pg_stat_activity AS
  SELECT datid, datname, pid AS procpid, usesysid, usename, application_name, client_addr, query_start,
         CASE WHEN state = 'idle' THEN '<IDLE>' ELSE query END AS current_query, backend_start
    FROM pg_catalog.pg_stat_activity;
"""
_FROM_6 = """
CREATE TABLE gp.gp_stat_replication (
  gp_segment_id integer, pid integer, application_name text, client_addr inet, state text,
  sent_{word} pg_lsn, write_{word} pg_lsn, flush_{word} pg_lsn, replay_{word} pg_lsn,
  sync_state text, sync_error text);
CREATE FUNCTION gp.gp_request_fts_probe_scan() RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION gp.gp_dist_random(text) RETURNS TABLE (gp_segment_id integer, oid oid)
  LANGUAGE sql AS $$SELECT DISTINCT c.content::integer, d.oid
    FROM gp.gp_segment_configuration AS c, pg_catalog.pg_database AS d
   WHERE c.content >= 0 AND $1 = 'pg_database'$$;
"""
_GP7 = """
CREATE TABLE gp.gp_stat_progress_basebackup (
  gp_segment_id integer, pid integer, phase text, backup_total bigint, backup_streamed bigint,
  tablespaces_total bigint, tablespaces_streamed bigint);
"""
_BY_DATABASE = {
    "gp5": ("replication_port integer", _GP5),
    "gp6": ("datadir text", _FROM_6.format(word="location")),
    "gp7": ("datadir text", _FROM_6.format(word="lsn") + _GP7),
}
_TABLES = {
    "gp5": ("gp_segment_configuration", "pg_filespace_entry"),
    "gp6": ("gp_segment_configuration", "gp_stat_replication"),
    "gp7": ("gp_segment_configuration", "gp_stat_replication", "gp_stat_progress_basebackup"),
}


class Postgres:
    """A server on loopback. It is stopped and its files are gone after the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """Everything the server logged."""
        return (self.folder / "log").read_text(errors="replace")

    def environment(self, database: str, user: str = "gpadmin", **more: str) -> dict[str, str]:
        """PG* variables that lead here."""
        return {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
            "PGDATABASE": database,
            "PGUSER": user,
            **more,
        }

    def run(self, database: str, *statements: str, parameters: Any = None) -> list[Any]:
        """Execute statements as the owner of everything; rows of the last one."""
        with psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            dbname=database,
            user="gpadmin",
            autocommit=True,
            application_name="test",
        ) as connection:
            rows: list[Any] = []
            for statement in statements:
                cursor = connection.execute(statement.encode(), parameters)
                rows = cursor.fetchall() if cursor.description else []
            return rows

    def fill(self, database: str, segments: Iterable[Segment]) -> None:
        """Replace the catalog of a database; the tables beside it are emptied."""
        self.run(database, *(f"TRUNCATE gp.{table}" for table in _TABLES[database]))
        with psycopg.connect(
            host="127.0.0.1", port=self.port, dbname=database, user="gpadmin", autocommit=True
        ) as connection:
            for row in segments:
                last = row.replication_port if database == "gp5" else row.directory
                connection.execute(
                    "INSERT INTO gp.gp_segment_configuration VALUES "
                    "(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                    (
                        *(row.dbid, row.content, row.role.value, row.preferred_role.value),
                        *(row.mode.value, row.status.value, row.port),
                        *(row.hostname, row.address, last),
                    ),
                )
                spaces = (("pg_system", row.directory), *row.filespaces)
                for name, path in spaces if database == "gp5" else ():
                    connection.execute(
                        "INSERT INTO gp.pg_filespace_entry "
                        "SELECT oid, %s, %s FROM gp.pg_filespace WHERE fsname = %s",
                        (row.dbid, path, name),
                    )

    def start(self) -> None:
        """Start and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_unprivileged(), str(BINARIES / "postgres"), "-D", str(self.folder / "data")],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        eventually(self._answers, f"PostgreSQL did not start: {self.folder}/log")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: end all sessions and stop; SIGQUIT: crash."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _answers(self) -> bool:
        try:
            psycopg.connect(
                host="127.0.0.1", port=self.port, dbname="postgres", user="gpadmin"
            ).close()
        except psycopg.OperationalError:
            assert self._process is not None
            assert self._process.poll() is None, self.log
            return False
        return True


def free_port() -> int:
    """A loopback port below the ephemeral range that nobody listens on."""
    start = os.getpid() * 37 % len(_PORTS)
    for port in (*_PORTS[start:], *_PORTS[:start]):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(port)
    raise AssertionError("no free port")


def eventually(what: Callable[[], object], complaint: str, seconds: float = _SECONDS) -> None:
    """Wait until `what` is true."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.02)


@contextmanager
def running() -> Iterator[Postgres]:
    """A server with its databases; gone, with its files, at the end."""
    folder = Path(tempfile.mkdtemp(prefix="gpmirror-test-pg-", dir=quick_folder()))
    server = Postgres(folder)
    try:
        _initialise(server)
        server.start()
        _create_databases(server)
        yield server
    finally:
        server.stop(signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)


def _initialise(server: Postgres) -> None:
    if os.geteuid() == 0:
        account = pwd.getpwnam(_ACCOUNT)
        os.chown(server.folder, account.pw_uid, account.pw_gid)
    data = server.folder / "data"
    command = [
        str(BINARIES / "initdb"),
        "-D",
        str(data),
        "-U",
        "gpadmin",
        "--no-sync",
        "-A",
        "trust",
    ]
    subprocess.run(
        [*_unprivileged(), *command, "--locale=C", "-E", "UTF8", "--wal-segsize=1"],
        check=True,
        capture_output=True,
    )
    given = {**_SETTINGS, "port": str(server.port), "unix_socket_directories": str(server.folder)}
    with (data / "postgresql.conf").open("a") as settings:
        settings.writelines(f"{name} = '{value}'\n" for name, value in given.items())
    (data / "pg_hba.conf").write_text(_HBA)


def _create_databases(server: Postgres) -> None:
    server.run(
        "postgres",
        "CREATE ROLE guarded LOGIN PASSWORD '" + PASSWORD + "'",
        "CREATE ROLE poor LOGIN",
        *(f"CREATE DATABASE {name} TEMPLATE template0 STRATEGY wal_log" for name in DATABASES),
    )
    for name, (further, own) in _BY_DATABASE.items():
        shared = _EVERYWHERE.format(database=name, further=further, version=VERSIONS[name])
        server.run(name, shared + own + "GRANT SELECT ON ALL TABLES IN SCHEMA gp TO guarded;")


def _unprivileged() -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    account = pwd.getpwnam(_ACCOUNT)
    return [
        "setpriv",
        f"--reuid={account.pw_uid}",
        f"--regid={account.pw_gid}",
        "--clear-groups",
        "--",
    ]
