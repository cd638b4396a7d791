"""What the prober concludes from what it sees: pure, with the generations' habits in one table."""

from dataclasses import dataclass
from enum import Enum, auto

from gpmirror.cluster.segment import Mode, Role, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """How a generation's prober writes. `alone` is the acting primary's mode without a live
    mirror; `lost` the mode of the copy that went down, None: it keeps its own. `revives`: a copy
    that is down comes up by streaming alone, without being told to. Graces are in seconds: a
    mirror that does not stream stays up so long, `resync_grace` while it is still being copied.
    """

    alone: Mode
    lost: Mode | None
    revives: bool
    mirror_grace: float = 2.0
    resync_grace: float = 20.0
    primary_grace: float = 1.0


_OLD = Habit(alone=Mode.CHANGE_TRACKING, lost=None, revives=False)
_LATER = Habit(alone=Mode.NOT_IN_SYNC, lost=Mode.NOT_IN_SYNC, revives=True)


def habit_of(*, old: bool) -> Habit:
    """The habit of 4.3 and 5 (`old`), or of 6 and later."""
    return _OLD if old else _LATER


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The part of a catalog row that the prober reads. `never_started`: a utility failed to start it."""

    dbid: int
    content: int
    role: Role
    mode: Mode
    status: Status
    address: str
    port: int
    never_started: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at a pair. Seconds say for how long the primary has not answered and the mirror has
    not streamed, 0 where it does. `mirror_serves`: it could take over. `waits`: the primary's
    commits wait for the mirror. `in_sync`: it streams and they do.
    """

    primary_silent: float = 0.0
    mirror_silent: float = 0.0
    mirror_serves: bool = False
    copying: bool = False
    waits: bool = False
    in_sync: bool = False


class Verdict(Enum):
    """What to do about a pair."""

    KEEP = auto()
    WAIT_FOR_MIRROR = auto()  # let commits wait for the mirror, then look again
    FREE_COMMITS = auto()  # let them no longer wait
    MARK_IN_SYNC = auto()
    MARK_DOWN = auto()
    FAIL_OVER = auto()


def judge(primary: Row, mirror: Row | None, look: Look, habit: Habit) -> Verdict:
    """The verdict on one content."""
    if look.primary_silent > 0:
        return _without_primary(mirror, look, habit)
    if mirror is None:
        return Verdict.FREE_COMMITS if look.waits else Verdict.KEEP
    if look.mirror_silent > 0:
        return _without_mirror(primary, mirror, look, habit)
    return _with_both(primary, mirror, look, habit)


def lost_mode(row: Row, habit: Habit) -> Mode:
    """The mode of a copy that is marked down."""
    return row.mode if habit.lost is None else habit.lost


def _without_primary(mirror: Row | None, look: Look, habit: Habit) -> Verdict:
    """Only a mirror that had everything may take over; two dead copies change nothing."""
    if mirror is None or look.primary_silent < habit.primary_grace:
        return Verdict.KEEP
    whole = mirror.status is Status.UP and mirror.mode is Mode.SYNCED
    return Verdict.FAIL_OVER if whole and look.mirror_serves else Verdict.KEEP


def _without_mirror(primary: Row, mirror: Row, look: Look, habit: Habit) -> Verdict:
    """Down in the catalog first, only then may commits go on alone: else a primary that dies in
    between would be followed by a mirror that lacks them.
    """
    if mirror.status is Status.UP:
        resyncing = mirror.mode is Mode.RESYNCING
        grace = habit.resync_grace if resyncing else habit.mirror_grace
        # one that never was there is r/u until its primary gives up waiting (5.8.1, recorded)
        unmissed = look.copying or mirror.never_started
        patient = look.mirror_silent < grace or (resyncing and unmissed)
        return Verdict.KEEP if patient else Verdict.MARK_DOWN
    if primary.mode is not habit.alone or mirror.mode is not lost_mode(mirror, habit):
        return Verdict.MARK_DOWN
    return Verdict.FREE_COMMITS if look.waits else Verdict.KEEP


def _with_both(primary: Row, mirror: Row, look: Look, habit: Habit) -> Verdict:
    welcome = habit.revives or mirror.status is Status.UP
    if not welcome:
        return Verdict.FREE_COMMITS if look.waits else Verdict.KEEP
    if not look.in_sync:
        return Verdict.KEEP if look.waits else Verdict.WAIT_FOR_MIRROR
    known = (
        mirror.status is Status.UP and mirror.mode is Mode.SYNCED and primary.mode is Mode.SYNCED
    )
    return Verdict.KEEP if known else Verdict.MARK_IN_SYNC
