"""A content with its copies: who acts, who could take over, and what a step makes of them.

This is the one view of a content that planning, simulation, progress and status share, so that all
of them mean the same by a copy that lives and by a copy that is gone while it is made anew.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Protocol

from gpmirror.model.layout import AtStake, Pair
from gpmirror.model.observed import Observed
from gpmirror.model.segment import Mode, Role, Segment, Slot, Status
from gpmirror.values import dataclass


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy: its catalog row, the slot it stands in by the spec's host names, and whether it counts
    as a copy that lives.
    """

    row: Segment
    slot: Slot
    lives: bool

    @property
    def host(self) -> str:
        """The host it stands on."""
        return self.slot.host


class ContentStep(Protocol):
    """What happens to one content in a wave: `to` is where its idle copy is made, None where its
    roles return.
    """

    @property
    def content(self) -> int:
        """Whose copy."""
        ...

    @property
    def to(self) -> Slot | None:
        """Its new place."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """`acting` is the copy that serves queries now, `idle` the other one, None where the catalog has
    no second row. Preferred roles do not matter for who is who; `switched` says that they differ.
    """

    number: int
    acting: Copy
    idle: Copy | None

    @property
    def switched(self) -> bool:
        """Whether the acting primary is the mirror by preference."""
        return self.acting.row.is_switched

    @property
    def primary(self) -> Copy:
        """The primary by preference: of the only row, that one."""
        return self.idle if self.switched and self.idle is not None else self.acting

    @property
    def mirror(self) -> Copy | None:
        """The mirror by preference."""
        return self.acting if self.switched and self.idle is not None else self.idle

    @property
    def live_hosts(self) -> tuple[str, ...]:
        """Hosts of the copies that live, the acting one's first; one host twice if it must be."""
        copies = (self.acting,) if self.idle is None else (self.acting, self.idle)
        return tuple(copy.host for copy in copies if copy.lives)

    @property
    def live(self) -> Pair:
        """Who holds its copies by preferred role, as far as they live. With none left it is laid to its
        primary's host all the same, as one that does not live.
        """
        primary, mirror = self.primary, self.mirror
        if mirror is None or not mirror.lives:
            return Pair(self.number, primary.host, None, lives=primary.lives)
        if not primary.lives:
            return Pair(self.number, mirror.host, None)
        return Pair(self.number, primary.host, mirror.host)

    def during(self, to: Slot | None) -> "Content":
        """While a wave works on it: only the acting primary lives, for the utilities stop the idle copy
        before they make it anew. Where roles return (`to` None) they stop the acting primary, and the
        idle copy is alone.
        """
        if self.idle is None:
            return self
        if to is None:
            acting = Copy(self.acting.row, self.acting.slot, lives=False)
            return Content(number=self.number, acting=acting, idle=self.idle)
        idle = Copy(self.idle.row, self.idle.slot, lives=False)
        return Content(number=self.number, acting=self.acting, idle=idle)

    def after(self, to: Slot | None, *, dbid: int = 0) -> "Content":
        """After that wave: both copies live and are in sync, the idle one in its new slot, the roles the
        preferred ones again where they return. The catalog's hostname of a new slot is its address,
        as the utilities write it. `dbid` is that of a mirror that had no row.
        """
        acting = _synced(self.acting)
        if to is not None:
            row = _new_mirror(self.number, dbid) if self.idle is None else self.idle.row
            idle = Copy(_placed(row, to), to, lives=True)
            return Content(number=self.number, acting=acting, idle=idle)
        if self.idle is None or not self.switched:
            return self
        idle = _synced(self.idle)
        return Content(
            number=self.number,
            acting=Copy(replace(idle.row, role=Role.PRIMARY), idle.slot, lives=True),
            idle=Copy(replace(acting.row, role=Role.MIRROR), acting.slot, lives=True),
        )


class Walk:
    """Contents while waves go by, and what is at stake meanwhile. `begin` and `end` a wave in turn."""

    def __init__(self, contents: Mapping[int, Content]) -> None:
        self.contents = dict(contents)
        self.at_stake = at_stake(contents.values())

    def begin(self, steps: Iterable[ContentStep]) -> None:
        """The wave works on its contents."""
        for step in steps:
            self._put(self.contents[step.content].during(step.to))

    def end(self, steps: Iterable[ContentStep]) -> None:
        """The wave is done."""
        for step in steps:
            self._put(self.contents[step.content].after(step.to))

    def _put(self, content: Content) -> None:
        self.contents[content.number] = content
        self.at_stake.put(content.number, content.live_hosts)


def at_stake(contents: Iterable[Content]) -> AtStake:
    """What one more loss would cost now."""
    found = AtStake()
    for content in contents:
        found.put(content.number, content.live_hosts)
    return found


def contents_of(observed: Observed, host_of: Callable[[Segment], str]) -> dict[int, Content]:
    """Every content of the catalog, in its order; a copy lives where the catalog calls it up, and
    the idle one in sync too where both are up: as `verify` counts.
    """
    return {
        number: Content(
            number=number,
            acting=Copy(acting, slot_of(acting, host_of(acting)), lives=acting.is_up),
            idle=None if idle is None else _idle(acting, idle, host_of),
        )
        for number, (acting, idle) in observed.by_acting_role().items()
    }


def slot_of(row: Segment, host: str) -> Slot:
    """Where a row stands."""
    return Slot(
        host=host,
        address=row.address,
        port=row.port,
        directory=row.directory,
        replication_port=row.replication_port,
        filespaces=row.filespaces,
    )


def rows_of(content: Content) -> Iterator[Segment]:
    """Its catalog rows."""
    yield content.acting.row
    if content.idle is not None:
        yield content.idle.row


def _idle(acting: Segment, idle: Segment, host_of: Callable[[Segment], str]) -> Copy:
    """Beside a primary that is up, a copy that is not in sync is no second copy: it cannot take over.
    Where the primary is down it is what is left.
    """
    in_sync = acting.mode is Mode.SYNCED and idle.mode is Mode.SYNCED
    lives = idle.is_up and (in_sync or not acting.is_up)
    return Copy(idle, slot_of(idle, host_of(idle)), lives=lives)


def _synced(copy: Copy) -> Copy:
    row = copy.row
    if row.mode is not Mode.SYNCED or row.status is not Status.UP:
        row = replace(row, mode=Mode.SYNCED, status=Status.UP)
    return copy if copy.lives and row is copy.row else Copy(row, copy.slot, lives=True)


def _placed(row: Segment, to: Slot) -> Segment:
    return replace(
        row,
        mode=Mode.SYNCED,
        status=Status.UP,
        hostname=to.address,
        address=to.address,
        port=to.port,
        directory=to.directory,
        replication_port=to.replication_port,
        filespaces=to.filespaces,
    )


def _new_mirror(content: int, dbid: int) -> Segment:
    return Segment(
        dbid=dbid,
        content=content,
        role=Role.MIRROR,
        preferred_role=Role.MIRROR,
        mode=Mode.SYNCED,
        status=Status.UP,
        port=0,
        hostname="",
        address="",
        directory=None,
    )
