"""Why copies failed: what a utility's log says of each, and the last words of the logs on the hosts.

The list of failed segments is of level INFO, and its log files lie on the segments' hosts (6.24.3 and
7.0.0, recorded); before 6 only the mirror's own server log knows, while the utility claims success
(5.8.1, recorded).
"""

import re
import shlex
from collections.abc import Iterable, Sequence

from gpmirror.values import dataclass

_FAILED = re.compile(
    r"hostname: (?P<host>\S+); port: (?P<port>\d{1,5}); logfile: (?P<file>/\S+?); recoverytype: (?P<kind>\w+)"
)
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_STAMP = re.compile(r"^\d{8}:[\d:]+ \S+-\[(?P<level>\w+)\]:-|^\S+ \(dbid \d+\):\s*")
_SERVER = re.compile(r'"(?P<level>PANIC|FATAL|ERROR)","\w{5}","(?P<text>(?:[^"]|"")*)"')
_TELLING = re.compile(
    r"error|fatal|panic|could not|cannot|no space|denied|refused|timed out|no route|failed",
    re.IGNORECASE,
)
_NOISE = (
    "Command gppkg not found",
    "Syncing of Greenplum Database extensions has failed",
    "gppkg --clean",
    "/share/packages",
)
"""What a utility warns of when a host is new to the catalog, or has no packages; no copy fails of it."""

_FULL = "No space left on device"
_MOST_COLUMNS = 240
_MOST_BYTES = 8192
_MOST_FILES = 16
"""Log files that are read on one host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedSegment:
    """A line of a utility's list of failed segments: catalog hostname, port, log file on that host."""

    host: str
    port: int
    file: str


def failed_segments(log: str) -> tuple[FailedSegment, ...]:
    """The utility's list, each once."""
    found = (
        FailedSegment(host=one["host"], port=int(one["port"]), file=one["file"])
        for one in _FAILED.finditer(log)
    )
    return tuple(dict.fromkeys(found))


def is_noise(line: str) -> bool:
    """Whether a warning says nothing about the copies."""
    return any(words in line for words in _NOISE)


def told_without_level(line: str) -> str:
    """A line that bears no warning's level and yet tells of trouble: a full disk, a failed segment.
    Empty: it does not.
    """
    if failed := _FAILED.search(line):
        return f"failed: {failed['host']}:{failed['port']}, log {failed['host']}:{failed['file']}"
    if _FULL in line:
        return shortened(unstamped(line))
    return ""


def cleaned(line: str) -> str:
    """Without control characters; of text that a terminal would have overwritten, the last."""
    return _CONTROL.sub("", line.rstrip("\r").rpartition("\r")[2]).strip()


def unstamped(line: str) -> str:
    """A line without control characters, time stamp, program and level."""
    return _STAMP.sub("", cleaned(line))


def shortened(line: str) -> str:
    """At most some columns: warnings of a thousand characters hide what matters."""
    if len(line) <= _MOST_COLUMNS:
        return line
    return f"{line[:_MOST_COLUMNS].rstrip()} ... ({len(line):,} characters)"


def last_words_script(files: Iterable[str], directories: Iterable[str]) -> str:
    """Print the last bytes of log files, and of each data directory the newest server log and what is
    free on its file system. Changes nothing; bounded.
    """
    given = " ".join(shlex.quote(path) for path in list(dict.fromkeys(files))[:_MOST_FILES])
    folders = " ".join(shlex.quote(path) for path in list(dict.fromkeys(directories))[:_MOST_FILES])
    return f"""\
say() {{ echo "gpmirror-log $1"; tail -c {_MOST_BYTES} "$1" 2>/dev/null; echo; }}
for f in {given}; do [ -f "$f" ] && say "$f"; done
for d in {folders}; do
  f=$(ls -1t "$d"/pg_log/*.csv "$d"/log/*.csv "$d"/pg_log/*.log "$d"/log/*.log 2>/dev/null | head -n 1)
  [ -f "$f" ] && say "$f"
  p=$d; while [ -n "$p" ] && [ ! -d "$p" ]; do p=${{p%/*}}; done
  df -P -k "${{p:-/}}" 2>/dev/null | {{ read -r _; read -r _ _ _ k _ m; echo "gpmirror-free $k $m"; }}
done
exit 0
"""


def read_last_words(answer: str, most: int = 2) -> tuple[str, ...]:
    """What the logs say of trouble, with the file; and file systems that are full."""
    found: list[str] = []
    file, lines = "", list[str]()
    for line in [*answer.split("\n"), "gpmirror-log "]:
        key, _, rest = line.partition(" ")
        if key == "gpmirror-log":
            found += [f"{file}: {words}" for words in _words(lines)[-most:]]
            file, lines = cleaned(rest), []
        elif key == "gpmirror-free":
            kilobytes, _, mount = rest.partition(" ")
            if kilobytes.isdigit() and int(kilobytes) < _LITTLE:
                found.append(f"{cleaned(mount)} has {int(kilobytes):,} kB free")
        else:
            lines.append(line)
    return tuple(dict.fromkeys(found))


_LITTLE = 1024
"""Kilobytes: a file system with less is full."""


def _words(lines: Sequence[str]) -> list[str]:
    """The telling lines of a log: of a server's those of level ERROR and worse."""
    server = [_server_words(m) for line in lines for m in _SERVER.finditer(line)]
    plain = [unstamped(line) for line in lines]
    telling = server or [line for line in plain if _TELLING.search(line) and not is_noise(line)]
    full = [line for line in telling if _FULL in line]
    return [shortened(cleaned(line)) for line in dict.fromkeys(full or telling)]


def _server_words(found: re.Match[str]) -> str:
    return f"{found['level']}: {found['text']}".replace('""', '"')
