"""Checks of bytes and inodes: everything that lands on one file system, summed.

A copy needs its primary's size and a tenth more, for the log written meanwhile. Old directories
are kept, so a move frees nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from gpmirror.plan.model import Action, Method
from gpmirror.preflight.facts import Parent, Place, Room
from gpmirror.preflight.questions import Landing
from gpmirror.preflight.survey import Finding, Survey, Visit, bad, ok, unknown

FILES_PER_COPY = 5_000
"""Files that even a small segment has: some thousand for each of its databases."""

_UNITS = ("kB", "MB", "GB", "TB", "PB")
_STEP = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """Copies that land on one file system; `path` is where it was looked at."""

    path: str
    room: Room
    contents: tuple[int, ...]


def judge_space(visit: Visit) -> list[Finding]:
    """Bytes."""
    found = [_bytes(visit, filling) for filling in _fillings(visit)]
    return [*_unseen(visit), *found]


def judge_inodes(visit: Visit) -> list[Finding]:
    """Inodes; a file system that does not count them has enough."""
    found = []
    for filling in _fillings(visit):
        needed = FILES_PER_COPY * len(filling.contents)
        free = filling.room.inodes_free
        if filling.room.inodes and free < needed:
            found.append(
                bad(
                    f"{filling.path}: {free:,} inodes are free, {len(filling.contents)} copies "
                    f"need {needed:,} at least",
                    "remove small files there, or choose a root on another file system",
                )
            )
    return found or ([ok("inodes are free")] if visit.asked.landings else [])


def _unseen(visit: Visit) -> Iterator[Finding]:
    for landing, parent, place in visit.landings():
        if _is_copied(landing, place) and _where(parent, place) is None:
            yield unknown(
                f"content {landing.content}: the free space at {landing.path} is not known",
                f"`df {landing.parent}`",
            )


def _fillings(visit: Visit) -> list[Filling]:
    """Landings that are copied in full, by file system; a content counts once on each."""
    rooms: dict[int, tuple[str, Room]] = {}
    contents: dict[int, dict[int, None]] = {}
    for landing, parent, place in visit.landings():
        where = _where(parent, place)
        if where is not None and _is_copied(landing, place):
            device, path, room = where
            rooms.setdefault(device, (path, room))
            contents.setdefault(device, {})[landing.content] = None
    return [
        Filling(path=path, room=room, contents=tuple(contents[device]))
        for device, (path, room) in rooms.items()
    ]


def _where(parent: Parent | None, place: Place | None) -> tuple[int, str, Room] | None:
    """Device, path and room of a landing, seen at itself or at its nearest ancestor."""
    if place is not None and place.exists and place.status is not None and place.room is not None:
        return place.status.device, parent.path if parent else "", place.room
    if parent is not None and parent.status is not None and parent.room is not None:
        return parent.status.device, parent.path, parent.room
    return None


def _is_copied(landing: Landing, place: Place | None) -> bool:
    """Whether all of the copy comes in addition to what is there; a full copy over an old one takes
    its room.
    """
    if landing.action is Action.RECOVER and landing.method is not Method.FULL:
        return False
    return not (landing.keeps and place is not None and place.entries)


def _bytes(visit: Visit, filling: Filling) -> Finding:
    sizes = {content: size_of(visit.survey, content) for content in filling.contents}
    known = sum(size for size in sizes.values() if size is not None)
    unsized = [content for content, size in sizes.items() if size is None]
    needed, free = known + known // 10, filling.room.available
    copies = f"{len(sizes)} {'copy' if len(sizes) == 1 else 'copies'}"
    if needed >= free:
        return bad(
            f"{filling.path}: {told(free)} are free, {copies} need {told(needed)} "
            f"(content {_list(filling.contents)}; their size and a tenth)",
            "make room, or choose a root on another file system",
        )
    if not unsized:
        return ok(f"{filling.path}: {told(free)} free, {told(needed)} needed for {copies}")
    return _by_file_systems(visit, filling, unsized, needed)


def _by_file_systems(visit: Visit, filling: Filling, unsized: list[int], needed: int) -> Finding:
    """Sizes unknown: enough room for all that the primaries' file systems hold is enough."""
    bound = _used_by(visit.survey, unsized)
    free = filling.room.available
    if bound is not None and needed + bound < free:
        return ok(
            f"{filling.path}: {told(free)} free; sizes are not known, but all that the primaries' "
            f"file systems hold is {told(bound)}"
        )
    held = "" if bound is None else f"; the primaries' file systems hold {told(bound)}"
    return unknown(
        f"{filling.path}: {told(free)} are free, but the size of content {_list(tuple(unsized))} is "
        f"not known{held}",
        "measure the primaries' directories with `du -sh` and compare",
    )


def _used_by(found: Survey, contents: list[int]) -> int | None:
    """Bytes in use on the file systems of these contents' primaries, each once."""
    used: dict[tuple[str, int], int] = {}
    for content in contents:
        seen = found.sources.get(content)
        if seen is None or seen.server.status is None or seen.server.room is None:
            return None
        used[seen.host, seen.server.status.device] = seen.server.room.used
    return sum(used.values())


def size_of(found: Survey, content: int) -> int | None:
    """Bytes of a content: as the server or the plan says, else as measured."""
    seen = found.sources.get(content)
    measured = None if seen is None else seen.server.size
    return found.sizes.get(content, measured)


def told(amount: int) -> str:
    """`812.5 GB`, decimal units."""
    size, unit = float(amount), "bytes"
    for larger in _UNITS:
        if size < _STEP:
            break
        size, unit = size / _STEP, larger
    return f"{amount} bytes" if unit == "bytes" else f"{size:.1f} {unit}"


def _list(contents: tuple[int, ...], most: int = 8) -> str:
    shown = ", ".join(str(content) for content in sorted(contents)[:most])
    rest = len(contents) - most
    return f"{shown} and {rest} more" if rest > 0 else shown
