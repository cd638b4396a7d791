"""The processes of a practice cluster: found by what marks them as its own, ended."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

# --- The processes of a practice cluster: found by what marks them as its own, ended for good.
#
# A pid file can be missing or stale after a crash. What cannot lie is a process itself: it was
# started with the lab's folder in its environment, or it is a server whose command line names that
# folder, or it holds a socket bound to one of the lab's addresses.


_PROC = Path("/proc")
_SERVERS = frozenset({"postgres", "postmaster", "sshd", "pg_basebackup", "pg_rewind", "initdb"})
_SOCKET = re.compile(r"socket:\[(\d+)\]")
_PATIENCE = 5.0
_QUIET_LOOKS = 2
_START_FIELD = 19  # of /proc/PID/stat, counted from 0 behind the name


def lab_processes(state: Path, ips: Collection[str] = ()) -> set[int]:
    """The ids of every process of the lab in `state`, but for this one and its ancestors."""
    sockets = _sockets(ips)
    found = {pid for pid in _pids() if _is_ours(pid, state, sockets)}
    return found - _own_line()


def host_processes(state: Path, folder: Path) -> set[int]:
    """The processes of one host: its servers, its sessions and what runs in them."""
    mark = f"GPM_LAB_HOST={folder.name}".encode()
    ours = {
        pid
        for pid in _pids()
        if (_program(pid) in _SERVERS and _names(pid, folder))
        or (_marked(pid, state) and mark in _read(pid, "environ").split(b"\0"))
    }
    return descendants(ours) - _own_line()


def utilities(state: Path) -> dict[int, str]:
    """The command lines of the native stand-ins that run now, by process id."""
    module = b"gpmirror.lab.utilities"
    lines = {pid: _read(pid, "cmdline").split(b"\0") for pid in _pids() if _marked(pid, state)}
    return {
        pid: b" ".join(words[words.index(module) + 1 :]).decode(errors="replace").strip()
        for pid, words in lines.items()
        if module in words
    }


def alive(pid: int) -> bool:
    """Whether a process runs and is not just waiting to be reaped."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}


def descendants(pids: Collection[int]) -> set[int]:
    """The processes themselves with their children and children's children."""
    children: dict[int, list[int]] = {}
    for pid in _pids():
        children.setdefault(_parent(pid), []).append(pid)
    found: set[int] = set()
    waiting = list(pids)
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting += children.get(pid, [])
    return found


def end(find: Callable[[], set[int]]) -> set[int]:
    """End what `find` finds with all that it started: postmasters at once but tidily, the rest by
    TERM, who stays by KILL. Returns what would not go.

    A server's children no longer bear what marks them once they have a title of their own, so
    they are remembered from when their parent lived. Looks until nothing was found twice, as a
    process may start another while it is being ended.
    """
    deadline = time.monotonic() + _PATIENCE
    known: dict[int, str] = {}
    asked: set[int] = set()
    quiet = 0
    while quiet < _QUIET_LOOKS:
        found = {pid for pid in find() if alive(pid)}
        for pid in descendants(found) - _own_line():
            known.setdefault(pid, _started(pid))
        living = {pid for pid, since in known.items() if _started(pid) == since and alive(pid)}
        quiet = 0 if living else quiet + 1
        late = time.monotonic() > deadline
        if living and time.monotonic() > deadline + _PATIENCE:
            return living
        for pid in living if late else (found & living) - asked:
            _send(pid, signal.SIGKILL if late else _polite(pid))
        asked |= found
        time.sleep(0.02)
    return set()


def _started(pid: int) -> str:
    """When a process began, as the kernel counts it: a number used again has another."""
    fields = _read(pid, "stat").rpartition(b")")[2].split()
    return fields[_START_FIELD].decode() if len(fields) > _START_FIELD else ""


def _polite(pid: int) -> signal.Signals:
    """SIGQUIT makes a postmaster drop everything and still remove its shared memory."""
    return signal.SIGQUIT if _program(pid) in {"postgres", "postmaster"} else signal.SIGTERM


def _send(pid: int, what: signal.Signals) -> None:
    try:
        os.kill(pid, what)
    except (ProcessLookupError, PermissionError):
        return


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdecimal())


def _is_ours(pid: int, state: Path, sockets: frozenset[str]) -> bool:
    return (
        _marked(pid, state)
        or (_program(pid) in _SERVERS and _names(pid, state))
        or (bool(sockets) and not sockets.isdisjoint(_held(pid)))
    )


def _marked(pid: int, state: Path) -> bool:
    mark = f"GPM_LAB_STATE={state}".encode()
    return mark in _read(pid, "environ").split(b"\0")


def _names(pid: int, state: Path) -> bool:
    return f"{state}/".encode() in _read(pid, "cmdline")


def _program(pid: int) -> str:
    return _read(pid, "comm").decode(errors="replace").strip()


def _read(pid: int, file: str) -> bytes:
    try:
        return (_PROC / str(pid) / file).read_bytes()
    except OSError:
        return b""


def _held(pid: int) -> set[str]:
    """The inodes of the sockets a process holds; empty where we may not look."""
    held = set()
    try:
        for descriptor in (_PROC / str(pid) / "fd").iterdir():
            if match := _SOCKET.fullmatch(str(descriptor.readlink())):
                held.add(match[1])
    except OSError:
        return held
    return held


def _sockets(ips: Collection[str]) -> frozenset[str]:
    """The inodes of the sockets whose own end is one of the addresses."""
    wanted = {_hex(ip) for ip in ips}
    if not wanted:
        return frozenset()
    rows = (_PROC / "net" / "tcp").read_text(encoding="ascii").splitlines()[1:]
    fields = (row.split() for row in rows)
    return frozenset(
        row[9] for row in fields if row[1].partition(":")[0] in wanted and row[9] != "0"
    )


def _hex(ip: str) -> str:
    """An address as /proc/net/tcp writes it: the kernel's own byte order."""
    import socket
    import sys

    return f"{int.from_bytes(socket.inet_aton(ip), sys.byteorder):08X}"


def _parent(pid: int) -> int:
    fields = _read(pid, "stat").rpartition(b")")[2].split()
    return int(fields[1]) if len(fields) > 1 else 0


def _own_line() -> set[int]:
    line = set()
    pid = os.getpid()
    while pid > 1 and pid not in line:
        line.add(pid)
        pid = _parent(pid)
    return line


# --- The one thing a killed PostgreSQL leaves outside its folder: a small shared memory segment.


_TABLE = Path("/proc/sysvipc/shm")


def free_memory(state: Path) -> None:
    """Remove the segments of the lab's servers that nobody uses any more; call before their
    directories go: a segment's key is the inode number of its data directory.
    """
    keys = {str(folder.stat().st_ino) for folder in _data_directories(state)}
    rows = [row.split() for row in _TABLE.read_text(encoding="ascii").splitlines()]
    for row in rows[1:]:
        segment = dict(zip(rows[0], row, strict=False))
        unused = segment["nattch"] == "0" and segment["uid"] == str(os.geteuid())
        if unused and segment["key"] in keys:
            argv = ["ipcrm", "-m", segment["shmid"]]
            subprocess.run(argv, capture_output=True, check=False)


def _data_directories(state: Path) -> list[Path]:
    found = [state / "template", *state.glob("hosts/*/data/*/*")]
    return [folder for folder in found if folder.is_dir()]
