"""The state of a cluster's copies, content by content."""

from dataclasses import dataclass
from enum import StrEnum

from gpmirror.cluster.segment import Segment


class CopyState(StrEnum):
    """How many live copies a content has, and whether they are in sync."""

    SYNCED = "synced"
    SYNCING = "syncing"
    SINGLE = "single"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentHealth:
    """One content: its state, why it is not `synced` (empty when it is), whether its roles are
    switched. `help` is what brings back a copy that can serve, where none does. `primary` and `mirror` are the acting ones' `hostname:port`; `mirror` None: no row.
    """

    content: int
    state: CopyState
    reason: str
    switched: bool
    primary: str
    mirror: str | None
    lag_bytes: int | None = None
    help: str = ""


def revival(primary: Segment) -> str:
    """What helps where the acting primary is dead and no mirror can take over. gpstart leaves out what
    the catalog calls down, and then starts nothing at all (`No segment started for content: 5`, 6.24.3,
    recorded), so only a row that says up is brought back by a restart.
    """
    place = f"{primary.hostname}:{primary.port}"
    if primary.is_up:
        return (
            f"bring the host of {place} back and restart the cluster (`gpstop -r`), which starts that "
            "server again"
        )
    directory = primary.directory or "its data directory"
    return (
        f"bring the host of {place} back and start that server alone (`pg_ctl -D {directory} -o '-p "
        f"{primary.port}' start`, before 6 with the vendor's support), the fault prober then marks it "
        "up; do not restart the cluster (gpstart leaves out what the catalog calls down, and then "
        "starts nothing)"
    )


def way_back(mirror: Segment) -> str:
    """What helps where the catalog calls a mirror up and resynchronising that does not replicate.
    gprecoverseg cannot work on such a content (it tries again and again to connect), until the primary
    gives up after gp_segment_connect_timeout and the prober marks the mirror down, whether the utility
    still waits or was killed; it is then recovered like any other (5.8.1, recorded). A restart starts
    such a mirror too, but fails while helpers of the utility are still at the primary.
    """
    ports = f"port {mirror.port}"
    if mirror.replication_port is not None:
        ports += f" or its replication port {mirror.replication_port}"
    return (
        f"fix what keeps it from starting ({ports} in use, its directory, its log on "
        f"{mirror.hostname}) and wait: its primary gives up after gp_segment_connect_timeout (10 min "
        "unless set), the fault prober then calls the mirror down, and `gpmirror apply` brings it back; "
        "before that gprecoverseg cannot work on it. Sooner it comes only with a restart of the cluster "
        "(`gpstop -r`), once the utility that waits for it and its gp_primarymirror processes on the "
        "primary's host are ended"
    )


TAKES_OVER = (
    "the fault prober makes it do so within gp_fts_probe_interval (60 s unless set), {again} in a "
    "minute"
)
"""What helps where a mirror in sync has not taken over yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """All contents, by content id."""

    contents: tuple[ContentHealth, ...]

    @property
    def all_synced(self) -> bool:
        """Whether every content has two live copies in sync; switched roles do not matter."""
        return all(found.state is CopyState.SYNCED for found in self.contents)
