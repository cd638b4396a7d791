"""The catalog's rows as end-to-end tests read them, without a line of the product."""

from dataclasses import dataclass

_ROWS = """SELECT content, role, preferred_role, mode, status, hostname, address, port,
 {directory}, {replication} FROM gp_segment_configuration c{join} WHERE content >= 0 ORDER BY 1, 3"""
LATER = _ROWS.format(directory="datadir", replication="NULL", join="")
OLD = _ROWS.format(
    directory="fselocation",
    replication="replication_port",
    join=" JOIN pg_filespace_entry e ON e.fsedbid = c.dbid AND e.fsefsoid = 3052",
)
STREAMING = """SELECT gp_segment_id FROM gp_stat_replication WHERE gp_segment_id >= 0
 AND application_name = 'gp_walreceiver' AND state = 'streaming'"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One segment's row of the catalog."""

    content: int
    role: str
    preferred_role: str
    mode: str
    status: str
    hostname: str
    address: str
    port: int
    directory: str
    replication_port: int | None
