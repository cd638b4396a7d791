"""The part of a host's answer that is about directories, put together again.

Status lines come for the paths that exist, in the order of the questions; where their number does
not fit (a directory vanished in between) none of them is used.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from gpmirror.preflight.encoding import number_of, numbers_of, text_of
from gpmirror.preflight.facts import FileStatus, Parent, Place, Room, Server
from gpmirror.preflight.questions import Questions

Lines = Mapping[str, Sequence[str]]

_HEAD_BYTES = 16
_IDENTIFIER_BYTES = 8
_KILO = 1024
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Directories in the order of the questions; fewer where lines are missing."""

    parents: tuple[Parent, ...]
    places: tuple[Place, ...]
    servers: tuple[Server, ...]


def read_paths(found: Lines, asked: Questions) -> Paths:
    """What stands at every path."""
    parents = [_parent(line) for line in found.get("parent", ())][: len(asked.parents)]
    places = _paired(asked.landings, found.get("place", ()))
    servers = _paired(asked.sources, found.get("server", ()))
    existing = [
        text_of(line.split(" ")[1]) or ""
        for line in found.get("parent", ())[: len(asked.parents)]
        if _flag(line, "e")
    ]
    existing += [landing.path for landing, line in places if _flag(line, "e")]
    existing += [source.path for source, line in servers if _flag(line, "e")]
    statuses = dict(zip(existing, _fitting(found, "stat", len(existing), _status), strict=False))
    rooms = dict(zip(existing, _fitting(found, "room", len(existing), _room), strict=False))
    heads = _identifiers(found, asked)
    sizes = _sizes(found, asked)
    return Paths(
        parents=tuple(
            replace(parent, status=statuses.get(parent.path), room=rooms.get(parent.path))
            for parent in parents
        ),
        places=tuple(
            replace(
                _place(line),
                status=statuses.get(landing.path),
                room=rooms.get(landing.path),
                identifier=heads.get(landing.path),
            )
            for landing, line in places
        ),
        servers=tuple(
            replace(
                _server(line),
                tablespaces=_tablespaces(found, number),
                status=statuses.get(source.path),
                room=rooms.get(source.path),
                identifier=heads.get(source.path),
                size=sizes.get(source.path),
            )
            for number, (source, line) in enumerate(servers)
        ),
    )


def control_paths(asked: Questions) -> list[str]:
    """The directories whose system identifier matters: copies brought back in place, and sources."""
    places = [landing.path for landing in asked.landings if landing.in_place and landing.main]
    return [*places, *(source.path for source in asked.sources if source.compared)]


def _paired(asked: Sequence[_Value], lines: Sequence[str]) -> list[tuple[_Value, str]]:
    return list(zip(asked, lines, strict=False))


def _fitting(
    found: Lines, key: str, count: int, read: Callable[[str], _Value | None]
) -> list[_Value | None]:
    lines = found.get(key, ())
    return [read(line) for line in lines] if len(lines) == count else []


def _flag(line: str, letter: str) -> bool:
    return letter in line.split(" ", maxsplit=1)[0]


def _parent(line: str) -> Parent:
    words = [*line.split(" "), "", "", ""]
    return Parent(
        path=text_of(words[1]) or "",
        physical=text_of(words[2]),
        within=text_of(words[3]) or None,
        is_directory=_flag(line, "d"),
        is_link=_flag(line, "h"),
        writable=_flag(line, "w"),
        searchable=_flag(line, "x"),
    )


def _place(line: str) -> Place:
    words = line.split(" ")
    return Place(
        exists=_flag(line, "e"),
        is_directory=_flag(line, "d"),
        is_link=_flag(line, "h"),
        readable=_flag(line, "r"),
        entries=number_of(words[1]) or 0 if len(words) > 1 else 0,
        names=tuple(name for word in words[2:] if (name := text_of(word)) is not None),
        backup_label=_flag(line, "b"),
        standby_signal=_flag(line, "s"),
        serves=_flag(line, "p"),
    )


def _server(line: str) -> Server:
    words = [*line.split(" "), ""]
    return Server(exists=_flag(line, "e"), pid=number_of(words[1]) or 0)


def _tablespaces(found: Lines, number: int) -> tuple[str, ...]:
    pairs = (line.partition(" ") for line in found.get("tablespace", ()))
    texts = (text_of(word) for index, _, word in pairs if index == str(number))
    return tuple(sorted({text for text in texts if text is not None}))


def _status(line: str) -> FileStatus | None:
    uid, mode, device, owner = [*line.split(" ", 3), "", "", "", ""][:4]
    known = numbers_of((uid, device), 2)
    try:
        bits = int(mode, 16)
    except ValueError:
        return None
    return (
        FileStatus(uid=known[0], owner=owner, mode=bits & 0o7777, device=known[1])
        if known
        else None
    )


def _room(line: str) -> Room | None:
    known = numbers_of(line.split(" "), 6)
    if known is None:
        return None
    block, total, free, available, inodes, inodes_free = known
    return Room(
        used=block * max(total - free, 0),
        available=block * available,
        inodes=inodes,
        inodes_free=inodes_free,
    )


def _identifiers(found: Lines, asked: Questions) -> dict[str, str]:
    """System identifiers by directory, from the heads of the pg_control files that can be read."""
    flags = zip(control_paths(asked), found.get("control", ()), strict=False)
    paths = [path for path, flag in flags if "c" in flag]
    heads = [line.split() for line in found.get("", ()) if line.strip()]
    if len(heads) != len(paths) or any(len(head) != _HEAD_BYTES for head in heads):
        return {}
    return {path: _identifier(head) for path, head in zip(paths, heads, strict=True)}


def _identifier(head: Sequence[str]) -> str:
    try:
        return str(int("".join(reversed(head[:_IDENTIFIER_BYTES])), 16))
    except ValueError:
        return ""


def _sizes(found: Lines, asked: Questions) -> dict[str, int]:
    """Bytes by directory, its tablespaces included; none where measuring was cut short."""
    sizes: dict[str, int] = {}
    if "sizes-ended" not in found or "sizes-cut" in found:
        return sizes
    for line in found.get("sizes", ()):
        kilobytes, _, path = line.partition("\t")
        amount = number_of(kilobytes)
        for measured in asked.measured:
            if amount is not None and (path == measured or path.startswith(f"{measured}/")):
                sizes[measured] = sizes.get(measured, 0) + amount * _KILO
    return {path: sizes[path] for path in asked.measured if path in sizes}
