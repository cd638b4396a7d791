"""The practice catalog as a utility reads and writes it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import psycopg

from gpmirror.lab.layout import Lab
from gpmirror.lab.utilities.array import Array, by_content
from gpmirror.model.segment import Mode, Role, Segment, Status

_OWN = "dbid, content, role, preferred_role, mode, status, port, hostname, address"
_LATER = f"SELECT {_OWN}, datadir FROM gp_segment_configuration"  # noqa: S608 our own columns
_OLD = f"SELECT {_OWN}, replication_port FROM gp_segment_configuration"  # noqa: S608
_FILESPACES = """SELECT e.fsedbid, f.fsname, e.fselocation FROM pg_filespace f
JOIN pg_filespace_entry e ON e.fsefsoid = f.oid"""
_ENTRY = """INSERT INTO pg_filespace_entry (fsefsoid, fsedbid, fselocation)
SELECT oid, %s, %s FROM pg_filespace WHERE fsname = %s"""


class Catalog:
    """A connection to the coordinator. Raises psycopg.Error."""

    def __init__(self, lab: Lab, *, old: bool) -> None:
        more = {"connect_timeout": 10, "application_name": "gppylib"}
        self._server = psycopg.connect(**lab.conninfo(**more), autocommit=True)  # type: ignore[arg-type]
        self._old = old

    def load(self) -> Array:
        """Every row as it is now."""
        found = self._load_old() if self._old else self._load_later()
        segments = [s for s in found if s.content >= 0]
        top = max((s.dbid for s in found), default=1)
        return Array(segments=tuple(by_content(segments)), top_dbid=top)

    def version(self) -> str:
        """The server's own description of itself."""
        row = self._server.execute("SELECT version()").fetchone()
        return "" if row is None else str(row[0])

    def filespaces(self) -> dict[str, int]:
        """Filespaces beyond pg_system with their oids (5)."""
        rows = self._server.execute("SELECT fsname, oid FROM pg_filespace").fetchall()
        return {str(name): int(oid) for name, oid in rows if name != "pg_system"}

    def add(self, mirrors: Iterable[Segment]) -> None:
        """New mirror rows as given, and their primaries out of sync, in one transaction."""
        with self._server.transaction():
            if self._old:
                self._server.execute("UPDATE gp_fault_strategy SET fault_strategy = 'f'")
            for mirror in mirrors:
                self._insert(mirror)
                self._remember(mirror, "inserted mirror segment configuration")
                self._server.execute(
                    "UPDATE gp_segment_configuration SET mode = %s"
                    " WHERE content = %s AND role = 'p'",
                    ("c" if self._old else "n", mirror.content),
                )

    def set_replication_port(self, primary: Segment) -> None:
        """Write a primary's replication port (5)."""
        self._server.execute(
            "UPDATE gp_segment_configuration SET replication_port = %s WHERE dbid = %s",
            (primary.replication_port, primary.dbid),
        )

    def place(self, mirror: Segment) -> None:
        """Change where a mirror row says it is; it is down and out of sync meanwhile."""
        with self._server.transaction():
            self._server.execute(
                "UPDATE gp_segment_configuration SET hostname = %s, address = %s, port = %s,"
                " status = 'd' WHERE dbid = %s",
                (mirror.hostname, mirror.address, mirror.port, mirror.dbid),
            )
            if self._old:
                self._place_old(mirror)
            else:
                self._server.execute(
                    "UPDATE gp_segment_configuration SET datadir = %s, mode = 'n' WHERE dbid = %s",
                    (mirror.directory, mirror.dbid),
                )
            self._remember(mirror, "updated mirror segment configuration")

    def resynchronise(self, mirror: Segment, *, waits: float | None = None) -> None:
        """Both rows of a content up and resynchronising (5). `waits`: its mirror did not start, and for
        so many seconds its primary waits for it.
        """
        with self._server.transaction():
            self._server.execute(
                "UPDATE gp_segment_configuration SET mode = 'r', status = 'u' WHERE content = %s",
                (mirror.content,),
            )
            self._server.execute("DELETE FROM gp.lab_never_started WHERE dbid = %s", (mirror.dbid,))
            if waits is not None:
                self._server.execute(
                    "INSERT INTO gp.lab_never_started"
                    " VALUES (%s, clock_timestamp() + make_interval(secs => %s))",
                    (mirror.dbid, waits),
                )

    def never_started(self) -> set[int]:
        """The dbids of mirrors whose server a utility failed to start (5) while primaries wait."""
        rows = self._server.execute(
            "SELECT dbid FROM gp.lab_never_started WHERE until > clock_timestamp()"
        ).fetchall()
        return {int(row[0]) for row in rows}

    def probe(self) -> None:
        """Ask the fault prober to look now; without the function (5) it looks by itself."""
        if self._old:
            return
        self._server.execute("SELECT gp_request_fts_probe_scan()")

    def copying(self) -> set[int]:
        """Contents with a base backup running, as gp_stat_replication tells (6)."""
        if self._old:
            return set()
        self.probe()  # the practice view is as old as the last probe
        rows = self._server.execute(
            "SELECT DISTINCT gp_segment_id FROM gp_stat_replication"
            " WHERE application_name = 'pg_basebackup'"
        ).fetchall()
        return {int(row[0]) for row in rows}

    def close(self) -> None:
        """End the connection."""
        self._server.close()

    def _load_later(self) -> list[Segment]:
        rows = self._server.execute(_LATER).fetchall()
        return [_segment(own, directory) for *own, directory in rows]

    def _load_old(self) -> list[Segment]:
        paths: dict[int, dict[str, str]] = {}
        for dbid, name, path in self._server.execute(_FILESPACES).fetchall():
            paths.setdefault(dbid, {})[name] = path
        found = []
        for *row, replication_port in self._server.execute(_OLD).fetchall():
            own = paths.get(row[0], {})
            directory = own.pop("pg_system", None)
            more = tuple(sorted(own.items()))
            found.append(
                replace(
                    _segment(row, directory), replication_port=replication_port, filespaces=more
                )
            )
        return found

    def _insert(self, mirror: Segment) -> None:
        names = [*_OWN.split(", "), "replication_port" if self._old else "datadir"]
        values = [
            mirror.dbid,
            mirror.content,
            mirror.role.value,
            mirror.preferred_role.value,
            mirror.mode.value,
            mirror.status.value,
            mirror.port,
            mirror.hostname,
            mirror.address,
            mirror.replication_port if self._old else mirror.directory,
        ]
        marks = ", ".join(["%s"] * len(values))
        self._server.execute(
            f"INSERT INTO gp_segment_configuration ({', '.join(names)}) VALUES ({marks})",  # noqa: S608 our own columns
            values,
        )
        if self._old:
            self._enter(mirror)

    def _enter(self, mirror: Segment) -> None:
        for name, path in (("pg_system", mirror.directory), *mirror.filespaces):
            self._server.execute(_ENTRY, (mirror.dbid, path, name))

    def _place_old(self, mirror: Segment) -> None:
        self._server.execute(
            "UPDATE gp_segment_configuration SET replication_port = %s WHERE dbid = %s",
            (mirror.replication_port, mirror.dbid),
        )
        self._server.execute("DELETE FROM pg_filespace_entry WHERE fsedbid = %s", (mirror.dbid,))
        self._enter(mirror)

    def _remember(self, mirror: Segment, what: str) -> None:
        text = f"{self._server.info.parameter_status('application_name')}: {what} {mirror.address}"
        self._server.execute(
            'INSERT INTO gp_configuration_history ("time", dbid, "desc") VALUES (now(), %s, %s)',
            (mirror.dbid, f"{text}:{mirror.port}:{mirror.directory}"),
        )


def _segment(columns: Sequence[Any], directory: str | None) -> Segment:
    """From the columns of `_OWN`, in their order."""
    dbid, content, role, preferred, mode, status, port, hostname, address = columns
    return Segment(
        dbid=dbid,
        content=content,
        role=Role(role),
        preferred_role=Role(preferred),
        mode=Mode(mode),
        status=Status(status),
        port=port,
        hostname=hostname,
        address=address,
        directory=directory,
    )
