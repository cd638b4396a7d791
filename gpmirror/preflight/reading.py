"""A host's answer -> facts. Whatever the text holds, something comes out: what cannot be read is
missing from the facts.
"""

from collections.abc import Mapping, Sequence
from itertools import islice

from gpmirror.preflight.encoding import endpoint_of, number_of, numbers_of, text_of
from gpmirror.preflight.facts import HostFacts, LockFile, Process, Socket, UtilityHelp
from gpmirror.preflight.names import read_machines, read_names
from gpmirror.preflight.paths import read_paths
from gpmirror.preflight.questions import Questions
from gpmirror.preflight.shell import END, VERSION

Lines = Mapping[str, Sequence[str]]
"""Key -> the rest of each line with it, in order; those of `_SECTIONS` hold whole sections."""

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
