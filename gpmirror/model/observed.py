"""What the catalog says, and what the server says beside it of replication and copies."""

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Literal

from gpmirror.model.dialect import Dialect
from gpmirror.model.segment import COORDINATOR_CONTENT, Role, Segment
from gpmirror.values import dataclass

# --- What the catalog says: the observed cluster.


CopyFact = Literal[
    "rewindable",
    "absent",
    "backup_label",
    "no_pg_control",
    "no_filespace",
    "foreign",
    "copying",
    "unknown",
]
"""What a look at a down copy's directory found: our own and complete enough for an incremental
recovery; not there; a partial base backup; no pg_control; the directory of a filespace not there (4.3,
5); another system identifier; a base backup still running; not inspected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A catalog at one moment.

    `segments` is in canonical order: content, preferred primary first, dbid. `filespaces` names
    those beyond pg_system (4.3, 5). `sizes` are bytes by content, `copies` facts by dbid; both may
    be empty. `common_ip` tells of pairs of hostname and address whether they are one machine to the
    coordinator's resolver, as the utilities ask it; pairs that nobody asked about are missing.
    `disagreements` tells by content what the server says of replication that contradicts
    the rows; only a live look finds them. `source` names the file or server for messages. `notes` are remarks made while
    reading. `knowledge` says of a live look how old what it says may be. `taken` is when a snapshot
    was taken (`2026-11-21T07:05:39Z`); None: a live look, or nobody wrote it down.
    `dialect_assumed` is true where the text did not settle the family.
    """

    segments: tuple[Segment, ...]
    dialect: Dialect
    dialect_assumed: bool = False
    server_version: str | None = None
    system_identifier: str | None = None
    filespaces: tuple[str, ...] = ()
    sizes: Mapping[int, int] = field(default_factory=dict)
    copies: Mapping[int, CopyFact] = field(default_factory=dict)
    common_ip: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    disagreements: Mapping[int, str] = field(default_factory=dict)
    source: str = "catalog"
    notes: tuple[str, ...] = ()
    knowledge: str | None = None
    taken: str | None = None

    @property
    def coordinator(self) -> Segment | None:
        """The preferred coordinator row (not the standby), if the source has it."""
        for row in self.segments:
            if row.content == COORDINATOR_CONTENT and row.is_preferred_primary:
                return row
        return None

    @property
    def directories_known(self) -> bool:
        """Whether every row of a segment tells its data directory."""
        return all(row.directory is not None for row in self.segments if row.content >= 0)

    def pairs(self) -> dict[int, tuple[Segment, Segment | None]]:
        """Content -> (preferred primary row, preferred mirror row or None), by content id."""
        primaries: dict[int, Segment] = {}
        mirrors: dict[int, Segment] = {}
        for row in self.segments:
            if row.content >= 0:
                (primaries if row.preferred_role is Role.PRIMARY else mirrors)[row.content] = row
        return {content: (primaries[content], mirrors.get(content)) for content in primaries}

    def by_acting_role(self) -> dict[int, tuple[Segment, Segment | None]]:
        """Content -> (acting primary's row, the other row or None), by content id. Where no row acts,
        which only a catalog can have that contradicts itself, the preferred primary's counts.
        """
        return {
            content: (mirror, primary)
            if mirror is not None and mirror.is_acting_primary
            else (primary, mirror)
            for content, (primary, mirror) in self.pairs().items()
        }


def in_canonical_order(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """Rows by content, preferred primary first, then dbid: input order never matters."""
    return tuple(sorted(segments, key=_canonical_key))


def _canonical_key(row: Segment) -> tuple[int, bool, int]:
    return (row.content, row.preferred_role is Role.MIRROR, row.dbid)


# --- What the server says about its copies beside the catalog rows: replication and copying.


@dataclass(frozen=True, slots=True, kw_only=True)
class Replication:
    """One row of gp_stat_replication (6 and later): who streams from a content's acting primary.

    A base backup shows up here too, as `pg_basebackup` with state `streaming` and sync state
    `sync` (6.24.3, recorded); only `gp_walreceiver` is a mirror. `lag_bytes` is what the mirror has
    yet to replay, None where the server does not show.
    """

    content: int
    application_name: str
    state: str
    sync_state: str
    lag_bytes: int | None = None

    @property
    def is_base_backup(self) -> bool:
        """Whether this row belongs to a base backup: its data, or the WAL that is fetched beside."""
        return self.application_name == "pg_basebackup"

    @property
    def sends_data(self) -> bool:
        """Whether the data of a base backup goes this way. While any is to come there is such a row
        (`backup`, 6.24.3, recorded; `startup` while the rest of the WAL is waited for).
        """
        return self.is_base_backup and self.state not in {"streaming", "catchup"}

    @property
    def is_streaming_mirror(self) -> bool:
        """Whether this row is a mirror that follows its primary."""
        return self.application_name == "gp_walreceiver" and self.state == "streaming"


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyProgress:
    """A base backup under way as the server counts it (7: gp_stat_progress_basebackup); bytes."""

    content: int
    done: int
    total: int | None
