"""The codes of everything that can be wrong with a catalog, with their explanations."""

from gpmirror.diagnostics import CodeInfo

UNREADABLE = "GPM-C001"
NO_TABLE = "GPM-C002"
NO_HEADER = "GPM-C003"
SEVERAL_TABLES = "GPM-C004"
MISSING_COLUMNS = "GPM-C005"
BROKEN_ROW = "GPM-C006"
TRUNCATED = "GPM-C007"
STRAY_ROWS = "GPM-C008"
SELECTION = "GPM-C009"
NOT_A_NUMBER = "GPM-C010"
OUT_OF_RANGE = "GPM-C011"
BAD_LETTER = "GPM-C012"
BAD_NAME = "GPM-C013"
BAD_DIRECTORY = "GPM-C014"
DIALECT_CONFLICT = "GPM-C020"
UNKNOWN_SERVER = "GPM-C021"
NOT_A_COORDINATOR = "GPM-C022"
NO_ROWS = "GPM-C030"
CONTENT_GAP = "GPM-C031"
PREFERRED_ROLES = "GPM-C032"
ACTING_ROLES = "GPM-C033"
DUPLICATE_DBID = "GPM-C034"
DUPLICATE_PORT = "GPM-C035"
DUPLICATE_DIRECTORY = "GPM-C036"
UNNAMED_FILESPACE = "GPM-C040"
BROKEN_FILESPACES = "GPM-C041"
NOT_A_SNAPSHOT = "GPM-C050"
NEWER_SNAPSHOT = "GPM-C051"
CHANGED_SNAPSHOT = "GPM-C052"
BROKEN_SNAPSHOT = "GPM-C053"

_SAVE_ALL = "Save the whole output of `SELECT * FROM gp_segment_configuration` again, untouched."
_DAMAGED = (
    "If the text is complete, the catalog itself is damaged, usually by hand edits: restore it "
    "with the vendor's support before any mirror work."
)

CODES: dict[str, CodeInfo] = {
    UNREADABLE: CodeInfo(
        title="The file is not text",
        why="A catalog is read from UTF-8 (or UTF-16) text or a JSON snapshot.",
        fix="Unpack compressed files, convert other encodings with `iconv -t UTF-8`.",
    ),
    NO_TABLE: CodeInfo(
        title="No catalog table was found",
        why="A table is known by its header: dbid, content, role, preferred_role and so on.",
        fix=_SAVE_ALL,
    ),
    NO_HEADER: CodeInfo(
        title="Catalog rows without a header or without line ends",
        why="Columns stand in different order in different releases; without names or lines a "
        "cell cannot be told from its neighbour.",
        fix="Run psql without `-t` and keep the line ends. " + _SAVE_ALL,
    ),
    SEVERAL_TABLES: CodeInfo(
        title="The text holds several catalog tables",
        why="Two tables are two states of a cluster, and only one of them can be the present one.",
        fix="Pick one with `--table N`, counted from 1, or save one table only.",
    ),
    MISSING_COLUMNS: CodeInfo(
        title="The catalog table lacks columns",
        why="Placement needs every column of gp_segment_configuration.",
        fix=_SAVE_ALL,
    ),
    BROKEN_ROW: CodeInfo(
        title="A row has another number of cells than the header",
        why="The line was cut, joined with another one, or holds a separator inside a cell.",
        fix=_SAVE_ALL,
    ),
    TRUNCATED: CodeInfo(
        title="The number of rows differs from the count below the table",
        why="psql prints how many rows it sent; another number means that lines were lost.",
        fix=_SAVE_ALL,
    ),
    STRAY_ROWS: CodeInfo(
        title="Rows follow after the table was interrupted",
        why="Something cut the table in two, a pager or a log line; half a catalog is not planned "
        "over.",
        fix="Remove the interruption, or save the output again with `PAGER=cat`.",
    ),
    SELECTION: CodeInfo(
        title="The query selects some rows only",
        why="A WHERE or LIMIT left rows out, and mirrors that are not shown would be taken for "
        "missing ones. Conditions that only join tables, or leave the coordinator out, are no "
        "selection.",
        fix="Save `SELECT * FROM gp_segment_configuration` without a condition.",
    ),
    NOT_A_NUMBER: CodeInfo(
        title="A cell that must be a number is none",
        why="dbid, content, port and replication_port are plain ASCII digits.",
        fix="Look at the named character; copies out of web pages and documents change digits.",
    ),
    OUT_OF_RANGE: CodeInfo(
        title="A number is out of range",
        why="Ports lie in 1..65535, content ids at -1 or above, dbids at 1 or above.",
        fix=_SAVE_ALL,
    ),
    BAD_LETTER: CodeInfo(
        title="An unknown role, mode or status",
        why="Roles are p or m; status u or d; mode s, r, c before release 6 and s, n from 6 on.",
        fix="Check the dialect, then save the output again.",
    ),
    BAD_NAME: CodeInfo(
        title="A host name or address that cannot be one",
        why="Names are not empty and hold no control characters and no `|`.",
        fix=_SAVE_ALL,
    ),
    BAD_DIRECTORY: CodeInfo(
        title="A missing or impossible directory",
        why="Directories are absolute paths without control characters and `|`; from release 6 on "
        "every row has one.",
        fix=_SAVE_ALL,
    ),
    DIALECT_CONFLICT: CodeInfo(
        title="The dialect contradicts the catalog",
        why="Columns and version() prove which family the server belongs to; files written for "
        "another family would not work.",
        fix="Correct `cluster.dialect` in the spec, or leave it out.",
    ),
    UNKNOWN_SERVER: CodeInfo(
        title="A server version that gpmirror does not know",
        why="Catalog columns and file grammars differ from family to family.",
        fix="Supported are Greenplum 4.3 to 7, Apache Cloudberry and Greengage 6 and 7.",
    ),
    NOT_A_COORDINATOR: CodeInfo(
        title="The server is not the coordinator of a cluster",
        why="Only the coordinator, in a normal session, has the catalog of the whole cluster; a "
        "segment, a standby and a session in utility mode see themselves alone.",
        fix="Name the coordinator's host, port and database in `cluster.coordinator` or in PGHOST, "
        "PGPORT and PGDATABASE, and take utility mode out of PGOPTIONS.",
    ),
    NO_ROWS: CodeInfo(
        title="No segments in the catalog",
        why="There is nothing to mirror without rows of content 0 and above.",
        fix="Run the query on the coordinator: segments keep no such rows from release 6 on.",
    ),
    CONTENT_GAP: CodeInfo(
        title="Content ids have gaps",
        why="Contents count from 0 without holes. " + _DAMAGED,
        fix=_SAVE_ALL,
    ),
    PREFERRED_ROLES: CodeInfo(
        title="Preferred roles do not make a pair",
        why="A content has one preferred primary and at most one preferred mirror. " + _DAMAGED,
        fix=_SAVE_ALL,
    ),
    ACTING_ROLES: CodeInfo(
        title="Acting roles do not make a pair",
        why="Exactly one row of a content acts as primary. " + _DAMAGED,
        fix=_SAVE_ALL,
    ),
    DUPLICATE_DBID: CodeInfo(
        title="A dbid occurs twice",
        why="The dbid is the identity of a segment. " + _DAMAGED,
        fix=_SAVE_ALL,
    ),
    DUPLICATE_PORT: CodeInfo(
        title="A host uses a port twice",
        why="Two processes of one host cannot listen on one port. " + _DAMAGED,
        fix=_SAVE_ALL,
    ),
    DUPLICATE_DIRECTORY: CodeInfo(
        title="A host uses a directory twice",
        why="Two segments in one directory destroy each other. " + _DAMAGED,
        fix=_SAVE_ALL,
    ),
    UNNAMED_FILESPACE: CodeInfo(
        title="A filespace without a name",
        why="The utilities' files name filespaces, pg_filespace_entry gives object ids only.",
        fix="Add the output of `SELECT oid, fsname FROM pg_filespace` to the text.",
    ),
    BROKEN_FILESPACES: CodeInfo(
        title="pg_filespace_entry does not fit the segments",
        why="Every segment has one directory in every filespace.",
        fix="Save `SELECT * FROM pg_filespace_entry` together with gp_segment_configuration.",
    ),
    NOT_A_SNAPSHOT: CodeInfo(
        title="The JSON is not a snapshot",
        why="JSON is read only in the form that `gpmirror schema snapshot` describes.",
        fix="Save psql's output as text.",
    ),
    NEWER_SNAPSHOT: CodeInfo(
        title="The snapshot's format is newer",
        why="A newer major format may mean something else by the same words.",
        fix="Read it with the gpmirror that wrote it, or a later one.",
    ),
    CHANGED_SNAPSHOT: CodeInfo(
        title="The snapshot was changed after it was written",
        why="Its digest does not fit its content; a plan must rest on what the catalog said.",
        fix="Take the file as it was written, or save psql's output as text.",
    ),
    BROKEN_SNAPSHOT: CodeInfo(
        title="The snapshot's content has the wrong shape",
        why="Fields are missing or of another type than the schema says.",
        fix="Compare it with `gpmirror schema snapshot`, or save psql's output as text.",
    ),
}
