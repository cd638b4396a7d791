"""The state of a cluster's copies, content by content."""

from dataclasses import dataclass
from enum import StrEnum


class CopyState(StrEnum):
    """How many live copies a content has, and whether they are in sync."""

    SYNCED = "synced"
    SYNCING = "syncing"
    SINGLE = "single"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentHealth:
    """One content: its state, why it is not `synced` (empty when it is), whether its roles are
    switched. `primary` and `mirror` are the acting ones' `hostname:port`; `mirror` None: no row.
    """

    content: int
    state: CopyState
    reason: str
    switched: bool
    primary: str
    mirror: str | None
    lag_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """All contents, by content id."""

    contents: tuple[ContentHealth, ...]

    @property
    def all_synced(self) -> bool:
        """Whether every content has two live copies in sync; switched roles do not matter."""
        return all(found.state is CopyState.SYNCED for found in self.contents)
