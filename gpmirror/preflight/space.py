"""Checks of bytes and inodes: everything that lands on one file system, summed.

A copy needs what its primary holds, as measured on the primary's host, and a tenth more, for what is
written meanwhile: the data directory with its WAL on the mirror's file system, each filespace (4.3
and 5) and each tablespace (6 and later) on its own. Old directories are kept, so a move frees
nothing; a new copy in the place of its old one gets the room that was measured there.
"""

from collections.abc import Iterator
from dataclasses import replace

from gpmirror.plan.hazards import LOW_SPACE
from gpmirror.preflight.directories import lacking, location_of
from gpmirror.preflight.facts import Landing, LandingPlace, Parent, Room, Weight
from gpmirror.preflight.model import Finding, HostAnswers, Visit, bad, ok, unknown
from gpmirror.values import dataclass

FILES_PER_COPY = 5_000
"""Files that even a small segment has: some thousand for each of its databases."""

_UNITS = ("kB", "MB", "GB", "TB", "PB")
_STEP = 1000
_DATA = "data and WAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of a copy that lands at `path`: `need` bytes (None: unknown), `at_most` where that is
    a bound, `measured` where the primary's host told it. `freed`: of the old copy in its place,
    None: not known.
    """

    content: int
    path: str
    what: str
    need: int | None
    measured: bool
    at_most: bool = False
    freed: int | None = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """What lands on one file system; `path` is where it was looked at."""

    path: str
    room: Room
    pieces: tuple[Piece, ...]

    @property
    def contents(self) -> tuple[int, ...]:
        """Whose copies."""
        return tuple(sorted({piece.content for piece in self.pieces}))

    @property
    def needed(self) -> int:
        """Bytes with a tenth, as far as known, bounds included."""
        return _with_a_tenth(piece.need for piece in self.pieces) - self.freed

    @property
    def certain(self) -> int:
        """Bytes with a tenth that are needed in any case."""
        sure = (piece.need for piece in self.pieces if not piece.at_most)
        most = sum((p.need or 0) if p.freed is None else p.freed for p in self.pieces)
        return _with_a_tenth(sure) - most

    @property
    def freed(self) -> int:
        """Bytes that old copies are known to make free."""
        return sum(piece.freed or 0 for piece in self.pieces)


def _with_a_tenth(needs: Iterator[int | None]) -> int:
    known = sum(need for need in needs if need is not None)
    return known + known // 10


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
                    override=LOW_SPACE,
                )
            )
    return found or ([ok("inodes are free")] if visit.asked.landings else [])


def measured_sizes(found: HostAnswers) -> dict[int, int]:
    """Bytes of each content's data directory and filespaces, as the primaries' hosts measured them."""
    sizes = {}
    for content, seen in found.sources.items():
        weight = seen.server.weight
        if weight.data is not None and len(weight.filespaces) == len(seen.source.filespaces):
            sizes[content] = weight.data + sum(weight.filespaces.values())
    return sizes


def _unseen(visit: Visit) -> Iterator[Finding]:
    for where, piece in _pieces(visit):
        if where is None:
            yield unknown(
                f"content {piece.content}: the free space at {piece.path} is not known",
                f"`df {piece.path.rpartition('/')[0] or '/'}`",
            )


def _fillings(visit: Visit) -> list[Filling]:
    """What is copied in full, by file system; a copy that enters a directory twice counts once."""
    rooms: dict[int, tuple[str, Room]] = {}
    pieces: dict[int, dict[tuple[int, str], Piece]] = {}
    for where, piece in _pieces(visit):
        if where is not None:
            device, path, room = where
            rooms.setdefault(device, (path, room))
            pieces.setdefault(device, {}).setdefault((piece.content, piece.path), piece)
    return [
        Filling(path=path, room=room, pieces=tuple(pieces[device].values()))
        for device, (path, room) in rooms.items()
    ]


_Where = tuple[int, str, Room] | None
"""Device, path and room."""


def _pieces(visit: Visit) -> Iterator[tuple[_Where, Piece]]:
    """Everything that lands on a host, and the file system that it lands on."""
    rooms, untold = visit.survey.rooms.get(visit.host, {}), lacking(visit)
    for landing, parent, place in visit.landings():
        if not landing.is_copied:
            continue
        piece = _piece(visit.survey, landing)
        if landing.keeps and place is not None and place.entries:
            piece = replace(piece, freed=place.size)
        yield _where(parent, place), piece
        for spot in _spaces(visit.survey, landing):
            room = rooms.get(spot.path)
            if room is None and spot.path in untold:
                continue  # the check of tablespaces speaks of it
            yield (None if room is None else (room[0], spot.path, room[1])), spot


def _where(parent: Parent | None, place: LandingPlace | None) -> _Where:
    """A landing's file system, seen at itself or at its nearest ancestor."""
    if place is not None and place.exists and place.status is not None and place.room is not None:
        return place.status.device, parent.path if parent else "", place.room
    if parent is not None and parent.status is not None and parent.room is not None:
        return parent.status.device, parent.path, parent.room
    return None


def _piece(found: HostAnswers, landing: Landing) -> Piece:
    """What lands in a directory: a filespace as its primary's was measured, else the data directory.
    Where the host did not measure, the databases' size as the server or the plan tells it stands in,
    with the WAL, which is always quickly measured.
    """
    seen, told = found.sources.get(landing.content), found.sizes.get(landing.content)
    weight = Weight() if seen is None else seen.server.weight
    cut_off = seen is None or not found.facts[seen.host].complete  # the check of that host blocks
    content, path = landing.content, landing.path
    if landing.filespace is not None:
        own = {} if seen is None else dict(seen.source.filespaces)
        size = weight.filespaces.get(own.get(landing.filespace, ""))
        what = f"filespace {landing.filespace}"
        return _told(content, path, what, size, told, at_most=True)
    wal = 0 if cut_off and weight.wal is None else weight.wal
    rest = None if told is None or wal is None else told + wal
    spread = seen is not None and bool(seen.source.filespaces or seen.server.tablespaces)
    return _told(content, path, _DATA, weight.data, rest, at_most=spread)


def _spaces(found: HostAnswers, landing: Landing) -> Iterator[Piece]:
    """The tablespaces that come with a data directory, to the same locations."""
    seen, told = found.sources.get(landing.content), found.sizes.get(landing.content)
    if seen is None or landing.filespace is not None:
        return
    for target in seen.server.tablespaces:
        path = location_of(target, seen.source.dbid)
        size = seen.server.weight.spaces.get(target)
        if size is not None or seen.server.weight.data is not None:
            yield _told(landing.content, path, "tablespaces", size, told, at_most=True)


def _told(
    content: int, path: str, what: str, size: int | None, instead: int | None, *, at_most: bool
) -> Piece:
    return Piece(
        content=content,
        path=path,
        what=what,
        need=instead if size is None else size,
        measured=size is not None,
        at_most=size is None and at_most,
    )


def _bytes(visit: Visit, filling: Filling) -> Finding:
    needed, free = filling.needed, filling.room.available
    copies = f"{len(filling.contents)} {'copy' if len(filling.contents) == 1 else 'copies'}"
    need = "needs" if len(filling.contents) == 1 else "need"
    unsized = sorted({piece.content for piece in filling.pieces if piece.need is None})
    if filling.certain >= free:
        return bad(
            f"{filling.path}: {told(free)} are free, {copies} {need} {told(needed)} "
            f"({_basis(filling)})",
            "make room, or choose a root on another file system",
            override=LOW_SPACE,
        )
    if unsized:
        return _by_file_systems(visit, filling, unsized)
    if needed < free:
        return ok(
            f"{filling.path}: {told(free)} free, {told(max(needed, 0))} needed for {copies} "
            f"({_basis(filling)})"
        )
    return unknown(
        f"{filling.path}: {told(free)} are free, {copies} {need} up to {told(needed)} "
        f"({_basis(filling)}); it was not measured how much of that comes here",
        "compare with `du -sh` of the primaries' directories",
    )


def _basis(filling: Filling) -> str:
    """`content 0, 1; data and WAL as measured on the primaries' hosts, and a tenth`."""
    parts = " and ".join(dict.fromkeys(piece.what for piece in filling.pieces))
    if all(piece.measured for piece in filling.pieces):
        source = "as measured on the primaries' hosts"
    else:
        source = "in part by the size of the databases, as `du` did not come to its end"
    freed = f"; the old copies make {told(filling.freed)} free" if filling.freed else ""
    return f"content {_list(filling.contents)}; {parts} {source}, and a tenth{freed}"


def _by_file_systems(visit: Visit, filling: Filling, unsized: list[int]) -> Finding:
    """Sizes unknown: enough room for all that the primaries' file systems hold is enough."""
    bound = _used_by(visit.survey, unsized)
    needed, free = filling.needed, filling.room.available
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


def _used_by(found: HostAnswers, contents: list[int]) -> int | None:
    """Bytes in use on the file systems of these contents' primaries, each once."""
    used: dict[tuple[str, int], int] = {}
    for content in contents:
        seen = found.sources.get(content)
        if seen is None or seen.server.status is None or seen.server.room is None:
            return None
        used[seen.host, seen.server.status.device] = seen.server.room.used
    return sum(used.values())


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
