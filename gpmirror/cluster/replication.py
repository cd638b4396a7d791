"""What the server says about its copies beside the catalog rows: replication and copying."""

from dataclasses import dataclass


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
