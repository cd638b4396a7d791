"""The life of a practice cluster: up, down, the loss and return of a host."""

import contextlib
from pathlib import Path

import psycopg

from gpmirror.errors import Failure
from gpmirror.lab import servers, ssh
from gpmirror.lab.building import Means, Say, Shape, build, in_parallel, shape_of
from gpmirror.lab.layout import Lab, LabHost, read_lab
from gpmirror.lab.memory import free_memory
from gpmirror.lab.processes import alive, end, host_processes, lab_processes

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
