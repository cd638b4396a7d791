"""What gpaddmirrors and gprecoverseg share: who copies what from whom, and doing it."""

import contextlib
import shlex
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from gpmirror.lab.utilities.console import Broken, Session
from gpmirror.lab.utilities.remote import Action, Outcome, Remote, Request, Task, in_parallel
from gpmirror.model.segment import Segment
from gpmirror.values import dataclass

# --- How copies go: lines redrawn on the terminal, and `recovery_progress.file` in the logs.


_EVERY_SECONDS = 0.5
_FILE = "recovery_progress.file"


class Progress:
    """Tells, while entered, the last line of each task's log. 5 tells nothing but dots.

    `rows` are (who, task). The file is removed at a normal end; a killed run leaves it, and
    gpstate then goes on reporting segments in recovery. All hosts share this machine's disk, so
    the logs are read where they lie.
    """

    def __init__(self, session: Session, rows: Sequence[tuple[str, Task]]) -> None:
        self._session = session
        self._rows = rows
        self._file = session.logs / _FILE
        self._said: dict[int, str] = {}
        self._drawn = False
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watcher.join()
        self._file.unlink(missing_ok=True)
        if self._session.old or not self._rows:
            self._session.console.raw(". \n")
            return
        self._draw(ended=True)

    def _watch(self) -> None:
        while not self._over.wait(_EVERY_SECONDS):
            if not self._session.old:
                self._look()
                self._draw(ended=False)

    def _look(self) -> None:
        lines = []
        for _, task in self._rows:
            last = _last_line(Path(task.log))
            self._said[task.dbid] = last or self._said.get(task.dbid, "")
            if " kB (" in last:
                kind = "full" if task.full else "incremental"
                lines.append(f"{kind}:{task.dbid}:{last}\n")
        # a kill between truncating and writing would leave nothing
        whole = self._file.with_suffix(".new")
        with contextlib.suppress(OSError):
            whole.write_text("".join(lines), encoding="utf-8")
            whole.replace(self._file)

    def _draw(self, *, ended: bool) -> None:
        up = f"\x1b[{len(self._rows)}A" if self._drawn else ""
        lines = (f"{who}: {self._line(task, ended=ended)}\x1b[K\n" for who, task in self._rows)
        self._drawn = True
        self._session.console.raw(up + "".join(lines))

    def _line(self, task: Task, *, ended: bool) -> str:
        """A log that is gone belongs to a copy that worked."""
        found = _last_line(Path(task.log))
        if found or not ended:
            return found or self._said.get(task.dbid, "")
        return "pg_basebackup: base backup completed" if task.full else "Done!"


def _last_line(file: Path) -> str:
    """The last line that says something; "" without a file."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    lines = [line.rstrip() for line in text.replace("\r", "\n").split("\n") if line.strip()]
    return lines[-1] if lines else ""


# --- What gpaddmirrors and gprecoverseg share: who copies what from whom, and doing it.


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """One mirror to make: `target` is its row as it will be, `failed` its row as it is (None: it
    is new), `source` the acting primary's row.
    """

    target: Segment
    source: Segment
    failed: Segment | None = None
    full: bool = True

    @property
    def in_place(self) -> bool:
        """Whether the mirror stays where it is."""
        return self.failed is not None and _spot(self.failed) == _spot(self.target)


def _spot(segment: Segment) -> tuple[str, int, str | None]:
    return segment.address, segment.port, segment.directory


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """How a run reaches the hosts: `hosts` at a time, `per_host` segments on each."""

    session: Session
    remote: Remote
    hosts: int
    per_host: int

    def all_do(
        self, action: Action, tasks: Sequence[tuple[str, Task]]
    ) -> dict[int, tuple[str, Outcome]]:
        """Every host does its tasks; addresses and outcomes by dbid. A task's address says its
        host.
        """
        grouped: dict[str, list[Task]] = {}
        for address, task in tasks:
            grouped.setdefault(address, []).append(task)

        def one(address: str) -> list[Outcome]:
            return self.remote.ask(address, self._request(action, address, grouped[address]))

        answers = in_parallel(one, list(grouped), self.hosts)
        pairs = zip(grouped, answers, strict=True)
        return {o.dbid: (address, o) for address, outcomes in pairs for o in outcomes}

    def _request(self, action: Action, address: str, tasks: list[Task]) -> Request:
        host = self.remote.host(address)
        return Request(
            action=action,
            state=str(self.session.lab.state),
            host=host.name if host else address,
            at_once=self.per_host,
            tasks=tuple(tasks),
        )


def task_of(session: Session, recovery: Recovery, stamp: str = "") -> Task:
    """What the target's host is asked to do, with the faults of this run."""
    target, source, faults = recovery.target, recovery.source, session.faults
    host = Remote(session.lab).host(target.address)
    kind = "pg_basebackup" if recovery.full else "pg_rewind"
    log = f"{host.home if host else ''}/gpAdminLogs/{kind}.{stamp}.dbid{target.dbid}.out"
    wanted = Task(
        content=target.content,
        dbid=target.dbid,
        directory=target.directory or "",
        port=target.port,
        source=(session.lab.resolve(source.address), source.port),
        full=recovery.full,
        overwrite=session.old or recovery.failed is not None,
        seconds=faults.delay(target.content, host.name if host else ""),
        log=log,
        filespaces=tuple(path for _, path in target.filespaces),
    )
    if target.content in faults.fail_copy:
        return replace(wanted, fault="copy")
    if target.content in faults.fail_replication and session.old:
        return replace(wanted, fault="mirroring")
    return replace(wanted, fault="start") if target.content in faults.fail_start else wanted


def copy_all(crew: Crew, recoveries: Sequence[Recovery]) -> list[tuple[Recovery, Task, Outcome]]:
    """Copy and start every mirror, telling how it goes meanwhile; in the recoveries' order."""
    stamp = time.strftime("%Y%m%d_%H%M%S")
    tasks = [task_of(crew.session, recovery, stamp) for recovery in recoveries]
    shown = sorted(zip(recoveries, tasks, strict=True), key=lambda pair: pair[1].dbid)
    rows = [(f"{r.target.hostname} (dbid {t.dbid})", t) for r, t in shown]
    with Progress(crew.session, rows):
        placed = [(r.target.address, t) for r, t in zip(recoveries, tasks, strict=True)]
        outcomes = crew.all_do("copy", placed)
    return [(r, t, outcomes[t.dbid][1]) for r, t in zip(recoveries, tasks, strict=True)]


def resynchronise(crew: Crew, recoveries: Sequence[Recovery]) -> None:
    """Full copies, made in the background (5)."""
    stamp = time.strftime("%Y%m%d_%H%M%S")
    crew.all_do("resync", [(r.target.address, task_of(crew.session, r, stamp)) for r in recoveries])


def stand_still(session: Session) -> None:
    """The fault that makes a utility wait just before it writes to the catalog."""
    time.sleep(session.faults.hang_before_catalog)


def era() -> str:
    """The line that names the cluster's era."""
    return f"era is 8ee3ebb3041964e3_{time.strftime('%y%m%d%H%M%S')}"


def table(rows: Iterable[tuple[str, object]]) -> list[str]:
    """`   key   = value` lines, keys as wide as the widest."""
    found = list(rows)
    width = max(len(key) for key, _ in found) + 3
    return [f"   {key:<{width}}= {value}" for key, value in found]


def instance(kind: str, segment: Segment) -> list[tuple[str, object]]:
    """The rows that describe one segment in a summary."""
    rows: list[tuple[str, object]] = [
        (f"{kind} instance host", segment.hostname),
        (f"{kind} instance address", segment.address),
        (f"{kind} instance directory", segment.directory),
        (f"{kind} instance port", segment.port),
    ]
    if segment.replication_port is not None:
        rows.append((f"{kind} instance replication port", segment.replication_port))
    return rows + [(f"{kind} instance {name} directory", path) for name, path in segment.filespaces]


# --- Letting mirrors in: replication lines in the primaries' pg_hba.conf, as the native tools add.


def allow_replication(crew: Crew, recoveries: Sequence[Recovery]) -> None:
    """Add the lines once, reload, and say so. Raises Broken at a host that does not answer; lines
    already written stay.
    """
    crew.session.console.info("Starting to create new pg_hba.conf on primary segments")
    add_lines(crew, recoveries)
    said = "Successfully modified pg_hba.conf on primary segments to allow replication connections"
    crew.session.console.info(said)


def add_lines(crew: Crew, recoveries: Sequence[Recovery]) -> None:
    """The same without a word."""
    _ask_interfaces(crew, recoveries)
    by_host: dict[str, list[Recovery]] = {}
    for recovery in recoveries:
        by_host.setdefault(recovery.source.address, []).append(recovery)

    def one(address: str) -> int:
        script = "; ".join(_lines(crew, r) for r in by_host[address])
        return crew.remote.run(address, script).returncode

    for address, code in zip(by_host, in_parallel(one, list(by_host), crew.hosts), strict=True):
        if code:
            raise Broken(f"pg_hba.conf on {address} could not be changed: exit status {code}")


def _ask_interfaces(crew: Crew, recoveries: Iterable[Recovery]) -> None:
    addresses = list(dict.fromkeys(r.target.address for r in recoveries))
    command = 'echo "START_CMD_OUTPUT";/usr/local/greenplum-db/libexec/ifaddrs --no-loopback'

    def one(address: str) -> str:
        done = crew.remote.run(address, "true")
        return done.stderr.strip() if done.returncode else ""

    answers = in_parallel(one, addresses, crew.hosts)
    for address, complaint in zip(addresses, answers, strict=True):
        if complaint:
            crew.session.console.stderr(complaint)
            argv = ["ssh", "-n", address, command]
            raise Broken(f"Command '{argv}' returned non-zero exit status 255")


def _lines(crew: Crew, recovery: Recovery) -> str:
    lab, primary = crew.session.lab, recovery.source
    host = crew.remote.host(recovery.target.address)
    own = crew.remote.host(primary.address)
    wanted = [f"host replication {lab.user} samehost trust"]
    for ip in host.ips if host else ():
        wanted += [
            f"host all {lab.user} {ip}/32 trust",
            f"host replication {lab.user} {ip}/32 trust",
        ]
    wanted += [f"host replication {lab.user} {ip}/32 trust" for ip in (own.ips if own else ())]
    return _script(crew, primary, wanted)


def _script(crew: Crew, primary: Segment, wanted: Sequence[str]) -> str:
    directory = shlex.quote(primary.directory or "")
    file = f"{directory}/pg_hba.conf"
    adding = "; ".join(
        f"grep -qxF {shlex.quote(line)} {file} || echo {shlex.quote(line)} >> {file}"
        for line in wanted
    )
    control = shlex.quote(str(crew.session.lab.pg_bin / "pg_ctl"))
    return f"{adding}; {control} -D {directory} reload >/dev/null 2>&1"
