"""Where the catalog and replication contradict each other: such a content is left alone."""

from collections.abc import Collection, Iterable

from gpmirror.cluster.observed import Observed
from gpmirror.cluster.replication import Replication
from gpmirror.cluster.segment import Mode, Segment
from gpmirror.verify.model import ContentHealth, CopyState
from gpmirror.verify.sync import judge


def disagreements(observed: Observed, replication: Iterable[Replication]) -> dict[int, str]:
    """Why, and what helps, by content. Rows that are still changing (mode n, or r before 6) contradict nothing.

    Before 6 the catalog alone tells.
    """
    if not observed.dialect.tells_replication:
        return {}
    rows = tuple(replication)
    following = {row.content for row in rows if row.is_streaming_mirror}
    claims = {
        content: claim
        for content, (primary, mirror) in observed.pairs().items()
        if mirror is not None and (claim := _claim((primary, mirror))) is not None
    }
    judged = judge(observed, rows, contents=claims.keys())
    found = {
        health.content: f"{health.reason}; {_way(health)}"
        for health in judged.contents
        if claims[health.content] and health.state is not CopyState.SYNCED
    }
    for content in sorted(following & claims.keys()):
        if not claims[content]:
            found[content] = (
                "the catalog says that its mirror is down, but a mirror streams from its primary: "
                "plan again in a minute, when the fault prober has looked"
            )
    return found


def _way(health: ContentHealth) -> str:
    again = "plan again in a minute, when the fault prober has looked"
    if health.state is CopyState.SYNCING:
        return again
    return (
        f"{again} (after a base backup: when that has ended); if it stays so, see the log of the "
        f"mirror {health.mirror} for why it does not follow"
    )


def _claim(rows: Collection[Segment]) -> bool | None:
    """True: the catalog claims two copies in sync; False: a mirror that is down; None: neither."""
    if all(row.is_up and row.mode is Mode.SYNCED for row in rows):
        return True
    return False if any(not row.is_up and not row.is_acting_primary for row in rows) else None
