"""The practice catalog: the tables and functions of a coordinator, and the first rows in them."""

from pathlib import Path

import psycopg
from psycopg import sql

from gpmirror.cluster.dialect import DialectName
from gpmirror.cluster.segment import COORDINATOR_CONTENT
from gpmirror.lab.layout import Lab, LabHost

SEARCH_PATH = 'gp, pg_catalog, "$user", public'
"""Goes into the coordinator's settings, for every session of every user."""

_PARTS = {
    DialectName.GP5: ("gp5",),
    DialectName.GP6: ("gp6",),
    DialectName.GP7: ("gp6", "gp7"),
    DialectName.GREENGAGE6: ("gp6",),
}
_SQL = Path(__file__).parent / "sql"
_SYSTEM_FILESPACE = 3052
_ROW = """INSERT INTO gp.gp_segment_configuration
 (dbid, content, role, preferred_role, mode, status, port, hostname, address{column})
 VALUES (%s, %s, 'p', 'p', %s, 'u', %s, %s, %s{value})"""
_VERSION = """CREATE FUNCTION gp.version() RETURNS text LANGUAGE sql STABLE AS {}"""
_AT_INITDB = "INSERT INTO gp.gp_version_at_initdb VALUES (1, %s)"
_ENTRY = "INSERT INTO gp.pg_filespace_entry VALUES (%s, %s, %s)"


def write_schema(lab: Lab) -> None:
    """Make the catalog of a cluster without mirrors. Raises psycopg.Error."""
    with psycopg.connect(**lab.conninfo(connect_timeout=10)) as connection:  # type: ignore[arg-type]
        for name in ("common", *_PARTS[lab.dialect]):
            text = (_SQL / f"{name}.sql").read_text(encoding="utf-8")
            connection.execute(text.encode())
        said = sql.Literal(f"SELECT {sql.Literal(lab.release.server_version).as_string()}::text")
        connection.execute(sql.SQL(_VERSION).format(said))
        connection.execute(_AT_INITDB, (f"{lab.release.number} {lab.release.build}",))
        fill(lab, connection)


def fill(lab: Lab, connection: "psycopg.Connection[tuple[object, ...]]") -> None:
    """Replace every row of the segments' table by the first ones: primaries without mirrors."""
    old = lab.release.old
    connection.execute("DELETE FROM gp.gp_segment_configuration")
    connection.execute("DELETE FROM gp.lab_never_started")
    if old:
        connection.execute("DELETE FROM gp.pg_filespace_entry")
    for dbid, (content, host, address, port, data) in enumerate(_servers(lab), start=1):
        mode = "s" if old else "n"
        row = (dbid, content, mode, port, host.name, address)
        if old:
            connection.execute(_ROW.format(column="", value="").encode(), row)
            connection.execute(_ENTRY, (_SYSTEM_FILESPACE, dbid, str(data)))
        else:
            text = _ROW.format(column=", datadir", value=", %s")
            connection.execute(text.encode(), (*row, str(data)))


def primaries(lab: Lab) -> list[tuple[int, LabHost, str, int, Path]]:
    """Content, host, address name, port and directory of every primary, in content order."""
    found: list[tuple[int, LabHost, str, int, Path]] = []
    for host in lab.hosts:
        for own in range(host.primaries):
            content = len(found)
            address = host.addresses[own % len(host.addresses)][0]
            data = host.data / "primary" / f"gpseg{content}"
            found.append((content, host, address, lab.primary_port + own, data))
    return found


def _servers(lab: Lab) -> list[tuple[int, LabHost, str, int, Path]]:
    own = lab.coordinator
    first = (COORDINATOR_CONTENT, own, own.name, lab.coordinator_port, lab.coordinator_data)
    return [first, *primaries(lab)]
