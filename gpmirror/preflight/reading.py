"""A host's answer -> facts. Whatever the text holds, something comes out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TypeVar

from gpmirror.preflight.facts import (
    FileStatus,
    HostFacts,
    LandingPlace,
    LockFile,
    Parent,
    PrimaryServer,
    Process,
    Questions,
    Room,
    Socket,
    SourceDirectory,
    UtilityHelp,
    Weight,
    endpoint_of,
    number_of,
    numbers_of,
    text_of,
)
from gpmirror.preflight.model import read_machines, read_names
from gpmirror.preflight.shell import END, VERSION
from gpmirror.values import dataclass

# --- The part of a host's answer that is about directories, put together again.
#
# Status lines come for the paths that exist, in the order of the questions; where their number does
# not fit (a directory vanished in between) none of them is used.


Lines = Mapping[str, Sequence[str]]

_HEAD_BYTES = 16
_IDENTIFIER_BYTES = 8
_KILO = 1024
_WAL = ("pg_xlog/", "pg_wal/")
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Directories in the order of the questions; fewer where lines are missing."""

    parents: tuple[Parent, ...]
    places: tuple[LandingPlace, ...]
    servers: tuple[PrimaryServer, ...]


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
    rooms = dict(zip(existing, _fitting(found, "room", len(existing), room_of), strict=False))
    heads = _identifiers(found, asked)
    sizes = _kilobytes(found, "sizes")
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
                size=sizes.get(landing.path),
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
                weight=_weight(found, source, number) if source.copied else Weight(),
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


def _place(line: str) -> LandingPlace:
    words = line.split(" ")
    return LandingPlace(
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


def _server(line: str) -> PrimaryServer:
    words = [*line.split(" "), ""]
    return PrimaryServer(
        exists=_flag(line, "e"), pid=number_of(words[1]) or 0, backup_mode=_flag(line, "b")
    )


def _tablespaces(found: Lines, number: int) -> tuple[str, ...]:
    return tuple(sorted({target for target, _ in _links(found, number)}))


def _links(found: Lines, number: int) -> list[tuple[str, str]]:
    """Where the links in pg_tblspc of this server lead, with their names."""
    words = ([*line.split(" "), "", ""][:3] for line in found.get("tablespace", ()))
    pairs = ((text_of(word), name) for index, word, name in words if index == str(number))
    return [(target, name) for target, name in pairs if target is not None]


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


def room_of(line: str) -> Room | None:
    """A file system as `stat -f` tells it: block size, blocks, free, available, inodes, free."""
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


def _kilobytes(found: Lines, section: str) -> dict[str, int]:
    """Bytes by path, as du told them; a section that breaks off tells nothing, one that ran out of
    time the paths that were done.
    """
    if f"{section}-ended" not in found:
        return {}
    lines = (line.partition("\t") for line in found.get(section, ()))
    sizes = {path: number_of(kilobytes) for kilobytes, _, path in lines}
    return {path: amount * _KILO for path, amount in sizes.items() if amount is not None}


def _weight(found: Lines, source: SourceDirectory, number: int) -> Weight:
    """What a copy of this primary gets, as far as its host measured it."""
    sizes, logs, spared = (_kilobytes(found, name) for name in ("sizes", "logs", "spared"))
    data, root = sizes.get(source.path), f"{source.path}/"
    wals = [root + name for name in _WAL]
    wal = [logs[path] for path in wals if path in logs]
    if data is not None:
        data += sum(sizes.get(path, 0) for path in wals)  # there where a link leads elsewhere
        data -= sum(size for path, size in spared.items() if path.startswith(root))
    spaces = {
        target: sizes[f"{root}pg_tblspc/{name}/"]
        for target, name in _links(found, number)
        if f"{root}pg_tblspc/{name}/" in sizes
    }
    return Weight(
        data=None if data is None else max(data, 0),
        wal=sum(wal) if wal else None,
        spaces=spaces,
        filespaces={path: sizes[path] for _, path in source.filespaces if path in sizes},
    )


# --- A host's answer -> facts. Whatever the text holds, something comes out: what cannot be read is
# missing from the facts.


_SECTIONS = ("names", "logs", "spared", "sizes")
_MOST_LINES = 100_000


def read_facts(text: str, asked: Questions) -> HostFacts | None:
    """The facts of a host; None: the text is no answer of this version's script."""
    lines = text.split("\n")
    if VERSION not in lines:
        return None
    found = sorted_lines(lines[lines.index(VERSION) :])
    paths = read_paths(found, asked)
    return HostFacts(
        complete=END in lines,
        hostname=_text(found, "hostname"),
        machine=_text(found, "machine"),
        uid=_number(found, "login"),
        user=text_of(_words(found, "login", 2)[1]),
        clock=_number(found, "clock"),
        shell_noise=_noise(found),
        port_range=_range(found),
        reserved_ports=_reserved(found),
        sockets=_sockets(found),
        parents=paths.parents,
        places=paths.places,
        servers=paths.servers,
        software=_text(found, "software"),
        version=_text(found, "version"),
        checksums=_text(found, "checksums"),
        names=read_names(found, asked.all_names),
        processes=read_processes(found),
        coordinator_found=_coordinator(found),
        locks=read_locks(found),
        leftovers=read_leftovers(found),
        utilities=_utilities(found),
        machines=read_machines(found.get("resolves", ())),
    )


def read_related(text: str) -> dict[str, str | None]:
    """What `script.related_script` printed: the IP of each name, None where it has none."""
    return read_machines(sorted_lines(text.split("\n")).get("resolves", ()))


def sorted_lines(lines: Sequence[str]) -> Lines:
    """Lines by key; the lines of a section under the section's name."""
    found: dict[str, list[str]] = {}
    section = None
    for line in islice(lines, _MOST_LINES):
        key, _, rest = line.partition(" ")
        if section is None and key in _SECTIONS and rest == "begin":
            section = key
            found.setdefault(key, [])
        elif section is not None and line == f"{section} end":
            found.setdefault(f"{section}-ended", []).append("")
            section = None
        else:
            found.setdefault(section or key, []).append(line if section else rest)
    return found


def _words(found: Lines, key: str, count: int) -> list[str]:
    """The first line's words, padded with empty ones."""
    first = next(iter(found.get(key, ())), "")
    return [*first.split(" "), *[""] * count][:count]


def _text(found: Lines, key: str) -> str | None:
    return text_of(_words(found, key, 1)[0])


def _number(found: Lines, key: str) -> int | None:
    return number_of(_words(found, key, 1)[0])


def _noise(found: Lines) -> str | None:
    """The first line that a fresh shell prints; empty: none. A shell that refuses to run is not the
    one that answered us, so it says nothing.
    """
    if "shell" not in found:
        return None
    status, noise = _words(found, "shell", 2)
    return text_of(noise) or "" if status == "0" else ""


def _range(found: Lines) -> tuple[int, int] | None:
    pair = numbers_of(_words(found, "range", 2), 2)
    return None if pair is None else (pair[0], pair[1])


def _reserved(found: Lines) -> str | None:
    return (_text(found, "reserved") or "") if "reserved" in found else None


def _sockets(found: Lines) -> tuple[Socket, ...] | None:
    """Every line must be readable, or nothing is known."""
    if "sockets" not in found:
        return None
    sockets = [_socket(line) for line in found.get("socket", ())]
    known = [socket for socket in sockets if socket is not None]
    return tuple(known) if len(known) == len(sockets) else None


def _socket(line: str) -> Socket | None:
    state, _, where = line.partition(" ")
    endpoint = endpoint_of(where)
    if endpoint is None:
        return None
    return Socket(address=endpoint[0], port=endpoint[1], listens=state == "L")


def read_processes(found: Lines) -> tuple[Process, ...] | None:
    """The processes that the first sieve let through; None: the host cannot list them."""
    if "processes" not in found:
        return None
    found_now = (_process(line.split(" ")) for line in found.get("process", ()))
    return tuple(process for process in found_now if process is not None)


def _process(words: Sequence[str]) -> Process | None:
    number, told, serves, port = [*words, "", "", "", ""][:4]
    pid, line = number_of(number), text_of(told)
    if pid is None or line is None:
        return None
    return Process(
        pid=pid,
        arguments=tuple(line.removesuffix("\0").split("\0")),
        serves={"ours": True, "other": False}.get(serves),
        port=number_of(port),
    )


def _utilities(found: Lines) -> dict[str, UtilityHelp]:
    """`NAME STATUS SAID OPTION...` for each utility that was asked."""
    told = {}
    for line in found.get("utility", ()):
        name, status, said, *offers = [*line.split(" "), "", ""]
        ended = number_of(status)
        if ended is not None:
            offered = frozenset(word for word in offers if word)
            told[name] = UtilityHelp(status=ended, said=text_of(said) or "", offers=offered)
    return told


def _coordinator(found: Lines) -> bool | None:
    return _words(found, "coordinator", 1)[0] == "yes" if "coordinator" in found else None


def read_locks(found: Lines) -> tuple[LockFile, ...]:
    """The lock and status files of the coordinator's directory."""
    locks = []
    for line in found.get("lock", ()):
        pid, state, word, written, started = [*line.split(" "), *[""] * 5][:5]
        path = text_of(word)
        if path is not None:
            lock = LockFile(
                path=path,
                pid=number_of(pid),
                alive=state == "alive",
                written=number_of(written),
                started=number_of(started),
                line=f"lock {line}",
            )
            locks.append(lock)
    return tuple(locks)


def read_leftovers(found: Lines) -> tuple[str, ...]:
    """Progress files that nobody took away."""
    texts = (text_of(line) for line in found.get("leftover", ()))
    return tuple(text for text in texts if text is not None)
