"""Is it so: copies judged in sync from the catalog and replication, never from an exit status."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from types import MappingProxyType

from gpmirror.model.content import Content, contents_of
from gpmirror.model.observed import Observed, Replication
from gpmirror.model.segment import Mode, Segment, Status
from gpmirror.values import dataclass

# --- The state of a cluster's copies, content by content.


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


# --- Whether each content has two live copies in sync, and what is missing where it has not.
#
# Neither source is believed alone: the catalog's mode and status are as old as the last fault probe,
# and a base backup shows up in gp_stat_replication as `streaming` and `sync` while it runs.


_MIRROR = "gp_walreceiver"
BACKUP_RUNS = "is running"
"""What the reason says of a base backup that brings data."""

_Finding = tuple[CopyState, str]


def judge_copies(
    observed: Observed,
    replication: Iterable[Replication] | None,
    *,
    contents: Collection[int] | None = None,
    refused: Mapping[int, str] = MappingProxyType({}),
    probed: bool = False,
    lifeless: Mapping[int, str] = MappingProxyType({}),
) -> Health:
    """The state of every content, or of `contents` only; those without any row are left out.

    In sync are two rows with status u and mode s and, from 6 on, a mirror that streams. Roles do
    not matter. `replication` is ignored before 6, where the mode alone tells; None: nobody can tell
    who streams now, and the catalog stands alone. `refused` are addresses of acting primaries that
    did not answer the coordinator, whatever the catalog says of them; after a whole fault probe
    (`probed`) their mirrors would act if they lived, so none does. `lifeless` says of mirrors that are
    called resynchronising why nothing comes of them: their hosts were asked.
    """
    streams: defaultdict[int, list[Replication]] = defaultdict(list)
    for found in replication or ():
        streams[found.content].append(found)
    alone = not observed.dialect.tells_replication or replication is None
    couples = {
        content: couple
        for content, couple in _couples(observed, refused, probed=probed).items()
        if contents is None or content in contents
    }
    return Health(
        contents=tuple(
            _content(couple, streams[content], refused.get(content), alone=alone)
            if content not in lifeless
            else _lifeless(couple, lifeless[content])
            for content, couple in sorted(couples.items())
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Couple:
    """A content's rows by acting role; `told` is the acting primary's as the catalog has it."""

    told: Segment
    primary: Segment
    mirror: Segment | None


def _couples(observed: Observed, refused: Mapping[int, str], *, probed: bool) -> dict[int, _Couple]:
    acting: dict[int, Segment] = {}
    others: dict[int, Segment] = {}
    for row in observed.segments:
        if row.content >= 0:
            (acting if row.is_acting_primary else others)[row.content] = row
    seen = {content: _as_seen(primary, refused) for content, primary in acting.items()}
    if probed:
        for content in others.keys() & refused.keys():
            if not seen[content].is_up:
                others[content] = replace(others[content], status=Status.DOWN)
    return {
        content: _Couple(told=primary, primary=seen[content], mirror=others.get(content))
        for content, primary in acting.items()
    }


def resynchronising(observed: Observed) -> dict[int, Segment]:
    """Mirrors that the catalog calls up and resynchronising (4.3, 5), by content: nobody but their
    hosts can tell whether they are there at all.
    """
    if observed.dialect.tells_replication:
        return {}
    return {
        content: couple.mirror
        for content, couple in _couples(observed, {}, probed=False).items()
        if couple.mirror is not None
        and _judged(couple.primary, couple.mirror, (), alone=True)[0] is CopyState.SYNCING
    }


def without(observed: Observed, refused: Mapping[int, str]) -> Observed:
    """The same with the acting primaries down that did not answer at these addresses; one that is
    another by now, at another port, is left as it is.
    """
    if not refused:
        return observed
    rows = tuple(_as_seen(row, refused) for row in observed.segments)
    return replace(observed, segments=rows)


def _as_seen(row: Segment, refused: Mapping[int, str]) -> Segment:
    place = refused.get(row.content)
    silent = row.is_acting_primary and place is not None and place.endswith(f":{row.port}")
    return replace(row, status=Status.DOWN) if silent else row


def _content(
    couple: _Couple, streams: Sequence[Replication], silent: str | None, *, alone: bool
) -> ContentHealth:
    primary, mirror = couple.primary, couple.mirror
    state, reason = _judged(primary, mirror, () if alone else streams, alone=alone)
    if silent is not None and not primary.is_up:
        reason = f"{reason}; nothing answers at {silent}"
    follower = None if alone else _follower(streams)
    return ContentHealth(
        content=primary.content,
        state=state,
        reason=reason,
        switched=primary.is_switched,
        primary=_place(primary),
        mirror=None if mirror is None else _place(mirror),
        lag_bytes=None if follower is None else follower.lag_bytes,
        help="" if primary.is_up else _help(couple.told, mirror),
    )


def _lifeless(couple: _Couple, why: str) -> ContentHealth:
    """The catalog calls a mirror up that never started, until its primary gives up (5.8.1, recorded)."""
    found = _content(couple, (), None, alone=True)
    if couple.mirror is None or found.state is not CopyState.SYNCING:
        return found
    return replace(
        found,
        state=CopyState.SINGLE,
        reason=f"{found.reason} as the catalog has it, but {why}",
        help=way_back(couple.mirror),
    )


def _help(told: Segment, mirror: Segment | None) -> str:
    """The acting primary is dead, whatever its row says: what brings a live one back."""
    if mirror is not None and mirror.is_up and mirror.mode is Mode.SYNCED:
        again = TAKES_OVER.format(again="look again")
        return f"{_place(mirror)} is to take over: {again}; if it stays so, {revival(told)}"
    return f"{revival(told)}; gprecoverseg cannot help, it needs a live primary"


def _judged(
    primary: Segment, mirror: Segment | None, streams: Sequence[Replication], *, alone: bool
) -> _Finding:
    if mirror is None:
        return _unmirrored(primary)
    if not primary.is_up:
        return _headless(primary, mirror)
    if not mirror.is_up:
        return CopyState.SINGLE, _mirror_down(primary, mirror, streams)
    return _both_up_alone(primary, mirror) if alone else _both_up(primary, mirror, streams)


def _unmirrored(primary: Segment) -> _Finding:
    if primary.is_up:
        return CopyState.SINGLE, "the catalog has no mirror row"
    return CopyState.NONE, f"the only copy, {_place(primary)}, is down"


def _headless(primary: Segment, mirror: Segment) -> _Finding:
    if mirror.is_up:
        why = "has not taken over" if mirror.mode is Mode.SYNCED else "is not in sync"
        return (
            CopyState.SINGLE,
            f"the acting primary {_place(primary)} is down and {_place(mirror)} {why}",
        )
    return CopyState.NONE, f"both copies are down: {_place(primary)} and {_place(mirror)}"


def _mirror_down(primary: Segment, mirror: Segment, streams: Sequence[Replication]) -> str:
    """A down mirror keeps mode s on 5, so only its status counts."""
    down = f"the mirror {_place(mirror)} is down"
    if primary.mode is Mode.CHANGE_TRACKING:
        return f"{down}; {_place(primary)} keeps a log of changes for it"
    if any(found.is_base_backup for found in streams):
        return f"{down}; {_base_backup(primary, streams)}"
    if _follower(streams) is not None:
        return f"{down} as the catalog has it, yet it is connected: the next fault probe tells"
    return down


def _base_backup(primary: Segment, streams: Sequence[Replication]) -> str:
    """One that was cut off may leave the process that fetched its WAL."""
    if any(found.sends_data for found in streams):
        return f"a base backup of {_place(primary)} {BACKUP_RUNS}"
    return (
        f"of a base backup of {_place(primary)} only the WAL still comes: it ends, or was cut off"
    )


def _both_up_alone(primary: Segment, mirror: Segment) -> _Finding:
    modes = {primary.mode, mirror.mode}
    if Mode.CHANGE_TRACKING in modes:
        return CopyState.SINGLE, f"{_place(primary)} keeps a log of changes, the mirror is behind"
    if modes == {Mode.SYNCED}:
        return CopyState.SYNCED, ""
    return CopyState.SYNCING, f"the mirror {_place(mirror)} is resynchronising"


def _both_up(primary: Segment, mirror: Segment, streams: Sequence[Replication]) -> _Finding:
    follower = _follower(streams)
    if follower is None:
        return CopyState.SINGLE, _nobody_follows(primary, mirror, streams)
    if primary.mode is mirror.mode is Mode.SYNCED and follower.is_streaming_mirror:
        return CopyState.SYNCED, ""
    if follower.is_streaming_mirror:
        how = f"streams ({follower.sync_state or 'sync state unknown'})"
        return (
            CopyState.SYNCING,
            f"the mirror {_place(mirror)} {how}; the catalog does not say in sync yet",
        )
    return (
        CopyState.SYNCING,
        f"the mirror {_place(mirror)} is in state {follower.state or 'unknown'}, not streaming",
    )


def _nobody_follows(primary: Segment, mirror: Segment, streams: Sequence[Replication]) -> str:
    if any(found.is_base_backup for found in streams):
        return f"{_base_backup(primary, streams)} and no mirror streams from it"
    said = "in sync" if primary.mode is mirror.mode is Mode.SYNCED else "up"
    return (
        f"the catalog says {said}, but no mirror streams from {_place(primary)}: "
        "the catalog is only as fresh as the last fault probe"
    )


def _follower(streams: Sequence[Replication]) -> Replication | None:
    """The mirror's connection; the streaming one where an old one has not ended yet."""
    mirrors = [found for found in streams if found.application_name == _MIRROR]
    return max(mirrors, key=lambda found: found.is_streaming_mirror, default=None)


def _place(row: Segment) -> str:
    return f"{row.hostname}:{row.port}"


# --- Which copies can serve, should the others stop.


def serving(
    observed: Observed,
    health: Health,
    host_of: Callable[[Segment], str],
    *,
    refused: Mapping[int, str] = MappingProxyType({}),
    streams_known: bool = True,
) -> dict[int, Content]:
    """Every content; a copy `lives` in it if it can serve: the acting primary if it is up, the other
    copy if it is in sync, and alone also if it is to take over. `refused` as in `judge_copies`.

    Where nobody can tell who streams (not `streams_known`), a catalog that calls two copies in sync
    is not believed: that word is as old as the last fault probe.
    """
    states = {found.content: found.state for found in health.contents}
    found = contents_of(without(observed, refused), host_of)
    sure = streams_known or not observed.dialect.tells_replication
    return {
        number: _serving(one, states.get(number, CopyState.NONE), sure=sure)
        for number, one in found.items()
    }


def _serving(content: Content, state: CopyState, *, sure: bool) -> Content:
    acting, idle = content.acting, content.idle
    if state is CopyState.NONE:
        acting = replace(acting, lives=False)
    if idle is not None:
        if acting.lives:
            follows = state is CopyState.SYNCED and sure
        else:
            follows = state is not CopyState.NONE and idle.row.is_up
            follows = follows and idle.row.mode is Mode.SYNCED
        idle = replace(idle, lives=follows)
    return replace(content, acting=acting, idle=idle)


# --- Where the catalog and replication contradict each other: such a content is left alone.


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
    judged = judge_copies(observed, rows, contents=claims.keys())
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
