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


def restart(mirror: Segment) -> str:
    """What helps where the catalog calls a mirror up and resynchronising that is not there: gprecoverseg
    cannot work on such a content (it tries again and again to connect), a restart starts its mirror
    too, and the pair is in sync in seconds (5.8.1, recorded). While helpers of the utility are still
    at the primary the restart fails.
    """
    ports = f"port {mirror.port}"
    if mirror.replication_port is not None:
        ports += f" or its replication port {mirror.replication_port}"
    return (
        f"fix what keeps it from starting ({ports} in use, its directory, its log on "
        f"{mirror.hostname}); end the utility that still waits for it, and its gp_primarymirror "
        "processes on the primary's host (while one is there a start ends with "
        "OtherTransitionInProgress); then restart the cluster (`gpstop -r`), which starts this mirror "
        "too; gprecoverseg cannot work on a content in this state"
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
