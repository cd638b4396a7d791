"""The snapshot file as pydantic reads it and as its JSON Schema describes it."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from gpmirror.catalog import cells
from gpmirror.model.dialect import DIALECTS, DialectName
from gpmirror.model.observed import CopyFact, Observed, in_canonical_order
from gpmirror.model.segment import MAX_PORT, Mode, Role, Segment, Status

Port = Annotated[StrictInt, Field(ge=1, le=MAX_PORT)]
Name = Annotated[StrictStr, AfterValidator(cells.name)]
Host = Annotated[StrictStr, AfterValidator(cells.host)]


def _printable(text: str) -> str:
    """Text that shows itself as it is, in a terminal and in a review."""
    if not text.isprintable():
        raise ValueError(f"{cells.shown(text)} holds an unprintable character")
    return text


TIME_PATTERN = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"

Line = Annotated[StrictStr, AfterValidator(_printable)]
Directory = Annotated[StrictStr, AfterValidator(cells.directory)]
FilespaceEntry = tuple[Name, Directory]
Bytes = Annotated[StrictInt, Field(ge=0)]
Dbid = Annotated[int, Field(ge=1)]
Content = Annotated[int, Field(ge=-1)]


class SegmentModel(BaseModel):
    """A row of gp_segment_configuration with its directories."""

    model_config = ConfigDict(title="Segment")

    dbid: Annotated[StrictInt, Field(ge=1)]
    content: Annotated[StrictInt, Field(ge=-1)]
    role: Role
    preferred_role: Role
    mode: Mode
    status: Status
    port: Port
    hostname: Host
    address: Host
    directory: Directory | None = None
    replication_port: Port | None = None
    filespaces: tuple[FilespaceEntry, ...] = ()

    def segment(self) -> Segment:
        """As the rest of gpmirror sees it."""
        return Segment(
            dbid=self.dbid,
            content=self.content,
            role=self.role,
            preferred_role=self.preferred_role,
            mode=self.mode,
            status=self.status,
            port=self.port,
            hostname=self.hostname,
            address=self.address,
            directory=self.directory,
            replication_port=self.replication_port,
            filespaces=tuple(sorted(self.filespaces)),
        )


class SnapshotModel(BaseModel):
    """A catalog at one moment, with what else was known of the cluster. `digest` is the SHA-256 of
    the other fields as canonical JSON; `sizes` are bytes by content, `copies` facts by dbid.
    `common_ip` says of hostnames and addresses whether they share an IP on the coordinator's host.
    `taken` is when the catalog was read, by the clock of the machine that read it.
    """

    model_config = ConfigDict(title="gpmirror snapshot")

    kind: Literal["gpmirror-snapshot"]
    format_version: Annotated[StrictStr, Field(pattern=r"^\d{1,4}\.\d{1,4}$")]
    digest: Annotated[StrictStr, Field(pattern="^[0-9a-f]{64}$")]
    dialect: DialectName
    dialect_assumed: StrictBool = False
    server_version: Line | None = None
    system_identifier: Line | None = None
    filespaces: tuple[Name, ...] = ()
    sizes: dict[Content, Bytes] = {}
    copies: dict[Dbid, CopyFact] = {}
    common_ip: tuple[tuple[Host, Host, StrictBool], ...] = ()
    notes: tuple[Line, ...] = ()
    taken: Annotated[StrictStr, Field(pattern=TIME_PATTERN)] | None = None
    segments: tuple[SegmentModel, ...]

    def observed(self, source: str) -> Observed:
        """As the rest of gpmirror sees it; `source` names the file."""
        return Observed(
            segments=in_canonical_order(row.segment() for row in self.segments),
            dialect=DIALECTS[self.dialect],
            dialect_assumed=self.dialect_assumed,
            server_version=self.server_version,
            system_identifier=self.system_identifier,
            filespaces=self.filespaces,
            sizes=self.sizes,
            copies=self.copies,
            common_ip={(name, address): shared for name, address, shared in self.common_ip},
            source=source,
            notes=self.notes,
            taken=self.taken,
        )
