"""Making one mirror on its own host: looking, copying, settings, start."""

import contextlib
import os
import socket
from pathlib import Path

from gpmirror.lab.layout import Lab, LabHost
from gpmirror.lab.servers import server_log, write_instance
from gpmirror.lab.utilities import settings
from gpmirror.lab.utilities.backup import base_backup, make_slot, rewind, room
from gpmirror.lab.utilities.running import program, sql
from gpmirror.lab.utilities.tasks import Outcome, Task

_START_SECONDS = 60
_NOT_STARTED = "Start failed; check segment logfile."
_NOT_MIRRORING = "Failure in segment mirroring; check segment logfile"
_AGAIN = """UPDATE gp_segment_configuration SET mode = 'r', status = 'u' WHERE content = {content}
AND EXISTS (SELECT 1 FROM gp_segment_configuration WHERE content = {content} AND status = 'd')"""


def check_empty(_lab: Lab, _host: LabHost, task: Task) -> Outcome:
    """Whether a new copy may go there: the one thing natively looked at. A missing parent is told
    apart, because 5 refuses it and 6 creates it.
    """
    for path in (task.directory, *task.filespaces):
        with contextlib.suppress(OSError):
            if any(Path(path).iterdir()):
                said = f"Segment directory '{path}' exists but is not empty!"
                return Outcome(dbid=task.dbid, failed="setup", said=said)
        if not Path(path).parent.is_dir():
            said = f"Parent directory for system data directory '{path}' does not exist"
            return Outcome(dbid=task.dbid, said=said)
    return Outcome(dbid=task.dbid)


def make_directory(_lab: Lab, _host: LabHost, task: Task) -> Outcome:
    """The directories of a new mirror (5), mode 0700 whatever they were; their parents must be
    there. A file marks them as begun: half-built ones are refused as not empty later.
    """
    for path in map(Path, (task.directory, *task.filespaces)):
        try:
            path.mkdir(mode=0o700, exist_ok=True)
            path.chmod(0o700)
            (path / "PG_VERSION").touch()
        except OSError as error:
            return Outcome(dbid=task.dbid, failed="setup", said=str(error))
    return Outcome(dbid=task.dbid)


def stop(lab: Lab, _host: LabHost, task: Task) -> Outcome:
    """Stop the server in the directory, quickly if it must be; `said` is the PID it had."""
    try:
        lines = (Path(task.directory) / "postmaster.pid").read_text(encoding="utf-8")
        pid = int(lines.splitlines()[0])
        os.kill(pid, 0)
    except (OSError, ValueError, IndexError):
        return Outcome(dbid=task.dbid)
    for mode in ("fast", "immediate"):
        words = ["-D", task.directory, "-m", mode, "-w", "-t", "20", "stop"]
        if program(lab, "pg_ctl", *words).returncode == 0:
            break
    return Outcome(dbid=task.dbid, said=str(pid))


def copy_and_start(lab: Lab, host: LabHost, task: Task) -> Outcome:
    """A running mirror, or the step at which it failed."""
    Path(task.log).parent.mkdir(parents=True, exist_ok=True)
    with Path(task.log).open("a", encoding="utf-8") as log:
        if not make_slot(lab, task, log.write) or not _copy(lab, task, log.fileno()):
            return Outcome(dbid=task.dbid, failed="copy")
        log.write("\n" if task.full else "")
    for path in task.filespaces:
        with contextlib.suppress(OSError):
            Path(path).mkdir(mode=0o700, parents=True, exist_ok=True)
    settings.make_mirror(lab, host, task)
    if task.fault == "mirroring":
        write_instance(host, Path(task.directory), task.port)
    if not _start(lab, host, task):
        return Outcome(dbid=task.dbid, failed="start")
    Path(task.log).unlink(missing_ok=True)
    return Outcome(dbid=task.dbid)


def resynchronise(lab: Lab, host: LabHost, task: Task) -> Outcome:
    """The same after the utility has returned (5). Should the prober have lost patience meanwhile,
    the pair is said to be resynchronising once more.
    """
    outcome = copy_and_start(lab, host, task)
    if not outcome.failed:
        where = (lab.coordinator.ip, lab.coordinator_port)
        sql(lab, where, _AGAIN.format(content=task.content))
    return outcome


def check_port(lab: Lab, host: LabHost, task: Task) -> Outcome:
    """Whether a mirror could start at all, and listen on its port."""
    if task.fault == "start":
        return Outcome(dbid=task.dbid, failed="start", said=_NOT_STARTED)
    if task.fault == "mirroring":
        copy_and_start(lab, host, task)
        return Outcome(dbid=task.dbid, failed="start", said=_NOT_MIRRORING)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.ip, task.port))
        except (OSError, OverflowError) as error:
            return Outcome(dbid=task.dbid, failed="start", said=str(error))
    return Outcome(dbid=task.dbid)


def _copy(lab: Lab, task: Task, log: int) -> bool:
    if task.full:
        with room(task):
            return base_backup(lab, task, log)
    if task.fault == "copy":
        return False
    return rewind(lab, task, log)


def _start(lab: Lab, host: LabHost, task: Task) -> bool:
    if task.fault == "start":
        return False
    started = _start_server(lab, host, task)
    if not started and settings.only_ipv4_taken(host.ip, task.port):
        # natively it listens on the one family that is free, and is called up and in sync
        settings.make_mirror(lab, host, task, listen="::1")
        started = _start_server(lab, host, task)
    return started


def _start_server(lab: Lab, host: LabHost, task: Task) -> bool:
    log = server_log(host, Path(task.directory))
    words = ["-D", task.directory, "-l", str(log), "-w", "-t", str(_START_SECONDS), "start"]
    return program(lab, "pg_ctl", *words).returncode == 0
