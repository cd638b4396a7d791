"""The life of a practice cluster: up, down, the loss and return of a host, and what runs now."""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

import psycopg

from gpmirror.errors import Failure, Locked
from gpmirror.lab import servers, ssh
from gpmirror.lab.building import Means, Say, Shape, build, in_parallel, shape_of
from gpmirror.lab.faults import EVERY, read_faults
from gpmirror.lab.layout import Lab, LabHost, read_lab
from gpmirror.lab.processes import alive, end, free_memory, host_processes, lab_processes, utilities
from gpmirror.lab.servers import crash, is_ready
from gpmirror.values import dataclass

# --- The life of a practice cluster: up, down, the loss and return of a host.


_READY = "ready"
_HERE = {  # by whether directories stand in filespaces
    False: "SELECT address, datadir FROM gp.gp_segment_configuration"
    " WHERE content >= 0 AND (role = 'p' OR status = 'u')",
    True: "SELECT c.address, e.fselocation FROM gp.gp_segment_configuration c"
    " JOIN gp.pg_filespace_entry e ON e.fsedbid = c.dbid AND e.fsefsoid = 3052"
    " WHERE c.content >= 0 AND (c.role = 'p' OR c.status = 'u')",
}


def up(state: Path, shape: Shape, means: Means, say: Say) -> Lab:
    """The lab of this shape, built if it is not there. The caller holds the lock.

    Raises Failure: another shape is up, or building failed (then nothing is left of it).
    """
    if lab := running(state):
        if shape_of(lab) != shape:
            raise Failure(
                f"a practice cluster of another shape is up in {state}: {_words(shape_of(lab))}",
                hint="`gpmirror lab down` removes it",
            )
        say(f"A practice cluster is up already in {state}")
        return lab
    if any(state.iterdir()):
        say(f"Clearing away what an earlier practice cluster left in {state}")
        clear(state)
    try:
        lab = build(state, shape, means, say)
        (state / _READY).touch()
    except BaseException:
        clear(state)
        raise
    return lab


def running(state: Path) -> Lab | None:
    """The lab, if it was built to the end and anything of it still runs."""
    if not (state / _READY).exists():
        return None
    with contextlib.suppress(Failure):
        lab = read_lab(state)
        if prober(lab) is not None or any(ssh.sshd_process(host) for host in lab.everywhere):
            return lab
    return None


def prober(lab: Lab) -> int | None:
    """The prober's process id, None where it does not run."""
    try:
        pid = int((lab.state / "prober.pid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return pid if alive(pid) and pid in lab_processes(lab.state) else None


def clear(state: Path) -> None:
    """End every process of the lab and empty its folder. Raises Failure: something stays."""
    ips = _ips(state)
    if stubborn := end(lambda: lab_processes(state, ips)):
        raise Failure(
            f"processes of the practice cluster do not end: {', '.join(map(str, stubborn))}",
            hint="end them by hand, then run this again",
        )
    free_memory(state)
    for entry in list(state.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            servers.remove(entry)
        else:
            entry.unlink(missing_ok=True)
    if left := [entry.name for entry in state.iterdir()]:
        raise Failure(
            f"cannot remove {', '.join(sorted(left))} in {state}", hint="remove it by hand"
        )


def kill_host(lab: Lab, host: LabHost) -> None:
    """A host's sudden death: its servers and sessions gone, nothing written to disk before, and its
    disk out of reach. All hosts share one file system, so the data is moved aside: the host that
    replaces this one finds the same paths free, as it would on a disk of its own.
    """
    end(lambda: host_processes(lab.state, host.folder))
    if host.data.exists() and not host.disk_aside.exists():
        host.data.rename(host.disk_aside)


def restore_host(lab: Lab, host: LabHost) -> list[str]:
    """Start a host's SSH server and those of its servers that the catalog counts on; a copy marked
    down waits for gprecoverseg. Returns the directories of what was started. Raises Failure:
    another host took over its directories.
    """
    _bring_disk_back(host)
    if ssh.sshd_process(host) is None:
        ssh.start_sshd(lab, host)
        ssh.wait_sshd(host)
    alone = host.name == lab.coordinator.name
    waiting = [lab.coordinator_data] if alone else _wanted(lab, host)
    started = [data for data in waiting if servers.postmaster(data) is None and data.is_dir()]
    in_parallel(lambda data: servers.start(lab, host, data), started)
    for data in started:
        servers.wait_ready(host, data)
    return [str(data) for data in started]


def _bring_disk_back(host: LabHost) -> None:
    if not host.disk_aside.exists():
        return
    if any(path.is_file() for path in host.data.rglob("*")):
        raise Failure(
            f"{host.name} cannot come back: the host that replaced it uses {host.data} now, and "
            "hosts of a practice cluster share one file system",
            hint="`gpmirror lab down`, then `gpmirror lab up`, to practise anew",
        )
    servers.remove(host.data)
    host.disk_aside.rename(host.data)


def _wanted(lab: Lab, host: LabHost) -> list[Path]:
    try:
        with psycopg.connect(**lab.conninfo(connect_timeout=5)) as server:  # type: ignore[arg-type]
            rows = server.execute(_HERE[lab.release.old].encode()).fetchall()
    except psycopg.OperationalError as error:
        raise Failure(
            f"the coordinator does not answer, so what belongs on {host.name} is not known",
            hint=f"`gpmirror lab restore {lab.coordinator.name}` first",
        ) from error
    here = (*host.names, *host.ips)
    return [Path(data) for address, data in rows if address in here]


def _ips(state: Path) -> tuple[str, ...]:
    with contextlib.suppress(Failure):
        return tuple(ip for host in read_lab(state).everywhere for ip in host.ips)
    return ()


def _words(shape: Shape) -> str:
    more = [f"{shape.spares} spare"] if shape.spares else []
    each = f"{shape.primaries} primaries" + (" or one more" if shape.uneven else "")
    nics = [f"{shape.interfaces} addresses each"] if shape.interfaces > 1 else []
    return ", ".join((f"{shape.hosts} hosts with {each}", *more, *nics, shape.release.name))


# --- A primary's death on order: its mirror acts as primary afterwards, the host lives on.


_ROWS = {  # by whether directories stand in filespaces
    False: "SELECT role::text, mode::text, status::text, address, datadir"
    " FROM gp.gp_segment_configuration WHERE content = %s",
    True: "SELECT c.role::text, c.mode::text, c.status::text, c.address, e.fselocation"
    " FROM gp.gp_segment_configuration c"
    " JOIN gp.pg_filespace_entry e ON e.fsedbid = c.dbid AND e.fsefsoid = 3052"
    " WHERE c.content = %s",
}
_SECONDS = 60.0
_AGAIN = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copy:
    """A copy as the catalog has it."""

    mode: str
    status: str
    address: str
    directory: Path


def fail_over(lab: Lab, content: int) -> tuple[str, str]:
    """Kill a content's acting primary and wait until its mirror acts. Names of the host that acts
    now and of the one whose copy is down. Raises Failure: there is no mirror in sync to take over.
    """
    primary, mirror = _pair(lab, content)
    crash([primary.directory])
    deadline = time.monotonic() + _SECONDS
    while _copies(lab, content)["p"].directory != mirror.directory:
        if time.monotonic() > deadline:
            raise Failure(
                f"the mirror of content {content} on {mirror.address} does not take over within "
                f"{_SECONDS:.0f} s",
                hint="`gpmirror lab status` shows whether the prober runs",
            )
        time.sleep(_AGAIN)
    return lab.host_of(mirror.address).name, lab.host_of(primary.address).name


def _pair(lab: Lab, content: int) -> tuple[_Copy, _Copy]:
    copies = _copies(lab, content)
    if "p" not in copies:
        raise Failure(
            f"the practice cluster has no content {content}", hint="`gpmirror lab status` lists it"
        )
    mirror = copies.get("m")
    if mirror is None:
        raise Failure(
            f"content {content} has no mirror that could take over",
            hint="`gpmirror apply` adds mirrors",
        )
    if (mirror.status, mirror.mode) != ("u", "s"):
        raise Failure(
            f"the mirror of content {content} on {mirror.address} is not in sync (status "
            f"{mirror.status}, mode {mirror.mode}): nothing could take over",
            hint="`gpmirror plan` says how to repair it",
        )
    return copies["p"], mirror


def _copies(lab: Lab, content: int) -> dict[str, _Copy]:
    """A content's copies by acting role."""
    try:
        with psycopg.connect(**lab.conninfo(connect_timeout=5)) as server:  # type: ignore[arg-type]
            rows = server.execute(_ROWS[lab.release.old].encode(), (content,)).fetchall()
    except psycopg.OperationalError as error:
        raise Failure(
            "the coordinator of the practice cluster does not answer",
            hint=f"`gpmirror lab restore {lab.coordinator.name}` first",
        ) from error
    return {
        role: _Copy(mode=mode, status=status, address=address, directory=Path(directory))
        for role, mode, status, address, directory in rows
    }


# --- One command at a time changes a practice cluster: a lock on its folder, gone with its holder.


@contextmanager
def locked(state: Path, make: Callable[[], None]) -> Iterator[None]:
    """Hold the lab's lock; `make` makes its folder, and again if another command removed it.

    Raises Locked: another command has held it for a minute.
    """
    deadline = time.monotonic() + _SECONDS
    while True:
        make()
        with suppress(FileNotFoundError):
            folder = os.open(state, os.O_RDONLY | os.O_DIRECTORY)
            if _take(folder, state):
                break
            os.close(folder)
        if time.monotonic() > deadline:
            raise Locked(
                f"another lab command is running in {state}",
                hint="wait for it, then run this again",
            )
        time.sleep(0.05)
    try:
        yield
    finally:
        os.close(folder)


def _take(folder: int, state: Path) -> bool:
    """Whether we hold the folder, and it is still the one that the path leads to."""
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return os.path.samestat(os.fstat(folder), state.stat())


# --- What of a practice cluster runs now: hosts, servers, prober, utilities.


_ROLES_QUERY = """SELECT content, role, preferred_role, mode, status, port, address
 FROM gp_segment_configuration WHERE content >= 0 ORDER BY content, role DESC"""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostStatus:
    """One host: whether SSH answers, and a few words on each of its servers."""

    name: str
    ips: tuple[str, ...]
    ssh: bool
    servers: tuple[str, ...]


def lab_status(lab: Lab) -> tuple[HostStatus, ...]:
    """Every host, the coordinator's first."""
    servers = _servers(lab)
    return tuple(
        HostStatus(
            name=host.name,
            ips=host.ips,
            ssh=ssh.sshd_process(host) is not None,
            servers=tuple(servers.get(host.name, ())),
        )
        for host in lab.everywhere
    )


def status_text(lab: Lab) -> str:
    """The status as a table and a few lines."""
    spares = {host.name for host in lab.spares}
    rows = [("HOST", "ADDRESS", "SSH", "SERVERS")]
    for host in lab_status(lab):
        state = "up" if host.ssh else "down"
        none = "none, spare" if host.name in spares else "none"
        rows.append((host.name, " ".join(host.ips), state, "; ".join(host.servers) or none))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = ["  ".join((*map(str.ljust, row[:3], widths), row[3])) for row in rows]
    running = sorted(utilities(lab.state).values())
    return "\n".join(
        (
            *lines,
            f"prober: {'running' if prober(lab) else 'not running'}",
            f"utilities running: {'; '.join(running) or 'none'}",
            *_slowness(lab),
            f"state: {lab.state} (account {lab.account}, {lab.release.name})",
        )
    )


def status_json(lab: Lab) -> str:
    """The same facts as JSON."""
    spares = {host.name for host in lab.spares}
    body = {
        "format_version": "1.0",
        "hosts": [{**asdict(host), "spare": host.name in spares} for host in lab_status(lab)],
        "prober": bool(prober(lab)),
        "utilities": sorted(utilities(lab.state).values()),
        "slow_copies": dict(read_faults(lab.state).slow_copy),
        "state": str(lab.state),
        "account": lab.account,
        "release": lab.release.name,
    }
    return json.dumps(body, indent=1, ensure_ascii=False) + "\n"


def _slowness(lab: Lab) -> list[str]:
    """A line where copies are slowed down."""
    told = {EVERY: "every host"}
    slow = [
        f"{told.get(key) or (f'content {key}' if key.isdecimal() else key)} {seconds:g} s"
        for key, seconds in sorted(read_faults(lab.state).slow_copy.items())
    ]
    return [f"base backups take longer: {', '.join(slow)}"] if slow else []


def _servers(lab: Lab) -> dict[str, list[str]]:
    """Words on each server by host name; those of segments as the catalog has them."""
    up = "up" if is_ready(lab.coordinator_data) else "down"
    words = {lab.coordinator.name: [f"coordinator {lab.coordinator_port} {up}"]}
    try:
        with psycopg.connect(**lab.conninfo(connect_timeout=3)) as server:  # type: ignore[arg-type]
            rows = server.execute(_ROLES_QUERY).fetchall()
    except psycopg.Error:
        return words
    for row in rows:
        host = _host(lab, row[6])
        if host is not None:
            words.setdefault(host.name, []).append(_segment_words(*row[:6]))
    return words


def _host(lab: Lab, address: str) -> LabHost | None:
    return next((host for host in lab.everywhere if address in (*host.names, *host.ips)), None)


def _segment_words(*row: object) -> str:
    content, role, preferred, mode, status, port = row
    kind = {"p": "primary", "m": "mirror"}[str(role)]
    switched = "" if role == preferred else ", role switched"
    return f"{kind} {content} on {port} ({status} {mode}{switched})"
